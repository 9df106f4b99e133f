package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/internal/lab"
)

// This file proves on a real Envoy which answers are told of and count: what a
// Rollout asks for, over connections that are open already, and nothing else.

// written counts what an Envoy has sent over the error stream.
func (r *rig) written(e *lab.Envoy) uint64 {
	r.t.Helper()
	return r.stat(e, `access_logs\.grpc_access_log\.logs_written`)
}

// guarded changes the guard of the application, and nothing else.
func (r *rig) guarded(guard string) {
	r.t.Helper()
	a := r.app
	a.Guard, a.Version = guard, "v2"
	r.must(r.folder.PutApp(a))
}

// TestClientErrors: a canary that answers 404 is nobody's business, and nothing
// is sent for it, until a guard looks at the client's errors or counts them as
// errors. That holds for connections from before.
func TestClientErrors(t *testing.T) {
	r := newRig(t, options{steps: []string{"setWeight: 20", "pause: {}"}})
	e := r.envoy("edge-1", nil)
	listeners := r.stat(e, `listener_manager\.listener_(added|modified|removed)`)
	r.apps["v2"].Set(lab.Fault{FailRatio: 1, Status: http.StatusNotFound})
	l, _ := r.load(300)
	r.want("v2")
	r.await("paused at 20%", paused(20))
	r.sample(l, 1000)
	if n := r.written(e); n != 0 {
		t.Errorf("%d entries were sent for a Rollout that did not ask", n)
	}
	if s := r.rollout("shop"); !paused(20)(s) {
		t.Fatalf("404s changed the rollout: %s %s", s.Phase, s.Message)
	}

	for _, c := range []struct{ guard, says string }{
		{"{clientErrors: {}}", "ended in an error of the client"},
		{"{errorRate: {statuses: [5xx, \"404\"]}}", "the canary is worse"},
	} {
		r.guarded(c.guard)
		if s := r.rollout("shop"); !degraded(s) {
			r.does("abort", "shop")
		}
		r.await("aborted", degraded)
		r.does("retry", "shop")
		s := r.await("aborted by the guard", func(s api.RolloutStatus) bool { return degraded(s) && strings.Contains(s.Message, c.says) })
		if len(s.Evidence) == 0 {
			t.Errorf("no evidence of %q", s.Message)
		}
	}
	if n := r.stat(e, `listener_manager\.listener_(added|modified|removed)`); n != listeners {
		t.Errorf("the listener was changed: %d, before %d", n, listeners)
	}
	if r.written(e) == 0 {
		t.Error("nothing was sent for those that asked")
	}

	// Only the statuses that were named.
	r.guarded("{clientErrors: {statuses: [\"401\"]}}")
	r.does("retry", "shop")
	r.await("paused at 20%", paused(20))
	r.sample(l, 64)
	before := r.written(e)
	r.sample(l, 600)
	if n := r.written(e); n != before {
		t.Errorf("%d entries were sent of statuses that nobody asked for", n-before)
	}
}

// TestAttemptsDoNotCount: of a request that Envoy tries again the last answer
// counts, once. Half of the canary's answers fail, and hardly a request does.
// Serin's routes do not retry, so the Envoy that does has them as a file, with a
// retry policy of its own; its listener, and what that tells, is Serin's.
func TestAttemptsDoNotCount(t *testing.T) {
	r := newRig(t, options{steps: []string{"setWeight: 20", "pause: {}"}})
	r.envoy("edge-1", nil) // for the weight to be in force
	r.apps["v2"].Set(lab.Fault{FailRatio: 0.5})
	r.want("v2")
	r.await("paused at 20%", paused(20))
	port, err := lab.FreePort()
	r.must(err)
	r.envoy("edge-2", func(boot string) string { return r.retrying(boot, port) })
	calls, err := lab.NewLoad(lab.LoadOptions{Targets: []string{fmt.Sprintf("127.0.0.1:%d", port)}, Host: "shop.example", Rate: 200, Connections: 64})
	r.must(err)
	stop := r.run(calls)
	r.until("many answers have failed", func() bool { return r.apps["v2"].Failed() > 150 })
	s := r.rollout("shop")
	if !paused(20)(s) {
		t.Fatalf("attempts changed the rollout: %s %s", s.Phase, s.Message)
	}
	if failed := calls.Counts().Failed; s.Observed["v2"].Errors > failed+1 || failed > 5 {
		t.Errorf("%d requests failed for clients, %d for the guard, %d answers of the version",
			failed, s.Observed["v2"].Errors, r.apps["v2"].Failed())
	}
	// Every attempt fails: then the request does, and the guard sees it, once. Load
	// reports count attempts, so the canary seems to have more than its weight.
	before := r.apps["v2"].Failed()
	r.apps["v2"].Set(lab.Fault{FailRatio: 1})
	bad := r.await("failing", func(s api.RolloutStatus) bool { return len(s.Evidence) > 0 && s.Evidence[0].CanaryFailures >= 20 })
	answers := r.apps["v2"].Failed() - before
	stop()
	if n, failed := bad.Evidence[0].CanaryFailures, calls.Counts().Failed; n > failed || answers < 8*n {
		t.Errorf("%d failures for the guard, %d for clients, %d answers of the version", n, failed, answers)
	}
}

