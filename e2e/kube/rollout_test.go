//go:build kube

package kube_test

import (
	"strings"
	"testing"
)

// TestGoodRollout: a new version gets its pods before its traffic, all of both; the
// old pods go when nobody uses them; no request is lost, and the status says so.
func TestGoodRollout(t *testing.T) {
	s := newScene(t, `[{setWeight: 20}, {pause: {}}, {setWeight: 60}, {pause: {duration: 1s}}]`)
	before := s.load.Counts()
	s.setImage("shop:2")
	s.until("the canary pauses at 20%", func() bool {
		return s.status("{.status.phase} {.status.canary.weights.canary.weight}") == "Paused 20"
	})
	if n, old := s.pods("shop:2"), s.pods("shop:1"); n != 1 || old != 5 {
		t.Errorf("at 20%% there are %d pods of the canary and %d of stable, want 1 and 5", n, old)
	}
	s.act("promote", "shop")
	s.until("it is promoted", func() bool { return s.status("{.status.phase}") == "Healthy" })
	s.until("the old pods go", func() bool { return s.pods("shop:1") == 0 && s.pods("shop:2") == 5 })
	s.noneFailed(before)
	s.kubectl("wait", "--for=condition=Healthy", "rollouts.serin.dev/shop", "--timeout=30s")
	events := s.kubectl("describe", "rollouts.serin.dev", "shop")
	for _, want := range []string{"CanaryStarted", "WeightSet", "Promoted"} {
		if !strings.Contains(events, want) {
			t.Errorf("kubectl describe shows no event %s:\n%s", want, events)
		}
	}
}

// TestBadRollout: a version whose every answer is an error is out, and its pods go;
// stable keeps all of its own.
func TestBadRollout(t *testing.T) {
	s := newScene(t, `[{setWeight: 20}, {pause: {duration: 10m}}]`)
	s.setImage("shop:bad")
	s.until("it is aborted", func() bool { return s.status("{.status.phase} {.status.abort}") == "Degraded true" })
	before := s.load.Counts()
	s.until("its pods go", func() bool { return s.pods("shop:bad") == 0 })
	if n := s.pods("shop:1"); n != 5 {
		t.Errorf("%d pods of stable, want 5", n)
	}
	s.noneFailed(before)
}
