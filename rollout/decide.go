package rollout

import (
	"fmt"
	"slices"
	"time"
)

// serin is the actor of every record that no person asked for.
const serin = "serin"

// machine plays one event: it collects the records and folds each at once.
type machine struct {
	spec    Spec
	now     time.Time
	state   State
	records []Record

	thawedBy Action // who ended a freeze of all, if that is the event
}

// emit journals a fact and folds it into the state.
func (m *machine) emit(r Record) {
	r.At = m.now
	if r.Actor == "" {
		r.Actor = serin
	}
	m.records = append(m.records, r)
	m.state = m.state.Apply(r)
}

// by fills in who asked for a record, and why.
func (r Record) by(a Action) Record {
	r.Actor, r.Verified, r.Reason = a.Actor, a.Verified, a.Reason
	return r
}

func (m *machine) handle(ev Event) error {
	switch ev := ev.(type) {
	case SpecSeen:
		m.specSeen()
	case SpecGone:
		m.specGone()
	case FleetSeen:
		m.state.In.Fleet = ev.Fleet
	case EndpointsSeen:
		m.state.In.Canary, m.state.In.Stable, m.state.In.EndpointsKnown = ev.Canary, ev.Stable, true
	case PodsSeen:
		m.state.In.Pods = ev.Pods
	case HarmFound:
		m.harmFound(ev)
	case Counted:
		if ev.Attempt == m.state.Attempt {
			m.state.In.Requests = ev.Requests
		}
	case Checked:
		m.checked(ev)
	case BesideSeen:
		m.besideSeen(ev)
	case Thawed:
		m.thawedBy = ev.Action
	case Acted:
		return m.act(ev.Action)
	}
	return nil
}

// specSeen compares what the object wants with what is known.
func (m *machine) specSeen() {
	s, version, steps := &m.state, m.spec.Version, m.spec.stepsHash()
	switch {
	case s.Stage == "":
		m.first(version, steps)
	case version != s.Version || s.Deleted && version != s.Stable:
		m.versionChanged(version, steps)
	case steps != s.Steps && s.Active():
		m.start(Record{Version: version, Steps: steps,
			Message: fmt.Sprintf("the steps of %s changed: it starts again", version)})
	case steps != s.Steps || s.Deleted:
		m.emit(Record{Kind: SpecNoted, Version: version, Steps: steps, Message: "the steps changed"})
	}
}

// first begins a Rollout that was never seen.
func (m *machine) first(version, steps string) {
	stable, message := version, "%s is the first version seen: it is stable at once"
	if m.spec.Stable != "" {
		stable, message = m.spec.Stable, "%s was stable before the Rollout was seen"
	}
	m.emit(Record{Kind: FirstVersion, Version: stable, Steps: steps, Message: fmt.Sprintf(message, stable)})
	if stable == version {
		return
	}
	m.versionChanged(version, steps)
	if m.spec.Out {
		m.emit(Record{Kind: AbortedKind, Version: version,
			Message: fmt.Sprintf("%s was aborted before the Rollout was seen", version)})
	}
}

func (m *machine) versionChanged(version, steps string) {
	s := m.state
	if version != s.Stable {
		msg := fmt.Sprintf("%s is wanted, %s is stable", version, s.Stable)
		if s.Stage != Idle {
			msg += fmt.Sprintf("; %s leaves traffic", s.Version)
		}
		m.start(Record{Version: version, Steps: steps, Message: msg})
		return
	}
	msg := fmt.Sprintf("%s, the stable version, is wanted again", version)
	m.emit(Record{Kind: BackToStable, Steps: steps, Message: msg})
}

func (m *machine) start(r Record) {
	r.Kind = CanaryStarted
	r.Fast = m.isRecent(r.Version)
	m.emit(r)
	m.state.In.Canary, m.state.In.EndpointsKnown, m.state.In.Requests, m.state.In.Pods = 0, false, 0, Pods{}
}

