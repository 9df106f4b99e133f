package e2e_test

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/internal/lab"
)

// richRoute sends to the application by every sort of path, with rewrites, so
// that Envoy sees managed routes in front of each.
const richRoute = `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: rich}
spec:
  parentRefs: [{name: edge}]
  hostnames: [rich.example]
  rules:
  - matches: [{path: {value: /old}}, {path: {value: /}, method: DELETE}]
    filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /new}}}]
    backendRefs: [{name: shop, port: 80}]
  - matches: [{path: {type: Exact, value: /exact}}, {path: {type: RegularExpression, value: "/re[a-z]+"}}]
    backendRefs: [{name: shop, port: 80}]
`

// newManagedRig starts Serin with a Rollout whose steps make routes.
func newManagedRig(t *testing.T, steps ...string) *rig {
	t.Helper()
	r := newRig(t, options{steps: steps, noSerin: true})
	r.must(r.folder.Put("rich.yaml", richRoute))
	r.wantManaged("v1")
	r.start()
	return r
}

// wantManaged asks for a version as want does, and names the managed routes.
func (r *rig) wantManaged(version string) {
	r.t.Helper()
	a := r.app
	a.Version = version
	text, err := a.YAML()
	r.must(err)
	const steps = "      steps:\n"
	text = strings.Replace(text, steps, "      trafficRouting: {managedRoutes: [{name: testers}, {name: copies}]}\n"+steps, 1)
	r.must(r.folder.Put("shop.yaml", text))
}

// answers sends n requests, each over a connection of its own so that all Envoys
// get some, and counts who answered. tester, if not empty, is the value of the
// header that the steps look at.
func (r *rig) answers(n int, host, path, tester string) map[string]int {
	r.t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: patience}
	out := map[string]int{}
	for range n {
		req, err := http.NewRequest(http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d%s", r.port, path), nil)
		r.must(err)
		req.Host = host
		if tester != "" {
			req.Header.Set("x-canary", tester)
		}
		resp, err := client.Do(req)
		r.must(err)
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			out[resp.Header.Get(lab.VersionHeader)]++
		} else {
			out[resp.Status]++
		}
	}
	return out
}

// wantAnswers checks that one version answers all requests of testers or of
// others, on each route.
func (r *rig) wantAnswers(tester, version string) {
	r.t.Helper()
	for _, to := range []struct{ host, path string }{
		{"shop.example", "/"}, {"rich.example", "/old/x?q"}, {"rich.example", "/exact"}, {"rich.example", "/rest?"},
	} {
		if got := r.answers(20, to.host, to.path, tester); got[version] != 20 {
			r.t.Errorf("%s%s with x-canary %q is answered by %v, want %s", to.host, to.path, tester, got, version)
		}
	}
}

// pausedAtStep is a pause at a step, counted from 0, with the fleet in line.
func pausedAtStep(step int, percent float64, envoys int) func(api.RolloutStatus) bool {
	return func(s api.RolloutStatus) bool {
		return paused(percent)(s) && s.CurrentStepIndex == step &&
			s.Fleet.Connected == envoys && s.Fleet.Acked == envoys
	}
}

// TestHeaderRoute: requests with the header go to the canary at weight 0, and at
// each weight after; an abort takes the route away, a retry makes it again, and
// nobody's request fails.
func TestHeaderRoute(t *testing.T) {
	r := newManagedRig(t,
		`setHeaderRoute: {name: testers, match: [{headerName: X-Canary, headerValue: {exact: "yes"}}]}`,
		"pause: {}", "setWeight: 20", "pause: {}")
	r.envoy("edge-1", nil)
	r.envoy("edge-2", nil)
	l, stop := r.load(400)
	r.wantAnswers("yes", "v1")

	r.wantManaged("v2")
	r.await("paused behind the header route", pausedAtStep(1, 0, 2))
	r.sample(l, 64) // what was under way
	r.wantAnswers("yes", "v2")
	r.wantAnswers("no", "v1")
	wantShare(t, r.sample(l, 500), "v2", 0)

	r.does("promote", "shop")
	r.await("paused at 20%", pausedAtStep(3, 20, 2))
	r.sample(l, 64)
	r.wantAnswers("yes", "v2")
	wantShare(t, r.sample(l, 2000), "v2", 0.2)

	r.does("abort", "shop")
	r.await("aborted", degraded)
	r.inForce(0, 2)
	r.sample(l, 64)
	r.wantAnswers("yes", "v1")
	wantShare(t, r.sample(l, 500), "v2", 0)

	r.does("retry", "shop")
	r.await("paused behind the header route", pausedAtStep(1, 0, 2))
	r.wantAnswers("yes", "v2")
	r.does("promote", "shop", "--full")
	r.await("healthy on v2", healthy("v2"))
	r.wantAnswers("", "v2")
	if c := stop(); c.Failed != 0 {
		t.Errorf("%d of %d requests failed, last: %v", c.Failed, c.Requests, c.LastError)
	}
}

