package house_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/serin-mesh/serin"

// pkg is what `go list` says of one package.
type pkg struct {
	ImportPath string
	Dir        string
	Name       string
	Doc        string
	Imports    []string
}

func list(t *testing.T) map[string]pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Name,Doc,Imports", module+"/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	pkgs := map[string]pkg{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs[room(p.ImportPath)] = p
	}
}

// room is the name of a package as the house knows it: its path in the module.
func room(path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
}

// mayImport says for each room which other rooms it may know: data flows one
// way round.
var mayImport = map[string][]string{
	"api":         {},
	"stats":       {"api"},
	"analysis":    {"api"},
	"rollout":     {},
	"rollout/sim": {"rollout"},

	"analysis/kayenta": {},
	"analysis/run":     {"api"},

	"analysis/experiment": {"api"},
	"analysis/provider":   {"api", "analysis/kayenta", "analysis/run"},

	"snapshot":       {"api"},
	"discovery":      {"api"},
	"discovery/kube": {"api", "discovery"},
	"store":          {"api", "rollout"},
	"store/kube":     {"api", "rollout", "store"},
	"xds":            {"api", "snapshot", "stats"},
	"workload":       {"api", "rollout"},
	"runner":         {"api", "analysis/run", "analysis/experiment", "workload"},
	"control":        {"api", "rollout", "analysis", "analysis/run", "analysis/experiment", "stats", "snapshot", "store", "xds"},
	"server":         {"api", "control"},
	"admission":      {"api"},
	"cmd/serin":      {"admission", "api", "analysis", "analysis/kayenta", "analysis/provider", "analysis/run", "control", "discovery", "discovery/kube", "relay", "rollout", "runner", "server", "snapshot", "stats", "store", "store/kube", "workload", "xds", "internal/lab", "internal/schema"},
	"envoy-configs":  {"snapshot"},
	"internal/lab":   {"api", "discovery"},

	"internal/kubelab": {"internal/lab"},
	"internal/stage":   {"internal/lab"},
	"internal/schema":  {"api"},
	"internal/crd":     {"api", "internal/schema"},
}

// pure are the rooms that do no I/O, read no clock and start nothing.
var pure = []string{"rollout", "rollout/sim", "analysis", "analysis/kayenta", "analysis/run", "analysis/experiment", "snapshot"}

func TestWhoKnowsWhom(t *testing.T) {
	pkgs := list(t)
	for name, allowed := range mayImport {
		p, ok := pkgs[name]
		if !ok {
			t.Errorf("the house has no room %q", name)
			continue
		}
		for _, path := range p.Imports {
			if !strings.HasPrefix(path, module) {
				continue
			}
			if r := room(path); !contains(allowed, r) {
				t.Errorf("%s must not import %s", name, r)
			}
		}
	}
}

// TestPure: the pure rooms touch no clock, context, logger, file or network,
// directly; and nothing in them starts a goroutine that would need them.
func TestPure(t *testing.T) {
	forbidden := []string{"context", "log", "log/slog", "os", "net", "net/http", "os/exec", "io/fs",
		"sync/errgroup", "github.com/fsnotify/fsnotify", "google.golang.org/grpc", "k8s.io/client-go", "go.etcd.io/bbolt"}
	pkgs := list(t)
	for _, name := range pure {
		for _, path := range pkgs[name].Imports {
			for _, f := range forbidden {
				if path == f || strings.HasPrefix(path, f+"/") && f != "log" && f != "net" && f != "os" {
					t.Errorf("%s is pure and must not import %s", name, path)
				}
			}
		}
	}
	for _, path := range pkgs["rollout"].Imports {
		if strings.Contains(path, ".") {
			t.Errorf("rollout is pure and must not import %s", path)
		}
	}
}

// TestPureCallsNoClock reads the sources, which imports cannot tell about.
func TestPureCallsNoClock(t *testing.T) {
	pkgs := list(t)
	for _, name := range pure {
		files, err := filepath.Glob(filepath.Join(pkgs[name].Dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no sources of %s: %v", name, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, bad := range impure(t, file) {
				t.Errorf("%s: %s", file, bad)
			}
		}
	}
}

// only says who alone may import something.
func TestOnly(t *testing.T) {
	rules := []struct {
		prefix string
		rooms  []string
	}{
		{"github.com/envoyproxy/go-control-plane", []string{"xds", "snapshot", "bench"}}, // bench: the peer it is measured beside
		{"k8s.io/client-go", []string{"discovery", "discovery/kube", "workload", "runner", "store", "store/kube", "cmd/serin", "internal/kubelab", "bench"}},
		{"go.etcd.io/bbolt", []string{"store"}},
		{"github.com/spf13/cobra", []string{"cmd/serin"}},
	}
	for name, p := range list(t) {
		for _, path := range p.Imports {
			if path == "k8s.io/client-go/util/jsonpath" {
				continue // a language, not a client
			}
			for _, r := range rules {
				if strings.HasPrefix(path, r.prefix) && !contains(r.rooms, name) {
					t.Errorf("%s must not import %s: only %v may", name, path, r.rooms)
				}
			}
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	for name, p := range list(t) {
		if len(p.Doc) < 20 {
			t.Errorf("%s has no package comment", name)
		}
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
