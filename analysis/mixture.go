package analysis

import "math"

const (
	// ratios is how many finite failure ratios the mixture tests.
	ratios = 16
	// components adds the one for a ratio without limit: stable never fails.
	components = ratios + 1
	// endless is the index of that component.
	endless = ratios
	// ratioMass is the part of the mixture on each finite ratio.
	ratioMass = 0.05
	// endlessMass is the part on the ratio without limit.
	endlessMass = 0.20
	// nearest and farthest are the ends of the grid, in multiples of 1+margin.
	nearest, farthest = 1.2, 50.0
	// ceiling bounds a component. Cutting a component down keeps the e-process
	// below what it would have been, so the promise holds, and no sum or product
	// of components can overflow.
	ceiling = 1e290
)

// mass gives the fixed part of component j in the mixture.
func mass(j int) float64 {
	if j == endless {
		return endlessMass
	}
	return ratioMass
}

// mixture is the e-process over all ratios. Component j holds the sum, over all
// onsets so far, of the onset's released mass times the likelihood ratio of the
// failures since. Underflow to 0 is right: released mass revives a component.
type mixture struct {
	margin float64             // d
	grid   [ratios]float64     // rho/(1+d) of each finite ratio
	value  [components]float64 // S_j
	best   [components]float64 // exp(m_j): the same for the likeliest onset only
	onset  [components]Counts  // the counts when that onset was

	// Factors for the weight they were computed for: it changes rarely.
	weight float64
	canary [components]float64
	stable [components]float64
}

// newMixture gives the mixture without any mass released.
func newMixture(margin float64) mixture {
	m := mixture{margin: margin}
	for j := range m.grid {
		m.grid[j] = nearest * math.Pow(farthest/nearest, float64(j)/(ratios-1))
	}
	return m
}

// ratio gives rho of component j: how many times as often as stable the canary
// fails there.
func (m *mixture) ratio(j int) float64 {
	if j == endless {
		return math.Inf(1)
	}
	return m.grid[j] * (1 + m.margin)
}

// release adds mass to each component in proportion to its part. now is what
// had been counted: the onset of this mass.
func (m *mixture) release(part float64, now *Counts) {
	for j := range m.value {
		m.value[j] += part
		if part > m.best[j] {
			m.best[j] = part
			m.onset[j] = *now
		}
	}
}

// wait moves the onsets since which nothing has failed to now, before a failure is
// taken: what begins with it did not begin before. Requests of the quiet time
// would else be held against a harm that came after it. The evidence does not
// depend on it. While the requests are not known there is nothing to move to.
func (m *mixture) wait(now *Counts) {
	if !now.Known {
		return
	}
	for j := range m.onset {
		if o := &m.onset[j]; o.CanaryFailures == now.CanaryFailures && o.StableFailures == now.StableFailures {
			*o = *now
		}
	}
}

// update multiplies each component by its factor for one failure at weight w,
// which must lie between 0 and 1, both excluded.
func (m *mixture) update(canary bool, w float64) {
	if w != m.weight {
		m.aim(w)
	}
	factor := &m.stable
	if canary {
		factor = &m.canary
	}
	for j := range m.value {
		m.value[j] = min(m.value[j]*factor[j], ceiling)
		m.best[j] = min(m.best[j]*factor[j], ceiling)
	}
}

// aim computes the factors for weight w. At the edge of the null a failure is
// the canary's with probability w(1+d)/(1+wd), and there each pair of factors
// has the mean 1.
func (m *mixture) aim(w float64) {
	m.weight = w
	edge := 1 + w*m.margin
	for j, rise := range m.grid {
		c := edge / (1 + w*(rise*(1+m.margin)-1))
		m.canary[j] = c * rise
		m.stable[j] = c
	}
	m.canary[endless] = edge / (w * (1 + m.margin))
	m.stable[endless] = 0
}

// sum gives the evidence in all released mass.
func (m *mixture) sum() float64 {
	var e float64
	for j, v := range m.value {
		e += mass(j) * v
	}
	return e
}

// likeliest gives the component with the most evidence for one single onset.
func (m *mixture) likeliest() int {
	at := 0
	for j, b := range m.best {
		if mass(j)*b > mass(at)*m.best[at] {
			at = j
		}
	}
	return at
}
