package control

import (
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
)

// defaultDeadline is how long a canary may go without progress where its
// Rollout says nothing. Source: progressDeadlineSeconds of Argo Rollouts.
const defaultDeadline = 600 * time.Second

// SpecOf translates a Rollout object into the terms of the machine. What is not of
// the object, such as a freeze of all, is added by the loop.
func SpecOf(r *api.Rollout) rollout.Spec {
	spec := rollout.Spec{
		Version:        r.Version(),
		Paused:         r.Paused(),
		PauseOnHarm:    r.Guard().OnHarm == api.OnHarmPause,
		Deadline:       defaultDeadline,
		DeadlineAborts: r.Spec.ProgressDeadlineAbort,
		Background:     backgroundOf(r),
	}
	if s := r.Spec.ProgressDeadlineSeconds; s != nil {
		spec.Deadline = time.Duration(*s) * time.Second
	}
	if w := r.Spec.RollbackWindow; w != nil {
		spec.FastWindow = int(w.Revisions)
	}
	for i, s := range r.Steps() {
		spec.Steps = append(spec.Steps, stepOf(r, i, s))
	}
	if terms := r.Guard().Promotion; terms != nil {
		spec.Steps = append(spec.Steps, rollout.StepSpec{Check: promotionOf(*terms)})
	}
	return spec
}

// stepOf translates one step.
func stepOf(r *api.Rollout, i int, s api.CanaryStep) rollout.StepSpec {
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
	case s.SetHeaderRoute != nil || s.SetMirrorRoute != nil:
		return rollout.StepSpec{SetRoute: managedOf(r, s)}
	}
	if check := checkOf(s); check != nil {
		return rollout.StepSpec{Check: check}
	}
	return rollout.StepSpec{Skip: s.Kind() + " has no meaning outside a cluster"}
}
