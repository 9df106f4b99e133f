package analysis_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/serin-mesh/serin/analysis"
)

// met plays one guard on random requests until its evidence has reached the
// threshold, and gives how many requests that took.
func met(c analysis.Config, w, p0, p1 float64, r *rand.Rand) float64 {
	e := analysis.NewErrorRate(c)
	mean := w*p1 + (1-w)*p0
	requests := 0.0
	for range 200_000 {
		// Requests until the next failure: geometric.
		requests += math.Ceil(math.Log(1-r.Float64()) / math.Log1p(-mean))
		e.Failure(analysis.Failure{Canary: r.Float64() < w*p1/mean, Weight: w})
		if e.Evidence()*c.Alpha >= 1 {
			break
		}
	}
	return requests
}

// TestExpectAgainstSimulation: the mean of the guard's runs is between 0.8 and
// 1.25 times what is expected, and never below the floor by more than chance.
func TestExpectAgainstSimulation(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for _, planned := range []int{0, 3} {
		for _, w := range []float64{0.05, 0.2, 0.5} {
			for _, p := range [][2]float64{{0.005, 0.055}, {0.001, 0.051}, {0.01, 0.03}, {0.001, 0.006}, {0.005, 1}, {0.02, 0.05}} {
				t.Run(fmt.Sprintf("%d steps, %v, %v", planned, w, p), func(t *testing.T) {
					c := analysis.Config{Alpha: 0.0005, Margin: 0.4, PlannedSteps: planned}
					reach := analysis.Expect(c, w, p[0], p[1])
					const runs = 400
					sum := 0.0
					for range runs {
						sum += met(c, w, p[0], p[1], r)
					}
					if mean := sum / runs; mean < 0.8*reach.Expected || mean > 1.25*reach.Expected {
						t.Errorf("%.0f requests on average, %.0f expected: %.2f", mean, reach.Expected, mean/reach.Expected)
					}
					if reach.Expected < reach.Least {
						t.Errorf("%v expected, the floor is %v", reach.Expected, reach.Least)
					}
				})
			}
		}
	}
}

// TestExpectExactly: where everything fails and stable never does there is no
// chance in it: the failures are those that decide.
func TestExpectExactly(t *testing.T) {
	for w, want := range map[float64]uint64{0.05: 4, 0.2: 7} {
		got := analysis.Expect(analysis.Config{Alpha: 0.0005, Margin: 0.4, MaxIncrease: 0.005, PlannedSteps: 3}, w, 0, 1)
		if got.Failures != want || math.Abs(got.Expected-float64(want)/w) > 1e-9 {
			t.Errorf("at %v: %+v, want %d failures", w, got, want)
		}
	}
}

// TestExpectNothing: what is tolerated, and what cannot be compared, is not
// expected to be seen.
func TestExpectNothing(t *testing.T) {
	c := analysis.Config{Alpha: 0.0005, Margin: 0.4, MaxIncrease: 0.005}
	for name, got := range map[string]analysis.Reach{
		"no harm":              analysis.Expect(c, 0.2, 0.01, 0.01),
		"within the margin":    analysis.Expect(c, 0.2, 0.1, 0.13),
		"within the increase":  analysis.Expect(c, 0.2, 0.001, 0.006),
		"no traffic":           analysis.Expect(c, 0, 0.01, 0.5),
		"all traffic":          analysis.Expect(c, 1, 0.01, 0.5),
		"no failures":          analysis.Expect(c, 0.2, 0, 0),
		"better":               analysis.Expect(c, 0.2, 0.5, 0.1),
		"no number at all":     analysis.Expect(c, math.NaN(), 0.1, 0.5),
		"an impossible config": analysis.Expect(analysis.Config{Alpha: 2, Margin: -1, MaxIncrease: 1}, 0.2, 0, 1),
	} {
		if !math.IsInf(got.Expected, 1) || got.Failures != 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