// isRecent says whether a version is one of those that were stable last, as far
// as the spec's window reaches.
func (m *machine) isRecent(version string) bool {
	recent := m.state.Proven
	if n := len(recent) - m.spec.FastWindow; n > 0 {
		recent = recent[n:]
	}
	return m.spec.FastWindow > 0 && slices.Contains(recent, version)
}

func (m *machine) specGone() {
	s := m.state
	if s.Stage == "" || s.Deleted {
		return
	}
	m.emit(Record{Kind: RolloutDeleted,
		Message: fmt.Sprintf("the Rollout is deleted: %s keeps the traffic", s.Stable)})
}

func (m *machine) harmFound(ev HarmFound) {
	s := m.state
	if !s.Active() || ev.Attempt != s.Attempt {
		return // news of a canary that is already out
	}
	if !m.spec.PauseOnHarm {
		m.emit(Record{Kind: AbortedKind, Version: s.Version, Message: ev.Message})
	} else if s.HarmPausedAt == nil && !s.HarmWaived {
		m.emit(Record{Kind: HarmPaused, Message: ev.Message})
	}
}

func (m *machine) act(a Action) error {
	switch a.Verb {
	case Promote:
		return m.promote(a)
	case Pause:
		return m.pause(a)
	case Resume:
		return m.resume(a)
	case Abort:
		return m.abort(a)
	case Retry:
		return m.retry(a)
	case Rollback:
		return m.rollback(a)
	case FreezeIt:
		return m.freeze(a)
	case Unfreeze:
		return m.unfreeze(a)
	}
	return notApplicable("%q is no action: promote, pause, resume, abort, retry, rollback, freeze and unfreeze are", a.Verb)
}

// underWay refuses an action that needs a canary under way.
func (m *machine) underWay(verb Verb) error {
	s := m.state
	switch {
	case s.Active():
		return nil
	case s.Stage == Aborted:
		return notApplicable("%s: the rollout of %s was aborted; retry starts it again", verb, s.Version)
	case s.Pinned:
		return notApplicable("%s: the rollout is pinned to %s; resume unpins it", verb, s.Stable)
	}
	return notApplicable("%s: no canary is under way; %s is stable", verb, s.Stable)
}

func (m *machine) freeze(a Action) error {
	if a.Until != nil && !a.Until.After(m.now) {
		return notApplicable("freeze: its end, %s, is not to come", a.Until.Format(time.RFC3339))
	}
	m.emit(Record{Kind: Frozen, Until: a.Until, Message: "nothing advances " + until(a.Until)}.by(a))
	return nil
}

func (m *machine) unfreeze(a Action) error {
	if m.state.Frozen == nil {
		return notApplicable("unfreeze: it is not frozen by itself")
	}
	m.emit(Record{Kind: Unfrozen, Message: "it may advance again"}.by(a))
	return nil
}

// until says when a freeze ends.
func until(t *time.Time) string {
	if t == nil {
		return "until unfreeze"
	}
	return "until " + t.Format(time.RFC3339)
}

func (m *machine) promote(a Action) error {
	s := m.state
	if err := m.underWay(Promote); err != nil {
		return err
	}
	for _, f := range []*Freeze{m.spec.Frozen, s.Frozen} {
		if f.holds(m.now) {
			return notApplicable("promote: it is frozen %s", until(f.Until))
		}
	}
	if a.Full {
		if s.Stage == Completing && s.UserPausedAt == nil && s.HarmPausedAt == nil {
			return notApplicable("promote: %s is being promoted already", s.Version)
		}
		m.emit(Record{Kind: PromotedFull, Step: len(m.spec.Steps),
			Message: fmt.Sprintf("the remaining steps of %s are skipped", s.Version)}.by(a))
		return nil
	}
	switch {
	case s.HarmPausedAt != nil || s.Background.outcome() == Inconclusive:
		m.emit(Record{Kind: Waived, Message: "promoted in spite of the verdict"}.by(a))
	case s.PausedAt != nil:
		m.emit(Record{Kind: StepCompleted, Step: s.Step + 1,
			Message: fmt.Sprintf("the pause of step %d is ended", s.Step)}.by(a))
	case s.Check != nil:
		m.emit(Record{Kind: StepCompleted, Step: s.Step + 1,
			Message: fmt.Sprintf("the check of step %d is passed over", s.Step)}.by(a))
	default:
		return notApplicable("promote: step %d is no pause that has begun; promote --full skips all steps", s.Step)
	}
	return nil
}