// TestMirrorRoute: the canary gets copies of the share that was asked for, whose
// failures nobody sees, until a step takes the route away.
func TestMirrorRoute(t *testing.T) {
	r := newManagedRig(t,
		`setMirrorRoute: {name: copies, percentage: 50, match: [{path: {regex: "/no[0-9]+"}, headers: {x-a: {prefix: b}}}, {path: {exact: /none}}, {method: {exact: GET}, path: {prefix: /}}]}`,
		"pause: {}", "setMirrorRoute: {name: copies}", "pause: {}")
	r.envoy("edge-1", nil)
	r.envoy("edge-2", nil)
	l, stop := r.load(400)
	r.wantManaged("v2")
	r.await("paused behind the mirror", pausedAtStep(1, 0, 2))
	r.sample(l, 64)
	r.wantAnswers("", "v1")

	before := r.apps["v2"].Requests()
	c := r.sample(l, 1000)
	wantShare(t, c, "v2", 0)
	// A copy may still be under way when the answer is there.
	n := float64(c.Requests)
	copies := float64(r.apps["v2"].Requests() - before)
	if off := math.Abs(copies - n/2); off > 5*math.Sqrt(n/4)+32 {
		t.Errorf("%.0f of %.0f requests were copied, want half", copies, n)
	}
	r.apps["v2"].Set(lab.Fault{FailRatio: 1})
	wantShare(t, r.sample(l, 500), "v2", 0)
	if r.apps["v2"].Failed() == 0 {
		t.Error("no copy failed")
	}
	if s := r.rollout("shop"); !pausedAtStep(1, 0, 2)(s) {
		t.Errorf("copies that failed changed the rollout: %+v", s)
	}

	r.does("promote", "shop")
	r.await("paused without the mirror", pausedAtStep(3, 0, 2))
	r.sample(l, 64)
	before = r.apps["v2"].Requests()
	wantShare(t, r.sample(l, 500), "v2", 0)
	if after := r.apps["v2"].Requests(); after != before {
		t.Errorf("%d requests were copied without the route", after-before)
	}
	if c := stop(); c.Failed != 0 {
		t.Errorf("%d of %d requests failed, last: %v", c.Failed, c.Requests, c.LastError)
	}
}

// TestTestersAreNoEvidence: what fails for testers, who are sent to the canary
// whatever its weight, says nothing about the split; the same failures among
// the others end the canary.
func TestTestersAreNoEvidence(t *testing.T) {
	r := newManagedRig(t,
		`setHeaderRoute: {name: testers, match: [{headerName: x-canary, headerValue: {prefix: "y"}}]}`,
		"setWeight: 20", "pause: {}")
	r.apps["v2"].Set(lab.Fault{FailRatio: 1})
	r.envoy("edge-1", nil)
	r.wantManaged("v2")
	r.await("paused at 20%", pausedAtStep(2, 20, 1))
	if got := r.answers(300, "shop.example", "/", "yes"); got["500 Internal Server Error"] != 300 {
		t.Fatalf("testers are answered by %v", got)
	}
	if s := r.rollout("shop"); !pausedAtStep(2, 20, 1)(s) {
		t.Fatalf("the failures of testers changed the rollout: %s %s", s.Phase, s.Message)
	}
	_, stop := r.load(400)
	r.await("aborted", degraded)
	stop()
}
