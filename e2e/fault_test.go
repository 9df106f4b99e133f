package e2e_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/internal/lab"
)

// stat reads one counter of an Envoy; a counter that is not there is 0.
func (r *rig) stat(e *lab.Envoy, name string) uint64 {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	stats, err := e.Stats(ctx, "^"+name+"$")
	r.must(err)
	var sum uint64
	for _, v := range stats {
		sum += v
	}
	return sum
}

// changes counts what an Envoy had to change because of configuration.
func (r *rig) changes(e *lab.Envoy) map[string]uint64 {
	r.t.Helper()
	out := map[string]uint64{}
	for _, name := range []string{
		`cluster_manager\.cluster_(added|modified|removed)`,
		`listener_manager\.listener_(added|modified|removed)`,
		`http\..*\.rds\..*\.config_reload`,
		`runtime\.load_success`,
	} {
		out[name] = r.stat(e, name)
	}
	return out
}

// TestEnvoyRestarts: one of two Envoys is killed in the middle of a step; the
// rollout waits for it, goes on when it is back, and it serves the weight.
func TestEnvoyRestarts(t *testing.T) {
	r := newRig(t, options{steps: classic})
	r.envoy("edge-1", nil)
	e := r.envoy("edge-2", nil)
	r.want("v2")
	r.await("paused at 5%", paused(5))
	r.inForce(5, 2)
	r.must(e.Kill())
	r.await("one away", func(s api.RolloutStatus) bool { return s.Fleet.Connected == 1 && s.Fleet.Away == 1 })
	r.does("promote", "shop")
	r.await("waiting for the one away", func(s api.RolloutStatus) bool {
		return s.Canary.Weights.Canary.Weight == 5 && strings.Contains(s.Message, "away")
	})
	r.must(e.Start())
	r.ready(e)
	r.inForce(30, 2)
	l, stop := r.load(400)
	r.sample(l, 64)
	wantShare(t, r.sample(l, 2000), "v2", 0.3)
	if c := stop(); c.Failed != 0 {
		t.Errorf("%d requests failed, last: %v", c.Failed, c.LastError)
	}
}

// TestEnvoyGoneForLong: an Envoy that stays away is no longer waited for.
func TestEnvoyGoneForLong(t *testing.T) {
	r := newRig(t, options{steps: classic, flags: []string{"--away-timeout", "500ms"}})
	r.envoy("edge-1", nil)
	e := r.envoy("edge-2", nil)
	r.want("v2")
	r.await("paused at 5%", paused(5))
	r.must(e.Kill())
	r.does("promote", "shop")
	r.await("paused at 30%", func(s api.RolloutStatus) bool { return paused(30)(s) && s.Fleet.Quarantined == 1 })
}

// TestKilledInAStep: Serin is killed in the middle of a step. Envoys go on
// serving the weight, get nothing again that they have, and the step goes on
// where it was.
func TestKilledInAStep(t *testing.T) {
	r := newRig(t, options{steps: []string{"setWeight: 20", "pause: {duration: 8s}", "setWeight: 50", "pause: {}"}})
	e := r.envoy("edge-1", nil)
	r.envoy("edge-2", nil)
	l, stop := r.load(400)
	r.want("v2")
	before := r.await("paused at 20%", paused(20))
	r.inForce(20, 2)
	r.kill()
	had := r.changes(e)
	r.sample(l, 64)
	wantShare(t, r.sample(l, 1000), "v2", 0.2)
	r.start()
	after := r.inForce(20, 2)
	if !after.PauseConditions[0].StartTime.Equal(before.PauseConditions[0].StartTime) {
		t.Errorf("the pause began at %v, and after the restart at %v",
			before.PauseConditions[0].StartTime, after.PauseConditions[0].StartTime)
	}
	r.until("the reconnected Envoy is told something", func() bool {
		return r.stat(e, `control_plane\.connected_state`) == 1
	})
	for name, n := range r.changes(e) {
		if n != had[name] {
			t.Errorf("after the restart %s went from %d to %d: something equal was sent again", name, had[name], n)
		}
	}
	s := r.await("paused at 50%", paused(50))
	if waited := s.PauseConditions[0].StartTime.Sub(before.PauseConditions[0].StartTime); waited < 8*time.Second {
		t.Errorf("the pause of 8s lasted %s", waited)
	}
	if c := stop(); c.Failed != 0 {
		t.Errorf("%d of %d requests failed, last: %v", c.Failed, c.Requests, c.LastError)
	}
}

