package sim

import (
	"errors"
	"fmt"

	"github.com/serin-mesh/serin/rollout"
)

// advancesHaveReasons goes through the records of an event with the state as it
// was before each, and asks each that moves forward why it may.
func advancesHaveReasons(w *world, t turn) error {
	s := t.before
	switch ev := t.event.(type) {
	case rollout.FleetSeen:
		s.In.Fleet = ev.Fleet
	case rollout.EndpointsSeen:
		s.In.Canary, s.In.Stable, s.In.EndpointsKnown = ev.Canary, ev.Stable, true
	}
	for _, r := range t.effects.Records {
		if err := w.reason(t, s, r); err != nil {
			return fmt.Errorf("%s (%s) at step %d: %w", r.Kind, r.Message, s.Step, err)
		}
		weight, version := s.Weight, s.Split().Canary
		s = s.Apply(r)
		if r.Kind == rollout.CanaryStarted {
			s.In.Canary, s.In.EndpointsKnown = 0, false
		}
		if split := s.Split(); r.Kind != rollout.WeightSet && r.Kind != rollout.WeightRestored &&
			split.Canary == version && split.Weight > weight {
			return fmt.Errorf("%s raised %s to %s", r.Kind, weight, split.Weight)
		}
	}
	return nil
}

// reason tells why a record may not follow upon a state.
func (w *world) reason(t turn, s rollout.State, r rollout.Record) error {
	switch r.Kind {
	case rollout.Prepared, rollout.StepsCompleted, rollout.WeightRestored, rollout.Promoted:
		return errors.Join(w.free(s), w.due(s, r))
	case rollout.WeightSet:
		if r.Weight > s.Weight {
			return errors.Join(w.free(s), w.due(s, r))
		}
		return w.due(s, r)
	case rollout.StepCompleted:
		if a, ok := t.event.(rollout.Acted); ok && a.Action.Verb == rollout.Promote && r.Actor == a.Action.Actor {
			return nil
		}
		return errors.Join(w.free(s), w.due(s, r))
	case rollout.PauseStarted:
		return w.free(s)
	}
	return nil
}

// free tells who or what holds the rollout.
func (w *world) free(s rollout.State) error {
	in := s.In
	switch f := in.Fleet; {
	case w.spec.Paused || s.UserPausedAt != nil || s.HarmPausedAt != nil:
		return errors.New("somebody holds it")
	case !in.EndpointsKnown || in.Canary == 0:
		return errors.New("no endpoint is known to be ready")
	case f.Generation != s.Generation:
		return fmt.Errorf("the fleet told of generation %d, this is %d", f.Generation, s.Generation)
	case f.Acked == 0 || f.Waiting+f.Rejected+f.Away > 0:
		return fmt.Errorf("the fleet is not ready: %+v", f)
	}
	return nil
}

// due tells whether a record is what comes next in the steps.
func (w *world) due(s rollout.State, r rollout.Record) error {
	ok, steps := true, w.spec.Steps
	switch r.Kind {
	case rollout.Prepared:
		ok = s.Stage == rollout.Preparing && len(steps) > 0
	case rollout.StepsCompleted:
		ok = s.Stage == rollout.Preparing && len(steps) == 0 || s.Stage == rollout.Stepping && s.Step == len(steps)
	case rollout.WeightRestored:
		ok = r.Weight == s.Allowed && s.Weight < s.Allowed
	case rollout.Promoted:
		ok = s.Stage == rollout.Completing && s.Weight == rollout.Total && r.Version == s.Version
	case rollout.WeightSet:
		ok = s.Stage == rollout.Completing && r.Weight == rollout.Total ||
			s.Stage == rollout.Stepping && s.Step < len(steps) && steps[s.Step].SetWeight != nil && *steps[s.Step].SetWeight == r.Weight
	case rollout.StepCompleted:
		ok = r.Step == s.Step+1 && w.over(s)
	}
	if !ok {
		return errors.New("it is not what comes next")
	}
	return nil
}

// over tells whether the current step has done what it asks for.
func (w *world) over(s rollout.State) bool {
	if s.Stage != rollout.Stepping || s.Step >= len(w.spec.Steps) {
		return false
	}
	switch st := w.spec.Steps[s.Step]; {
	case st.SetWeight != nil:
		return s.Weight == *st.SetWeight
	case st.Pause != nil:
		return st.Pause.Duration > 0 && s.PausedAt != nil && !w.wall.Before(s.PausedAt.Add(st.Pause.Duration))
	}
	return true
}
