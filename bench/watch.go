package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/serin-mesh/serin/api"
)

// patience bounds every wait for something that must come.
const patience = 60 * time.Second

// maxEvent bounds one event, in bytes.
const maxEvent = 1 << 20

// seen is a state of the Rollout and when it was read.
type seen struct {
	status api.RolloutStatus
	at     time.Time
}

// watch follows the event stream. Its states are read in order, by one
// goroutine at a time.
type watch struct {
	states chan seen
	last   seen
	err    error // why the stream ended; read after states is closed
}

// watch opens the event stream; the context ends it.
func (c *client) watch(ctx context.Context) (*watch, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.address+"/api/v1/events", nil)
	if err != nil {
		return nil, fmt.Errorf("opening the event stream: %w", err)
	}
	resp, err := c.http.Do(req) //nolint:bodyclose // closed by the goroutine that reads it
	if err != nil {
		return nil, fmt.Errorf("opening the event stream: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		_ = resp.Body.Close()
		return nil, fmt.Errorf("opening the event stream: %s", resp.Status)
	}
	// So large that the reader never waits: it stamps what it reads.
	w := &watch{states: make(chan seen, 1<<16)}
	go func() {
		defer close(w.states)
		defer func() { _ = resp.Body.Close() }() // it was read to its end
		w.err = w.read(resp.Body)
	}()
	return w, nil
}

// read takes the states of the Rollout shop off the stream until it ends.
func (w *watch) read(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxEvent)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		at := time.Now()
		var e api.Event
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			return fmt.Errorf("reading an event: %w", err)
		}
		if e.Rollout != nil && e.Rollout.Name == appName {
			w.states <- seen{e.Rollout.Status, at}
		}
	}
	return lines.Err()
}

// await reads on until a state is as asked for. States that were read before
// do not count.
func (w *watch) await(ctx context.Context, what string, yes func(api.RolloutStatus) bool) (seen, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		select {
		case s, ok := <-w.states:
			if !ok {
				return seen{}, fmt.Errorf("waiting until the rollout is %s: the event stream ended: %w", what, w.err)
			}
			if w.last = s; yes(s.status) {
				return s, nil
			}
		case <-ctx.Done():
			return seen{}, fmt.Errorf("waiting until the rollout is %s: %w; it is %s at %g%%: %s", what, ctx.Err(),
				w.last.status.Phase, w.last.status.Canary.Weights.Canary.Weight, w.last.status.Message)
		}
	}
}

// pausedAt tells that a step's pause has begun, so that the fleet has accepted
// its weight, in percent.
func pausedAt(percent float64) func(api.RolloutStatus) bool {
	return func(s api.RolloutStatus) bool {
		return s.Phase == api.PhasePaused && s.Canary.Weights.Canary.Weight == percent
	}
}

// abortedBy tells that the canary is out at the given number of Envoys.
func abortedBy(envoys int) func(api.RolloutStatus) bool {
	return func(s api.RolloutStatus) bool {
		return s.Abort && s.Canary.Weights.Canary.Weight == 0 && s.Fleet.Acked == envoys
	}
}

// healthyOn tells that a version is the stable one everywhere.
func healthyOn(version string) func(api.RolloutStatus) bool {
	return func(s api.RolloutStatus) bool { return s.Phase == api.PhaseHealthy && s.StableRS == version }
}
