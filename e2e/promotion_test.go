package e2e_test

import (
	"strings"
	"testing"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/internal/lab"
)

// TestProofBeforePromotion: a canary whose steps are over keeps its weight until
// its traffic has proved it; one that fails a little is not promoted, and a
// person may go past that.
func TestProofBeforePromotion(t *testing.T) {
	r := newRig(t, options{versions: []string{"v1", "v2", "v3"}, steps: []string{"setWeight: 50"}, guard: "{promotion: {prove: {}}}"})
	r.envoy("edge-1", nil)
	_, stop := r.load(300)
	r.want("v2")
	waits := func(s api.RolloutStatus) bool {
		return s.Canary.Weights.Canary.Weight == 50 && s.CurrentStepIndex == 1 && strings.Contains(s.Message, "the proof before promotion")
	}
	r.await("waiting for the proof", waits)
	done := r.await("healthy on v2", healthy("v2"))
	if e := last(done.Evidence, "promotion"); e.Verdict != api.VerdictGood || e.CanaryRequests < 700 {
		t.Errorf("it was promoted with the evidence %+v", e)
	}
	stop()

	r.apps["v3"].Set(lab.Fault{FailRatio: 0.01})
	l, _ := r.load(300)
	r.want("v3")
	r.await("waiting for the proof", waits)
	r.sample(l, 900)
	if s := r.rollout("shop"); !waits(s) {
		t.Errorf("a version that fails was promoted: %s %s", s.Phase, s.Message)
	}
	r.does("promote", "shop", "--full")
	r.await("healthy on v3", healthy("v3"))
}

// last gives the evidence of a judge.
func last(list []api.Evidence, judge string) api.Evidence {
	for _, e := range list {
		if e.Judge == judge {
			return e
		}
	}
	return api.Evidence{}
}
