package rollout

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"time"
)

// Weight is a share of a Service's traffic, in millionths of the whole.
type Weight uint32

// Total is the weight of all traffic. The weights of a Service's versions sum
// to it.
const Total Weight = 1_000_000

// Percent gives the weight as a percentage, 0 to 100.
func (w Weight) Percent() float64 { return float64(w) / float64(Total/100) }

// String gives the weight as a percentage, as short as it is exact: 12.5%.
func (w Weight) String() string {
	return strconv.FormatFloat(w.Percent(), 'f', -1, 64) + "%"
}

// Spec is what a Rollout object asks for, in the terms of the state machine.
type Spec struct {
	// Version names the revision that is wanted. It is never empty.
	Version string
	// Stable is the version that is stable when the Rollout is seen for the first
	// time: who had it before has made it so. Empty: the wanted one is.
	Stable string
	// Out says that the wanted version had been taken out before the Rollout is seen
	// for the first time: it begins aborted. It means nothing without Stable.
	Out bool
	// Steps lead a new version from no traffic to all of it. Without steps a
	// new version takes all traffic as soon as the fleet knows it.
	Steps []StepSpec
	// Paused holds every advance, as spec.paused does; an abort still works.
	Paused bool
	// PauseOnHarm makes harm pause the rollout rather than abort it.
	PauseOnHarm bool
	// Frozen holds every advance too: somebody froze all rollouts at once.
	Frozen *Freeze
	// Turn holds every advance too, while it is not empty: it says whose turn it
	// is instead.
	Turn string
	// Background is asked beside the steps; nil: nothing is.
	Background *Background
	// Deadline is how long a canary may go without progress, pauses not
	// counted, before it is called degraded; 0: for ever. With DeadlineAborts
	// it is aborted then.
	Deadline       time.Duration
	DeadlineAborts bool
	// Scaled says that somebody scales the canary's pods as [Demand] asks, and tells
	// with [PodsSeen] when they are there.
	Scaled bool
	// FastWindow is how many of the versions that were stable last may come
	// back without steps.
	FastWindow int
}

// Freeze holds a rollout: nothing advances, whatever takes traffic from a
// canary works.
type Freeze struct {
	Until  *time.Time `json:"until,omitempty"` // nil: until somebody says unfreeze
	Actor  string     `json:"actor,omitempty"`
	Reason string     `json:"reason,omitempty"`
}

// holds says whether the freeze is in force at an instant.
func (f *Freeze) holds(now time.Time) bool {
	return f != nil && (f.Until == nil || now.Before(*f.Until))
}

// StepSpec is one step; exactly one of its fields is set.
type StepSpec struct {
	SetWeight *Weight
	Pause     *PauseSpec
	SetRoute  *ManagedRoute
	Check     *Check
	Scale     *Scale // of the canary's pods; only where the spec is Scaled
	Skip      string // a step that has no meaning here: why
}

// PauseSpec waits. Without a duration and a number it waits for a person.
type PauseSpec struct {
	Duration time.Duration // how long; 0: not for a time
	Requests uint64        // how many requests of the canary; 0: not for a number
}

// open says whether only a person ends the pause.
func (p PauseSpec) open() bool { return p.Duration == 0 && p.Requests == 0 }

// String says what the pause waits for.
func (p PauseSpec) String() string {
	switch {
	case p.Requests > 0:
		return fmt.Sprintf("%d requests", p.Requests)
	case p.Duration > 0:
		return p.Duration.String()
	}
	return "promote"
}

// Check asks somebody outside about the canary, and waits for the answer, a
// [Checked].
type Check struct {
	Name string // what it is, in words: analysis success-rate
	What string // opaque: what is asked; another one is another step
	// Timeout is how long the answer may take, 0: as long as it does; and
	// OnTimeout what counts as the answer then.
	Timeout   time.Duration
	OnTimeout Outcome
	// After says that no step of the user's asks: it comes after the last one.
	After bool
}

// Background is a check beside the steps: from a step on, until all traffic has
// moved over. It ends nothing but the canary.
type Background struct {
	Name, What string
	From       int // the step with which it begins
}

// Outcome is the answer to a check.
type Outcome string

// The outcomes.
const (
	Passed       Outcome = "Passed"       // the rollout goes on
	Failed       Outcome = "Failed"       // it is aborted
	Inconclusive Outcome = "Inconclusive" // it waits for a person
)

// ManagedRoute is a route that a step makes in front of the Service's own: by
// header, or to mirror. What it says is for who translates it; the machine
// knows its name, and its place among the others.
type ManagedRoute struct {
	Name  string `json:"name"`
	Order int    `json:"order"` // precedence: the lower one wins
	What  string `json:"what"`  // opaque; empty: a step that takes the route away
}

// stepsHash identifies the steps, so that a change of them can be seen. It is
// stored, so its form must stay.
func (s Spec) stepsHash() string {
	h := fnv.New64a()
	for _, st := range s.Steps {
		switch {
		case st.SetWeight != nil:
			fmt.Fprintf(h, "w%d;", *st.SetWeight)
		case st.Pause != nil && st.Pause.Requests > 0:
			fmt.Fprintf(h, "n%d;", st.Pause.Requests)
		case st.Pause != nil:
			fmt.Fprintf(h, "p%d;", st.Pause.Duration)
		case st.SetRoute != nil:
			fmt.Fprintf(h, "r%q,%q,%d;", st.SetRoute.Name, st.SetRoute.What, st.SetRoute.Order)
		case st.Scale != nil:
			fmt.Fprintf(h, "k%s,%d;", st.Scale.By, st.Scale.N)
		case st.Check != nil:
			fmt.Fprintf(h, "c%q,%d,%s;", st.Check.What, st.Check.Timeout, st.Check.OnTimeout)
		default:
			fmt.Fprintf(h, "s%q;", st.Skip)
		}
	}
	return strconv.FormatUint(h.Sum64(), 16)
}
