package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes/fake"

	"github.com/serin-mesh/serin/server"
)

// asks gives the status of a request, and what is said: the detail of a problem, which
// every answer that is not a success has to be, or the text.
func asks(t *testing.T, h http.Handler, method, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return answer(t, w.Result())
}

// answer reads a response as asks does.
func answer(t *testing.T, resp *http.Response) (int, string) {
	t.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp.StatusCode, strings.TrimSpace(string(body))
	}
	var p server.Problem
	if err := json.Unmarshal(body, &p); err != nil || p.Status != resp.StatusCode || resp.Header.Get("Content-Type") != server.ProblemType {
		t.Errorf("%d %s is no problem: %v", resp.StatusCode, body, err)
	}
	return resp.StatusCode, p.Detail
}

// elected runs a server that is elected at once, with what it does when it leads.
func elected(t *testing.T, lead func(context.Context, *replica)) {
	t.Helper()
	o := serveOptions{XDSListen: "127.0.0.1:0", HTTPListen: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := elect(ctx, o, fake.NewClientset(), "default", func(ctx context.Context, r *replica) error {
		defer cancel()
		lead(ctx, r)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestTakingOver: a server that has the lease and loads its state lives, is ready if
// it serves Envoys, and says of everything else that it has to wait.
func TestTakingOver(t *testing.T) {
	elected(t, func(ctx context.Context, r *replica) {
		get := func(method, path string) (int, string) {
			t.Helper()
			req, err := http.NewRequestWithContext(ctx, method, "http://"+r.listeners.http.Addr().String()+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			return answer(t, resp)
		}
		check := func(method, path string, want int, says string) {
			t.Helper()
			if code, text := get(method, path); code != want || !strings.Contains(text, says) {
				t.Errorf("%s %s: %d %s, want %d %s", method, path, code, text, want, says)
			}
		}
		const takes = "takes over and loads its state"
		check("GET", "/healthz", 200, "ok")
		check("GET", "/readyz", 503, takes)
		check("GET", "/api/v1/rollouts", 503, takes)
		check("POST", "/api/v1/rollouts/shop/abort", 503, takes)
		check("GET", "/metrics", 200, "serin_leader 0")
		r.node.Lead(ctx, nil, r.reports).Complete() // as if it had Envoys' resources from the leader before
		check("GET", "/readyz", 200, "ok")
		check("GET", "/api/v1/fleet", 503, takes)
	})
}

// TestRelieved: while one that answers for a follower is relieved by one that leads,
// every request is answered, by the one or the other.
func TestRelieved(t *testing.T) {
	elected(t, func(ctx context.Context, r *replica) {
		url := "http://" + r.listeners.http.Addr().String() + "/healthz"
		first, second := make(chan struct{}), make(chan struct{})
		var begun, led sync.Once
		ctx, stop := context.WithCancel(ctx)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
				for ctx.Err() == nil {
					resp, err := client.Get(url)
					if err != nil {
						t.Errorf("no answer: %v", err)
						return
					}
					code, text := answer(t, resp)
					begun.Do(func() { close(first) })
					if text == "leads" {
						led.Do(func() { close(second) })
					} else if code != http.StatusOK {
						t.Errorf("%d %s", code, text)
					}
				}
			})
		}
		<-first
		if err := r.listeners.relieve(); err != nil {
			t.Error(err)
		}
		web := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "leads") }), ReadHeaderTimeout: time.Second}
		ended := make(chan struct{})
		go func() { defer close(ended); _ = web.Serve(r.listeners.http) }()
		<-second
		stop()
		all.Wait()
		_ = web.Close()
		<-ended
	})
}

// TestFollowerRefuses: what a server that follows cannot answer is a problem.
func TestFollowerRefuses(t *testing.T) {
	elected(t, func(_ context.Context, r *replica) {
		r.takesOver.Store(false)
		h := r.handler()
		for path, want := range map[string]string{"/readyz": "has not heard from a leader", "/api/v1/rollouts": "there is no leader now"} {
			if code, text := asks(t, h, "GET", path); code != http.StatusServiceUnavailable || !strings.Contains(text, want) {
				t.Errorf("%s: %d %s, want 503 %s", path, code, text, want)
			}
		}
	})
}
