package analysis

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/serin-mesh/serin/api"
)

// maxEdges bounds the edges of a Latency: a histogram with more has its finest
// ones left out.
const maxEdges = 64

// Bucket counts the requests that took at most so long, those of the buckets
// before included.
type Bucket struct {
	UpTo  float64 // milliseconds; the last one may be +Inf
	Count float64
}

// Latency is the guard's test of response times without an objective. For each
// edge of a histogram a request is bad that took longer, and the test of
// ErrorRate is run at every edge; the evidence is the mean of theirs, which is
// an e-process again, however they depend on each other. So it finds a canary
// whose requests over some duration are more than 1+margin times as many as
// stable's, and says which duration shows it best.
//
// It takes counts of intervals. The part of the canary in an interval is that of
// its requests, so it holds for any rate.
type Latency struct {
	config Config
	steps  int // later planned weights that came into force
	edges  []float64

	// One an edge.
	schedules []schedule
	mixtures  []mixture
	runs      []edgeRun

	canary, stable float64 // requests
	weight         float64 // of the last interval
}

// edgeRun counts at one edge since its evidence was last no more than at the
// start: that is about when the trouble began, if there is any.
type edgeRun struct {
	CanaryBad, StableBad, Canary, Stable float64
}

// NewLatency gives a test that has seen nothing. Of the configuration Bad and
// LoneHost mean nothing.
func NewLatency(c Config) *Latency {
	return &Latency{config: c.sane()}
}

// Step says that a later planned weight came into force.
func (l *Latency) Step() {
	l.steps = min(l.steps+1, l.config.PlannedSteps)
	for i := range l.mixtures {
		if part := l.schedules[i].step(); part > 0 {
			l.mixtures[i].release(&portionsFor(l.config.PlannedSteps).step, part, &Counts{})
		}
	}
}

// Interval takes the requests that both versions answered in an interval, by
// duration, with the same edges. Edges other than those of the first interval
// say nothing and are left out, as is an interval in which one version answered
// nothing.
func (l *Latency) Interval(canary, stable []Bucket) {
	n1, n0 := all(canary), all(stable)
	if !(n1 > 0 && n0 > 0) || len(canary) != len(stable) {
		return
	}
	if l.edges == nil {
		l.begin(canary)
	}
	w := n1 / (n1 + n0)
	l.canary, l.stable, l.weight = l.canary+n1, l.stable+n0, w
	for i, edge := range l.edges {
		below1, ok1 := at(canary, edge)
		below0, ok0 := at(stable, edge)
		if !ok1 || !ok0 {
			continue
		}
		m, run := &l.mixtures[i], &l.runs[i]
		// How much mass is released depends on how many requests were slow, and
		// not on whose they are.
		m.release(&portionsFor(l.config.PlannedSteps).over, l.schedules[i].batch(n1-below1+n0-below0), &Counts{})
		m.batch(n1-below1, n0-below0, w)
		run.add(n1-below1, n0-below0, n1, n0)
		if m.sum()+l.schedules[i].withheld() <= 1 {
			*run = edgeRun{}
		}
	}
}

// begin takes the edges of the first interval.
func (l *Latency) begin(buckets []Bucket) {
	for _, b := range buckets {
		if !math.IsInf(b.UpTo, 1) && len(l.edges) < maxEdges {
			l.edges = append(l.edges, b.UpTo)
		}
	}
	l.mixtures = make([]mixture, len(l.edges))
	l.runs = make([]edgeRun, len(l.edges))
	l.schedules = make([]schedule, len(l.edges))
	for i := range l.mixtures {
		l.mixtures[i] = newMixture(l.config.Margin)
		l.schedules[i].planned = l.config.PlannedSteps
		p := portionsFor(l.config.PlannedSteps)
		l.mixtures[i].release(&p.start, 1, &Counts{})
		for range l.steps { // that came into force before there was an interval
			l.mixtures[i].release(&p.step, l.schedules[i].step(), &Counts{})
		}
	}
}

func (r *edgeRun) add(bad1, bad0, n1, n0 float64) {
	r.CanaryBad, r.StableBad = r.CanaryBad+bad1, r.StableBad+bad0
	r.Canary, r.Stable = r.Canary+n1, r.Stable+n0
}

// excess is how much greater the canary's part of bad requests is.
func (r edgeRun) excess() float64 { return ratio(r.CanaryBad, r.Canary) - ratio(r.StableBad, r.Stable) }

// all counts the requests of a histogram.
func all(buckets []Bucket) float64 {
	if len(buckets) == 0 {
		return 0
	}
	return buckets[len(buckets)-1].Count
}

// at gives the requests that took at most so long; false where it is no edge.
func at(buckets []Bucket, edge float64) (float64, bool) {
	for _, b := range buckets {
		if b.UpTo == edge {
			return b.Count, true
		}
	}
	return 0, false
}

