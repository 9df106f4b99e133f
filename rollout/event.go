package rollout

import (
	"errors"
	"fmt"
	"time"
)

// Event is news for a Rollout.
type Event interface{ event() }

// The events. Each is told with the spec that holds and the instant it is
// handled.
type (
	// SpecSeen tells that the Rollout object was read, at start or after a
	// change.
	SpecSeen struct{}
	// SpecGone tells that the Rollout object was deleted.
	SpecGone struct{}
	// FleetSeen tells what the fleet has accepted.
	FleetSeen struct{ Fleet Fleet }
	// EndpointsSeen tells how many ready endpoints each version has.
	EndpointsSeen struct{ Canary, Stable int }
	// PodsSeen tells whether the canary's pods are there for a demand.
	PodsSeen struct{ Pods Pods }
	// HarmFound tells that a judge found the canary of an attempt harmful.
	HarmFound struct {
		Attempt uint64
		Message string
	}
	// Counted tells how many requests the canary of an attempt has served.
	Counted struct {
		Attempt  uint64
		Requests uint64
	}
	// Checked tells the answer to a check, which Run named.
	Checked struct {
		Run     Run
		Outcome Outcome
		Message string
	}
	// BesideSeen tells which versions beside the canary have pods that are ready,
	// and what each is to have of the traffic, while the check that Run names waits
	// for its answer: all that is not named, and everything after the check, has
	// nothing.
	BesideSeen struct {
		Run   Run
		Parts []Part
	}
	// Thawed tells that a freeze of all rollouts has ended.
	Thawed struct{ Action Action }
	// Acted tells what a person asks for.
	Acted struct{ Action Action }
	// Ticked tells that time has passed.
	Ticked struct{}
)

func (SpecSeen) event()      {}
func (SpecGone) event()      {}
func (FleetSeen) event()     {}
func (EndpointsSeen) event() {}
func (PodsSeen) event()      {}
func (HarmFound) event()     {}
func (Counted) event()       {}
func (Checked) event()       {}
func (BesideSeen) event()    {}
func (Thawed) event()        {}
func (Acted) event()         {}
func (Ticked) event()        {}

// Verb is what a person can ask for.
type Verb string

// The verbs.
const (
	Promote  Verb = "promote"
	Pause    Verb = "pause"
	Resume   Verb = "resume"
	Abort    Verb = "abort"
	Retry    Verb = "retry"
	Rollback Verb = "rollback"
	FreezeIt Verb = "freeze"
	Unfreeze Verb = "unfreeze"
)

// Action is a person's request.
type Action struct {
	Verb     Verb
	Full     bool       // promote: skip the rest
	To       string     // rollback: the version; empty: the last one that was stable
	Ready    int        // rollback: ready endpoints of that version
	Until    *time.Time // freeze: when it ends by itself
	Actor    string
	Verified bool // the actor was proven by a token
	Reason   string
}

// Effects is what a step asks its caller to do. Where Publish lowers what is
// visible now ([Split.Lowers]), it goes out at once and the state and Records
// are written beside; else they are written first and Publish follows. Until it
// does, what is visible is cut to what Publish leaves of it ([Split.Within]).
type Effects struct {
	Records []Record // for the journal
	Publish *Split   // the new division of traffic; nil: unchanged
}

// ErrNotApplicable is wrapped by every error of an action that does not apply
// now. Nothing has changed then.
var ErrNotApplicable = errors.New("does not apply now")

func notApplicable(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrNotApplicable, fmt.Sprintf(format, args...))
}

// Step plays one event. On an error, which only an action can give, the state
// is the one before.
func Step(spec Spec, s State, now time.Time, ev Event) (State, Effects, error) {
	before := s
	m := machine{spec: spec, now: now, state: s}
	if err := m.handle(ev); err != nil {
		return before, Effects{}, err
	}
	m.advance()
	eff := Effects{Records: m.records}
	if m.state.Generation != before.Generation {
		to := m.state.Split()
		eff.Publish = &to
	}
	return m.state, eff, nil
}
