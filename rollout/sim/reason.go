package sim

import (
	"errors"
	"fmt"
	"slices"

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
	case rollout.Counted:
		if ev.Attempt == s.Attempt {
			s.In.Requests = ev.Requests
		}
	}
	for _, r := range t.effects.Records {
		if err := w.reason(t, s, r); err != nil {
			return fmt.Errorf("%s (%s) at step %d: %w", r.Kind, r.Message, s.Step, err)
		}
		weight, version, beside := s.Weight, s.Split().Canary, s.Split()
		s = s.Apply(r)
		if r.Kind == rollout.CanaryStarted {
			s.In.Canary, s.In.EndpointsKnown = 0, false
		}
		if split := s.Split(); r.Kind != rollout.WeightSet && r.Kind != rollout.WeightRestored &&
			split.Canary == version && split.Weight > weight {
			return fmt.Errorf("%s raised %s to %s", r.Kind, weight, split.Weight)
		}
		if r.Kind != rollout.BesideSet && more(beside, s.Split()) {
			return fmt.Errorf("%s raised what is beside the canary to %+v", r.Kind, s.Beside)
		}
	}
	return nil
}

// more tells whether some version beside the canary has more than before.
func more(before, now rollout.Split) bool {
	return slices.ContainsFunc(now.Beside, func(p rollout.Part) bool { return p.Weight > partOf(before, p.Version) })
}

// reason tells why a record may not follow upon a state.
func (w *world) reason(t turn, s rollout.State, r rollout.Record) error {
	switch r.Kind {
	case rollout.Prepared, rollout.StepsCompleted, rollout.WeightRestored, rollout.Promoted, rollout.RouteSet, rollout.RouteUnset:
		return errors.Join(w.free(s), w.due(s, r))
	case rollout.WeightSet:
		if s.Apply(r).Weight > s.Weight { // a canary that is withheld stays at 0
			return errors.Join(w.free(s), w.due(s, r))
		}
		return w.due(s, r)
	case rollout.BesideSet:
		if more(s.Split(), s.Apply(r).Split()) {
			return errors.Join(w.free(s), w.due(s, r))
		}
		return w.due(s, r)
	case rollout.StepCompleted:
		if a, ok := t.event.(rollout.Acted); ok && a.Action.Verb == rollout.Promote && r.Actor == a.Action.Actor {
			return w.thawed(s)
		}
		return errors.Join(w.free(s), w.due(s, r))
	case rollout.PauseStarted:
		return w.free(s)
	case rollout.CheckStarted:
		return w.begun(s, r)
	case rollout.CheckEnded:
		return w.ended(t, s, r)
	case rollout.PromotedFull:
		return w.thawed(s)
	}
	return w.cause(t, s, r)
}

// cause tells why a record that moves nothing forward may not follow upon a
// state.
func (w *world) cause(t turn, s rollout.State, r rollout.Record) error {
	ok := true
	action, _ := t.event.(rollout.Acted)
	switch r.Kind {
	case rollout.CanaryStarted:
		ok = !r.Fast || slices.Contains(s.Proven[max(len(s.Proven)-w.spec.FastWindow, 0):], r.Version)
	case rollout.WeightWithheld:
		ok = s.In.EndpointsKnown && s.In.Canary == 0
	case rollout.HarmPaused:
		ok = !s.HarmWaived && s.HarmPausedAt == nil
	case rollout.RolledBack:
		ok = s.Stage != rollout.Idle && r.Version == s.Stable || action.Action.Ready > 0
	case rollout.DeadlinePassed:
		ok = !w.wall.Before(w.freeAt.Add(w.spec.Deadline))
	case rollout.AbortedKind:
		_, harm := t.event.(rollout.HarmFound)
		failed := s.Check != nil && s.Check.Outcome == rollout.Failed || s.Background != nil && s.Background.Outcome == rollout.Failed
		ok = harm || failed || action.Action.Verb == rollout.Abort || s.Late && w.spec.DeadlineAborts
	}
	if !ok {
		return fmt.Errorf("nothing asks for it; it could come forward since %s", w.freeAt)
	}
	return nil
}

// thawed tells whether a freeze holds the rollout.
func (w *world) thawed(s rollout.State) error {
	for _, f := range []*rollout.Freeze{w.spec.Frozen, s.Frozen} {
		if f != nil && (f.Until == nil || w.wall.Before(*f.Until)) {
			return errors.New("it is frozen")
		}
	}
	return nil
}

// moved notes since when a canary could come forward and did not.
func (w *world) moved(progress bool) {
	s := w.ctl.state
	if w.freeAt.After(w.wall) || progress || !s.Active() || pauses(s) > 0 || w.spec.Paused || w.spec.Turn != "" ||
		s.Check != nil && s.Check.Outcome == "" || w.thawed(s) != nil {
		w.freeAt = w.wall
	}
}

// free tells who or what holds the rollout.
func (w *world) free(s rollout.State) error {
	in := s.In
	switch f := in.Fleet; {
	case w.spec.Paused || w.spec.Turn != "" || s.UserPausedAt != nil || s.HarmPausedAt != nil || inconclusive(s.Background):
		return errors.New("somebody holds it")
	case w.thawed(s) != nil:
		return w.thawed(s)
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
		ok = s.Stage == rollout.Preparing && (len(steps) == 0 || s.Fast) || s.Stage == rollout.Stepping && s.Step == len(steps)
	case rollout.WeightRestored:
		ok = r.Weight == s.Allowed && s.Withheld
	case rollout.RouteSet, rollout.RouteUnset:
		ok = s.Stage == rollout.Stepping && s.Step < len(steps) && r.Route != nil && steps[s.Step].SetRoute != nil &&
			*steps[s.Step].SetRoute == *r.Route && !w.over(s)
	case rollout.Promoted:
		ok = s.Stage == rollout.Completing && s.Weight == rollout.Total && r.Version == s.Version
	case rollout.WeightSet:
		ok = s.Stage == rollout.Completing && r.Weight == rollout.Total ||
			s.Stage == rollout.Stepping && s.Step < len(steps) && steps[s.Step].SetWeight != nil && *steps[s.Step].SetWeight == r.Weight
	case rollout.BesideSet:
		ok = w.waits(s, w.ctl.beside.Run) && !w.ctl.beside.Run.Beside && !slices.Equal(s.Beside, r.Parts)
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
	case st.SetRoute != nil:
		return slices.Contains(names(s.Routes), st.SetRoute.Name) == (st.SetRoute.What != "")
	case st.Check != nil:
		return s.Check != nil && s.Check.Outcome == rollout.Passed
	case st.Pause != nil && st.Pause.Requests > 0:
		return s.PausedAt != nil && s.In.Requests >= s.PausedCount+st.Pause.Requests
	case st.Pause != nil:
		return st.Pause.Duration > 0 && s.PausedAt != nil && !w.wall.Before(s.PausedAt.Add(st.Pause.Duration))
	}
	return true
}
