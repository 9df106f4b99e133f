package rollout

import (
	"fmt"
	"slices"
	"time"
)

// advance plays everything that can happen now without further news. It ends
// because every turn either moves forward in the steps or finds a reason to
// wait.
func (m *machine) advance() {
	m.thaw()
	m.hold()
	for m.state.Active() && m.turn() {
	}
	m.late()
	m.settle()
}

// turn plays at most one record and says whether it did.
func (m *machine) turn() bool {
	if m.withhold() || m.lower() || m.overdue() || m.lowerBeside() {
		return true
	}
	if m.held() || !m.passable() {
		return false
	}
	if m.state.Withheld {
		m.emit(Record{Kind: WeightRestored, Weight: m.state.Allowed,
			Message: fmt.Sprintf("%s has endpoints again: back to %s", m.state.Version, m.state.Allowed)})
		return true
	}
	switch m.state.Stage {
	case Preparing:
		m.prepared()
		return true
	case Stepping:
		return m.background() || m.raiseBeside() || m.step()
	default:
		return m.complete()
	}
}

// passable says whether nothing in the world forbids to go on: the canary can
// serve, and whoever is waited for has accepted the present split.
func (m *machine) passable() bool {
	s := m.state
	return s.In.EndpointsKnown && (s.In.Canary > 0 || !m.needsEndpoints()) &&
		s.In.Fleet.Generation == s.Generation && s.In.Fleet.ready()
}

// held says whether somebody wants the rollout to stay where it is.
func (m *machine) held() bool {
	return m.spec.Paused || m.state.UserPausedAt != nil || m.state.HarmPausedAt != nil ||
		m.spec.Frozen.holds(m.now) || m.state.Frozen.holds(m.now) ||
		m.spec.Turn != "" || m.state.Background.outcome() == Inconclusive
}

// thaw ends a freeze whose time is over.
func (m *machine) thaw() {
	if f := m.state.Frozen; f != nil && !f.holds(m.now) {
		m.emit(Record{Kind: Unfrozen, Message: "the freeze is over"})
	}
}

// hold journals that spec.paused, a freeze of all or somebody else's turn begins
// to hold a canary, or no longer does: then its clock starts anew.
func (m *machine) hold() {
	held := m.spec.Paused || m.spec.Frozen.holds(m.now) || m.spec.Turn != ""
	switch {
	case !m.state.Active() || held == m.state.Held:
	case held:
		m.emit(Record{Kind: Held, Message: m.holder()})
	default:
		m.emit(Record{Kind: Released, Message: "no longer held"}.by(m.thawedBy))
	}
}

// holder says what begins to hold a canary.
func (m *machine) holder() string {
	switch {
	case m.spec.Paused:
		return "held by spec.paused"
	case m.spec.Turn != "":
		return "held: " + m.spec.Turn
	}
	return "held by a freeze of all"
}

// late notices that a canary did not come forward in time. A pause, a freeze
// and whoever holds the rollout stop the clock: they end with a record that
// starts it anew, or with time that the pause itself has measured.
func (m *machine) late() {
	s := m.state
	if s.Late || !clockRuns(m.spec, s) || m.held() || m.now.Before(s.ProgressAt.Add(m.spec.Deadline)) {
		return
	}
	msg := fmt.Sprintf("no progress for %s: %s", m.spec.Deadline, s.Message(m.spec))
	m.emit(Record{Kind: DeadlinePassed, Message: msg})
	if m.spec.DeadlineAborts {
		m.emit(Record{Kind: AbortedKind, Version: s.Version, Message: msg})
	}
}

// clockRuns says whether the deadline for progress is being counted.
func clockRuns(spec Spec, s State) bool {
	return spec.Deadline > 0 && s.Active() && s.PausedAt == nil && s.UserPausedAt == nil &&
		s.HarmPausedAt == nil && !s.Held && s.Frozen == nil && (s.Check == nil || s.Check.Outcome == Passed) &&
		s.Background.outcome() != Inconclusive
}

