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
	// Steps lead a new version from no traffic to all of it. Without steps a
	// new version takes all traffic as soon as the fleet knows it.
	Steps []StepSpec
	// Paused holds every advance, as spec.paused does; an abort still works.
	Paused bool
	// PauseOnHarm makes harm pause the rollout rather than abort it.
	PauseOnHarm bool
}

// StepSpec is one step; exactly one of its fields is set.
type StepSpec struct {
	SetWeight *Weight
	Pause     *PauseSpec
}

// PauseSpec waits. Without a duration it waits for a person.
type PauseSpec struct {
	Duration time.Duration // 0: until promoted
}

// stepsHash identifies the steps, so that a change of them can be seen. It is
// stored, so its form must stay.
func (s Spec) stepsHash() string {
	h := fnv.New64a()
	for _, st := range s.Steps {
		switch {
		case st.SetWeight != nil:
			fmt.Fprintf(h, "w%d;", *st.SetWeight)
		case st.Pause != nil:
			fmt.Fprintf(h, "p%d;", st.Pause.Duration)
		}
	}
	return strconv.FormatUint(h.Sum64(), 16)
}
