package analysis

import (
	"fmt"
	"math"
	"testing"
)

// near says whether two numbers agree to one part in a billion.
func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b), 1e-300) }

// odds gives the probability that a failure is the canary's where the canary
// fails ratio times as often as stable.
func odds(w, ratio float64) float64 { return w * ratio / (1 - w + w*ratio) }

func TestMixtureMassIsOne(t *testing.T) {
	var sum float64
	for _, s := range grid {
		sum += s.mass
		if s.start <= 0 || s.start+stepPart >= 1 {
			t.Errorf("%v of a mass at the start and %v at steps leave nothing for later", s.start, stepPart)
		}
	}
	if !near(sum, 1) {
		t.Errorf("the parts of the mixture sum to %v, want 1", sum)
	}
}

func TestMixtureGrid(t *testing.T) {
	m := newMixture(0.4)
	if first, last := m.ratio(0), m.ratio(ratios-1); !near(first, 1.062*1.4) || !near(last, 50*1.4) {
		t.Errorf("grid from %v to %v, want 1.4868 to 70", first, last)
	}
	distance := func(j int) float64 { return m.ratio(j)/1.4 - 1 }
	for j := 1; j < ratios-1; j++ {
		if a, b := distance(j)/distance(j-1), distance(j+1)/distance(j); !near(a, b) {
			t.Errorf("points %d to %d are not spaced patient in the logarithm of their distance: %v, %v", j-1, j+1, a, b)
		}
	}
	if !math.IsInf(m.ratio(endless), 1) {
		t.Errorf("the last component's ratio is %v, want +Inf", m.ratio(endless))
	}
}

// Each factor has the mean 1 at the edge of the null, and less inside it.
func TestMixtureFactorsAreFair(t *testing.T) {
	for _, w := range []float64{1e-6, 0.001, 0.05, 0.2, 0.5, 0.9, 0.999999} {
		for _, d := range []float64{0, 0.25, 0.4, 1, 10} {
			var m factors
			m.aim(w, d)
			for j := range components {
				mean := func(ratio float64) float64 {
					q := odds(w, ratio)
					return q*m.canary[j] + (1-q)*m.stable[j]
				}
				if edge := mean(1 + d); !near(edge, 1) {
					t.Errorf("w %v, d %v, component %d: mean %v at the edge of the null, want 1", w, d, j, edge)
				}
				for _, ratio := range []float64{0, 0.5 * (1 + d), 0.99 * (1 + d)} {
					if inside := mean(ratio); inside >= 1 {
						t.Errorf("w %v, d %v, component %d: mean %v at ratio %v, want less than 1", w, d, j, inside, ratio)
					}
				}
			}
		}
	}
}

// A weight that is larger than the true one can only lower the mean.
func TestMixtureLargerWeightIsSafe(t *testing.T) {
	const d = 0.4
	for _, pair := range [][2]float64{{0.05, 0.2}, {0.2, 0.21}, {0.01, 0.99}} {
		actual, assumed := pair[0], pair[1]
		var m factors
		m.aim(assumed, d)
		q := odds(actual, 1+d)
		for j := range components {
			if mean := q*m.canary[j] + (1-q)*m.stable[j]; mean >= 1 {
				t.Errorf("true weight %v taken as %v: mean %v of component %d, want less than 1", actual, assumed, mean, j)
			}
		}
	}
}

// The mixture a second time, as the guide to the guard has it.
var (
	givenMass = [...]float64{.092, .076, .063, .052, .042, .043, .048, .054, .060, .065, .066, .066, .066, .067, .140}
	givenPart = [...]float64{.85, .825, .80, .775, .75, .725, .70, .69, .68, .675, .67, .66, .655, .65, .68}
)

// direct computes the evidence from its definition: over all onsets and all
// components, the released mass times the likelihood ratio of what came since.
// It shares no code with the mixture.
type direct struct {
	d       float64
	onsets  [][components]float64 // released masses
	ratios  [][components]float64
	pending float64
}

