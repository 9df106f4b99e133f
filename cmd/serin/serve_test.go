package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/serin-mesh/serin/api"
)

// shopService and shopRollout are the least that is a rollout.
const (
	shopService = `{apiVersion: v1, kind: Service, metadata: {name: shop}, spec: {ports: [{port: 80}]}}`
	shopRollout = `
apiVersion: serin.dev/v1alpha1
kind: Rollout
metadata: {name: shop}
spec:
  template: {metadata: {labels: {app.kubernetes.io/version: v1}}}
  strategy: {canary: {steps: [{setWeight: 20}, {pause: {}}]}}
`
)

// shopFolder makes a folder with a Service and its Rollout.
func shopFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	put(t, dir, "service.yaml", shopService)
	put(t, dir, "rollout.yaml", shopRollout)
	return dir
}

// running is a server in this process.
type running struct {
	options  serveOptions
	xds, web string // bound addresses
	stop     context.CancelFunc
	ended    chan error
}

// startServer starts a server on free ports, and stops it with the test. What
// is not set in the options gets a folder of its own.
func startServer(t *testing.T, o serveOptions) *running {
	t.Helper()
	if o.Config == "" {
		o.Config = shopFolder(t)
	}
	if o.DataDir == "" {
		o.DataDir = filepath.Join(t.TempDir(), "data")
	}
	o.XDSListen, o.HTTPListen = "127.0.0.1:0", "127.0.0.1:0"
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{options: o, stop: cancel, ended: make(chan error, 1)}
	ready := make(chan struct{})
	o.Ready = func(xds, http net.Addr) {
		r.xds, r.web = xds.String(), http.String()
		close(ready)
	}
	go func() { r.ended <- serve(ctx, o) }()
	select {
	case <-ready:
	case err := <-r.ended:
		cancel()
		t.Fatalf("the server does not start: %v", err)
	}
	t.Cleanup(cancel)
	return r
}

// end stops the server and waits for it.
func (r *running) end(t *testing.T) {
	t.Helper()
	r.stop()
	if err := <-r.ended; err != nil {
		t.Errorf("the server ended with %v", err)
	}
	http.DefaultClient.CloseIdleConnections()
}

