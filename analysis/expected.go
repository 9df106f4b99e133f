package analysis

import "math"

// Reach says how many requests it takes to see a harm.
type Reach struct {
	// Least is the fewest requests, to both versions together and on average, that
	// any test of failures with the same promise and margin needs (Floor), and
	// Expected what the guard is expected to need when the canary is harmful from
	// now on. +Inf: the harm is within what is tolerated, or too near to it.
	Least, Expected float64
	// Failures is how many failures of both versions Expected comes to.
	Failures uint64
}

// mostExpected bounds the failures for which Expect looks for an answer.
const mostExpected = 1_000_000

// Expect gives the reach of a test with this configuration at canary weight w (0
// to 1), where stable fails with probability p0 and the canary with p1, both
// from now on.
//
// It plays the mean course of the test: every failure is the canary's as often
// as it is expected to be, as evenly as it can be. The evidence then grows as it
// does on average, and what chance adds is left out: simulations of the guard
// come to 0.8 to 1.25 times the result (TestExpectAgainstSimulation). A canary
// that goes bad later, after failures of a good time, takes up to 1.7 times as
// long.
func Expect(c Config, w, p0, p1 float64) Reach {
	c = c.sane()
	mean := w*p1 + (1-w)*p0
	out := Reach{Least: Floor(c.Alpha, w, c.Margin, p0, p1), Expected: math.Inf(1)}
	if !(w > 0 && w < 1) || math.IsInf(out.Least, 1) || p1-p0 <= c.MaxIncrease {
		return out
	}
	e, share := NewErrorRate(c), w*p1/mean
	// One half is where a share of failures begins to be rounded up.
	for sum, k := 0.5, uint64(1); k <= mostExpected; k++ {
		sum += share
		canary := sum >= 1
		if canary {
			sum--
		}
		e.Failure(Failure{Canary: canary, Weight: w})
		if e.Evidence()*c.Alpha >= 1 {
			out.Failures, out.Expected = k, max(float64(k)/mean, out.Least)
			return out
		}
	}
	return out
}