func (r *direct) release(part func(j int) float64) {
	var masses, ones [components]float64
	for j := range ones {
		masses[j], ones[j] = givenMass[j]*part(j), 1
		r.pending -= masses[j]
	}
	r.onsets, r.ratios = append(r.onsets, masses), append(r.ratios, ones)
}

func (r *direct) failure(canary bool, w float64) {
	q := w * (1 + r.d) / (1 + w*r.d)
	for i := range r.onsets {
		for j := range components {
			q1 := 1.0
			if j < ratios {
				q1 = odds(w, (1+r.d)*(1+0.062*math.Exp(math.Log(49/0.062)*float64(j)/13)))
			}
			if canary {
				r.ratios[i][j] *= q1 / q
			} else {
				r.ratios[i][j] *= (1 - q1) / (1 - q)
			}
		}
	}
}

func (r *direct) evidence() float64 {
	e := r.pending
	for i, masses := range r.onsets {
		for j, likelihood := range r.ratios[i] {
			e += masses[j] * likelihood
		}
	}
	return e
}

// likeliest gives the number of the onset with the greatest part of the
// evidence in one component.
func (r *direct) likeliest() (onset int) {
	most := 0.0
	for i, masses := range r.onsets {
		for j, likelihood := range r.ratios[i] {
			if x := masses[j] * likelihood; x > most*(1+1e-9) {
				most, onset = x, i
			}
		}
	}
	return onset
}

// The recursion gives the same evidence, and the same likeliest onset, as the
// definition does.
func TestEvidenceMatchesDefinition(t *testing.T) {
	for _, planned := range []int{0, 2} {
		t.Run(fmt.Sprint(planned), func(t *testing.T) {
			e := NewErrorRate(Config{Margin: 0.4, PlannedSteps: planned})
			r := &direct{d: 0.4, pending: 1}
			r.release(func(j int) float64 { return givenPart[j] })
			forSteps, at := 0.0, []int{0} // failures of the canary before each onset
			if planned > 0 {
				forSteps = 0.02
			}
			canaries := 0
			for k := range 120 {
				if k == 40 && planned > 0 {
					e.Step()
					r.release(func(int) float64 { return forSteps / float64(planned) })
					at = append(at, canaries)
				}
				w := []float64{0.05, 0.2, 0.5}[k/50]
				canary := k%11 == 3 || k > 95 && k%3 > 0
				r.release(func(j int) float64 { return (1 - givenPart[j] - forSteps) * 560 / float64((k+560)*(k+561)) })
				at = append(at, canaries)
				r.failure(canary, w)
				e.Failure(Failure{Canary: canary, Weight: w})
				if canary {
					canaries++
				}
				if got, want := e.Evidence(), r.evidence(); !near(got, want) {
					t.Fatalf("after failure %d the evidence is %v, want %v", k, got, want)
				}
				onset := e.mixture.onset[e.mixture.likeliest()].CanaryFailures
				if want := uint64(at[r.likeliest()]); onset != want {
					t.Fatalf("after failure %d the likeliest onset follows %d failures of the canary, want %d", k, onset, want)
				}
			}
		})
	}
}

// Evidence stays finite and comes back, whatever is fed for however long.
func TestEvidenceStaysFinite(t *testing.T) {
	e := NewErrorRate(Config{Margin: 0.4})
	for range 5000 {
		e.Failure(Failure{Canary: true, Weight: 1e-6})
	}
	if v := e.Evidence(); math.IsInf(v, 0) || math.IsNaN(v) || v < 1e280 {
		t.Fatalf("after 5,000 failures of a tiny canary the evidence is %v, want huge and finite", v)
	}
	for range 200_000 {
		e.Failure(Failure{Weight: 0.5})
	}
	if v := e.Evidence(); math.IsNaN(v) || v > 1 {
		t.Fatalf("after 200,000 failures of stable the evidence is %v, want below 1", v)
	}
	n := 0
	for ; e.Evidence() < 2000 && n < 100; n++ {
		e.Failure(Failure{Canary: true, Weight: 0.1})
	}
	if n == 100 {
		t.Error("100 failures of the canary in a row are not seen after a long good time")
	}
}
