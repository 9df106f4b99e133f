package rollout

import (
	"fmt"
	"strings"
	"time"
)

// Phase is the one word for where a Rollout stands, as in Argo Rollouts.
type Phase string

// The phases.
const (
	Progressing Phase = "Progressing"
	PhasePaused Phase = "Paused"
	Healthy     Phase = "Healthy"
	Degraded    Phase = "Degraded"
)

// Wait is one pause that holds a Rollout. Reasons are Argo's, and UserPause.
type Wait struct {
	Reason string
	Since  time.Time
}

// Waits lists the pauses that hold the rollout now.
func (s State) Waits() []Wait {
	var ws []Wait
	if s.PausedAt != nil {
		ws = append(ws, Wait{"CanaryPauseStep", *s.PausedAt})
	}
	if s.HarmPausedAt != nil {
		ws = append(ws, Wait{"InconclusiveAnalysisRun", *s.HarmPausedAt})
	}
	for _, c := range []*CheckState{s.Check, s.Background} {
		if c.outcome() == Inconclusive && c.EndedAt != nil {
			ws = append(ws, Wait{"InconclusiveAnalysisRun", *c.EndedAt})
		}
	}
	if s.UserPausedAt != nil {
		ws = append(ws, Wait{"UserPause", *s.UserPausedAt})
	}
	return ws
}

// Phase gives the phase of the state under its spec.
func (s State) Phase(spec Spec) Phase {
	switch {
	case s.Stage == Idle:
		return Healthy
	case s.Stage == Aborted, s.Late:
		return Degraded
	case s.Active() && (len(s.Waits()) > 0 || spec.Paused || s.Frozen != nil || spec.Frozen != nil):
		return PhasePaused
	}
	return Progressing
}

// Message says in plain words what the Rollout does or waits for.
func (s State) Message(spec Spec) string {
	switch s.Stage {
	case Idle:
		if s.Pinned {
			return fmt.Sprintf("rolled back: pinned to %s until another version than %s is wanted", s.Stable, s.Version)
		}
		return ""
	case Aborted:
		return fmt.Sprintf("RolloutAborted: %s: %s", s.Version, s.AbortMessage)
	}
	parts := append(s.pauses(spec), s.obstacles(spec)...)
	if s.Late {
		parts = append([]string{"ProgressDeadlineExceeded"}, parts...)
	}
	if len(parts) == 0 {
		parts = append(parts, s.progress(spec))
	}
	return strings.Join(parts, "; ")
}

// pauses names what a person or a judge has to end.
func (s State) pauses(spec Spec) []string {
	var out []string
	if s.HarmPausedAt != nil {
		out = append(out, "paused because the canary does harm: promote or abort")
	}
	if s.UserPausedAt != nil {
		out = append(out, "paused by a person: resume goes on")
	}
	if spec.Paused {
		out = append(out, "paused by spec.paused")
	}
	if spec.Turn != "" {
		out = append(out, spec.Turn)
	}
	for _, c := range []*CheckState{s.Check, s.Background} {
		if c.outcome() == Inconclusive {
			out = append(out, "InconclusiveAnalysisRun: "+c.Message+": promote or abort")
		}
	}
	for _, f := range []*Freeze{spec.Frozen, s.Frozen} {
		if f != nil {
			out = append(out, "frozen "+until(f.Until)+": "+strings.TrimSuffix(f.Actor+", "+f.Reason, ", "))
		}
	}
	if s.PausedAt != nil && s.Step < len(spec.Steps) {
		switch p := spec.Steps[s.Step].Pause; {
		case p == nil:
		case p.open():
			out = append(out, fmt.Sprintf("CanaryPauseStep: step %d waits for promote", s.Step))
		case p.Requests > 0:
			out = append(out, fmt.Sprintf("CanaryPauseStep: step %d waits for %d requests of the canary, %d came", s.Step, p.Requests, s.counted()))
		default:
			out = append(out, fmt.Sprintf("CanaryPauseStep: step %d waits %s", s.Step, p.Duration))
		}
	}
	return out
}

// obstacles names what in the world forbids to go on.
func (s State) obstacles(spec Spec) []string {
	var out []string
	in := s.In
	if pods := s.waitsForPods(spec); pods != "" {
		out = append(out, pods)
	} else if in.EndpointsKnown && in.Canary == 0 {
		out = append(out, fmt.Sprintf("version %s has no ready endpoint", s.Version))
	}
	f := in.Fleet
	switch {
	case f.Generation != s.Generation || f.ready():
	case f.Rejected > 0:
		out = append(out, fmt.Sprintf("%d Envoys rejected their configuration: see fleet", f.Rejected))
	case f.Connected == 0 && f.Away == 0:
		out = append(out, "no Envoy is connected that routes to this Service: no weight is raised")
	case f.Away > 0:
		out = append(out, fmt.Sprintf("waiting for %d Envoys that are away", f.Away))
	default:
		out = append(out, fmt.Sprintf("weight %s acked by %d of %d Envoys", s.Weight, f.Acked, f.Connected))
	}
	return out
}

// progress says what is under way when nothing is in its way.
func (s State) progress(spec Spec) string {
	switch s.Stage {
	case Preparing:
		return "the fleet is learning the canary"
	case Completing:
		return fmt.Sprintf("moving all traffic to %s", s.Version)
	}
	if c := s.check(spec); c != nil && s.Check != nil && c.After {
		return fmt.Sprintf("the steps are over: %s", c.Name)
	} else if c != nil && s.Check != nil && s.Check.Outcome == "" {
		msg := fmt.Sprintf("step %d of %d: %s runs", s.Step, len(spec.Steps), c.Name)
		if len(s.Beside) > 0 {
			msg += ", " + describe(s.Beside)
		}
		return msg
	}
	return fmt.Sprintf("step %d of %d", s.Step, len(spec.Steps))
}
