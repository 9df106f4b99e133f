package e2e_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/internal/lab"
)

var classic = []string{"setWeight: 5", "pause: {}", "setWeight: 30", "pause: {}"}

func paused(at float64) func(api.RolloutStatus) bool {
	return func(s api.RolloutStatus) bool {
		return s.Phase == api.PhasePaused && s.Canary.Weights.Canary.Weight == at
	}
}

func healthy(version string) func(api.RolloutStatus) bool {
	return func(s api.RolloutStatus) bool { return s.Phase == api.PhaseHealthy && s.StableRS == version }
}

func degraded(s api.RolloutStatus) bool {
	return s.Phase == api.PhaseDegraded && s.Abort && s.Canary.Weights.Canary.Weight == 0
}

// wantShare checks that a client saw a version as often as its weight says,
// within five standard deviations.
func wantShare(t *testing.T, c lab.Counts, version string, w float64) {
	t.Helper()
	n := float64(c.Requests)
	if got, sd := c.Share(version), math.Sqrt(w*(1-w)/n); math.Abs(got-w) > 5*sd {
		t.Errorf("%s got %.4f of %.0f requests, want %.2f within %.4f", version, got, n, w, 5*sd)
	}
}

// TestClassicTable: 100/0, 95/5, 70/30, 0/100; the client sees each weight, and
// no request fails from first to last.
func TestClassicTable(t *testing.T) {
	r := newRig(t, options{steps: classic})
	r.envoy("edge-1", nil)
	r.envoy("edge-2", nil)
	l, stop := r.load(400)
	wantShare(t, r.sample(l, 500), "v2", 0)

	r.want("v2")
	for _, percent := range []float64{5, 30} {
		r.await(fmt.Sprintf("paused at %g%%", percent), paused(percent))
		r.inForce(percent, 2)
		r.sample(l, 64) // what was under way
		wantShare(t, r.sample(l, 2000), "v2", percent/100)
		s := r.await("observed", func(s api.RolloutStatus) bool { return s.Observed["v2"].Requests > 0 })
		if s.Observed["v1"].Requests == 0 || s.Evidence == nil {
			t.Errorf("at %g%%: observed %+v, evidence %v", percent, s.Observed, s.Evidence)
		}
		r.does("promote", "shop", "--reason", "looks good")
	}
	r.await("healthy on v2", healthy("v2"))
	r.sample(l, 64)
	wantShare(t, r.sample(l, 500), "v2", 1)
	if c := stop(); c.Failed != 0 {
		t.Errorf("%d of %d requests failed, last: %v", c.Failed, c.Requests, c.LastError)
	}
	if out := r.does("history", "shop"); !strings.Contains(out, "looks good") {
		t.Errorf("the journal lacks the reason:\n%s", out)
	}
}

// TestBadVersionOut: a version that fails is taken out by the guard alone, and
// stays out.
func TestBadVersionOut(t *testing.T) {
	r := newRig(t, options{steps: []string{"setWeight: 20", "pause: {}"}})
	r.apps["v2"].Set(lab.Fault{FailRatio: 1})
	r.envoy("edge-1", nil)
	r.envoy("edge-2", nil)
	l, stop := r.load(400)
	r.want("v2")
	s := r.await("aborted", degraded)
	if len(s.Evidence) == 0 || s.Evidence[0].Verdict != api.VerdictHarm || s.Evidence[0].Evidence < s.Evidence[0].Threshold {
		t.Errorf("aborted without evidence: %+v", s.Evidence)
	}
	r.inForce(0, 2)
	r.sample(l, 64)
	wantShare(t, r.sample(l, 1000), "v2", 0)
	if c := stop(); c.Failed > 100 {
		t.Errorf("%d requests failed before the version was out", c.Failed)
	}
}

// TestByHand: abort takes the canary out, retry starts again, promote --full
// skips the rest; what does not apply says so and changes nothing.
func TestByHand(t *testing.T) {
	r := newRig(t, options{steps: classic})
	r.envoy("edge-1", nil)
	if _, errs, code := r.command("promote", "shop"); code != 2 || !strings.Contains(errs, "no canary") {
		t.Errorf("promote of a healthy rollout: exit %d, %s", code, errs)
	}
	r.want("v2")
	r.await("paused at 5%", paused(5))
	r.does("pause", "shop")
	r.does("resume", "shop")
	r.does("abort", "shop", "--reason", "too slow")
	s := r.await("aborted", degraded)
	if !strings.Contains(s.Message, "too slow") {
		t.Errorf("message %q lacks the reason", s.Message)
	}
	if _, _, code := r.command("abort", "shop"); code != 2 {
		t.Errorf("a second abort: exit %d, want 2", code)
	}
	r.does("retry", "shop")
	r.await("paused at 5%", paused(5))
	r.does("promote", "shop", "--full")
	r.await("healthy on v2", healthy("v2"))
	r.does("rollback", "shop")
	if s := r.await("healthy on v1", healthy("v1")); !s.Pinned {
		t.Error("a rollback did not pin the version")
	}
}

// TestChangedHalfWay: a third version half way starts anew and the second
// leaves; the stable version half way ends the canary.
func TestChangedHalfWay(t *testing.T) {
	r := newRig(t, options{steps: classic, versions: []string{"v1", "v2", "v3"}})
	r.envoy("edge-1", nil)
	l, stop := r.load(200)
	r.want("v2")
	r.await("paused at 5%", paused(5))
	r.want("v3")
	r.await("v3 paused at 5%", func(s api.RolloutStatus) bool { return paused(5)(s) && s.CurrentPodHash == "v3" })
	r.inForce(5, 1)
	r.sample(l, 64)
	wantShare(t, r.sample(l, 500), "v2", 0)
	r.want("v1")
	s := r.await("healthy on v1", healthy("v1"))
	if s.Abort {
		t.Error("back to stable is no abort")
	}
	r.inForce(0, 1)
	r.sample(l, 64)
	wantShare(t, r.sample(l, 500), "v1", 1)
	if c := stop(); c.Failed != 0 {
		t.Errorf("%d of %d requests failed, last: %v", c.Failed, c.Requests, c.LastError)
	}
}