// TestTenRestarts: after each of ten restarts in a row each Envoy is back
// within 2 s.
func TestTenRestarts(t *testing.T) {
	r := newRig(t, options{steps: classic})
	r.envoy("edge-1", nil)
	r.envoy("edge-2", nil)
	r.want("v2")
	r.inForce(5, 2)
	for i := range 10 {
		r.kill()
		r.start()
		up := time.Now()
		r.inForce(5, 2)
		for id, e := range r.fleet() {
			if e.ConnectedSince == nil || e.ConnectedSince.Sub(up) > 2*time.Second {
				t.Errorf("restart %d: %s came back %v after Serin was ready at %v", i, id, e.ConnectedSince, up)
			}
		}
	}
}

// TestRejected: an Envoy rejects a listener whose port is taken. fleet names
// it; the Rollout on that listener is held, the other goes on; an abort of the
// held one works.
func TestRejected(t *testing.T) {
	r := newRig(t, options{steps: classic})
	r.envoy("edge-1", nil)
	taken, err := net.Listen("tcp", "0.0.0.0:0") // without SO_REUSEPORT
	r.must(err)
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port

	cart := r.app
	cart.Name, cart.Host = "cart", "cart.example"
	put := func(app lab.App, listener, version string) {
		app.Version = version
		text, err := app.YAML()
		r.must(err)
		on := fmt.Sprintf("{name: %q, sectionName: %s}", "edge", listener)
		r.must(r.folder.Put(app.Name+".yaml", replace(t, text, `{name: "edge"}`, on)))
	}
	put(r.app, "http", "v1")
	put(cart, "taken", "v1")
	r.must(r.folder.Put("gateway-edge.yaml", fmt.Sprintf(`apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: serin
  listeners:
  - {name: http, protocol: HTTP, port: %d}
  - {name: taken, protocol: HTTP, port: %d}
`, r.port, port)))
	r.until("the rejection is named in fleet", func() bool {
		ls := r.fleet()["edge-1"].Types["listeners"]
		return strings.Contains(strings.Join(ls.Rejected, " "), fmt.Sprint(port)) && ls.Message != ""
	})
	if out := r.does("fleet"); !strings.Contains(out, "edge-1") || !strings.Contains(strings.ToLower(out), "reject") {
		t.Errorf("serin fleet does not tell of the rejection:\n%s", out)
	}

	put(cart, "taken", "v2")
	put(r.app, "http", "v2")
	r.await("paused at 5%", paused(5))
	r.does("promote", "shop")
	r.await("paused at 30%", paused(30))
	s := r.awaitOf("cart", "held", func(s api.RolloutStatus) bool {
		return s.Phase == api.PhaseProgressing && s.Canary.Weights.Canary.Weight == 0 && s.Fleet.Rejected == 1
	})
	if !strings.Contains(s.Message, "edge-1 rejected") {
		t.Errorf("message %q does not name who rejected", s.Message)
	}
	r.does("abort", "cart")
	r.awaitOf("cart", "aborted", degraded)
}

// TestStateOfTheWorld: an Envoy that speaks the older protocol and has no
// runtime layer follows the weights through its routes.
func TestStateOfTheWorld(t *testing.T) {
	r := newRig(t, options{steps: classic})
	r.envoy("edge-1", stateOfTheWorld)
	l, stop := r.load(400)
	r.want("v2")
	for _, percent := range []float64{5, 30} {
		r.await(fmt.Sprintf("paused at %g%%", percent), paused(percent))
		r.inForce(percent, 1)
		r.sample(l, 64)
		wantShare(t, r.sample(l, 1000), "v2", percent/100)
		r.does("promote", "shop")
	}
	r.await("healthy on v2", healthy("v2"))
	if c := stop(); c.Failed != 0 {
		t.Errorf("%d of %d requests failed, last: %v", c.Failed, c.Requests, c.LastError)
	}
	if e := r.fleet()["edge-1"]; e.Protocol != "state-of-the-world" || e.RuntimeLayer {
		t.Errorf("fleet says %s, runtime layer %v", e.Protocol, e.RuntimeLayer)
	}
}

// replace replaces a text that must be there.
func replace(t *testing.T, text, old, by string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("%q is not in\n%s", old, text)
	}
	return strings.Replace(text, old, by, 1)
}

// stateOfTheWorld makes a bootstrap speak the older protocol, without the
// runtime layer.
func stateOfTheWorld(boot string) string {
	layer := "  - name: serin\n    rtds_layer:\n      name: serin\n      rtds_config:\n        ads: {}\n        resource_api_version: V3\n"
	if !strings.Contains(boot, layer) || !strings.Contains(boot, "DELTA_GRPC") {
		panic("the bootstrap has another shape now:\n" + boot)
	}
	return strings.Replace(strings.Replace(boot, layer, "", 1), "DELTA_GRPC", "GRPC", 1)
}
