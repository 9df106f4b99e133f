package rollout

import (
	"fmt"
	"time"
)

// CheckState is how far a check is.
type CheckState struct {
	At      time.Time  `json:"at"`                // when it began
	Outcome Outcome    `json:"outcome,omitempty"` // empty: there is no answer yet
	EndedAt *time.Time `json:"endedAt,omitempty"`
	Message string     `json:"message,omitempty"`
}

// outcome is the answer; empty where there is none, or no check.
func (c *CheckState) outcome() Outcome {
	if c == nil {
		return ""
	}
	return c.Outcome
}

// Run is a check that has begun and waits for its answer. Runs are equal when
// the same answer is asked for; At tells those apart that ask again.
type Run struct {
	Attempt uint64
	Step    int  // of a check of the steps
	Beside  bool // it is the background's
	At      time.Time
}

// Wanted is a Run and what it asks.
type Wanted struct {
	Run
	Name, What string // as in Check
}

// Runs lists the checks that wait for an answer: these are to be running, and
// no others.
func Runs(spec Spec, s State) []Wanted {
	var out []Wanted
	if w, ok := s.asking(spec); ok {
		out = append(out, w)
	}
	if b := spec.Background; b != nil && s.Active() && s.Background != nil && s.Background.Outcome == "" {
		out = append(out, Wanted{Run{Attempt: s.Attempt, Beside: true, At: s.Background.At}, b.Name, b.What})
	}
	return out
}

// asking is the check of the current step, where it has begun and waits.
func (s State) asking(spec Spec) (Wanted, bool) {
	c := s.check(spec)
	if c == nil || s.Check == nil || s.Check.Outcome != "" {
		return Wanted{}, false
	}
	return Wanted{Run{Attempt: s.Attempt, Step: s.Step, At: s.Check.At}, c.Name, c.What}, true
}

// same says whether two runs ask for the same answer.
func (r Run) same(o Run) bool {
	return r.Attempt == o.Attempt && r.Step == o.Step && r.Beside == o.Beside && r.At.Equal(o.At)
}

// check is the check that is the current step; nil where it is none.
func (s State) check(spec Spec) *Check {
	if s.Stage != Stepping || s.Step >= len(spec.Steps) {
		return nil
	}
	return spec.Steps[s.Step].Check
}

// foldCheck folds the records of checks.
func (s State) foldCheck(r Record) State {
	c := &s.Check
	if r.Beside {
		c = &s.Background
	}
	at := r.At
	if r.Kind == CheckStarted {
		*c = &CheckState{At: at}
	} else if *c != nil {
		*c = &CheckState{At: (*c).At, Outcome: r.Outcome, EndedAt: &at, Message: r.Message}
	}
	return s
}

// checked takes the answer to a check, if anybody still waits for it. What
// fails aborts whoever holds the rollout.
func (m *machine) checked(ev Checked) {
	for _, w := range Runs(m.spec, m.state) {
		if w.Run.same(ev.Run) {
			m.answer(w, ev.Outcome, ev.Message)
			return
		}
	}
}

func (m *machine) answer(w Wanted, o Outcome, message string) {
	switch o {
	case Passed, Failed, Inconclusive:
	default:
		return
	}
	m.emit(Record{Kind: CheckEnded, Step: m.state.Step, Beside: w.Beside, Outcome: o, Message: w.Name + ": " + message})
	if o == Failed {
		m.emit(Record{Kind: AbortedKind, Version: m.state.Version, Message: w.Name + ": " + message})
	}
}

// overdue ends a check that took too long.
func (m *machine) overdue() bool {
	s, c := m.state, m.state.check(m.spec)
	if c == nil || c.Timeout == 0 || s.Check == nil || s.Check.Outcome != "" || m.now.Before(s.Check.At.Add(c.Timeout)) {
		return false
	}
	o := c.OnTimeout
	if o == "" {
		o = Inconclusive
	}
	m.answer(Wanted{Name: c.Name}, o, fmt.Sprintf("no answer within %s", c.Timeout))
	return true
}

// background begins what is asked beside the steps.
func (m *machine) background() bool {
	b := m.spec.Background
	if b == nil || m.state.Background != nil || m.state.Step < b.From || m.state.Step >= len(m.spec.Steps) {
		return false
	}
	m.emit(Record{Kind: CheckStarted, Step: m.state.Step, Beside: true, Message: b.Name + " begins beside the steps"})
	return true
}

// checkStep begins the check of the current step, or ends the step with it.
func (m *machine) checkStep(c Check) bool {
	switch s := m.state; s.Check.outcome() {
	case Passed:
		m.completed(s.Check.Message)
	case Inconclusive:
		return false
	default:
		if s.Check != nil {
			return false
		}
		m.emit(Record{Kind: CheckStarted, Step: s.Step, Message: c.Name + " begins"})
	}
	return true
}