// TestWithoutEndpoints: a version without endpoints gets no traffic and the
// message says why; when its endpoints vanish half way it loses its weight.
func TestWithoutEndpoints(t *testing.T) {
	r := newRig(t, options{steps: []string{"setWeight: 20", "pause: {}"}})
	r.envoy("edge-1", nil)
	address := r.apps["v2"].Address()
	r.must(r.folder.SetEndpoints("shop", "v2"))
	l, stop := r.load(200)
	r.want("v2")
	r.await("without endpoints", func(s api.RolloutStatus) bool {
		return strings.Contains(s.Message, "v2 has no ready endpoint") && s.Canary.Weights.Canary.Weight == 0
	})
	r.must(r.folder.SetEndpoints("shop", "v2", address))
	r.await("paused at 20%", paused(20))
	r.inForce(20, 1)
	r.must(r.folder.SetEndpoints("shop", "v2"))
	r.await("at 0%", func(s api.RolloutStatus) bool { return s.Canary.Weights.Canary.Weight == 0 })
	r.inForce(0, 1)
	r.sample(l, 64)
	wantShare(t, r.sample(l, 500), "v1", 1)
	r.must(r.folder.SetEndpoints("shop", "v2", address))
	r.inForce(20, 1)
	_ = stop()
}

// TestNoEnvoy: without an Envoy the first version is stable, and a canary waits
// and says why; it goes on when one comes.
func TestNoEnvoy(t *testing.T) {
	r := newRig(t, options{steps: classic})
	r.await("healthy on v1", healthy("v1"))
	r.want("v2")
	r.await("waiting for an Envoy", func(s api.RolloutStatus) bool {
		return s.Phase == api.PhaseProgressing && strings.Contains(s.Message, "no Envoy is connected")
	})
	r.envoy("edge-1", nil)
	r.await("paused at 5%", paused(5))
}

// TestErrorsInTheFolder: errors at a start with nothing saved end the program;
// while it runs they are reported and change nothing; a start with errors goes
// on with what was accepted last.
func TestErrorsInTheFolder(t *testing.T) {
	r := newRig(t, options{steps: classic, noSerin: true})
	bad := "apiVersion: serin.dev/v1alpha1\nkind: Rollout\nmetadata: {name: other}\nspec: {stepz: []}\n"
	r.must(r.folder.Put("bad.yaml", bad))
	_, errs, code := r.command("serve", "--config", r.folder.Dir(), "--data-dir", r.data, "--xds-listen", r.xds, "--http-listen", r.http)
	if code != 1 || !strings.Contains(errs, "bad.yaml:4:") || !strings.Contains(errs, "stepz") {
		t.Fatalf("a first start with errors: exit %d\n%s", code, errs)
	}
	r.must(r.folder.Remove("bad.yaml"))
	r.start()
	r.envoy("edge-1", nil)
	r.want("v2")
	r.await("paused at 5%", paused(5))

	r.must(r.folder.Put("bad.yaml", bad))
	r.await("told of the error", func(s api.RolloutStatus) bool {
		return len(s.Findings) > 0 && strings.Contains(s.Findings[0], "bad.yaml:4:")
	})
	r.want("v1") // not in force while the folder has errors
	l, _ := r.load(200)
	r.sample(l, 200)
	r.await("still paused at 5%", paused(5))
	r.kill()
	r.start()
	r.inForce(5, 1)
	r.must(r.folder.Remove("bad.yaml"))
	r.await("healthy on v1", healthy("v1"))
}

// TestHangingVersionOut: a version that stops answering is out long before
// anything times out, and one that is merely slow as well, with an objective and
// without; no response fails.
func TestHangingVersionOut(t *testing.T) {
	for _, c := range []struct {
		name, latency, says string
		fault               lab.Fault
	}{
		{"hangs", "{objective: 200ms, warmup: 0s}", "took longer than 200ms", lab.Fault{Hang: true}},
		{"slow", "{objective: 200ms, warmup: 0s}", "took longer than 200ms", lab.Fault{Delay: 500 * time.Millisecond}},
		{"slow without an objective", "{warmup: 0s}", "the canary is slower: ", lab.Fault{Delay: 500 * time.Millisecond}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, options{steps: []string{"setWeight: 20", "pause: {}"}, guard: "{latency: " + c.latency + "}"})
			r.envoy("edge-1", nil)
			r.envoy("edge-2", nil)
			l, stop := r.load(400)
			r.want("v2")
			r.await("paused at 20%", paused(20))
			r.sample(l, 500)
			r.apps["v2"].Set(c.fault)
			began := time.Now()
			s := r.await("aborted", degraded)
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %s", took)
			}
			if !strings.Contains(s.Message, c.says) {
				t.Errorf("aborted because of %q", s.Message)
			}
			r.apps["v2"].Set(lab.Fault{})
			r.inForce(0, 2)
			r.sample(l, 64)
			wantShare(t, r.sample(l, 1000), "v2", 0)
			if c := stop(); c.Failed != 0 {
				t.Errorf("%d of %d requests failed, last: %v", c.Failed, c.Requests, c.LastError)
			}
		})
	}
}