func (m *machine) pause(a Action) error {
	if err := m.underWay(Pause); err != nil {
		return err
	}
	if m.state.UserPausedAt != nil {
		return notApplicable("pause: it is paused already")
	}
	m.emit(Record{Kind: Paused, Message: fmt.Sprintf("%s stays at %s", m.state.Version, m.state.Weight)}.by(a))
	return nil
}

func (m *machine) resume(a Action) error {
	s := m.state
	switch {
	case s.UserPausedAt != nil:
		m.emit(Record{Kind: Resumed, Message: fmt.Sprintf("the rollout of %s goes on", s.Version)}.by(a))
	case s.Pinned:
		m.emit(Record{Kind: Unpinned, Message: fmt.Sprintf("%s is wanted again", s.Version)}.by(a))
		if m.spec.Version != m.state.Stable {
			m.start(Record{Version: m.spec.Version, Steps: m.spec.stepsHash(),
				Message: fmt.Sprintf("%s is wanted, %s is stable", m.spec.Version, s.Stable)})
		}
	case s.HarmPausedAt != nil:
		return notApplicable("resume: nobody paused it; the guard did, and promote goes on in spite of that")
	case s.PausedAt != nil:
		return notApplicable("resume: nobody paused it; step %d is a pause, which promote ends", s.Step)
	case s.Check != nil || s.Background.outcome() == Inconclusive:
		return notApplicable("resume: nobody paused it; a check is open, which promote passes over")
	default:
		return notApplicable("resume: it is not paused")
	}
	return nil
}

func (m *machine) abort(a Action) error {
	s := m.state
	if err := m.underWay(Abort); err != nil {
		return err
	}
	msg := fmt.Sprintf("aborted by %s", a.Actor)
	if a.Reason != "" {
		msg += ": " + a.Reason
	}
	m.emit(Record{Kind: AbortedKind, Version: s.Version, Message: msg}.by(a))
	return nil
}

func (m *machine) retry(a Action) error {
	s := m.state
	if s.Stage != Aborted {
		return notApplicable("retry: only an aborted rollout is tried again; this one is not")
	}
	m.start(Record{Version: s.Version, Steps: m.spec.stepsHash(),
		Message: fmt.Sprintf("%s is tried again from step 0", s.Version)}.by(a))
	return nil
}

func (m *machine) rollback(a Action) error {
	s := m.state
	to := a.To
	switch {
	case s.Stage != Idle:
		if to != "" && to != s.Stable {
			return notApplicable("rollback: during a canary it goes back to %s only", s.Stable)
		}
		to = s.Stable
	case to == "" && len(s.Proven) == 0:
		return notApplicable("rollback: no version was stable before %s", s.Stable)
	case to == "":
		to = s.Proven[len(s.Proven)-1]
	}
	if s.Stage == Idle && to == s.Stable {
		return notApplicable("rollback: %s is stable already", to)
	}
	if s.Stage == Idle && a.Ready == 0 {
		return notApplicable("rollback: %s has no ready endpoint", to)
	}
	m.emit(Record{Kind: RolledBack, Version: to,
		Message: fmt.Sprintf("all traffic goes to %s, which stays until another version is wanted", to)}.by(a))
	return nil
}
