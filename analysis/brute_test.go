package analysis_test

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
	"pgregory.net/rapid"

	"github.com/serin-mesh/serin/analysis"
)

// This file computes what the judges compute a second time, from the definitions
// and without their short cuts: sums over every onset, products in logarithms,
// divergences by gonum.

// bet is a failure, and whether a later planned weight came into force before it.
type bet struct {
	canary bool
	weight float64
	step   bool
}

// bets draws failures.
var bets = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) bet {
	return bet{rapid.Bool().Draw(t, "canary"), rapid.Float64Range(0.01, 0.99).Draw(t, "weight"), rapid.IntRange(0, 9).Draw(t, "step") == 0}
}), 0, 60)

// The stakes of the guard's mixture: masses, and the part of each that is bet at
// the start; the last is on a ratio without limit.
var (
	masses = []float64{.092, .076, .063, .052, .042, .043, .048, .054, .060, .065, .066, .066, .066, .067, .140}
	starts = []float64{.85, .825, .80, .775, .75, .725, .70, .69, .68, .675, .67, .66, .655, .65, .68}
)

// byOnset gives the guard's evidence as a sum over onsets: for each part of the
// stake, when it is released, the mixture of the likelihood ratios of all
// failures since.
func byOnset(d float64, planned int, seen []bet) float64 {
	var ratios []float64
	for j := range masses {
		ratios = append(ratios, (1+d)*(1+0.062*math.Pow(49/0.062, float64(j)/13)))
	}
	ratios[len(ratios)-1] = math.Inf(1)
	// since gives the mixture over the failures from the nth on, of the parts.
	since := func(n int, part func(j int) float64) float64 {
		sum := 0.0
		for j, rho := range ratios {
			log := math.Log(masses[j] * part(j))
			for _, b := range seen[n:] {
				log += math.Log(likelihood(b.canary, b.weight, rho)) - math.Log(likelihood(b.canary, b.weight, 1+d))
			}
			sum += math.Exp(log)
		}
		return sum
	}
	forSteps := 0.0
	if planned > 0 {
		forSteps = 0.02
	}
	later := func(j int) float64 { return 1 - starts[j] - forSteps }
	sum, steps := since(0, func(j int) float64 { return starts[j] }), 0
	for k, b := range seen {
		if b.step && steps < planned {
			steps++
			sum += since(k, func(int) float64 { return forSteps / float64(planned) })
		}
		sum += since(k, func(j int) float64 { return later(j) * 560 / float64((k+560)*(k+561)) })
	}
	if planned > 0 { // what is still to come
		sum += forSteps * float64(planned-steps) / float64(planned)
	}
	return sum + since(len(seen), func(j int) float64 { return later(j) * 560 / float64(len(seen)+560) })
}

// likelihood is how probable it is that a failure is of the version that it is of,
// where the canary fails rho times as often.
func likelihood(canary bool, w, rho float64) float64 {
	q := 1.0
	if !math.IsInf(rho, 1) {
		q = w * rho / (1 + w*(rho-1))
	}
	if canary {
		return q
	}
	return 1 - q
}

func TestEvidenceByOnsets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seen, planned := bets.Draw(t, "failures"), rapid.IntRange(0, 4).Draw(t, "planned")
		d := rapid.SampledFrom([]float64{0, 0.25, 0.4, 1}).Draw(t, "margin")
		e := analysis.NewErrorRate(analysis.Config{Alpha: 0.0005, Margin: d, PlannedSteps: planned})
		for _, b := range seen {
			if b.step {
				e.Step()
			}
			e.Failure(analysis.Failure{Canary: b.canary, Weight: b.weight})
		}
		if got, want := e.Evidence(), byOnset(d, planned, seen); math.Abs(got/want-1) > 1e-9 {
			t.Fatalf("evidence %v, by onsets %v", got, want)
		}
	})
}

// TestSplitByHand computes the process of the split from the probabilities of the
// counts: the binomial coefficients fall out of the ratios.
func TestSplitByHand(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := rapid.Float64Range(0.02, 0.9).Draw(t, "weight")
		n := rapid.IntRange(1, 400).Draw(t, "requests")
		k := rapid.IntRange(0, n).Draw(t, "canary")
		s := analysis.NewSplit()
		s.Interval(float64(k), float64(n-k), w)
		want := 0.0
		for _, rho := range []float64{1.05, 1.2, 1.6, 3, 10} {
			for _, side := range []struct{ edge, rho float64 }{{w * 1.05, rho}, {w * 0.95, 1 / rho}} {
				there := distuv.Binomial{N: float64(n), P: side.edge * side.rho / (1 + side.edge*(side.rho-1))}
				here := distuv.Binomial{N: float64(n), P: side.edge}
				want += math.Exp(there.LogProb(float64(k))-here.LogProb(float64(k))) / 10
			}
		}
		// Far beyond every threshold a component is cut down, so that nothing overflows.
		const cut = 1e200
		if got := s.Evidence(); math.Abs(min(got, cut)/min(want, cut)-1) > 1e-6 {
			t.Fatalf("evidence %v, want %v", got, want)
		}
	})
}

