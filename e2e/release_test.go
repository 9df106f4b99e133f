package e2e_test

import (
	"strings"
	"testing"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/internal/lab"
)

// springYAML ties the two applications of the test together.
const springYAML = `apiVersion: serin.dev/v1alpha1
kind: Release
metadata: {name: spring}
spec: {rollouts: [{name: cart}, {name: shop}]}
`

// TestRelease: of two applications that make one change the first goes before
// the second; the second is bad, and the first, promoted by then, goes back with
// it. No request of the first fails.
func TestRelease(t *testing.T) {
	r := newRig(t, options{steps: []string{"setWeight: 20", "pause: {}"}, noSerin: true})
	cart := lab.App{Name: "cart", Host: "cart.example", Gateways: []string{"edge"}, Version: "v1",
		Versions: map[string][]string{}, Steps: []string{"setWeight: 50", "pause: {duration: 1s}"}}
	for _, v := range []string{"v1", "v2"} {
		s, err := lab.StartService(v)
		r.must(err)
		t.Cleanup(func() { _ = s.Close() })
		cart.Versions[v] = []string{s.Address()}
	}
	r.must(r.folder.PutApp(cart))
	r.must(r.folder.Put("spring.yaml", springYAML))
	r.start()
	r.envoy("edge-1", nil)
	r.load(400)
	r.wantAnswersOf("cart.example", "v1")

	// Alone in its change the second goes at once, and ends with the Release.
	r.want("v2")
	r.await("paused at 20%", paused(20))
	r.does("abort", "spring", "--release", "--reason", "not before the cart")
	r.await("aborted", degraded)
	r.want("v1")
	r.await("healthy on v1", healthy("v1"))

	cart.Version = "v2"
	r.must(r.folder.PutApp(cart))
	r.awaitOf("cart", "under way", func(s api.RolloutStatus) bool { return s.Canary.Weights.Canary.Weight == 50 })
	r.want("v2")
	if s := r.await("waiting for its turn", func(s api.RolloutStatus) bool { return strings.Contains(s.Message, "it is the turn of cart") }); s.Release != "spring" {
		t.Errorf("the status says release %q", s.Release)
	}
	r.await("paused at 20%", paused(20))
	r.awaitOf("cart", "healthy on v2", healthy("v2"))
	r.wantAnswersOf("cart.example", "v2")

	r.apps["v2"].Set(lab.Fault{FailRatio: 1})
	r.await("aborted", degraded)
	s := r.awaitOf("cart", "back on v1", healthy("v1"))
	if !s.Pinned {
		t.Errorf("the cart went back and is not pinned: %+v", s)
	}
	r.wantAnswersOf("cart.example", "v1")
	out, _, code := r.command("get", "release", "spring")
	if code != 0 || !strings.Contains(out, "Degraded") || !strings.Contains(out, "cart") {
		t.Errorf("exit %d:\n%s", code, out)
	}
}

// wantAnswersOf checks that one version of a host answers.
func (r *rig) wantAnswersOf(host, version string) {
	r.t.Helper()
	r.until(host+" is answered by "+version, func() bool { return r.answers(10, host, "/", "")[version] == 10 })
}
