package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/server"
)

// defaultServer is where `serin serve` answers HTTP when not told otherwise.
const defaultServer = "http://127.0.0.1:18080"

// requestTimeout bounds a request that is answered once.
const requestTimeout = 30 * time.Second

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 256 << 20

// connection is what the flags of a client command say about the server.
type connection struct {
	server    string
	token     string
	namespace string
}

// addFlags adds the flags of a command that talks to the server.
func (c *connection) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&c.server, "server", "", "HTTP address of serin serve (SERIN_SERVER; default "+defaultServer+")")
	f.StringVar(&c.token, "token", "", "token of the server's --token-file (SERIN_TOKEN)")
	f.StringVarP(&c.namespace, "namespace", "n", api.DefaultNamespace, "namespace of the Rollout")
	if takesName(cmd) {
		cmd.ValidArgsFunction = c.complete
	}
}

// client makes a client of what flags and environment say.
func (c *connection) client() (*client, error) {
	address := firstOf(c.server, os.Getenv("SERIN_SERVER"), defaultServer)
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	base, err := url.Parse(address)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("the server address %q is none; want HOST:PORT or http://HOST:PORT", address)
	}
	return &client{
		base:      base,
		token:     firstOf(c.token, os.Getenv("SERIN_TOKEN")),
		namespace: c.namespace,
		actor:     whoAmI(),
		http:      &http.Client{},
	}, nil
}

// firstOf gives the first text that is not empty.
func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// whoAmI names the person and the machine, as the journal will show them.
func whoAmI() string {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		return name
	}
	return name + "@" + host
}

// client speaks the HTTP API.
type client struct {
	base      *url.URL
	token     string
	namespace string // "*": all
	actor     string
	http      *http.Client
}

// rolloutPath is the path of a Rollout, or of something below it.
func rolloutPath(name string, rest ...string) []string {
	return append([]string{"rollouts", name}, rest...)
}

// get asks for something and gives its JSON as it came.
func (c *client) get(ctx context.Context, path ...string) ([]byte, error) {
	return c.do(ctx, http.MethodGet, path, nil)
}

// act asks for an action by its path, and gives what it acted on as it is then.
func (c *client) act(ctx context.Context, path []string, body server.ActionBody) ([]byte, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encoding the action: %w", err)
	}
	return c.do(ctx, http.MethodPost, path, data)
}

// do sends a request and gives the body of a success.
func (c *client) do(ctx context.Context, method string, path []string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	resp, err := c.send(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("reading the answer of %s: %w", c.base, err)
	}
	return data, nil
}

// send sends a request; an answer that is not a success is an error.
func (c *client) send(ctx context.Context, method string, path []string, body []byte) (*http.Response, error) {
	for i, part := range path {
		path[i] = url.PathEscape(part)
	}
	u := c.base.JoinPath(append([]string{"api", "v1"}, path...)...)
	u.RawQuery = url.Values{"namespace": {c.namespace}}.Encode()
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", c.base, err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set(server.ActorHeader, c.actor)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking Serin at %s: %w; is serin serve running there? --server or SERIN_SERVER names another", c.base, plainError(err))
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		return nil, refusal(resp)
	}
	return resp, nil
}

// plainError leaves out the method and address that the caller names.
func plainError(err error) error {
	if u, ok := err.(*url.Error); ok { //nolint:errorlint // http.Client returns it unwrapped
		return u.Err
	}
	return err
}

// refusal makes an error of an answer that is not a success.
func refusal(resp *http.Response) error {
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	var p server.Problem
	if kind != server.ProblemType || json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&p) != nil {
		return fmt.Errorf("the server answered %s, which Serin does not say; is the address right?", resp.Status)
	}
	if resp.StatusCode == http.StatusConflict {
		return &exitError{code: exitRefused, err: &p}
	}
	return &p
}