// retrying makes of a bootstrap one of an Envoy that has the present routes as
// they are, and tries again what failed.
func (r *rig) retrying(boot string, port int) string {
	r.t.Helper()
	var all map[string]map[string][]struct {
		Resource map[string]any `json:"resource"`
	}
	r.must(json.Unmarshal([]byte(r.does("translate", "-f", r.folder.Dir(), "--at-step", "0", "--stable", "v1", "--static", "-o", "json")), &all))
	of := all["default/edge"]
	listener, routes := of["listeners"][0].Resource, of["routes"][0].Resource
	at(listener, "address", "socket_address")["port_value"] = port
	chain := listener["filter_chains"].([]any)[0].(map[string]any)
	manager := chain["filters"].([]any)[0].(map[string]any)["typed_config"].(map[string]any)
	delete(manager, "rds")
	delete(routes, "@type")
	for _, host := range routes["virtual_hosts"].([]any) {
		for _, route := range host.(map[string]any)["routes"].([]any) {
			at(route.(map[string]any), "route")["retry_policy"] = map[string]any{"retry_on": "5xx", "num_retries": 12}
		}
	}
	manager["route_config"] = routes
	delete(listener, "@type")

	var b map[string]any
	r.must(yaml.Unmarshal([]byte(boot), &b))
	delete(b, "dynamic_resources")
	delete(b, "layered_runtime")
	static := at(b, "static_resources")
	static["listeners"] = []any{listener}
	for i, c := range of["clusters"] {
		load := of["endpoints"][i].Resource
		delete(load, "@type")
		delete(c.Resource, "@type")
		delete(c.Resource, "eds_cluster_config")
		c.Resource["type"], c.Resource["load_assignment"] = "STATIC", load
		static["clusters"] = append(static["clusters"].([]any), c.Resource)
	}
	out, err := json.Marshal(b)
	r.must(err)
	return string(out)
}

// at goes down into an object.
func at(object map[string]any, path ...string) map[string]any {
	for _, name := range path {
		object = object[name].(map[string]any)
	}
	return object
}

// run sends requests until the test or the returned function ends it.
func (r *rig) run(l *lab.Load) func() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Errorf("load: %v", err)
		}
	})
	r.t.Cleanup(stop)
	return stop
}

// TestSlowCalls: gRPC calls that hang are out before anything fails where they
// are said to be unary; where they may be streams, running long is no harm.
func TestSlowCalls(t *testing.T) {
	var hang atomic.Bool
	over := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if hang.Load() {
			select {
			case <-over:
			case <-q.Context().Done():
			}
		}
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Grpc-Status", "0")
	}))
	t.Cleanup(server.Close)
	end := sync.OnceFunc(func() { close(over) })
	t.Cleanup(end)
	good, _ := grpcServer(t)
	const streams, unary = "{latency: {objective: 200ms, warmup: 0s}}", "{latency: {objective: 200ms, warmup: 0s, grpc: unary}}"
	r := newRig(t, options{steps: []string{"setWeight: 20", "pause: {}"}, guard: streams, noSerin: true})
	r.app.Versions["v1"], r.app.Versions["v2"] = []string{good}, []string{strings.TrimPrefix(server.URL, "http://")}
	r.must(r.folder.PutApp(r.app))
	r.start()
	e := r.envoy("edge-1", nil)
	calls, err := lab.NewLoad(lab.LoadOptions{Targets: []string{fmt.Sprintf("127.0.0.1:%d", r.port)}, Host: "shop.example", Rate: 50, Connections: 8,
		MaxConnections: 500, Header: http.Header{"Content-Type": {"application/grpc"}}})
	r.must(err)
	r.run(calls)
	r.guarded(streams)
	r.await("paused at 20%", paused(20))
	hang.Store(true)
	began := time.Now()
	r.until("calls hang", func() bool { return time.Since(began) > 2*time.Second })
	if s := r.rollout("shop"); !paused(20)(s) || r.written(e) != 0 {
		t.Fatalf("long calls changed the rollout, or were told of (%d): %s %s", r.written(e), s.Phase, s.Message)
	}
	r.guarded(unary)
	s := r.await("aborted", degraded)
	if !strings.Contains(s.Message, "took longer than 200ms") {
		t.Errorf("aborted because of %q", s.Message)
	}
	end()
}