// TestFloorByGonum: the floor is the threshold over the divergence a failure, and
// the limit over that a request, where both versions' outcomes are seen.
func TestFloorByGonum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		alpha := rapid.Float64Range(1e-6, 0.5).Draw(t, "alpha")
		w := rapid.Float64Range(0.01, 0.99).Draw(t, "w")
		d := rapid.Float64Range(0, 2).Draw(t, "margin")
		p0 := rapid.Float64Range(0.0001, 0.3).Draw(t, "p0")
		p1 := min(p0*(1+d)*rapid.Float64Range(1.1, 3).Draw(t, "times"), 0.999)
		mean := w*p1 + (1-w)*p0
		q1, q := w*p1/mean, w*(1+d)/(1+w*d)
		if q1 <= q {
			return
		}
		want := math.Log(1/alpha) / (mean * stat.KullbackLeibler([]float64{q1, 1 - q1}, []float64{q, 1 - q}))
		if got := analysis.Floor(alpha, w, d, p0, p1); math.Abs(got/want-1) > 1e-6 {
			t.Fatalf("floor %v, want %v", got, want)
		}
		// The information of a request is that between its version and its outcome.
		joint := []float64{w * p1, w * (1 - p1), (1 - w) * p0, (1 - w) * (1 - p0)}
		apart := []float64{w * mean, w * (1 - mean), (1 - w) * mean, (1 - w) * (1 - mean)}
		want = math.Log(1/alpha) / stat.KullbackLeibler(joint, apart)
		if got := analysis.Limit(alpha, w, p0, p1); math.Abs(got/want-1) > 1e-6 {
			t.Fatalf("limit %v, want %v", got, want)
		}
	})
}

// TestPublishedFigures are those of the design: canary requests at w = 0.1; the
// limit for alpha 0.001, the floor for half of it and a margin of 0.25.
func TestPublishedFigures(t *testing.T) {
	for _, c := range []struct{ p0, p1, limit, floor float64 }{
		{0, 1, 2.1, 3.6}, {0.005, 0.055, 108, 144}, {0.005, 0.015, 1237, 2069}, {0.001, 0.006, 1476, 2054},
	} {
		limit, floor := 0.1*analysis.Limit(0.001, 0.1, c.p0, c.p1), 0.1*analysis.Floor(0.0005, 0.1, 0.25, c.p0, c.p1)
		if math.Abs(limit/c.limit-1) > 0.02 || math.Abs(floor/c.floor-1) > 0.01 {
			t.Errorf("%v -> %v: limit %.1f and floor %.1f, want %v and %v", c.p0, c.p1, limit, floor, c.limit, c.floor)
		}
	}
}

// TestProofIsFairByEnumeration: over every course of a few requests, the expected
// evidence of a canary at the edge of what is ruled out is 1 at most, and near to
// it: so a proof is wrong with probability beta at most.
func TestProofIsFairByEnumeration(t *testing.T) {
	const length, w, p0, tol = 8, 0.3, 0.1, 0.05
	expected := func(p1 float64) float64 {
		chance := [3]float64{w * p1, (1 - w) * p0, w * (1 - p1)} // canary fails, stable fails, canary is well
		var walk func(p float64, failures []bool, good, left int) float64
		walk = func(p float64, failures []bool, good, left int) float64 {
			if left == 0 {
				test := analysis.NewProof(analysis.ProofConfig{MaxIncrease: tol, Beta: 0.05})
				for _, canary := range failures {
					test.Failure(analysis.Failure{Canary: canary, Weight: w})
				}
				test.Good(float64(good))
				return p * test.Evidence()
			}
			rest := 1 - chance[0] - chance[1] - chance[2]
			next := append([]bool(nil), failures...)
			return walk(p*chance[0], append(next, true), good, left-1) + walk(p*chance[1], append(next[:len(failures):len(failures)], false), good, left-1) +
				walk(p*chance[2], failures, good+1, left-1) + walk(p*rest, failures, good, left-1)
		}
		return walk(1, nil, 0, length)
	}
	edge, worse, good := expected(p0+tol), expected(p0+2*tol), expected(p0)
	if edge > 1+1e-9 || edge < 0.95 {
		t.Errorf("at the edge %v is expected, want 1 or a little less", edge)
	}
	if worse >= edge || good <= 1 {
		t.Errorf("expected %v where it is worse, %v at the edge, %v where it is good", worse, edge, good)
	}
}
