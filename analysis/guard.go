package analysis

import (
	"math"

	"github.com/serin-mesh/serin/api"
)

// The defaults of the guard's error-rate test.
const (
	// DefaultAlpha is half of what a confidence of 0.999 leaves to all metrics.
	DefaultAlpha = 0.0005
	// DefaultMargin covers what arms differ by for other reasons than their
	// version: hosts, caches.
	DefaultMargin = 0.4
	// DefaultMaxIncrease is the excess of failures that is tolerated, as a part
	// of the requests.
	DefaultMaxIncrease = 0.005
	// maxMargin keeps the arithmetic finite; no plan needs a tenth of it.
	maxMargin = 1e6
	// maxSteps is far more weight steps than any plan has.
	maxSteps = 1 << 20
)

// Config says what the error-rate test promises and tolerates.
type Config struct {
	// Alpha is the promise: the most probable that a canary within the margin
	// is ever called harmful by this metric. What is not between 0 and 1 means
	// DefaultAlpha.
	Alpha float64 `json:"alpha"`
	// Margin is d: a canary that fails at most 1+d times as often as stable is
	// good. 0 or more; what is less means 0.
	Margin float64 `json:"margin"`
	// MaxIncrease is the absolute excess of the canary's failure share over
	// stable's (0 to 1) up to which nothing is harm. 0 tolerates none.
	MaxIncrease float64 `json:"maxIncrease"`
	// PlannedSteps is how many weight steps follow the first one.
	PlannedSteps int `json:"plannedSteps"`
	// Metric names what is counted, in a Result: error-rate where it is empty.
	Metric string `json:"metric,omitempty"`
	// Bad is what happened to a request that is counted, in the words of a
	// verdict: failed where it is empty.
	Bad string `json:"bad,omitempty"`
	// LoneHost is the verdict when only one of several hosts of the canary is
	// bad: inconclusive where it is empty.
	LoneHost api.Verdict `json:"loneHost,omitempty"`
}

// sane gives the configuration with each impossible value replaced.
func (c Config) sane() Config {
	if !(c.Alpha > 0 && c.Alpha < 1) {
		c.Alpha = DefaultAlpha
	}
	c.Margin = between(c.Margin, 0, maxMargin)
	c.MaxIncrease = between(c.MaxIncrease, 0, 1)
	c.PlannedSteps = min(max(c.PlannedSteps, 0), maxSteps)
	return c
}

// between clamps x, and takes low for what is not a number.
func between(x, low, high float64) float64 {
	if math.IsNaN(x) {
		return low
	}
	return min(max(x, low), high)
}

// Failure is one failing request.
type Failure struct {
	// Canary says that the canary answered it, else stable did.
	Canary bool
	// Weight is the canary's share of new requests when it was routed, 0 to 1:
	// the largest of those that may have been in force. At 0 and at 1 the split
	// says nothing; such a failure is counted, and is no evidence.
	Weight float64
	// Host is the upstream's address. Empty means that no host was reached:
	// that is a failure of the version, not of one host.
	Host string
	// Flag is Envoy's short response flag, such as UF, where Envoy itself
	// failed the request. The verdict names it.
	Flag string
}

// Counts is how much of either version had been seen at some moment since the
// canary began.
type Counts struct {
	CanaryFailures uint64 `json:"canaryFailures"`
	StableFailures uint64 `json:"stableFailures"`
	// Requests are estimates: what was reported, and the rate times the time
	// since. Known is false while there is no such estimate.
	CanaryRequests float64 `json:"canaryRequests"`
	StableRequests float64 `json:"stableRequests"`
	Known          bool    `json:"known"`
}

// ErrorRate is the guard's test of failing requests, as the package comment
// describes it. Create it with NewErrorRate, or decode it from its JSON.
type ErrorRate struct {
	config   Config
	schedule schedule
	mixture  mixture

	total   Counts
	ignored uint64  // failures at a weight of 0 or 1
	weight  float64 // of the last failure
	hosts   hosts
	flags   flags
}

// NewErrorRate gives the test at the start of a canary, with evidence 1.
func NewErrorRate(c Config) *ErrorRate {
	c = c.sane()
	e := &ErrorRate{
		config:   c,
		schedule: schedule{planned: c.PlannedSteps},
		mixture:  newMixture(c.Margin),
	}
	// The start is an onset whose requests are known: none were.
	e.mixture.release(&portionsFor(c.PlannedSteps).start, 1, &Counts{Known: true})
	e.hosts.release(&patient.start, 1)
	return e
}

// Config gives what the test was created with. A test that was decoded keeps
// the one it was stored with: a promise cannot be changed half way.
func (e *ErrorRate) Config() Config { return e.config }

// Step says that a later planned weight came into force. More steps than
// planned change nothing.
func (e *ErrorRate) Step() {
	if part := e.schedule.step(); part > 0 {
		e.mixture.release(&portionsFor(e.schedule.planned).step, part, &e.total)
	}
}

// Requests sets the completed requests of each version since the canary began.
// They are used for the absolute excess only, never for the evidence. With
// known false the excess counts as passed. Call it before the failures of a
// batch, so that an onset is tied to the requests of its moment.
func (e *ErrorRate) Requests(canary, stable float64, known bool) {
	e.total.CanaryRequests = between(canary, 0, math.MaxFloat64)
	e.total.StableRequests = between(stable, 0, math.MaxFloat64)
	e.total.Known = known
}

// Hosts sets how many hosts the canary has. With two or more, what rests on the
// failures of one host alone is never harm.
func (e *ErrorRate) Hosts(canary int) { e.hosts.count = max(canary, 0) }

// Failure takes one failing request. It allocates for a new host only.
func (e *ErrorRate) Failure(f Failure) {
	e.weight = between(f.Weight, 0, 1)
	e.mixture.wait(&e.total)
	if e.weight > 0 && e.weight < 1 {
		part := e.schedule.failure()
		e.mixture.release(&portionsFor(e.schedule.planned).over, part, &e.total)
		e.hosts.release(&patient.over, part)
		e.mixture.update(f.Canary, e.weight)
		e.hosts.failed(&f, e.weight, e.config.Margin)
	} else {
		e.ignored++
	}
	if !f.Canary {
		e.total.StableFailures++
		return
	}
	e.total.CanaryFailures++
	e.flags.add(f.Flag)
}

// Evidence gives the e-process now: 1 at the start, harm at 1/Alpha.
func (e *ErrorRate) Evidence() float64 { return e.mixture.sum() + e.schedule.withheld() }
