package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/serin-mesh/serin/api"
)

// Heartbeat is how often a stream of events that has nothing to tell sends a
// comment, so that both ends notice a connection that is gone.
const Heartbeat = 15 * time.Second

// streamWrite bounds one write to a stream: a reader that takes longer is gone.
const streamWrite = 10 * time.Second

// events streams changes as server-sent events: first every Rollout as it is,
// then each that changed. A reader that is slow misses states in between and
// never the last one. Source: the HTML standard, "Server-sent events".
func (s *Server) events(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	watch, err := s.control.Watch(ctx)
	if err != nil {
		return err
	}
	go func() {
		select {
		case <-s.stopping:
			cancel()
		case <-ctx.Done():
		}
	}()
	out := &stream{w: w, rc: http.NewResponseController(w), namespace: selected(r)}
	if err := out.open(); err != nil {
		return nil //nolint:nilerr // a reader that went away is nobody to tell
	}
	for ctx.Err() == nil {
		if err := out.next(ctx, watch); err != nil {
			break
		}
	}
	return nil
}

// stream is one reader of events.
type stream struct {
	w         http.ResponseWriter
	rc        *http.ResponseController
	namespace string // empty: all
}

// open starts the answer, and lifts the limits on how long a request may take.
func (s *stream) open() error {
	h := s.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // or nginx keeps events back
	_ = s.rc.SetReadDeadline(time.Time{})
	return s.write("retry: 1000\n\n")
}

// next waits for changes and writes them, or a heartbeat where there are none.
func (s *stream) next(ctx context.Context, watch Watch) error {
	wait, cancel := context.WithTimeout(ctx, Heartbeat)
	defer cancel()
	events, err := watch.Next(wait)
	switch {
	case err == nil:
		return s.send(events)
	case ctx.Err() != nil:
		return ctx.Err()
	case wait.Err() != nil:
		return s.write(": nothing new\n\n")
	}
	return err
}

// send writes the events that the reader asked for.
func (s *stream) send(events []api.Event) error {
	text := ""
	for _, e := range events {
		if s.namespace != "" && namespaceOf(e) != s.namespace {
			continue
		}
		data, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("encoding an event: %w", err)
		}
		text += fmt.Sprintf("event: %s\ndata: %s\n\n", e.Type, data)
	}
	if text == "" {
		return nil
	}
	return s.write(text)
}

// namespaceOf is the namespace of the Rollout that an event is about.
func namespaceOf(e api.Event) string {
	if e.Rollout != nil {
		return e.Rollout.Key().Namespace
	}
	return e.Namespace
}

// write sends text at once, within a time.
func (s *stream) write(text string) error {
	// A writer without deadlines, as in a test, is written to without.
	_ = s.rc.SetWriteDeadline(time.Now().Add(streamWrite))
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.rc.Flush()
}