// await follows the Rollout shop until it is as wanted, and gives it.
func (r *running) await(t *testing.T, wanted func(*api.Rollout) bool) *api.Rollout {
	t.Helper()
	c, err := (&connection{server: r.web, namespace: "default"}).client()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var got *api.Rollout
	err = c.follow(ctx, "shop", func(s *api.Rollout) {
		if got == nil && wanted(s) {
			got = s
			cancel()
		}
	}, func(note string) { t.Error(note) })
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// hasFinding says whether a finding of the folder has a text.
func hasFinding(text string) func(*api.Rollout) bool {
	return func(r *api.Rollout) bool { return strings.Contains(strings.Join(r.Status.Findings, "\n"), text) }
}

// TestServe proves that a server 1. is ready when it says so, 2. serves both
// addresses, 3. takes what its folder says later, 4. leaves nothing running.
func TestServe(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	r := startServer(t, serveOptions{})
	resp, err := http.Get("http://" + r.web + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("/readyz: got %s", resp.Status)
	}
	conn, err := net.Dial("tcp", r.xds)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	r.await(t, func(s *api.Rollout) bool { return s.Status.Phase == api.PhaseHealthy && s.Status.StableRS == "v1" })
	put(t, r.options.Config, "rollout.yaml", strings.Replace(shopRollout, "v1}", "v2}", 1))
	s := r.await(t, func(s *api.Rollout) bool { return s.Status.Phase == api.PhaseProgressing })
	if s.Status.CurrentPodHash != "v2" || s.Status.Canary.Weights.Canary.Weight != 0 || !strings.Contains(s.Status.Message, "no Envoy") {
		t.Errorf("got %+v", s.Status)
	}
	r.end(t)
}

// TestServeRefused is the table of starts that fail. A server that runs beside
// is not disturbed by any of them.
func TestServeRefused(t *testing.T) {
	beside := startServer(t, serveOptions{})
	dir := t.TempDir()
	put(t, dir, "empty", "# nobody\n")
	broken := t.TempDir()
	put(t, broken, "a.yaml", "kind: [")
	put(t, broken, "b.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: shop}\nspec: {prots: []}\n")
	config := shopFolder(t)
	tests := []struct {
		name   string
		change func(*serveOptions)
		err    []string
	}{
		{"folder missing", func(o *serveOptions) { o.Config = filepath.Join(dir, "none") }, []string{"none", "no such file"}},
		{"folder is a file", func(o *serveOptions) { o.Config = filepath.Join(dir, "empty") }, []string{"empty"}},
		{"folder with errors", func(o *serveOptions) { o.Config = broken },
			[]string{"no objects were accepted before", "a.yaml:1:", "b.yaml:4:8: E102", "spec.prots"}},
		{"data in the folder", func(o *serveOptions) { o.DataDir = filepath.Join(o.Config, "data") }, []string{"--data-dir", "inside the config folder"}},
		{"data is the folder", func(o *serveOptions) { o.DataDir = o.Config }, []string{"inside the config folder"}},
		{"data is a file", func(o *serveOptions) { o.DataDir = filepath.Join(dir, "empty") }, []string{"creating the data folder"}},
		{"data in use", func(o *serveOptions) { o.DataDir = beside.options.DataDir }, []string{"in use by another server", "--data-dir"}},
		{"xDS port in use", func(o *serveOptions) { o.XDSListen = beside.xds }, []string{beside.xds, "--xds-listen is in use"}},
		{"HTTP port in use", func(o *serveOptions) { o.HTTPListen = beside.web }, []string{beside.web, "--http-listen is in use"}},
		{"one port for both", func(o *serveOptions) { o.XDSListen = beside.web }, []string{"--xds-listen is in use"}},
		{"no address", func(o *serveOptions) { o.HTTPListen = "18080" }, []string{"--http-listen", "missing port"}},
		{"another's address", func(o *serveOptions) { o.XDSListen = "192.0.2.1:0" }, []string{"--xds-listen"}},
		{"token file missing", func(o *serveOptions) { o.TokenFile = filepath.Join(dir, "none") }, []string{"token file", "no such file"}},
		{"token file empty", func(o *serveOptions) { o.TokenFile = filepath.Join(dir, "empty") }, []string{"token file", "NAME:TOKEN"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := serveOptions{
				Config: config, DataDir: filepath.Join(t.TempDir(), "data"),
				XDSListen: "127.0.0.1:0", HTTPListen: "127.0.0.1:0",
				Ready: func(net.Addr, net.Addr) { t.Error("the server says it is ready") },
			}
			tt.change(&o)
			ctx, cancel := context.WithCancel(t.Context())
			o.Ready = func(net.Addr, net.Addr) {
				t.Error("the server started")
				cancel()
			}
			err := serve(ctx, o)
			cancel()
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tt.err {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("no %q in: %v", want, err)
				}
			}
		})
	}
	beside.await(t, func(r *api.Rollout) bool { return r.Status.Phase == api.PhaseHealthy })
	beside.end(t)
}

