package main

import (
	"slices"
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/control"
	"github.com/serin-mesh/serin/rollout"
)

// planOf translates a Rollout object into the terms of the machine, as a server
// does, but for what has no meaning in a simulation: managed routes, versions
// that were stable before, and what only the world outside could answer.
func planOf(r *api.Rollout) rollout.Spec {
	spec := control.SpecOf(r)
	spec.FastWindow, spec.Background = 0, nil
	for i := range spec.Steps {
		switch s := &spec.Steps[i]; {
		case s.SetRoute != nil, s.Skip != "":
			*s = rollout.StepSpec{Skip: r.Steps()[i].Kind() + " is not simulated"}
		case s.Check != nil && proofOf(s) == nil:
			*s = rollout.StepSpec{Skip: r.Steps()[i].Kind() + " is not simulated: it is taken to pass"}
		}
	}
	return spec
}

// proofOf gives the terms of the proof that a step asks for; nil for any other
// step.
func proofOf(s *rollout.StepSpec) *api.ProveTerms {
	if s.Check == nil {
		return nil
	}
	terms, _ := control.ProofOf(*s.Check)
	return terms
}

// countsRequests says whether some step waits for a number of requests.
func countsRequests(spec rollout.Spec) bool {
	return slices.ContainsFunc(spec.Steps, func(s rollout.StepSpec) bool { return s.Pause != nil && s.Pause.Requests > 0 })
}

// timedPauses sums the pauses, and the proofs, that end by themselves.
func timedPauses(spec rollout.Spec) time.Duration {
	var sum time.Duration
	for _, s := range spec.Steps {
		switch {
		case s.Pause != nil:
			sum += s.Pause.Duration
		case s.Check != nil:
			sum += s.Check.Timeout
		}
	}
	return sum
}
