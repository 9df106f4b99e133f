package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/api"
)

const rolloutHead = "apiVersion: serin.dev/v1alpha1\nkind: Rollout\nmetadata: {name: other}\nspec:\n" +
	"  template: {metadata: {labels: {app.kubernetes.io/version: v1}}}\n  strategy:\n    canary:\n"

// badFiles are files that must be refused, and what the finding must say.
var badFiles = []struct {
	name, text string
	want       []string // in the finding
}{
	{"an unknown field", rolloutHead + "      stepz: []\n", []string{"bad.yaml:8:", "stepz", "unknown"}},
	{"a wrong type", rolloutHead + "      steps:\n      - setWeight: much\n", []string{"bad.yaml:9:", "setWeight"}},
	{"a weight above maxTrafficWeight", rolloutHead + "      steps:\n      - setWeight: 101\n", []string{"bad.yaml:9:", "setWeight", "100"}},
	{"two Rollouts for one Service", rolloutHead + "      stableService: shop\n", []string{"bad.yaml:", "shop", "Rollout"}},
	{"a route to a Service that is not there", `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: nowhere}
spec:
  parentRefs: [{name: edge}]
  rules:
  - backendRefs: [{name: nobody, port: 80}]
`, []string{"bad.yaml:7:", "nobody", "Service"}},
	{"an endpoint without an address", `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: none, labels: {kubernetes.io/service-name: shop, app.kubernetes.io/version: v1}}
addressType: IPv4
endpoints:
- {addresses: []}
ports: [{name: http, port: 9001}]
`, []string{"bad.yaml:6:", "address"}},
	{"no YAML at all", "kind: [\n", []string{"bad.yaml:1:"}},
}

// TestBadInput: each wrong input gets an error that names the place and the
// remedy, and nothing that runs is disturbed: the canary keeps its weight, the
// Envoy gets nothing new, no request fails.
func TestBadInput(t *testing.T) {
	r := newRig(t, options{steps: []string{"setWeight: 20", "pause: {}"}})
	e := r.envoy("edge-1", nil)
	l, stop := r.load(100)
	r.want("v2")
	r.await("paused at 20%", paused(20))
	r.inForce(20, 1)
	r.until("the Envoy is at rest", func() bool { return r.stat(e, `control_plane\.connected_state`) == 1 })
	before := r.changes(e)

	for _, tt := range badFiles {
		t.Run(tt.name, func(t *testing.T) {
			rt := *r
			rt.t = t
			rt.must(rt.folder.Put("bad.yaml", tt.text))
			s := rt.await("told of the error", hasFinding("bad.yaml"))
			wantIn(t, strings.Join(s.Findings, "\n"), tt.want)
			rt.undisturbed(s)
			out, _, code := rt.command("validate", "-f", rt.folder.Dir())
			if code != 2 {
				t.Errorf("serin validate: exit %d, want 2", code)
			}
			wantIn(t, out, tt.want)
			rt.must(rt.folder.Remove("bad.yaml"))
			rt.await("told that the error is gone", func(s api.RolloutStatus) bool { return len(s.Findings) == 0 })
		})
	}

	t.Run("a folder that disappears", func(t *testing.T) {
		rt := *r
		rt.t = t
		away := rt.folder.Dir() + ".away"
		rt.must(os.Rename(rt.folder.Dir(), away))
		rt.undisturbed(rt.await("told of the error", hasFinding(filepath.Base(rt.folder.Dir()))))
		rt.must(os.Rename(away, rt.folder.Dir()))
		rt.await("told that the folder is back", func(s api.RolloutStatus) bool { return len(s.Findings) == 0 })
	})

	serve := func(data, xds, http string) []string {
		return []string{"serve", "--config", r.folder.Dir(), "--data-dir", data, "--xds-listen", xds, "--http-listen", http}
	}
	for _, tt := range []struct {
		name string
		args []string
		want []string
	}{
		{"a data file in use by another server", serve(r.data, "127.0.0.1:0", "127.0.0.1:0"), []string{"in use by another server", "--data-dir"}},
		{"the xDS port in use", serve(t.TempDir(), r.xds, "127.0.0.1:0"), []string{r.xds, "--xds-listen", "in use"}},
		{"the HTTP port in use", serve(t.TempDir(), "127.0.0.1:0", r.http), []string{r.http, "--http-listen", "in use"}},
		{"a folder that is not there", []string{"serve", "--config", filepath.Join(t.TempDir(), "nope"), "--data-dir", t.TempDir()}, []string{"nope"}},
		{"the data folder inside the config folder", serve(filepath.Join(r.folder.Dir(), "data"), "127.0.0.1:0", "127.0.0.1:0"), []string{"--data-dir"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rt := *r
			rt.t = t
			_, errs, code := rt.command(tt.args...)
			if code != 1 {
				t.Errorf("exit %d, want 1\n%s", code, errs)
			}
			wantIn(t, errs, tt.want)
			rt.undisturbed(rt.rollout("shop"))
		})
	}

	if diff := cmp.Diff(before, r.changes(e)); diff != "" {
		t.Errorf("the Envoy was disturbed (-before +after):\n%s", diff)
	}
	r.sample(l, 50)
	if c := stop(); c.Failed != 0 {
		t.Errorf("%d of %d requests failed, last: %v", c.Failed, c.Requests, c.LastError)
	}
}

func hasFinding(text string) func(api.RolloutStatus) bool {
	return func(s api.RolloutStatus) bool { return strings.Contains(strings.Join(s.Findings, "\n"), text) }
}

func wantIn(t *testing.T, text string, parts []string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q is not in\n%s", p, text)
		}
	}
}

// undisturbed checks that the canary is as it was before the bad input.
func (r *rig) undisturbed(s api.RolloutStatus) {
	r.t.Helper()
	got := fmt.Sprintf("%s %s %g%% acked by %d", s.Phase, s.CurrentPodHash, s.Canary.Weights.Canary.Weight, s.Fleet.Acked)
	if want := "Paused v2 20% acked by 1"; got != want {
		r.t.Errorf("the rollout is %s, want %s", got, want)
	}
}