// TestServeKeepsRunning is the table of changes that are refused while a server
// runs: each is told with its place, changes nothing, and is forgotten when it
// is taken back.
func TestServeKeepsRunning(t *testing.T) {
	rollout := func(name, rest string) string {
		return "apiVersion: serin.dev/v1alpha1\nkind: Rollout\nmetadata: {name: " + name + "}\nspec:\n" +
			"  template: {metadata: {labels: {app.kubernetes.io/version: v1}}}\n  strategy:\n    canary: " + rest + "\n"
	}
	tests := []struct{ name, text, finding string }{
		{"no YAML", "a: [", "new.yaml:1:"},
		{"an unknown field", rollout("cart", "{stepps: []}"), "new.yaml:7:14: E102"},
		{"a wrong type", rollout("cart", "{steps: {}}"), "new.yaml:7:21: E104"},
		{"a weight too large", rollout("cart", "{steps: [{setWeight: 101}]}"), "new.yaml:7:34: E205"},
		{"two Rollouts for one Service", rollout("cart", "{stableService: shop}"), "E402"},
		{"a route to no Service", "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r}\n" +
			"spec: {rules: [{backendRefs: [{name: nowhere, port: 80}]}]}\n", "new.yaml:4:"},
		{"an endpoint without address", "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: s}\n" +
			"addressType: IPv4\nendpoints: [{}]\nports: [{port: 1}]\n", "new.yaml:5:"},
		{"the same object twice", shopService, "E401"},
	}
	r := startServer(t, serveOptions{})
	same := func(t *testing.T, s *api.Rollout) {
		t.Helper()
		if s.Status.Phase != api.PhaseHealthy || s.Status.StableRS != "v1" {
			t.Errorf("what ran has changed: %+v", s.Status)
		}
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			put(t, r.options.Config, "new.yaml", tt.text)
			same(t, r.await(t, hasFinding(tt.finding)))
			if err := os.Remove(filepath.Join(r.options.Config, "new.yaml")); err != nil {
				t.Fatal(err)
			}
			same(t, r.await(t, func(s *api.Rollout) bool { return len(s.Status.Findings) == 0 }))
		})
	}
	t.Run("the folder disappears", func(t *testing.T) {
		away := r.options.Config + ".away"
		if err := os.Rename(r.options.Config, away); err != nil {
			t.Fatal(err)
		}
		same(t, r.await(t, hasFinding("E100")))
		if err := os.Rename(away, r.options.Config); err != nil {
			t.Fatal(err)
		}
		same(t, r.await(t, func(s *api.Rollout) bool { return len(s.Status.Findings) == 0 }))
	})
	r.end(t)
}

// TestServeOnSaved proves that a server whose folder has errors, or has lost its
// files, starts on the objects that were accepted last, and follows the folder
// when it is right again.
func TestServeOnSaved(t *testing.T) {
	tests := []struct {
		name    string
		spoil   func(t *testing.T, dir string)
		finding string
	}{
		{"errors", func(t *testing.T, dir string) { put(t, dir, "rollout.yaml", "kind: [") }, "rollout.yaml:1:"},
		{"no files", func(t *testing.T, dir string) {
			t.Helper()
			if err := errors.Join(os.Remove(filepath.Join(dir, "rollout.yaml")), os.Remove(filepath.Join(dir, "service.yaml"))); err != nil {
				t.Fatal(err)
			}
		}, "no files"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			first := startServer(t, serveOptions{})
			first.end(t)
			o := first.options
			tt.spoil(t, o.Config)
			var logged strings.Builder
			o.Log = slog.New(slog.NewTextHandler(io.Writer(&logged), nil))
			r := startServer(t, o)
			s := r.await(t, hasFinding(tt.finding))
			if s.Status.Phase != api.PhaseHealthy || s.Status.StableRS != "v1" {
				t.Errorf("got %+v", s.Status)
			}
			put(t, o.Config, "service.yaml", shopService)
			put(t, o.Config, "rollout.yaml", strings.Replace(shopRollout, "v1}", "v2}", 1))
			r.await(t, func(s *api.Rollout) bool { return s.Status.CurrentPodHash == "v2" && len(s.Status.Findings) == 0 })
			r.end(t)
			if !strings.Contains(logged.String(), "accepted last") {
				t.Errorf("logged: %s", logged.String())
			}
		})
	}
}

// TestServeEmpty proves that a folder without files is a start: files may come.
func TestServeEmpty(t *testing.T) {
	r := startServer(t, serveOptions{Config: t.TempDir()})
	code, _, stderr := program(t, "get", "rollouts", "--server", r.web)
	if code != 0 || !strings.Contains(stderr, "no Rollouts found") {
		t.Errorf("got %d %q", code, stderr)
	}
	r.end(t)
}

