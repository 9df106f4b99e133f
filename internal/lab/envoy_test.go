package lab

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The scripts stand in for Envoy: what is tested here is how a process is
// started and ended. The real one is in the end-to-end tests.
const (
	patient  = "#!/bin/sh\necho \"started with $*\"\nexec sleep 1000\n"
	stubborn = "#!/bin/sh\ntrap '' TERM\necho deaf\nwhile :; do sleep 0.01; done\n"
	broken   = "#!/bin/sh\necho 'cannot bind'\nexit 1\n"
)

// startScript starts a script as an Envoy.
func startScript(t *testing.T, script, admin string) *Envoy {
	t.Helper()
	dir := t.TempDir()
	e, err := StartEnvoy(EnvoyOptions{
		Name: "edge-1", Dir: dir, Bootstrap: []byte("node: {}\n"), Admin: admin,
		Path: put(t, filepath.Join(dir, "script"), script, 0o755), Concurrency: 3,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Kill(); err != nil {
			t.Error(err)
		}
		e.client.close()
	})
	return e
}

func TestEnvoyLives(t *testing.T) {
	e := startScript(t, patient, "")
	eventually(t, func() bool { return e.LogTail() != "" })
	for _, want := range []string{"--config-path", "edge-1.yaml", "--concurrency 3", "--log-level warning"} {
		if !strings.Contains(e.LogTail(), want) {
			t.Errorf("it was %s, without %q", e.LogTail(), want)
		}
	}
	data, err := os.ReadFile(e.bootstrapPath())
	if err != nil || string(data) != "node: {}\n" {
		t.Errorf("the bootstrap is %q, %v", data, err)
	}
	if err := e.Start(); err == nil {
		t.Error("an Envoy that runs was started again")
	}
	first := e.PID()
	if err := e.Restart(); err != nil {
		t.Fatal(err)
	}
	if e.PID() == first || !e.Running() {
		t.Errorf("after a restart process %d runs: %v; before it was %d", e.PID(), e.Running(), first)
	}
	if err := e.Kill(); err != nil {
		t.Fatal(err)
	}
	if e.Running() {
		t.Error("it runs after Kill")
	}
	for name, end := range map[string]func() error{"Stop": e.Stop, "Kill": e.Kill, "Close": e.Close} {
		if err := end(); err != nil {
			t.Errorf("%s of one that has ended: %v", name, err)
		}
	}
}

func TestEnvoyThatDoesNotStopIsKilled(t *testing.T) {
	e := startScript(t, stubborn, "")
	eventually(t, func() bool { return e.LogTail() == "deaf" })
	e.patience = 50 * time.Millisecond
	if err := e.Stop(); err == nil || !strings.Contains(err.Error(), "edge-1") {
		t.Errorf("got %v, want an error that names it", err)
	}
	if e.Running() {
		t.Error("it runs after Stop")
	}
}

func TestEnvoyReadySaysWhyItEnded(t *testing.T) {
	e := startScript(t, broken, "127.0.0.1:1")
	err := e.Ready(t.Context(), 1)
	if err == nil || !strings.Contains(err.Error(), "cannot bind") {
		t.Errorf("got %v, want what its log says", err)
	}
}

func TestStartEnvoyFails(t *testing.T) {
	dir := t.TempDir()
	for name, o := range map[string]EnvoyOptions{
		"no binary": {Name: "a", Dir: dir, Path: filepath.Join(dir, "absent")},
		"no folder": {Name: "a", Dir: filepath.Join(dir, "absent"), Path: "/bin/true"},
	} {
		if _, err := StartEnvoy(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// The stats of Envoy 1.40, shortened.
const statsText = `cluster.default/shop/80/v1.upstream_rq_completed: 42
cluster_manager.active_clusters: 3
control_plane.identifier: "serin: 1"
listener_manager.total_listeners_active: 1
listener_manager.workers_started: 1
http.edge.downstream_cx_length_ms: P0(nan,1.0) P50(nan,1.05)
`

// fakeAdmin is an admin listener that becomes ready at the third question.
func fakeAdmin(t *testing.T) string {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/ready":
			if asked++; asked < 3 {
				http.Error(w, "PRE_INITIALIZING", http.StatusServiceUnavailable)
			}
		case "/stats":
			_, _ = w.Write([]byte(statsText))
		case "/config_dump":
			_, _ = w.Write([]byte(r.URL.RawQuery))
		}
	}))
	t.Cleanup(server.Close)
	return host(server)
}

func TestEnvoyReadyWaits(t *testing.T) {
	e := startScript(t, patient, fakeAdmin(t))
	if err := e.Ready(t.Context(), 1); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := e.Ready(ctx, 2)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "1 of 2 listeners") {
		t.Errorf("got %v, want a deadline and the listeners that are missing", err)
	}
}

func TestEnvoyAdmin(t *testing.T) {
	e := startScript(t, patient, fakeAdmin(t))
	got, err := e.Stats(t.Context(), "shop")
	want := map[string]uint64{
		"cluster.default/shop/80/v1.upstream_rq_completed": 42,
		"cluster_manager.active_clusters":                  3,
		listenersActive:                                    1,
		workersStarted:                                     1,
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	dump, err := e.ConfigDump(t.Context())
	if string(dump) != "include_eds" || err != nil {
		t.Errorf("the dump is %q, %v", dump, err)
	}
	none := startScript(t, patient, "")
	if _, err := none.Stats(t.Context(), ""); err == nil {
		t.Error("an Envoy without an admin listener gave stats")
	}
}

func FuzzParseStats(f *testing.F) {
	f.Add([]byte(statsText))
	f.Add([]byte(": : 1\n:\nx: -1\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		lines := 1 + strings.Count(string(body), "\n")
		if got := parseStats(body); len(got) > lines {
			t.Errorf("%d values in %d lines", len(got), lines)
		}
	})
}
