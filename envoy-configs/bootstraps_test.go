package envoyconfigs

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/internal/lab"
	"github.com/serin-mesh/serin/snapshot"
)

var update = flag.Bool("update", false, "write the bootstraps anew")

// TestBootstrapsAreFresh: the files are what the function makes now.
func TestBootstrapsAreFresh(t *testing.T) {
	for name, options := range Bootstraps() {
		want, err := snapshot.Bootstrap(options)
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(name, want, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if got, err := Files.ReadFile(name); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not fresh (error %v): run `go test ./envoy-configs -update`", name, err)
		}
	}
}

// TestBootstrapsAreValid: Envoy takes every file, without a warning about
// something deprecated.
func TestBootstrapsAreValid(t *testing.T) {
	for name := range Bootstraps() {
		validate(t, name)
	}
}

// TestBootstrapOptionsAreValid: so it does with every option.
func TestBootstrapOptionsAreValid(t *testing.T) {
	certificate, key := selfSigned(t)
	for name, options := range map[string]snapshot.BootstrapOptions{
		"admin": {Admin: "127.0.0.1:19000"},
		"name":  {XDS: "serin.example:18000"},
		"tls":   {XDS: "serin.example:18000", TLSCA: certificate, TLSCert: certificate, TLSKey: key},
		"ipv6":  {XDS: "[::1]:18000", TLSCA: certificate},
	} {
		options.Gateway, options.NodeID = api.Key{Name: "edge"}, "edge-1"
		text, err := snapshot.Bootstrap(options)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), name+".yaml")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		validate(t, path)
	}
}

// TestObjects: the objects of each folder are without findings and give its
// Gateway a listener and routes that reach endpoints.
func TestObjects(t *testing.T) {
	for folder, listener := range map[string]string{"edge": "default/edge/10000", "sidecar": "default/sidecar/15001"} {
		objects := load(t, folder+"/objects.yaml")
		b := snapshot.NewBuilder(snapshot.Options{})
		b.SetObjects(objects)
		for _, r := range objects.Rollouts {
			if n := b.ReadyEndpoints(r.StableService(), r.Version()); n == 0 {
				t.Errorf("%s: no endpoints of version %s", folder, r.Version())
			}
		}
		found := 0
		for _, r := range b.Resources(Bootstraps()[folder+".yaml"].Gateway) {
			if r.Name == listener && (r.Type == snapshot.Listener || r.Type == snapshot.Route && len(r.Clusters) > 0) {
				found++
			}
		}
		if found != 2 {
			t.Errorf("%s: the bootstrap's Gateway has no %s with routes", folder, listener)
		}
	}
}

// load reads objects that must be without findings.
func load(t *testing.T, name string) *api.Objects {
	t.Helper()
	text, err := Files.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	docs, findings := api.Decode(name, text)
	for _, f := range append(findings, api.Validate(docs)...) {
		t.Error(f)
	}
	return api.Collect(docs, nil)
}

// validate has Envoy check a bootstrap.
func validate(t *testing.T, path string) {
	t.Helper()
	envoy, err := lab.FindEnvoy()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), envoy, "--mode", "validate", "-c", path, "--use-dynamic-base-id", "-l", "warning").CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", path, err, last(out))
	}
	if strings.Contains(strings.ToLower(string(out)), "deprecated") {
		t.Errorf("%s: Envoy warns:\n%s", path, last(out))
	}
}

// last is the end of an output: Envoy prints the whole configuration first.
func last(out []byte) []byte {
	return out[max(0, len(out)-2_000):]
}