// TestServeTokens proves that a token file is heeded from end to end, and that
// the journal says who it was.
func TestServeTokens(t *testing.T) {
	tokens := filepath.Join(t.TempDir(), "tokens")
	put(t, filepath.Dir(tokens), "tokens", "ann:s3cret\n")
	r := startServer(t, serveOptions{TokenFile: tokens})
	put(t, r.options.Config, "rollout.yaml", strings.Replace(shopRollout, "v1}", "v2}", 1))
	r.await(t, func(s *api.Rollout) bool { return s.Status.CurrentPodHash == "v2" })
	if code, _, stderr := program(t, "pause", "shop", "--server", r.web); code != exitFailed || !strings.Contains(stderr, "need a token") {
		t.Errorf("without token: got %d %q", code, stderr)
	}
	t.Setenv("SERIN_TOKEN", "s3cret")
	if code, stdout, stderr := program(t, "pause", "shop", "--server", r.web, "--reason", "lunch"); code != exitOK || !strings.HasPrefix(stdout, "pause: shop  Paused") {
		t.Errorf("with token: got %d %q %q", code, stdout, stderr)
	}
	code, stdout, _ := program(t, "history", "shop", "--server", r.web)
	if code != exitOK || !strings.Contains(stdout, " ann     lunch") && !strings.Contains(stdout, " ann  ") {
		t.Errorf("history: got %d\n%s", code, stdout)
	}
	r.end(t)
}

// TestCommands is the table of what the commands say about a server without
// Envoys, whose Rollout is stable.
func TestCommands(t *testing.T) {
	r := startServer(t, serveOptions{})
	tests := []struct {
		args           string
		code           int
		stdout, stderr string // regular expressions
	}{
		{"get rollouts", 0, `(?m)^NAME +PHASE.*\nshop +Healthy +2/2 +0% +0/0 +v1 +v1`, ""},
		{"get rollouts -o yaml", 0, `(?m)^    stableRS: v1$`, ""},
		{"get rollouts -A", 0, `(?m)^default +shop +Healthy`, ""},
		{"get rollouts -n prod", 0, "", `no Rollouts found; -A looks in all namespaces`},
		{"get rollouts -n prod -o json", 0, `"items": \[\]`, ""},
		{"get rollout shop", 0, `^default/shop  Healthy  v1\n`, ""},
		{"get rollout shop -o json", 0, `"phase": "Healthy"[^$]*"nextTransitionAt": null`, ""},
		{"get rollout shop -n prod", 1, "", `no such Rollout: prod/shop`},
		{"get rollout nope -w", 1, "", `no such Rollout: default/nope`},
		{"history shop", 0, `FirstVersion +v1`, ""},
		{"history nope", 1, "", `no such Rollout: default/nope`},
		{"fleet", 0, "", `no Envoy has connected`},
		{"fleet -o json", 0, `"envoys": \[\]`, ""},
		{"pause shop", 2, "", `does not apply now`},
		{"resume shop", 2, "", `does not apply now`},
		{"promote shop", 2, "", `does not apply now`},
		{"promote shop --full", 2, "", `does not apply now`},
		{"abort shop", 2, "", `does not apply now`},
		{"retry shop", 2, "", `does not apply now`},
		{"rollback shop", 2, "", `does not apply now`},
		{"rollback shop --to v0", 2, "", `does not apply now`},
		{"abort nope", 1, "", `no such Rollout: default/nope`},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			code, stdout, stderr := program(t, append(strings.Fields(tt.args), "--server", r.web)...)
			if code != tt.code {
				t.Errorf("exit code %d", code)
			}
			matches(t, "stdout", tt.stdout, stdout)
			matches(t, "stderr", tt.stderr, stderr)
		})
	}
	r.end(t)
}

// TestWatchServer proves that a watch writes a line for each change, as it
// happens, and that its end is no failure.
func TestWatchServer(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	r := startServer(t, serveOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- execute(ctx, []string{"get", "rollout", "shop", "-w", "--server", r.web}, in, io.Discard)
		in.Close()
	}()
	lines := bufio.NewScanner(out)
	next := func(want string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), want) {
				return
			}
		}
		t.Fatalf("the watch ended before %q", want)
	}
	next("shop  Healthy  step 2/2  no canary")
	put(t, r.options.Config, "rollout.yaml", strings.Replace(shopRollout, "v1}", "v2}", 1))
	next("shop  Progressing  step 0/2  weight 0% of v2")
	if code, _, stderr := program(t, "abort", "shop", "--server", r.web, "--reason", "a test"); code != exitOK {
		t.Fatalf("abort: got %d %s", code, stderr)
	}
	next("RolloutAborted: v2: aborted by")
	cancel()
	_, _ = io.Copy(io.Discard, out)
	if code := <-ended; code != exitOK {
		t.Errorf("the watch ended with %d", code)
	}
	r.end(t)
}
