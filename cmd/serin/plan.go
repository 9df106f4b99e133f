package main

import (
	"slices"
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

// progressDeadline is how long a canary may go without progress where its
// Rollout says nothing, as in a server.
const progressDeadline = 600 * time.Second

// planOf translates a Rollout object into the terms of the machine, as a server
// does.
func planOf(r *api.Rollout) rollout.Spec {
	spec := rollout.Spec{
		Version:        r.Version(),
		Paused:         r.Paused(),
		PauseOnHarm:    r.Guard().OnHarm == api.OnHarmPause,
		Deadline:       progressDeadline,
		DeadlineAborts: r.Spec.ProgressDeadlineAbort,
	}
	if s := r.Spec.ProgressDeadlineSeconds; s != nil {
		spec.Deadline = time.Duration(*s) * time.Second
	}
	for i, s := range r.Steps() {
		spec.Steps = append(spec.Steps, planStep(r, i, s))
	}
	return spec
}

// planStep translates one step.
func planStep(r *api.Rollout, i int, s api.CanaryStep) rollout.StepSpec {
	switch {
	case s.SetWeight != nil:
		w := rollout.Weight(r.StepWeight(i))
		return rollout.StepSpec{SetWeight: &w}
	case s.Pause != nil:
		p := &rollout.PauseSpec{}
		if s.Pause.Duration != nil {
			p.Duration = s.Pause.Duration.Duration
		}
		if s.Pause.Requests != nil {
			p.Requests = uint64(max(*s.Pause.Requests, 0))
		}
		return rollout.StepSpec{Pause: p}
	}
	return rollout.StepSpec{Skip: s.Kind() + " is not simulated"}
}

// countsRequests says whether some step waits for a number of requests.
func countsRequests(spec rollout.Spec) bool {
	return slices.ContainsFunc(spec.Steps, func(s rollout.StepSpec) bool { return s.Pause != nil && s.Pause.Requests > 0 })
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
