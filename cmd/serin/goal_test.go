package main

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serin-mesh/serin/api"
)

// stood is a Rollout with an open pause as step 1 and a timed one as step 3.
func stood(phase api.Phase, stable, wanted string, step int, reasons ...string) *api.Rollout {
	weight, minute := api.Decimal(200_000), api.NewDuration(time.Minute)
	r := &api.Rollout{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "shop"}}
	r.Spec.Strategy.Canary = &api.Canary{Steps: []api.CanaryStep{
		{SetWeight: &weight}, {Pause: &api.Pause{}}, {SetWeight: &weight}, {Pause: &api.Pause{Duration: &minute}},
	}}
	r.Status = api.RolloutStatus{Phase: phase, StableRS: stable, CurrentPodHash: wanted, CurrentStepIndex: step}
	for _, reason := range reasons {
		r.Status.PauseConditions = append(r.Status.PauseConditions, api.PauseCondition{Reason: reason})
	}
	return r
}

// aborted is stood after an abort.
func aborted(stable, wanted string) *api.Rollout {
	r := stood(api.PhaseDegraded, stable, wanted, 0)
	r.Status.Abort = true
	return r
}

// held is stood with spec.paused.
func held(r *api.Rollout) *api.Rollout {
	r.Spec.Paused = true
	return r
}

// TestGoal is the table of what ends a wait, and how. -1 stands for no end yet;
// the codes are those for promoted, paused and aborted.
func TestGoal(t *testing.T) {
	const on = -1
	progressing := stood(api.PhaseProgressing, "v1", "v2", 0)
	tests := []struct {
		name    string
		version string
		states  []*api.Rollout
		codes   [3]int
		text    string // of the first that ends
	}{
		{"under way", "", []*api.Rollout{progressing}, [3]int{on, on, on}, ""},
		{"a timed pause", "", []*api.Rollout{stood(api.PhasePaused, "v1", "v2", 3, "CanaryPauseStep")}, [3]int{on, 0, on}, ""},
		{"an open pause", "", []*api.Rollout{stood(api.PhasePaused, "v1", "v2", 1, "CanaryPauseStep")}, [3]int{4, 0, 4}, "step 1 is an open pause"},
		{"a person's pause", "", []*api.Rollout{stood(api.PhasePaused, "v1", "v2", 3, "CanaryPauseStep", "UserPause")}, [3]int{4, 0, 4}, "serin resume"},
		{"harm that pauses", "", []*api.Rollout{stood(api.PhasePaused, "v1", "v2", 0, "InconclusiveAnalysisRun")}, [3]int{4, 0, 4}, "a judge holds it"},
		{"spec.paused", "", []*api.Rollout{held(stood(api.PhasePaused, "v1", "v2", 0))}, [3]int{4, 0, 4}, "spec.paused"},
		{"spec.paused beside no canary", "", []*api.Rollout{held(stood(api.PhaseHealthy, "v1", "v1", 4))}, [3]int{0, 2, 2}, "v1 is stable"},
		{"promoted", "", []*api.Rollout{progressing, stood(api.PhaseHealthy, "v2", "v2", 4)}, [3]int{0, 2, 2}, "promoted: v2 is stable"},
		{"promoted before", "", []*api.Rollout{stood(api.PhaseHealthy, "v1", "v1", 4)}, [3]int{0, 2, 2}, "v1 is stable"},
		{"aborted", "", []*api.Rollout{progressing, aborted("v1", "v2")}, [3]int{2, 2, 0}, "aborted, not promoted"},
		{"too slow", "", []*api.Rollout{stood(api.PhaseDegraded, "v1", "v2", 0)}, [3]int{2, 2, 2}, "not promoted: "},
		{"a freeze", "", []*api.Rollout{stood(api.PhasePaused, "v1", "v2", 0)}, [3]int{4, 0, 4}, "somebody holds it"},
		{"rolled back", "", []*api.Rollout{progressing, stood(api.PhaseHealthy, "v1", "v2", 4)}, [3]int{2, 2, 2}, "v1 keeps the traffic"},
		{"back to stable", "", []*api.Rollout{progressing, stood(api.PhaseHealthy, "v1", "v1", 4)}, [3]int{2, 2, 2}, "v2 was given up for v1"},
		{"a third version", "", []*api.Rollout{progressing, stood(api.PhaseProgressing, "v1", "v3", 0)}, [3]int{2, 2, 2}, "v2 was given up for v3"},
		{"a third version after it", "", []*api.Rollout{progressing, stood(api.PhaseProgressing, "v2", "v3", 0)}, [3]int{0, 2, 2}, "v2 is stable"},
		{"not read yet", "v2", []*api.Rollout{stood(api.PhaseHealthy, "v1", "v1", 4)}, [3]int{on, on, on}, ""},
		{"an older one aborted", "v3", []*api.Rollout{aborted("v1", "v2")}, [3]int{on, on, on}, ""},
		{"read, then promoted", "v2", []*api.Rollout{stood(api.PhaseHealthy, "v1", "v1", 4), progressing, stood(api.PhaseHealthy, "v2", "v2", 4)}, [3]int{0, 2, 2}, "v2 is stable"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for i, end := range []string{endPromoted, endPaused, endAborted} {
				g := goal{end: end, version: tt.version}
				got := &ending{code: on}
				for _, r := range tt.states {
					if e := g.look(r); e != nil {
						got = e
						break
					}
				}
				if got.code != tt.codes[i] {
					t.Errorf("for %s: got %d %q, want %d", end, got.code, got.text, tt.codes[i])
				}
				if i == 0 && !strings.Contains(got.text, tt.text) {
					t.Errorf("for %s: got %q", end, got.text)
				}
			}
		})
	}
}
