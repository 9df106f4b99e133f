package server_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/server"
)

// TestRead asks every endpoint that reads, with and without something to tell.
func TestRead(t *testing.T) {
	full := &fake{
		rollouts: []*api.Rollout{shop("default"), shop("prod")},
		journal:  []api.JournalEntry{{Seq: 7, Event: "Aborted", Actor: "ann"}},
		envoys:   []api.Envoy{{ID: "edge-1", Gateway: "default/edge"}},
	}
	shopOnly := &fake{rollouts: []*api.Rollout{shop("default")}}
	tests := []struct {
		name, path string
		control    *fake
		has        string // in the body
		count      int    // how often
	}{
		{"rollouts of the default namespace", "/api/v1/rollouts", full, `"namespace":"default"`, 1},
		{"rollouts of another", "/api/v1/rollouts?namespace=prod", full, `"namespace":"prod"`, 1},
		{"rollouts of all", "/api/v1/rollouts?namespace=*", full, `"name":"shop"`, 2},
		{"no rollouts", "/api/v1/rollouts", &fake{}, `{"items":[]}`, 1},
		{"a rollout", "/api/v1/rollouts/shop", full, `"phase":"Paused"`, 1},
		{"a rollout elsewhere", "/api/v1/rollouts/shop?namespace=prod", full, `"namespace":"prod"`, 1},
		{"a journal", "/api/v1/rollouts/shop/history", full, `{"items":[{"seq":7,`, 1},
		{"an empty journal", "/api/v1/rollouts/shop/history", shopOnly, `{"items":[]}`, 1},
		{"the fleet", "/api/v1/fleet", full, `{"envoys":[{"id":"edge-1"`, 1},
		{"no fleet", "/api/v1/fleet", &fake{}, `{"envoys":[]}`, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := ask(tt.control, request(t, "GET", tt.path, ""))
			if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" {
				t.Errorf("got %d %s", w.Code, w.Header().Get("Content-Type"))
			}
			if n := strings.Count(w.Body.String(), tt.has); n != tt.count {
				t.Errorf("got %d times %s in %s", n, tt.has, w.Body)
			}
		})
	}
}

// TestRolloutIsWhole proves that a Rollout comes as its type encodes.
func TestRolloutIsWhole(t *testing.T) {
	want := shop("default")
	w := ask(&fake{rollouts: []*api.Rollout{want}}, request(t, "GET", "/api/v1/rollouts/shop", ""))
	var got api.Rollout
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, &got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// problem checks that an answer is a problem, and gives it.
func problem(t *testing.T, w *httptest.ResponseRecorder) server.Problem {
	t.Helper()
	if got := w.Header().Get("Content-Type"); got != server.ProblemType {
		t.Errorf("content type: got %q", got)
	}
	var p server.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatalf("body %q: %v", w.Body, err)
	}
	if p.Status != w.Code || p.Title != http.StatusText(w.Code) || p.Type != "about:blank" || p.Detail == "" {
		t.Errorf("status %d with problem %+v", w.Code, p)
	}
	return p
}

// TestProblems asks for what is not there, and asks a control that fails.
func TestProblems(t *testing.T) {
	healthy := &fake{rollouts: []*api.Rollout{shop("default")}}
	broken := &fake{rollouts: healthy.rollouts, err: errors.New("the disk is full")}
	tests := []struct {
		name, method, path string
		control            *fake
		status             int
		detail             string
	}{
		{"no rollout", "GET", "/api/v1/rollouts/none", healthy, 404, "default/none"},
		{"rollout elsewhere", "GET", "/api/v1/rollouts/shop?namespace=prod", healthy, 404, "prod/shop"},
		{"rollout of all namespaces", "GET", "/api/v1/rollouts/shop?namespace=*", healthy, 400, "one namespace"},
		{"journal of all namespaces", "GET", "/api/v1/rollouts/shop/history?namespace=*", healthy, 400, "one namespace"},
		{"no journal", "GET", "/api/v1/rollouts/none/history", healthy, 404, "default/none"},
		{"unknown path", "GET", "/api/v2/rollouts", healthy, 404, "/api/v2/rollouts"},
		{"unknown verb", "POST", "/api/v1/rollouts/shop/explode", healthy, 404, "explode"},
		{"wrong method", "POST", "/api/v1/fleet", healthy, 405, "GET"},
		{"verb read", "GET", "/api/v1/rollouts/shop/abort", healthy, 405, "POST"},
		{"rollout deleted", "DELETE", "/api/v1/rollouts/shop", healthy, 405, "GET"},
		{"a failing control", "GET", "/api/v1/rollouts", broken, 500, "the disk is full"},
		{"a failing rollout", "GET", "/api/v1/rollouts/shop", broken, 500, "the disk is full"},
		{"a failing watch", "GET", "/api/v1/events", broken, 500, "the disk is full"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := ask(tt.control, request(t, tt.method, tt.path, ""))
			p := problem(t, w)
			path, _, _ := strings.Cut(tt.path, "?")
			if w.Code != tt.status || !strings.Contains(p.Detail, tt.detail) || p.Instance != path {
				t.Errorf("got %d %+v", w.Code, p)
			}
			if (w.Code == 405) != (w.Header().Get("Allow") != "") {
				t.Errorf("status %d with Allow %q", w.Code, w.Header().Get("Allow"))
			}
		})
	}
}

