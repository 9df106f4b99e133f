package rollout

import (
	"fmt"
	"time"
)

// advance plays everything that can happen now without further news. It ends
// because every turn either moves forward in the steps or finds a reason to
// wait.
func (m *machine) advance() {
	for m.state.Active() && m.turn() {
	}
	m.settle()
}

// turn plays at most one record and says whether it did.
func (m *machine) turn() bool {
	if m.withhold() || m.lower() {
		return true
	}
	if m.held() || !m.state.passable() {
		return false
	}
	if m.state.Weight < m.state.Allowed {
		m.emit(Record{Kind: WeightRestored, Weight: m.state.Allowed,
			Message: fmt.Sprintf("%s has endpoints again: back to %s", m.state.Version, m.state.Allowed)})
		return true
	}
	switch m.state.Stage {
	case Preparing:
		m.prepared()
		return true
	case Stepping:
		return m.step()
	default:
		return m.complete()
	}
}

// passable says whether nothing in the world forbids to go on: the canary can
// serve, and whoever is waited for has accepted the present split.
func (s State) passable() bool {
	return s.In.EndpointsKnown && s.In.Canary > 0 &&
		s.In.Fleet.Generation == s.Generation && s.In.Fleet.ready()
}

// held says whether somebody wants the rollout to stay where it is.
func (m *machine) held() bool {
	return m.spec.Paused || m.state.UserPausedAt != nil || m.state.HarmPausedAt != nil
}

// withhold takes the weight from a canary that has no endpoint left.
func (m *machine) withhold() bool {
	s := m.state
	if s.Weight == 0 || !s.In.EndpointsKnown || s.In.Canary > 0 {
		return false
	}
	m.emit(Record{Kind: WeightWithheld,
		Message: fmt.Sprintf("%s has no ready endpoint left: weight 0 until it has", s.Version)})
	return true
}

// lower plays a step that lowers the weight, which waits for nothing: somebody
// may have promoted to it while the fleet was out of reach.
func (m *machine) lower() bool {
	s := m.state
	if s.Stage != Stepping || s.Step >= len(m.spec.Steps) {
		return false
	}
	w := m.spec.Steps[s.Step].SetWeight
	return w != nil && *w < s.Allowed && m.setWeight(*w)
}

func (m *machine) prepared() {
	if len(m.spec.Steps) == 0 {
		m.emit(Record{Kind: StepsCompleted, Message: "there are no steps"})
		return
	}
	m.emit(Record{Kind: Prepared, Message: "the fleet knows the canary and the weighted routes"})
}

// step plays the current step, or finds that it is not over.
func (m *machine) step() bool {
	s := m.state
	if s.Step >= len(m.spec.Steps) {
		m.emit(Record{Kind: StepsCompleted, Message: "all steps are over"})
		return true
	}
	switch st := m.spec.Steps[s.Step]; {
	case st.SetWeight != nil:
		return m.setWeight(*st.SetWeight)
	case st.Pause != nil:
		return m.pauseStep(*st.Pause)
	}
	m.completed("nothing to do")
	return true
}

// setWeight sets the weight of a step, and completes the step when called again
// with the weight in force.
func (m *machine) setWeight(w Weight) bool {
	if m.state.Allowed != w {
		m.emit(Record{Kind: WeightSet, Step: m.state.Step, Weight: w,
			Message: fmt.Sprintf("step %d: %s to %s", m.state.Step, w, m.state.Version)})
		return true
	}
	m.completed(fmt.Sprintf("%s is in force at every Envoy", w))
	return true
}

func (m *machine) pauseStep(p PauseSpec) bool {
	if m.state.PausedAt == nil {
		msg := "until somebody promotes"
		if p.Duration > 0 {
			msg = "for " + p.Duration.String()
		}
		m.emit(Record{Kind: PauseStarted, Step: m.state.Step, Message: "paused " + msg})
		return true
	}
	if p.Duration == 0 || m.now.Before(m.state.PausedAt.Add(p.Duration)) {
		return false
	}
	m.completed(fmt.Sprintf("%s are over", p.Duration))
	return true
}

func (m *machine) completed(why string) {
	m.emit(Record{Kind: StepCompleted, Step: m.state.Step + 1,
		Message: fmt.Sprintf("step %d is over: %s", m.state.Step, why)})
}

// complete moves all traffic over and, when the fleet has that, ends the canary.
func (m *machine) complete() bool {
	s := m.state
	if s.Allowed != Total {
		m.emit(Record{Kind: WeightSet, Step: s.Step, Weight: Total,
			Message: fmt.Sprintf("all traffic to %s", s.Version)})
		return true
	}
	m.emit(Record{Kind: Promoted, Version: s.Version, Step: len(m.spec.Steps),
		Message: fmt.Sprintf("%s is stable now, %s is not", s.Version, s.Stable)})
	return true
}

// settle forgets retired versions when no Envoy can know them any more. It must
// come after everything else: what it takes away may not be needed by it.
func (m *machine) settle() {
	s := m.state
	if len(s.Retired) > 0 && s.In.Fleet.Generation == s.Generation && s.In.Fleet.Settled {
		m.emit(Record{Kind: Settled, Message: "no Envoy knows the retired versions any more"})
	}
}

// Next gives the instant at which the state should be told of time again; zero
// when only news can move it.
func Next(spec Spec, s State) time.Time {
	if s.Stage != Stepping || s.PausedAt == nil || s.Step >= len(spec.Steps) {
		return time.Time{}
	}
	if p := spec.Steps[s.Step].Pause; p != nil && p.Duration > 0 {
		return s.PausedAt.Add(p.Duration)
	}
	return time.Time{}
}
