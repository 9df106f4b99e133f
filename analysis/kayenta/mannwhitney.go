package kayenta

import (
	"errors"
	"math"
	"slices"
)

// tolerance is the absolute one of the searches, as in R's wilcox.test.
const tolerance = 1e-4

// errNoShift says that the values cannot be compared by rank.
var errNoShift = errors.New("no shift can be found: all values are tied, or too large")

// Interval is what the Mann-Whitney test says about the shift from control to
// experiment.
type Interval struct {
	Lower, Upper float64
	// Estimate is the Hodges-Lehmann estimate of the shift.
	Estimate float64
}

// MannWhitney gives the shift that makes the experiment's ranks like the
// control's, with its limits at a two-sided confidence such as 0.98. It is what
// R's wilcox.test(experiment, control, conf.int=TRUE, exact=FALSE) gives, with
// the continuity correction. No value may be NaN. The error is that no limits
// exist.
func MannWhitney(experiment, control []float64, confidence float64) (Interval, error) {
	return mannWhitney(experiment, control, confidence, tolerance)
}

// mannWhitney is MannWhitney with a tolerance of its own.
func mannWhitney(experiment, control []float64, confidence, tolerance float64) (Interval, error) {
	if len(experiment) == 0 || len(control) == 0 {
		return Interval{}, errors.New("a side has no values")
	}
	i := newShifts(experiment, control, tolerance).interval(confidence)
	for _, v := range []float64{i.Lower, i.Upper, i.Estimate} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return Interval{}, errNoShift
		}
	}
	return i, nil
}

// quantile gives the standard normal distribution's quantile.
func quantile(p float64) float64 {
	return math.Sqrt2 * math.Erfinv(2*p-1)
}

// shifts tries out how far the experiment must be moved to look like the
// control.
type shifts struct {
	experiment, control []float64
	tolerance           float64
	low, high           point // the extreme shifts, with the statistic there
	ranked              []ranked
}

// ranked is a value with its side.
type ranked struct {
	value      float64
	experiment bool
}

func newShifts(experiment, control []float64, tolerance float64) *shifts {
	s := &shifts{experiment: experiment, control: control, tolerance: tolerance}
	s.low.x = slices.Min(experiment) - slices.Max(control)
	s.high.x = slices.Max(experiment) - slices.Min(control)
	s.low.y, s.high.y = s.z(s.low.x), s.z(s.high.x)
	return s
}

// interval gives the limits at a two-sided confidence, and the estimate.
func (s *shifts) interval(confidence float64) Interval {
	z := quantile((1 + confidence) / 2)
	return Interval{Lower: s.limit(z), Upper: s.limit(-z), Estimate: s.limit(0)}
}

// limit gives the shift at which the statistic falls through z, or the extreme
// shift where it never is as large, or as small. It is NaN where the statistic
// is not defined.
func (s *shifts) limit(z float64) float64 {
	if s.low.y-z <= 0 {
		return s.low.x
	}
	if s.high.y-z >= 0 {
		return s.high.x
	}
	return s.search(z)
}

// search is limit without a look at the extremes.
func (s *shifts) search(z float64) float64 {
	if math.IsNaN(s.low.y) || math.IsNaN(s.high.y) || math.IsInf(s.high.x-s.low.x, 0) {
		return math.NaN()
	}
	f := func(mu float64) float64 { return s.z(mu) - z }
	return root(f, point{s.low.x, s.low.y - z}, point{s.high.x, s.high.y - z}, s.tolerance)
}

// z gives the rank sum statistic of experiment - mu against control in standard
// deviations, with midranks and the corrections for ties and for continuity. It
// falls as mu grows, and is NaN where all values are tied.
func (s *shifts) z(mu float64) float64 {
	m, n := float64(len(s.experiment)), float64(len(s.control))
	sum, ties := s.rankSum(mu)
	d := sum - m*(m+1)/2 - m*n/2
	variance := m * n / 12 * ((m + n + 1) - ties/((m+n)*(m+n-1)))
	if variance <= 0 {
		return math.NaN()
	}
	switch {
	case d > 0:
		d -= 0.5
	case d < 0:
		d += 0.5
	}
	return d / math.Sqrt(variance)
}

// rankSum gives the sum of the ranks of experiment - mu among all values, and
// the sum of t^3-t over the runs of t tied values.
func (s *shifts) rankSum(mu float64) (sum, ties float64) {
	s.ranked = s.ranked[:0]
	for _, v := range s.experiment {
		s.ranked = append(s.ranked, ranked{v - mu, true})
	}
	for _, v := range s.control {
		s.ranked = append(s.ranked, ranked{v, false})
	}
	slices.SortFunc(s.ranked, func(a, b ranked) int {
		switch {
		case a.value < b.value:
			return -1
		case a.value > b.value:
			return 1
		}
		return 0
	})
	for from := 0; from < len(s.ranked); {
		to := s.tiedTo(from)
		ours := 0
		for _, r := range s.ranked[from:to] {
			if r.experiment {
				ours++
			}
		}
		// The ranks from+1 to `to` are shared: each has their mean.
		sum += float64(ours) * float64(from+1+to) / 2
		t := float64(to - from)
		ties += t*t*t - t
		from = to
	}
	return sum, ties
}

// tiedTo gives the end of the run of tied values that begins at from.
func (s *shifts) tiedTo(from int) int {
	to := from + 1
	for to < len(s.ranked) && s.ranked[to].value == s.ranked[from].value {
		to++
	}
	return to
}
