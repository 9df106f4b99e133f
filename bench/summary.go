package main

import (
	"math"
	"slices"
	"time"
)

// summary is the middle and the ends of one figure over some runs.
type summary struct {
	Runs   int     `json:"runs"`
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// summarize sums values up; of an even number the median is the mean of the two
// in the middle. No values are all zero.
func summarize(values []float64) summary {
	n := len(values)
	if n == 0 {
		return summary{}
	}
	sorted := slices.Sorted(slices.Values(values))
	return summary{n, (sorted[(n-1)/2] + sorted[n/2]) / 2, sorted[0], sorted[n-1]}
}

// summaries sums up each figure that a run of the series has.
func (s *series) summaries() map[string]summary {
	out := map[string]summary{}
	for _, f := range s.Runs {
		for figure := range f {
			if _, ok := out[figure]; !ok {
				out[figure] = summarize(s.values(figure))
			}
		}
	}
	return out
}

// exponent gives the slope of the straight line through the points
// (log size, log cost) that has the least squares: 0 is a cost that does not
// grow, 1 one that grows with the size. It is 0 for fewer than two sizes.
func exponent(sizes, costs []float64) float64 {
	var n, sx, sy, sxx, sxy float64
	for i := range sizes {
		x, y := math.Log(sizes[i]), math.Log(costs[i])
		n, sx, sy, sxx, sxy = n+1, sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	if d := n*sxx - sx*sx; d > 0 {
		return (n*sxy - sx*sy) / d
	}
	return 0
}

// ms gives a duration in milliseconds.
func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// us gives a duration in microseconds.
func us(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
