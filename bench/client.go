package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/serin-mesh/serin/api"
)

// client talks to Serin's HTTP API, about the Rollout shop.
type client struct {
	address string // HOST:PORT
	http    *http.Client
}

func newClient(address string) *client {
	return &client{address, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}}}
}

func (c *client) close() { c.http.CloseIdleConnections() }

// do sends a request and reads a 200 into a value; nil reads it away.
func (c *client) do(ctx context.Context, method, path, body string, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+c.address+path, strings.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return fmt.Errorf("%s %s: %w", method, path, err)
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, data)
	case into == nil:
		return nil
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("reading the answer to %s %s: %w", method, path, err)
	}
	return nil
}

// ready reports whether Serin says that it is.
func (c *client) ready(ctx context.Context) bool {
	return c.do(ctx, http.MethodGet, "/readyz", "", nil) == nil
}

// act does what a person would ask for.
func (c *client) act(ctx context.Context, verb string) error {
	return c.do(ctx, http.MethodPost, "/api/v1/rollouts/shop/"+verb, "{}", nil)
}

// envoy gives what Serin knows of one Envoy.
func (c *client) envoy(ctx context.Context, id string) (api.Envoy, error) {
	var list struct {
		Envoys []api.Envoy `json:"envoys"`
	}
	if err := c.do(ctx, http.MethodGet, "/api/v1/fleet", "", &list); err != nil {
		return api.Envoy{}, err
	}
	for _, e := range list.Envoys {
		if e.ID == id {
			return e, nil
		}
	}
	return api.Envoy{}, fmt.Errorf("the fleet has no Envoy %q", id)
}
