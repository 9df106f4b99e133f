package main

import (
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"
)

const (
	// minutes is how long each simulated rollout has traffic.
	minutes = 30
	// spanSeconds is how long one span of a stream is: what reports tell of
	// comes at its end.
	spanSeconds = 10
)

// Requests come as a Poisson process, and each is thinned by its version and its
// outcome: so the four counts of a span are independent Poisson numbers, and the
// order of its failures is any, each as likely as another.

// The arms, as indices.
const (
	stableArm = iota
	canaryArm
)

// span is what holds for a while.
type span struct {
	seconds float64
	rate    float64 // requests a second to both versions
	weight  float64 // the canary's share, in truth
	// most and least are the weights that may be in force, for all that the
	// control plane knows.
	most, least float64
	p           [2]float64 // which part of an arm's requests fails
	step        bool       // a later planned weight came into force at the start
}

// reported is what came to pass in a span.
type reported struct {
	*span
	requests [2]float64
	failed   [2]float64
	arms     []bool // of the failures in their order: true is the canary's
}

// traffic draws streams.
type traffic struct {
	seed   uint64
	counts *rand.PCG  // of the counts
	order  *rand.Rand // of the order, so that counts do not depend on who asks for it
	arms   []bool
}

// newTraffic gives the streams of a seed.
func newTraffic(seed uint64) *traffic {
	return &traffic{seed: seed, counts: rand.NewPCG(seed, 0), order: rand.New(rand.NewPCG(0, seed))}
}

// begin starts the stream of one run, which is the same whatever runs were drawn
// before.
func (t *traffic) begin(run int) {
	t.counts.Seed(t.seed, uint64(2*run))
	t.order = rand.New(rand.NewPCG(t.seed, uint64(2*run+1)))
}

// normal draws a number with mean 0 and standard deviation 1.
func (t *traffic) normal() float64 { return t.order.NormFloat64() }

// poisson draws a count.
func (t *traffic) poisson(mean float64) float64 {
	if mean <= 0 {
		return 0
	}
	return distuv.Poisson{Lambda: mean, Src: t.counts}.Rand()
}

// draw gives the counts of a span in which the canary fails ratio times as often
// as the span has it.
func (t *traffic) draw(s *span, ratio float64) reported {
	r := reported{span: s}
	for arm, share := range [2]float64{1 - s.weight, s.weight} {
		mean, p := s.seconds*s.rate*share, s.p[arm]
		if arm == canaryArm {
			p = min(p*ratio, 1)
		}
		r.failed[arm] = t.poisson(mean * p)
		r.requests[arm] = r.failed[arm] + t.poisson(mean*(1-p))
	}
	return r
}

// arrange draws the order of a span's failures. What it gives is good until the
// next call.
func (t *traffic) arrange(r *reported) {
	left, all := uint64(r.failed[canaryArm]), uint64(r.failed[canaryArm]+r.failed[stableArm])
	t.arms = t.arms[:0]
	for ; all > 0; all-- {
		is := t.order.Uint64N(all) < left
		if is {
			left--
		}
		t.arms = append(t.arms, is)
	}
	r.arms = t.arms
}
