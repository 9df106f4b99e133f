package sim

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"github.com/serin-mesh/serin/rollout"
)

// statusIsState reads phase, pauses and message off the state a second time.
func statusIsState(w *world) error {
	s := w.ctl.state
	if !w.up || s.Stage == "" {
		return nil
	}
	if got, want := s.Phase(w.spec), phaseOf(w.spec, s); got != want {
		return fmt.Errorf("phase %s, want %s", got, want)
	}
	if got, want := len(s.Waits()), pauses(s); got != want {
		return fmt.Errorf("%d pauses shown, want %d", got, want)
	}
	quietly := s.Stage == rollout.Idle && !s.Pinned
	if msg := s.Message(w.spec); (msg == "") != quietly {
		return fmt.Errorf("message %q in stage %s", msg, s.Stage)
	}
	return consistent(w.spec, s)
}

func phaseOf(spec rollout.Spec, s rollout.State) rollout.Phase {
	switch s.Stage {
	case rollout.Idle:
		return rollout.Healthy
	case rollout.Aborted:
		return rollout.Degraded
	}
	if s.Late {
		return rollout.Degraded
	}
	if spec.Paused || spec.Frozen != nil || s.Frozen != nil || pauses(s) > 0 {
		return rollout.PhasePaused
	}
	return rollout.Progressing
}

func pauses(s rollout.State) int {
	n := 0
	if s.PausedAt != nil {
		n++
	}
	if s.HarmPausedAt != nil {
		n++
	}
	if s.UserPausedAt != nil {
		n++
	}
	for _, c := range []*rollout.CheckState{s.Check, s.Background} {
		if inconclusive(c) {
			n++
		}
	}
	return n
}

// consistent tells whether the parts of a state contradict each other.
func consistent(spec rollout.Spec, s rollout.State) error {
	ended := s.Stage == rollout.Idle || s.Stage == rollout.Aborted
	switch {
	case ended && pauses(s) > 0:
		return fmt.Errorf("stage %s is paused", s.Stage)
	case s.Stage == rollout.Idle && !s.Pinned && !s.Deleted && s.Version != s.Stable:
		return fmt.Errorf("nothing is under way, and %s is wanted over %s", s.Version, s.Stable)
	case s.Stage != rollout.Idle && s.Version == s.Stable:
		return fmt.Errorf("%s is rolled out over itself", s.Version)
	case (s.Stage == rollout.Aborted) != (s.AbortedAt != nil):
		return fmt.Errorf("stage %s, aborted at %v", s.Stage, s.AbortedAt)
	case s.Weight > s.Allowed:
		return fmt.Errorf("weight %s above %s", s.Weight, s.Allowed)
	case s.Check != nil && (s.Stage != rollout.Stepping || s.Step >= len(spec.Steps) || spec.Steps[s.Step].Check == nil):
		return fmt.Errorf("stage %s, step %d asks and is no check", s.Stage, s.Step)
	case s.Background != nil && !s.Active():
		return fmt.Errorf("stage %s asks beside the steps", s.Stage)
	case slices.Contains(s.Retired, s.Stable) || slices.Contains(s.Retired, s.Split().Canary):
		return fmt.Errorf("%+v has a version in use retired", s.Split())
	case slices.ContainsFunc(s.Beside, func(p rollout.Part) bool { return slices.Contains(s.Retired, p.Version) }):
		return fmt.Errorf("%+v is beside the canary, and %v retired", s.Beside, s.Retired)
	case slices.ContainsFunc(s.Former, func(m rollout.Mix) bool { return reflect.DeepEqual(m, s.Split().Mix()) }):
		return fmt.Errorf("the route of %+v is in use, and one of the former %+v", s.Split().Mix(), s.Former)
	case s.PausedAt != nil && (s.Stage != rollout.Stepping || s.Step >= len(spec.Steps) || spec.Steps[s.Step].Pause == nil):
		return fmt.Errorf("stage %s, step %d is paused and no pause", s.Stage, s.Step)
	}
	return nil
}

// sameJSON compares what would be stored: instants may differ in their form.
func sameJSON(a, b rollout.State) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}
