package analysis

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The evidence expected after any number of failures, over every sequence of
// versions, is 1 at the edge of the null and less inside, through changes of
// weight and the releases at steps.
func TestEvidenceIsFairByEnumeration(t *testing.T) {
	const length = 12
	weights := []float64{0.05, 0.05, 0.05, 0.2, 0.2, 0.2, 0.2, 0.5, 0.5, 0.9, 0.01, 0.3}
	expected := func(planned int, ratio float64) float64 {
		var sum float64
		for sequence := range 1 << length {
			e := NewErrorRate(Config{Margin: 0.4, PlannedSteps: planned})
			p := 1.0
			for k, w := range weights {
				if k == 3 || k == 7 {
					e.Step()
				}
				canary := sequence>>k&1 == 1
				if q := odds(w, ratio); canary {
					p *= q
				} else {
					p *= 1 - q
				}
				e.Failure(Failure{Canary: canary, Weight: w})
			}
			sum += p * e.Evidence()
		}
		return sum
	}
	for _, planned := range []int{0, 1, 2, 5} {
		if got := expected(planned, 1.4); math.Abs(got-1) > 1e-9 {
			t.Errorf("%d planned steps: expected evidence %v at the edge of the null, want 1", planned, got)
		}
		if got := expected(planned, 1.0); got >= 1 {
			t.Errorf("%d planned steps: expected evidence %v for a canary as good as stable, want less than 1", planned, got)
		}
	}
}

// A canary exactly at the margin, looked at after every failure over many
// failures and three weights, is stopped less often than promised.
func TestFalseStops(t *testing.T) {
	const (
		runs   = 20_000
		alpha  = 0.01
		length = 300
	)
	rng := rand.New(rand.NewPCG(3, 14))
	stops := 0
	for range runs {
		e := NewErrorRate(Config{Alpha: alpha, Margin: 0.4, PlannedSteps: 2})
		for k := range length {
			w := []float64{0.05, 0.2, 0.5}[k/100]
			if k > 0 && k%100 == 0 {
				e.Step()
			}
			e.Failure(Failure{Canary: rng.Float64() < odds(w, 1.4), Weight: w})
			if e.Evidence() >= 1/alpha {
				stops++
				break
			}
		}
	}
	rate, upper := float64(stops)/runs, upperBound(stops, runs)
	t.Logf("%d of %d runs stopped: %.4f, at most %.4f", stops, runs, rate, upper)
	if upper >= alpha {
		t.Errorf("false stops %.4f (at most %.4f with 99%% confidence), promised %v", rate, upper, alpha)
	}
	// A test that never stops would pass the above.
	if rate < alpha/10 {
		t.Errorf("false stops %.5f: the test is far duller than promised", rate)
	}
}

// upperBound gives the upper end of Wilson's 99% interval (one-sided) for the
// probability behind k of n.
func upperBound(k, n int) float64 {
	const z = 2.326
	p, m := float64(k)/float64(n), float64(n)
	return (p + z*z/(2*m) + z*math.Sqrt(p*(1-p)/m+z*z/(4*m*m))) / (1 + z*z/m)
}

// With no failure of stable, so many failures of the canary in a row decide.
func TestTotalFailure(t *testing.T) {
	for _, c := range []struct {
		alpha, weight float64
		want          int
	}{
		{0.0005, 0.05, 4},
		{0.0005, 0.1, 5},
		{0.0005, 0.2, 7},
		{0.0005, 0.5, 17},
		{0.001, 0.05, 4},
		{0.001, 0.2, 7},
		{0.001, 0.5, 16},
	} {
		for _, planned := range []int{0, 3} {
			e := NewErrorRate(Config{Alpha: c.alpha, Margin: 0.4, PlannedSteps: planned})
			n := 0
			for e.Evidence() < 1/c.alpha {
				e.Failure(Failure{Canary: true, Weight: c.weight})
				n++
			}
			if n != c.want {
				t.Errorf("alpha %v, weight %v, %d steps: %d failures decide, want %d", c.alpha, c.weight, planned, n, c.want)
			}
		}
	}
}

// Failures to a verdict, as a multiple of the least possible: when the canary
// is bad at once, and when it goes bad after 15 good minutes at 100 requests a
// second. Where everything fails the floor is a few failures, and whole numbers
// cost a little more.
func TestPower(t *testing.T) {
	const (
		runs       = 1500
		background = 15 * 60 * 100
		w          = 0.1
	)
	rng := rand.New(rand.NewPCG(2, 71))
	for _, c := range []struct {
		p0, p1, once, late float64
	}{
		{0, 1, 1.5, 1.5},
		{0.005, 1, 1.5, 2.5},
		{0.005, 0.055, 1.35, 2.2},
		{0.005, 0.015, 1.35, 2.2},
		{0.001, 0.006, 1.35, 2.2},
	} {
		bad, good := odds(w, c.p1/c.p0), w
		if c.p0 == 0 {
			bad = 1
		}
		mean := func(before int) float64 {
			n := 0
			for range runs {
				e := NewErrorRate(Config{Margin: 0.4, PlannedSteps: 3})
				for range before {
					e.Failure(Failure{Canary: rng.Float64() < good, Weight: w})
				}
				for ; e.Evidence() < 1/DefaultAlpha; n++ {
					e.Failure(Failure{Canary: rng.Float64() < bad, Weight: w})
				}
			}
			return float64(n) / runs
		}
		floor := Floor(DefaultAlpha, w, 0.4, c.p0, c.p1) * (w*c.p1 + (1-w)*c.p0)
		once, late := mean(0)/floor, mean(int(background*c.p0))/floor
		t.Logf("%.1f%% -> %.1f%%: floor %.1f failures; %.2f times at once, %.2f late", 100*c.p0, 100*c.p1, floor, once, late)
		if once > c.once || late > c.late {
			t.Errorf("%v -> %v: %.2f times the floor at once and %.2f late, want at most %v and %v", c.p0, c.p1, once, late, c.once, c.late)
		}
		if once < 0.9 {
			t.Errorf("%v -> %v: %.2f times the floor: below what is possible", c.p0, c.p1, once)
		}
	}
}
