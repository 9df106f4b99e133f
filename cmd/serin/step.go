package main

import (
	"fmt"

	"github.com/serin-mesh/serin/api"
)

// The marks of steps.
const (
	markDone    = "✓"
	markCurrent = "▶"
	markAhead   = " "
)

// steps lists the steps with a mark at the one that is played.
func (v *view) steps(r *api.Rollout) {
	steps, st := r.Steps(), r.Status
	if len(steps) == 0 {
		v.title("Steps", "none")
		return
	}
	note := stepText(r)
	if st.Abort {
		note += " (aborted: retry begins again)"
	}
	v.title("Steps", note)
	for i := range steps {
		mark, rest := markAhead, ""
		switch {
		case i < st.CurrentStepIndex:
			mark = markDone
		case i == st.CurrentStepIndex && !st.Abort:
			mark, rest = markCurrent, nextText(st.NextTransitionAt, v.now)
		}
		v.line("  %s %-24s %s", mark, stepName(r, i), rest)
	}
	if r.Guard().Promotion != nil {
		mark := markAhead
		switch {
		case st.StableRS == st.CurrentPodHash:
			mark = markDone
		case st.CurrentStepIndex == len(steps) && !st.Abort:
			mark = markCurrent
		}
		v.line("  %s %s", mark, "proof before promotion")
	}
}

// stepName says what a step does, as it is written.
func stepName(r *api.Rollout, i int) string {
	step := r.Steps()[i]
	switch {
	case step.SetWeight != nil && r.MaxTrafficWeight() != 100:
		return fmt.Sprintf("setWeight %s of %d", step.SetWeight, r.MaxTrafficWeight())
	case step.SetWeight != nil:
		return fmt.Sprintf("setWeight %s", step.SetWeight)
	case step.Pause != nil && step.Pause.Open():
		return "pause until promoted"
	case step.Pause != nil && step.Pause.Duration != nil:
		return "pause " + spanText(step.Pause.Duration.Duration)
	case step.Pause != nil:
		return fmt.Sprintf("pause for %d requests", *step.Pause.Requests)
	}
	return step.Kind()
}
