package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/server"
)

// maxEvent bounds one event, in bytes.
const maxEvent = 16 << 20

// The waits between two tries to reach a server that was lost.
const (
	firstRetry = 200 * time.Millisecond
	lastRetry  = 2 * time.Second
)

// silence is how long a stream may say nothing before it is taken for dead: it
// sends a heartbeat, at the least.
const silence = 3 * server.Heartbeat

// errRemoved tells that the Rollout that was followed is gone.
var errRemoved = errors.New("the Rollout was removed")

// follow shows a Rollout each time it changes, until the context ends or the
// Rollout is removed. A connection that is lost is noted once and made again;
// one that cannot be made at first is an error.
func (c *client) follow(ctx context.Context, name string, show func(*api.Rollout), note func(string)) error {
	wait, lost := firstRetry, false
	for first := true; ; first = false {
		// The stream tells of a removal only while it is open.
		_, err := c.get(ctx, rolloutPath(name)...)
		if err == nil {
			err = c.events(ctx, func(e api.Event) error {
				wait, lost = firstRetry, false
				return pick(e, name, show)
			})
		} else if first && ctx.Err() == nil {
			return err
		}
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the end that was asked for
		case errors.Is(err, errRemoved), isNotFound(err):
			return errRemoved
		case !lost:
			lost = true
			note(fmt.Sprintf("lost the server, trying again: %v", err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		wait = min(2*wait, lastRetry)
	}
}

// isNotFound says whether the server knows no such Rollout.
func isNotFound(err error) bool {
	var p *server.Problem
	return errors.As(err, &p) && p.Status == http.StatusNotFound
}

// pick shows an event if it is about the Rollout.
func pick(e api.Event, name string, show func(*api.Rollout)) error {
	switch {
	case e.Type == "removed" && e.Name == name:
		return errRemoved
	case e.Type == "rollout" && e.Rollout != nil && e.Rollout.Name == name:
		show(e.Rollout)
	}
	return nil
}

// events reads the stream of events until it ends, and says why it did.
func (c *client) events(ctx context.Context, take func(api.Event) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	resp, err := c.send(ctx, http.MethodGet, []string{"events"}, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	quiet := time.AfterFunc(silence, cancel)
	defer quiet.Stop()
	return readEvents(resp.Body, func() { quiet.Reset(silence) }, take)
}

// readEvents reads server-sent events. alive is called for each line, comments
// included. Lines other than data are passed over: the data names its type.
func readEvents(r io.Reader, alive func(), take func(api.Event) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxEvent)
	for lines.Scan() {
		alive()
		data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data:"))
		if !ok {
			continue
		}
		var e api.Event
		if err := json.Unmarshal(data, &e); err != nil {
			return fmt.Errorf("reading an event: %w", err)
		}
		if err := take(e); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("reading events: %w", err)
	}
	return errors.New("the server ended the stream")
}
