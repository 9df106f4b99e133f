package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
)

// moved is one line of the timeline: a record of the journal, with what was
// served and judged until then.
type moved struct {
	Seconds  float64 `json:"seconds"` // since the new version was wanted
	Event    string  `json:"event"`   // as in the journal, or Refused
	Message  string  `json:"message"`
	Actor    string  `json:"actor"`
	Step     int     `json:"step"`
	Weight   float64 `json:"weight"` // wanted, percent
	Canary   tally   `json:"canary"` // since the canary began
	Stable   tally   `json:"stable"`
	Evidence float64 `json:"evidence"` // of the guard; 0: it is off
}

// outcome is how a simulation ended.
type outcome string

// The outcomes.
const (
	outcomePromoted outcome = "promoted"
	outcomeAborted  outcome = "aborted"
	outcomeBack     outcome = "rolled back"
	outcomePerson   outcome = "waits for a person"
	outcomeOpen     outcome = "not over"
)

// exits are the exit codes by outcome.
var exits = map[outcome]int{
	outcomePromoted: exitOK, outcomeAborted: exitRefused, outcomeBack: exitRefused,
	outcomePerson: exitPerson, outcomeOpen: exitTimeout,
}

// simulated is the result of a simulation.
type simulated struct {
	Name      string         `json:"name"`
	Namespace string         `json:"namespace"`
	Version   string         `json:"version"`
	Stable    string         `json:"stable"` // at the start
	Seed      uint64         `json:"seed"`
	Outcome   outcome        `json:"outcome"`
	Message   string         `json:"message"`
	Seconds   float64        `json:"seconds"` // played, of virtual time
	Evidence  []api.Evidence `json:"evidence"`
	Timeline  []moved        `json:"timeline"`
	Plan      []plannedReach `json:"plan,omitempty"` // how long the guard needs at each weight

	// Observed is what each version served since the canary began.
	Observed map[string]api.VersionCounts `json:"observed"`
}

// note adds a line to the timeline. Records of one event are all told with the
// state that they led to, as in the journal.
func (s *simulation) note(event, actor, message string) {
	m := moved{
		Seconds: s.seconds(), Event: event, Message: message, Actor: actor,
		Step: s.state.Step, Weight: s.state.Weight.Percent(), Canary: s.canary, Stable: s.stable,
	}
	if s.guard != nil {
		m.Evidence = s.guard.Evidence()
	}
	s.timeline = append(s.timeline, m)
}

// seconds is the virtual time played.
func (s *simulation) seconds() float64 { return s.now.Sub(s.began).Seconds() }

// outcome says how the rollout stands, and why.
func (s *simulation) outcome() (outcome, string) {
	switch {
	case s.state.Stage == rollout.Aborted:
		return outcomeAborted, s.state.AbortMessage
	case s.state.Stage == rollout.Idle && s.state.Stable == s.spec.Version:
		return outcomePromoted, s.state.Stable + " is stable"
	case s.state.Stage == rollout.Idle:
		return outcomeBack, s.state.Message(s.spec)
	}
	if s.state.Phase(s.spec) != rollout.PhasePaused {
		return outcomeOpen, s.state.Message(s.spec)
	}
	status := api.RolloutStatus{CurrentStepIndex: s.state.Step, Message: s.state.Message(s.spec)}
	for _, w := range s.state.Waits() {
		status.PauseConditions = append(status.PauseConditions, api.PauseCondition{Reason: w.Reason, StartTime: w.Since})
	}
	if who := holders(s.object.WithStatus(status)); len(who) > 0 {
		return outcomePerson, strings.Join(who, "; ")
	}
	return outcomeOpen, status.Message
}

// timelineTable writes one line for each entry.
func timelineTable(w io.Writer, list []moved) error {
	head := []string{"TIME", "EVENT", "STEP", "WEIGHT", "CANARY", "STABLE", "EVIDENCE", "MESSAGE"}
	var rows [][]string
	for _, m := range list {
		rows = append(rows, []string{
			playedText(m.Seconds), m.Event, fmt.Sprint(m.Step), percentText(m.Weight),
			m.Canary.String(), m.Stable.String(), numberText(m.Evidence), m.Message,
		})
	}
	return grid(w, head, rows)
}

// String gives the errors of the requests.
func (t tally) String() string { return fmt.Sprintf("%d/%d", t.Errors, t.Requests) }

// playedText gives virtual time to the millisecond.
func playedText(seconds float64) string {
	return time.Duration(seconds * float64(time.Second)).Round(time.Millisecond).String()
}

// observed gives what each version served.
func (s *simulation) observed(stable string) map[string]api.VersionCounts {
	all := float64(max(s.canary.Requests+s.stable.Requests, 1))
	counts := func(t tally) api.VersionCounts {
		return api.VersionCounts{Requests: t.Requests, Errors: t.Errors, Share: float64(t.Requests) / all}
	}
	return map[string]api.VersionCounts{s.spec.Version: counts(s.canary), stable: counts(s.stable)}
}
