package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/server"
)

// TestReadEvents reads streams, whole and broken.
func TestReadEvents(t *testing.T) {
	stop := errors.New("enough")
	tests := []struct {
		name, text string
		want       []string // types of the events
		err        string
	}{
		{"events and comments", "retry: 1000\n\n: nothing new\n\nevent: rollout\ndata: {\"type\":\"rollout\"}\n\ndata:{\"type\":\"removed\"}\n\n",
			[]string{"rollout", "removed"}, "ended the stream"},
		{"nothing", "", nil, "ended the stream"},
		{"CRLF", "data: {\"type\":\"rollout\"}\r\n\r\n", []string{"rollout"}, "ended the stream"},
		{"no JSON", "data: {\n\n", nil, "reading an event"},
		{"told to stop", "data: {\"type\":\"stop\"}\n\ndata: {\"type\":\"rollout\"}\n\n", []string{"stop"}, stop.Error()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			alive := 0
			err := readEvents(strings.NewReader(tt.text), func() { alive++ }, func(e api.Event) error {
				got = append(got, e.Type)
				if e.Type == "stop" {
					return stop
				}
				return nil
			})
			if diff := cmp.Diff(tt.want, got); diff != "" || err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("got %v, -want +got:\n%s", err, diff)
			}
			if (alive == 0) != (tt.text == "") {
				t.Errorf("alive %d times", alive)
			}
		})
	}
}

// FuzzReadEvents proves that no stream makes a client fail otherwise than with
// an error.
func FuzzReadEvents(f *testing.F) {
	for _, seed := range []string{"", "data: {}\n\n", "data: {\"rollout\":{\"spec\":{}}}\n", ": x\n", "data: null\n", "data"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		lines, events := 0, 0
		err := readEvents(strings.NewReader(text), func() { lines++ }, func(api.Event) error { events++; return nil })
		if err == nil || events > lines {
			t.Errorf("%d events in %d lines, error %v", events, lines, err)
		}
	})
}

// scripted is a server of events: each connection gets the next text and is
// then cut off. While there is none left, the Rollout is not found.
type scripted struct {
	texts []string
	next  atomic.Int64
}

func (s *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := int(s.next.Load())
	switch {
	case n >= len(s.texts):
		w.Header().Set("Content-Type", server.ProblemType)
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"status":404,"detail":"no such Rollout: default/shop"}`)
	case strings.HasSuffix(r.URL.Path, "/events"):
		s.next.Add(1)
		fmt.Fprint(w, s.texts[n])
	default:
		fmt.Fprint(w, "{}")
	}
}

// rolloutEvent is an event as the server sends it.
func rolloutEvent(t *testing.T, name string, phase api.Phase) string {
	t.Helper()
	r := &api.Rollout{Status: api.RolloutStatus{Phase: phase}}
	r.Name = name
	data, err := json.Marshal(api.Event{Type: "rollout", Rollout: r})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("event: rollout\ndata: %s\n\n", data)
}

// TestFollow proves that a client 1. shows its Rollout only, 2. connects again
// and notes a loss once, 3. ends when the Rollout is removed, told or not.
func TestFollow(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	healthy, paused := rolloutEvent(t, "shop", api.PhaseHealthy), rolloutEvent(t, "shop", api.PhasePaused)
	removed := "event: removed\ndata: {\"type\":\"removed\",\"namespace\":\"default\",\"name\":\"shop\"}\n\n"
	tests := []struct {
		name  string
		texts []string
		want  []string
		notes int
		err   string
	}{
		{"never there", nil, nil, 0, "no such Rollout: default/shop"},
		{"removed", []string{rolloutEvent(t, "cart", api.PhasePaused) + healthy + removed + paused}, []string{"Healthy"}, 0, "was removed"},
		{"another removed", []string{strings.Replace(removed, "shop", "cart", 1) + healthy + removed}, []string{"Healthy"}, 0, "was removed"},
		{"lost and found", []string{healthy, paused + removed}, []string{"Healthy", "Paused"}, 1, "was removed"},
		{"lost twice in a row", []string{healthy, "", removed}, []string{"Healthy"}, 1, "was removed"},
		{"removed while away", []string{healthy}, []string{"Healthy"}, 1, "was removed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := httptest.NewServer(&scripted{texts: tt.texts})
			defer s.Close()
			defer http.DefaultClient.CloseIdleConnections()
			c, err := (&connection{server: s.URL, namespace: "default"}).client()
			if err != nil {
				t.Fatal(err)
			}
			var got, notes []string
			err = c.follow(t.Context(), "shop",
				func(r *api.Rollout) { got = append(got, string(r.Status.Phase)) },
				func(note string) { notes = append(notes, note) })
			if diff := cmp.Diff(tt.want, got); diff != "" || err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("got %v, -want +got:\n%s", err, diff)
			}
			if len(notes) != tt.notes {
				t.Errorf("notes %q", notes)
			}
		})
	}
}

// TestFollowEnds proves that the end of a watch is no error.
func TestFollowEnds(t *testing.T) {
	s := httptest.NewServer(&scripted{texts: []string{rolloutEvent(t, "shop", api.PhaseHealthy), ""}})
	defer s.Close()
	c, err := (&connection{server: s.URL, namespace: "default"}).client()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = c.follow(ctx, "shop", func(*api.Rollout) { cancel() }, func(note string) { t.Error(note) })
	if err != nil {
		t.Errorf("got %v", err)
	}
}
