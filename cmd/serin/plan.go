package main

import (
	"time"

	"github.com/serin-mesh/serin/analysis"
	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
)

// errorShare is the part of the guard's false alarms that errors may cause, as
// in a server.
const errorShare = 0.5

// slack is how much earlier than it is told of a request may have been routed,
// as in a server.
const slack = time.Second

// planOf translates a Rollout object into the terms of the machine, as a server
// does.
func planOf(r *api.Rollout) rollout.Spec {
	spec := rollout.Spec{
		Version:     r.Version(),
		Paused:      r.Paused(),
		PauseOnHarm: r.Guard().OnHarm == api.OnHarmPause,
	}
	for i, s := range r.Steps() {
		switch {
		case s.SetWeight != nil:
			w := rollout.Weight(r.StepWeight(i))
			spec.Steps = append(spec.Steps, rollout.StepSpec{SetWeight: &w})
		case s.Pause != nil:
			p := rollout.PauseSpec{}
			if s.Pause.Duration != nil {
				p.Duration = s.Pause.Duration.Duration
			}
			spec.Steps = append(spec.Steps, rollout.StepSpec{Pause: &p})
		}
	}
	return spec
}

// guardOf makes the guard of a canary that begins; nil where it is off.
func guardOf(r *api.Rollout, spec rollout.Spec) *analysis.ErrorRate {
	g := r.Guard()
	if g.Mode == api.GuardOff {
		return nil
	}
	return analysis.NewErrorRate(analysis.Config{
		Alpha:        (1 - g.Confidence) * errorShare,
		Margin:       g.ErrorRate.Margin,
		MaxIncrease:  g.ErrorRate.MaxIncrease,
		PlannedSteps: laterWeights(spec),
	})
}

// laterWeights counts the raises after the first weight.
func laterWeights(spec rollout.Spec) int {
	n, last := -1, rollout.Weight(0)
	for _, s := range spec.Steps {
		if s.SetWeight == nil {
			continue
		}
		if *s.SetWeight > last && *s.SetWeight < rollout.Total {
			n++
		}
		last = *s.SetWeight
	}
	return max(n, 0)
}

// timedPauses sums the pauses that end by themselves.
func timedPauses(spec rollout.Spec) time.Duration {
	var sum time.Duration
	for _, s := range spec.Steps {
		if s.Pause != nil {
			sum += s.Pause.Duration
		}
	}
	return sum
}
