package e2e_test

import (
	"testing"

	"github.com/serin-mesh/serin/api"
)

// TestDirectTraffic: what a header route sends to the canary is in no count: not
// among what was observed, not among the requests that a pause waits for, and
// not in the share that is compared with the weight.
func TestDirectTraffic(t *testing.T) {
	r := newManagedRig(t,
		`setHeaderRoute: {name: testers, match: [{headerName: x-canary, headerValue: {exact: "yes"}}]}`,
		`setMirrorRoute: {name: copies, match: [{}]}`,
		"setWeight: 20", "pause: {requests: 150}", "pause: {}")
	r.envoy("edge-1", nil)
	l, stop := r.load(200)
	r.wantManaged("v2")
	r.await("waiting for requests", pausedAtStep(3, 20, 1))
	if got := r.answers(500, "shop.example", "/", "yes"); got["v2"] != 500 {
		t.Fatalf("testers are answered by %v", got)
	}
	// All requests are copied, and the testers are many: with either of them, the
	// share would be far above the weight.
	// The pause is over by an estimate, which is ahead of the reports.
	past := pausedAtStep(4, 20, 1)
	s := r.await("past the pause, and reported", func(s api.RolloutStatus) bool { return past(s) && s.Observed["v2"].Requests >= 100 })
	n := s.Observed["v2"].Requests
	if share := s.Observed["v2"].Share; n > 400 || share < 0.1 || share > 0.3 {
		t.Errorf("observed %+v", s.Observed)
	}
	r.sample(l, 600)
	for _, e := range r.rollout("shop").Evidence {
		if e.Verdict == api.VerdictCannotJudge {
			t.Errorf("evidence %+v", e)
		}
	}
	r.does("abort", "shop")
	r.await("aborted", degraded)
	if c := stop(); c.Failed != 0 {
		t.Errorf("%d of %d requests failed, last: %v", c.Failed, c.Requests, c.LastError)
	}
}
