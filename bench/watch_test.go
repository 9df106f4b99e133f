package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/serin-mesh/serin/api"
)

// state is a Rollout's state as the event stream has it.
func state(name string, phase api.Phase, percent float64, acked int) string {
	o := &api.Rollout{}
	o.Name = name
	o.Status.Phase, o.Status.Abort = phase, phase == api.PhaseDegraded
	o.Status.Canary.Weights.Canary.Weight, o.Status.Fleet.Acked = percent, acked
	data, err := json.Marshal(api.Event{Type: "rollout", Rollout: o})
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("event: rollout\ndata: %s\n\n", data)
}

// streamOf serves a text as the event stream.
func streamOf(t *testing.T, text string) *client {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/events" {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, text)
	}))
	c := newClient(strings.TrimPrefix(s.URL, "http://"))
	t.Cleanup(func() { c.close(); s.Close() })
	return c
}

// TestAwait: states are read once, in order, and only those of the Rollout that
// the bench is about.
func TestAwait(t *testing.T) {
	c := streamOf(t, "retry: 1000\n\n"+
		state("shop", api.PhaseProgressing, 20, 1)+
		state("other", api.PhasePaused, 20, 2)+
		": nothing new\n\n"+
		state("shop", api.PhasePaused, 20, 2)+
		state("shop", api.PhaseDegraded, 0, 1)+
		state("shop", api.PhaseDegraded, 0, 2))
	w, err := c.watch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s, err := w.await(t.Context(), "paused", pausedAt(20))
	if err != nil || s.status.Fleet.Acked != 2 || s.at.IsZero() {
		t.Fatalf("await gave %+v, %v", s, err)
	}
	if s, err = w.await(t.Context(), "aborted", abortedBy(2)); err != nil || s.status.Fleet.Acked != 2 {
		t.Fatalf("await gave %+v, %v", s, err)
	}
	if _, err = w.await(t.Context(), "paused again", pausedAt(20)); err == nil || !strings.Contains(err.Error(), "ended") {
		t.Errorf("after the end of the stream: %v", err)
	}
}

// TestAwaitEnds: a wait in vain ends with the context and says how things are.
func TestAwaitEnds(t *testing.T) {
	w := &watch{states: make(chan seen, 1)}
	var o api.Rollout
	if err := json.Unmarshal([]byte(`{"status":{"phase":"Progressing","message":"no Envoy is connected"}}`), &o); err != nil {
		t.Fatal(err)
	}
	w.states <- seen{status: o.Status}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := w.await(ctx, "never", func(api.RolloutStatus) bool { cancel(); return false })
	if err == nil || !strings.Contains(err.Error(), "no Envoy is connected") {
		t.Errorf("await gave %v", err)
	}
}

func TestWatchRefused(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	c := newClient(strings.TrimPrefix(s.URL, "http://"))
	defer c.close()
	if _, err := c.watch(t.Context()); err == nil {
		t.Error("a stream that is not there is no error")
	}
}

func TestWatchOfNoEvents(t *testing.T) {
	w, err := streamOf(t, "data: {\"type\": 7}\n\n").watch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.await(t.Context(), "anything", func(api.RolloutStatus) bool { return true }); err == nil ||
		!strings.Contains(err.Error(), "reading an event") {
		t.Errorf("await gave %v", err)
	}
}

// TestClient: an action is a POST of JSON; an answer that is no 200 is an error
// with what the server said.
func TestClient(t *testing.T) {
	var asked []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.Path+" "+r.Header.Get("Content-Type"))
		switch r.URL.Path {
		case "/api/v1/fleet":
			fmt.Fprint(w, `{"envoys": [{"id": "edge-1", "gateway": "default/edge"}]}`)
		case "/api/v1/rollouts/shop/retry":
			http.Error(w, "there is nothing to retry", http.StatusConflict)
		}
	}))
	defer s.Close()
	c := newClient(strings.TrimPrefix(s.URL, "http://"))
	defer c.close()
	if err := c.act(t.Context(), "abort"); err != nil {
		t.Error(err)
	}
	if want := "POST /api/v1/rollouts/shop/abort application/json"; asked[0] != want {
		t.Errorf("asked %q, want %q", asked[0], want)
	}
	if err := c.act(t.Context(), "retry"); err == nil || !strings.Contains(err.Error(), "nothing to retry") {
		t.Errorf("retry gave %v", err)
	}
	if e, err := c.envoy(t.Context(), "edge-1"); err != nil || e.Gateway != "default/edge" {
		t.Errorf("envoy gave %+v, %v", e, err)
	}
	if _, err := c.envoy(t.Context(), "edge-2"); err == nil {
		t.Error("an Envoy that is not there is no error")
	}
	if !c.ready(t.Context()) {
		t.Error("a server that answers is not ready")
	}
}
