package kayenta

import (
	"math"
	"slices"
)

// Summary describes values in a few numbers, all 0 where there are none.
type Summary struct {
	Min, Max, Mean float64
	// Std is the sample's standard deviation, 0 for a single value.
	Std   float64
	Count int
}

// Summarize describes values.
func Summarize(values []float64) Summary {
	if len(values) == 0 {
		return Summary{}
	}
	s := Summary{Min: slices.Min(values), Max: slices.Max(values), Mean: mean(values), Count: len(values)}
	if len(values) > 1 {
		s.Std = math.Sqrt(squares(values, s.Mean) / float64(len(values)-1))
	}
	return s
}

// mean gives the average, NaN of nothing.
func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// squares gives the sum of the squared distances from a point.
func squares(values []float64, from float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += (v - from) * (v - from)
	}
	return sum
}

// Percentile gives the p-th percentile, 0 to 100, of values by linear
// interpolation between the order statistics around (n-1)p/100: type 7 of
// Hyndman and Fan, R's default. It is NaN of nothing.
func Percentile(values []float64, p float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	at := float64(len(sorted)-1) * min(max(p, 0), 100) / 100
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (at-float64(low))*(sorted[high]-sorted[low])
}

// outliers marks the values strictly outside of fences that lie factor
// interquartile ranges beyond the quartiles. Where wide, the fences are never
// inside of the 1st and the 99th percentile, so that a metric that is nearly
// always the same value keeps some of its others.
func outliers(values []float64, factor float64, wide bool) []bool {
	marked := make([]bool, len(values))
	if len(values) == 0 {
		return marked
	}
	q1, q3 := Percentile(values, 25), Percentile(values, 75)
	low, high := q1-factor*(q3-q1), q3+factor*(q3-q1)
	if wide {
		low, high = min(low, Percentile(values, 1)), max(high, Percentile(values, 99))
	}
	for i, v := range values {
		marked[i] = v < low || v > high
	}
	return marked
}

// MeanRatio gives the experiment's mean over the control's; NaN where one of
// them is 0.
func MeanRatio(experiment, control []float64) float64 {
	e, c := mean(experiment), mean(control)
	if e == 0 || c == 0 {
		return math.NaN()
	}
	return e / c
}

// CLES gives the common language effect size (McGraw and Wong, 1992) by
// counting: the share of all pairs in which the experiment's value is the
// larger one, ties as halves.
func CLES(experiment, control []float64) float64 {
	sorted := slices.Sorted(slices.Values(control))
	larger := 0.0
	for _, v := range experiment {
		below, _ := slices.BinarySearch(sorted, v)
		upTo, _ := slices.BinarySearch(sorted, math.Nextafter(v, math.Inf(1)))
		larger += float64(below+upTo) / 2
	}
	return larger / float64(len(experiment)*len(control))
}
