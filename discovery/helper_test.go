package discovery_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/discovery"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Documents to put into files.
const (
	gateway = "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: edge}\nspec: {listeners: [{name: http, protocol: HTTP, port: 80}]}\n"
	shop    = "apiVersion: v1\nkind: Service\nmetadata: {name: shop}\nspec: {ports: [{port: 80}]}\n"
	shop81  = "apiVersion: v1\nkind: Service\nmetadata: {name: shop}\nspec: {ports: [{port: 81}]}\n"
	cart    = "apiVersion: v1\nkind: Service\nmetadata: {name: cart}\nspec: {ports: [{port: 80}]}\n"
	broken  = "apiVersion: v1\nkind: Service\nmetadata: {name: bad}\nspec: {portz: 80}\n"
)

// key names an object of the default namespace.
func key(name string) api.Key { return api.Key{Namespace: "default", Name: name} }

// write puts a file into a folder, with its parents.
func write(t *testing.T, dir, name, text string) {
	t.Helper()
	full := filepath.Join(dir, name)
	must(t, os.MkdirAll(filepath.Dir(full), 0o755))
	must(t, os.WriteFile(full, []byte(text), 0o644))
}

// must ends the test on an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// load loads a folder that can be read.
func load(t *testing.T, f *discovery.Folder) discovery.Result {
	t.Helper()
	r, err := f.Load()
	must(t, err)
	return r
}

// text gives the findings as users see them.
func text(findings []api.Finding) []string {
	var out []string
	for _, f := range findings {
		out = append(out, f.String())
	}
	return out
}

// running is a Folder in Run.
type running struct {
	results chan discovery.Result
}

// start runs a Folder until the test ends.
func start(t *testing.T, f *discovery.Folder) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, ended := &running{results: make(chan discovery.Result)}, make(chan error, 1)
	go func() {
		ended <- f.Run(ctx, func(result discovery.Result) {
			select {
			case r.results <- result:
			case <-ctx.Done():
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return r
}

// until gives the first Result that is as wanted. Others before it are the
// folder seen half way.
func (r *running) until(t *testing.T, what string, wanted func(discovery.Result) bool) discovery.Result {
	t.Helper()
	deadline := time.After(20 * time.Second)
	var last discovery.Result
	for {
		select {
		case last = <-r.results:
			if wanted(last) {
				return last
			}
		case <-deadline:
			t.Fatalf("never saw %s; the last findings are %q", what, text(last.Findings))
		}
	}
}

// hasServices reports whether a Result holds exactly the named Services.
func hasServices(names ...string) func(discovery.Result) bool {
	return func(r discovery.Result) bool {
		if r.Objects == nil || len(r.Objects.Services) != len(names) {
			return false
		}
		for _, name := range names {
			if r.Objects.Services[key(name)] == nil {
				return false
			}
		}
		return true
	}
}

// isRefused reports whether a Result is an error.
func isRefused(r discovery.Result) bool { return r.Objects == nil }