// withhold takes all traffic from a canary that has no endpoint left.
func (m *machine) withhold() bool {
	s := m.state
	if s.Withheld || s.Weight == 0 && len(s.Routes) == 0 || !s.In.EndpointsKnown || s.In.Canary > 0 {
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
	switch {
	case len(m.spec.Steps) == 0:
		m.emit(Record{Kind: StepsCompleted, Message: "there are no steps"})
		return
	case m.state.Fast:
		m.emit(Record{Kind: StepsCompleted, Message: fmt.Sprintf("%s was stable not long ago: no steps", m.state.Version)})
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
	case st.SetRoute != nil:
		return m.setRoute(*st.SetRoute)
	case st.Check != nil:
		return m.checkStep(*st.Check)
	case st.Scale != nil:
		return m.setScale(*st.Scale)
	default:
		m.completed(st.Skip)
	}
	return true
}

// setRoute makes a managed route or takes it away, and completes the step when
// called again with that in force.
func (m *machine) setRoute(r ManagedRoute) bool {
	i := slices.IndexFunc(m.state.Routes, func(have ManagedRoute) bool { return have.Name == r.Name })
	switch {
	case r.What == "" && i >= 0:
		m.emit(Record{Kind: RouteUnset, Step: m.state.Step, Route: &r, Message: fmt.Sprintf("the route %s is taken away", r.Name)})
	case r.What != "" && (i < 0 || m.state.Routes[i] != r):
		m.emit(Record{Kind: RouteSet, Step: m.state.Step, Route: &r, Message: fmt.Sprintf("the route %s leads to %s", r.Name, m.state.Version)})
	default:
		m.completed(fmt.Sprintf("every Envoy has the route %s so", r.Name))
	}
	return true
}

// setWeight sets the weight of a step, and completes the step when called again
// with the weight in force. A raise waits for the pods that it takes.
func (m *machine) setWeight(w Weight) bool {
	if w > m.state.Allowed && !m.podsReady() {
		return false
	}
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
		if !p.open() {
			msg = "for " + p.String()
		}
		m.emit(Record{Kind: PauseStarted, Step: m.state.Step, Count: m.state.In.Requests, Message: "paused " + msg})
		return true
	}
	if p.open() || m.now.Before(m.state.PausedAt.Add(p.Duration)) || m.state.counted() < p.Requests {
		return false
	}
	m.completed(fmt.Sprintf("%s are over", p))
	return true
}

// counted is how many requests the canary has served since the pause began.
func (s State) counted() uint64 {
	if s.In.Requests < s.PausedCount {
		return 0
	}
	return s.In.Requests - s.PausedCount
}

func (m *machine) completed(why string) {
	m.emit(Record{Kind: StepCompleted, Step: m.state.Step + 1,
		Message: fmt.Sprintf("step %d is over: %s", m.state.Step, why)})
}

// complete moves all traffic over and, when the fleet has that, ends the canary.
func (m *machine) complete() bool {
	s := m.state
	if s.Allowed != Total && !m.podsReady() {
		return false
	}
	if s.Allowed != Total {
		m.emit(Record{Kind: WeightSet, Step: s.Step, Weight: Total,
			Message: fmt.Sprintf("all traffic to %s", s.Version)})
		return true
	}
	m.emit(Record{Kind: Promoted, Version: s.Version, Step: len(m.spec.Steps),
		Message: fmt.Sprintf("%s is stable now, %s is not", s.Version, s.Stable)})
	return true
}

// settle forgets retired versions and former routes when no Envoy can know them any more. It must
// come after everything else: what it takes away may not be needed by it.
func (m *machine) settle() {
	s := m.state
	if len(s.Retired)+len(s.Former) > 0 && s.In.Fleet.Generation == s.Generation && s.In.Fleet.Settled {
		msg := "no Envoy knows the retired versions any more"
		if len(s.Retired) == 0 {
			msg = "no Envoy has a former route any more"
		}
		m.emit(Record{Kind: Settled, Message: msg})
	}
}

// Next gives the instant at which the step ends by itself; zero where it does
// not end at a known time.
func Next(spec Spec, s State) time.Time {
	if s.Stage != Stepping || s.PausedAt == nil || s.Step >= len(spec.Steps) {
		return time.Time{}
	}
	if p := spec.Steps[s.Step].Pause; p != nil && p.Duration > 0 {
		return s.PausedAt.Add(p.Duration)
	}
	return time.Time{}
}

// Wake gives the instant at which the machine wants to be told of time: the
// Next transition, the end of a freeze, or a deadline; zero when only news can
// move it.
func Wake(spec Spec, s State) time.Time {
	next := Next(spec, s)
	earlier := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	for _, f := range []*Freeze{spec.Frozen, s.Frozen} {
		if f != nil && f.Until != nil {
			earlier(*f.Until)
		}
	}
	if c := s.check(spec); c != nil && c.Timeout > 0 && s.Check != nil && s.Check.Outcome == "" {
		earlier(s.Check.At.Add(c.Timeout))
	}
	if clockRuns(spec, s) && !s.Late {
		earlier(s.ProgressAt.Add(spec.Deadline))
	}
	return next
}

// Counts says whether the number of the canary's requests can move the
// rollout now: its step is a pause that waits for some.
func Counts(spec Spec, s State) bool {
	if s.Stage != Stepping || s.PausedAt == nil || s.Step >= len(spec.Steps) {
		return false
	}
	p := spec.Steps[s.Step].Pause
	return p != nil && p.Requests > 0
}
