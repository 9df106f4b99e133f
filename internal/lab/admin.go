package lab

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	readyEvery   = 10 * time.Millisecond // between two looks at an Envoy that starts
	adminTimeout = 10 * time.Second      // for one answer
	logTail      = 2000                  // bytes of the log that errors show
)

// admin talks to the admin listener of an Envoy.
type admin struct {
	address string // HOST:PORT; empty: there is none
	client  *http.Client
}

func newAdmin(address string) admin {
	return admin{address, &http.Client{Timeout: adminTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: 1}}}
}

func (a admin) close() { a.client.CloseIdleConnections() }

// do sends a request and gives the body of a 200.
func (a admin) do(ctx context.Context, method, path string) ([]byte, error) {
	if a.address == "" {
		return nil, errors.New("asking Envoy: it has no admin listener")
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+a.address+path, nil)
	if err != nil {
		return nil, fmt.Errorf("asking Envoy for %q: %w", path, err)
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking Envoy for %q: %w", path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("asking Envoy for %q: %w", path, err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("asking Envoy for %q: %s: %s", path, resp.Status, bytes.TrimSpace(body))
	}
	return body, nil
}

// stats gives the counters and gauges whose names match a regular expression.
func (a admin) stats(ctx context.Context, filter string) (map[string]uint64, error) {
	body, err := a.do(ctx, http.MethodGet, "/stats?filter="+url.QueryEscape(filter))
	if err != nil {
		return nil, err
	}
	return parseStats(body), nil
}

// parseStats reads the lines `NAME: NUMBER` of Envoy's text format. Texts and
// histograms, which have other values, are left out.
func parseStats(body []byte) map[string]uint64 {
	out := map[string]uint64{}
	lines := bufio.NewScanner(bytes.NewReader(body))
	for lines.Scan() {
		// A name may hold colons, a number cannot.
		at := strings.LastIndex(lines.Text(), ": ")
		if at < 0 {
			continue
		}
		if n, err := strconv.ParseUint(lines.Text()[at+2:], 10, 64); err == nil {
			out[lines.Text()[:at]] = n
		}
	}
	return out
}

const (
	workersStarted  = "listener_manager.workers_started"
	listenersActive = "listener_manager.total_listeners_active"
)

// ready says what is missing until an Envoy serves.
func (a admin) ready(ctx context.Context, listeners int) error {
	if _, err := a.do(ctx, http.MethodGet, "/ready"); err != nil {
		return err
	}
	stats, err := a.stats(ctx, `^listener_manager\.(workers_started|total_listeners_active)$`)
	switch {
	case err != nil:
		return err
	case stats[workersStarted] == 0:
		return errors.New("its workers have not started")
	case stats[listenersActive] < uint64(max(listeners, 0)):
		return fmt.Errorf("%d of %d listeners are active", stats[listenersActive], listeners)
	}
	return nil
}

// AdminAddress gives the host and port of the admin listener, "" without one.
func (e *Envoy) AdminAddress() string { return e.client.address }

// Stats gives the counters and gauges whose names match a regular expression
// (RE2, unanchored), by name.
func (e *Envoy) Stats(ctx context.Context, filter string) (map[string]uint64, error) {
	return e.client.stats(ctx, filter)
}

// ConfigDump gives the configuration that the Envoy has, endpoints included, as
// JSON of envoy.admin.v3.ConfigDump.
func (e *Envoy) ConfigDump(ctx context.Context) ([]byte, error) {
	return e.client.do(ctx, http.MethodGet, "/config_dump?include_eds")
}

// LogTail gives the last lines of the log, or why it cannot be read.
func (e *Envoy) LogTail() string {
	data, err := os.ReadFile(e.LogPath())
	if err != nil {
		return err.Error()
	}
	if len(data) > logTail {
		data = data[len(data)-logTail:]
		if at := bytes.IndexByte(data, '\n'); at >= 0 {
			data = data[at+1:]
		}
	}
	return string(bytes.TrimSpace(data))
}