// Evidence gives the e-process now: 1 at the start, harm at 1/Alpha.
func (l *Latency) Evidence() float64 {
	if len(l.edges) == 0 {
		return 1
	}
	var sum float64
	for i := range l.mixtures {
		sum += l.mixtures[i].sum() + l.schedules[i].withheld()
	}
	return sum / float64(len(l.edges))
}

// likeliest gives the edge with the most evidence.
func (l *Latency) likeliest() int {
	best := 0
	for i := range l.mixtures {
		if l.mixtures[i].sum() > l.mixtures[best].sum() {
			best = i
		}
	}
	return best
}

// Verdict says what follows from everything taken so far.
func (l *Latency) Verdict() Result {
	r := Result{Verdict: api.VerdictInconclusive, Metric: "latency", Evidence: l.Evidence(), Threshold: 1 / l.config.Alpha,
		Weight: l.weight, Total: Counts{CanaryRequests: l.canary, StableRequests: l.stable, Known: len(l.edges) > 0}}
	if len(l.edges) == 0 {
		r.Message = "no response times of both versions yet"
		return r
	}
	i := l.likeliest()
	run := l.runs[i]
	r.P1, r.P0 = ratio(run.CanaryBad, run.Canary), ratio(run.StableBad, run.Stable)
	r.Total.CanaryFailures, r.Total.StableFailures = whole(run.CanaryBad), whole(run.StableBad)
	shares := fmt.Sprintf("%s of its requests took longer than %gms against %s of stable's (evidence %.3g of %.4g)",
		percent(r.P1), l.edges[i], percent(r.P0), r.Evidence, r.Threshold)
	switch {
	case r.Evidence < r.Threshold:
		r.Message = "no proof of harm: " + shares
	case run.excess() <= l.config.MaxIncrease:
		r.Message = fmt.Sprintf("the canary is slower, by no more than the %s tolerated: %s", percent(l.config.MaxIncrease), shares)
	default:
		r.Verdict = api.VerdictHarm
		r.Message = "the canary is slower: " + shares
	}
	return r
}

// batch is update for many failures at one weight.
func (m *mixture) batch(canary, stable, w float64) {
	m.factors.aim(w, m.margin)
	for j := range m.value {
		log := 0.0
		if canary > 0 {
			log += canary * math.Log(m.factors.canary[j])
		}
		if stable > 0 {
			log += stable * math.Log(m.factors.stable[j]) // -Inf without limit: stable never fails there
		}
		factor := math.Exp(min(log, 600))
		m.value[j] = min(m.value[j]*factor, ceiling)
	}
}

// latencyState is a Latency as it is stored.
type latencyState struct {
	Format int         `json:"format"`
	Config Config      `json:"config"`
	Steps  int         `json:"steps"`
	Slow   []uint64    `json:"slow"` // requests, by edge
	Edges  []float64   `json:"edges"`
	Values [][]float64 `json:"values"` // by edge
	Runs   []edgeRun   `json:"runs"`
	Canary float64     `json:"canary"`
	Stable float64     `json:"stable"`
	Weight float64     `json:"weight"`
}

// MarshalJSON gives all that the test knows, in about 8 kB.
func (l *Latency) MarshalJSON() ([]byte, error) {
	s := latencyState{Format: stateFormat, Config: l.config, Steps: l.steps,
		Edges: l.edges, Runs: l.runs, Canary: l.canary, Stable: l.stable, Weight: l.weight}
	for i := range l.mixtures {
		s.Values = append(s.Values, l.mixtures[i].value[:])
		s.Slow = append(s.Slow, l.schedules[i].failures)
	}
	return json.Marshal(s)
}

// UnmarshalJSON replaces the test by a stored one. A state that no test can have
// reached is an error and changes nothing.
func (l *Latency) UnmarshalJSON(data []byte) error {
	var s latencyState
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("decoding a latency test: %w", err)
	}
	if s.Format != stateFormat || s.Config != s.Config.sane() || s.Steps < 0 || s.Steps > s.Config.PlannedSteps ||
		len(s.Values) != len(s.Edges) || len(s.Runs) != len(s.Edges) || len(s.Slow) != len(s.Edges) || len(s.Edges) > maxEdges || !(s.Weight >= 0 && s.Weight <= 1) {
		return fmt.Errorf("decoding a latency test: it is the state of none")
	}
	fresh := Latency{config: s.Config, steps: s.Steps, edges: s.Edges, runs: s.Runs,
		canary: s.Canary, stable: s.Stable, weight: s.Weight}
	for i, values := range s.Values {
		if err := checkValues(values); err != nil {
			return fmt.Errorf("decoding a latency test: %w", err)
		}
		m := newMixture(s.Config.Margin)
		copy(m.value[:], values)
		fresh.mixtures = append(fresh.mixtures, m)
		fresh.schedules = append(fresh.schedules, schedule{planned: s.Config.PlannedSteps, steps: s.Steps, failures: s.Slow[i]})
	}
	*l = fresh
	return nil
}