// TestRefuse proves that a handler beside the server's refuses as the server does.
func TestRefuse(t *testing.T) {
	w := httptest.NewRecorder()
	server.Refuse(w, request(t, "GET", "/api/v1/fleet", ""), http.StatusUnauthorized, "give a token, 100%")
	if p := problem(t, w); p.Detail != "give a token, 100%" || p.Instance != "/api/v1/fleet" || w.Header().Get("WWW-Authenticate") == "" {
		t.Errorf("refused with %+v", p)
	}
}

// TestUnencodable proves that a value without a JSON form is a problem, and
// not a success that breaks off.
func TestUnencodable(t *testing.T) {
	r := shop("default")
	zero := 0.0
	r.Status.Evidence[0].Evidence = 1 / zero
	w := ask(&fake{rollouts: []*api.Rollout{r}}, request(t, "GET", "/api/v1/rollouts/shop", ""))
	if p := problem(t, w); p.Status != 500 {
		t.Errorf("got %+v", p)
	}
}

// TestProbes asks for health and readiness.
func TestProbes(t *testing.T) {
	var notReady error
	h := server.New(server.Options{Control: &fake{}, Ready: func() error { return notReady }}).Handler(true)
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, request(t, "GET", path, "", "Host: pod-7.example"))
		return w
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if w := get(path); w.Code != 200 || w.Body.String() != "ok\n" {
			t.Errorf("%s: got %d %q", path, w.Code, w.Body)
		}
	}
	notReady = errors.New("the state is not loaded yet")
	if w := get("/readyz"); w.Code != 503 || problem(t, w).Detail != notReady.Error() {
		t.Errorf("not ready: got %d %s", w.Code, w.Body)
	}
	if w := get("/healthz"); w.Code != 200 {
		t.Errorf("alive but not ready: got %d", w.Code)
	}
}

// TestIndex proves that the index leads to what answers.
func TestIndex(t *testing.T) {
	f := &fake{watch: make(chan []api.Event)}
	page := ask(f, request(t, "GET", "/", ""))
	if page.Code != 200 || !strings.HasPrefix(page.Header().Get("Content-Type"), "text/html") {
		t.Fatalf("got %d %s", page.Code, page.Header().Get("Content-Type"))
	}
	links := strings.Split(page.Body.String(), `href="`)[1:]
	if len(links) < 5 {
		t.Fatalf("only %d links", len(links))
	}
	for _, link := range links {
		path, _, _ := strings.Cut(link, `"`)
		r := request(t, "GET", path, "")
		if path == "/api/v1/events" {
			continue // it does not end
		}
		if w := ask(f, r); w.Code != 200 {
			t.Errorf("%s: got %d", path, w.Code)
		}
	}
}

// TestHeaders proves that nothing is guessed or stored by a browser.
func TestHeaders(t *testing.T) {
	for _, path := range []string{"/", "/api/v1/rollouts", "/nowhere", "/metrics"} {
		h := ask(&fake{}, request(t, "GET", path, "")).Header()
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: got %v", path, h)
		}
	}
}
