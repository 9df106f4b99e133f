package analysis

// ceiling bounds a component. Cutting a component down keeps the e-process
// below what it would have been, so the promise holds, and no sum or product
// of components can overflow.
const ceiling = 1e290

// mixture is the e-process over all ratios. Component j holds the sum, over all
// onsets so far, of the onset's released mass times the likelihood ratio of the
// failures since. Underflow to 0 is right: released mass revives a component.
type mixture struct {
	margin  float64             // d
	value   [components]float64 // S_j
	best    [components]float64 // exp(m_j): the same for the likeliest onset only
	onset   [components]Counts  // the counts when that onset was
	factors factors
}

// newMixture gives the mixture without any mass released.
func newMixture(margin float64) mixture { return mixture{margin: margin} }

// ratio gives rho of component j: how many times as often as stable the canary
// fails there.
func (m *mixture) ratio(j int) float64 { return grid[j].rise * (1 + m.margin) }

// release adds a part of the amounts to the components. now is what had been
// counted: the onset of this mass.
func (m *mixture) release(amounts *[components]float64, part float64, now *Counts) {
	for j := range m.value {
		a := amounts[j] * part
		m.value[j] += a
		if a > m.best[j] {
			m.best[j] = a
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
	m.factors.aim(w, m.margin)
	factor := m.factors.of(canary)
	for j := range m.value {
		m.value[j] = min(m.value[j]*factor[j], ceiling)
		m.best[j] = min(m.best[j]*factor[j], ceiling)
	}
}

// sum gives the evidence in all released mass.
func (m *mixture) sum() float64 { return mean(&m.value) }

// likeliest gives the component with the most evidence for one single onset.
func (m *mixture) likeliest() int {
	at := 0
	for j, b := range m.best {
		if grid[j].mass*b > grid[at].mass*m.best[at] {
			at = j
		}
	}
	return at
}
