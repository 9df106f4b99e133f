package stats

import (
	"maps"
	"math"
	"slices"
)

// histogram counts response times by the upper edge of their bucket, in
// milliseconds, each request in one bucket only. Envoys with different edges
// can so be added up; the result is then a lower bound at each edge.
type histogram map[float64]uint64

// add counts cumulative buckets that hold all requests but those beyond the
// last edge.
func (h histogram) add(cumulative []HistogramBucket, requests uint64) {
	var below uint64
	for _, b := range cumulative {
		if b.Count > below {
			h[b.Upper] += b.Count - below
			below = b.Count
		}
	}
	if requests > below {
		h[math.Inf(1)] += requests - below
	}
}

// buckets gives the histogram in the cumulative form of a report, with +Inf as
// the last edge; nil when it is empty.
func (h histogram) buckets() []HistogramBucket {
	if len(h) == 0 {
		return nil
	}
	var all []HistogramBucket
	var count uint64
	for _, upper := range slices.Sorted(maps.Keys(h)) {
		count += h[upper]
		all = append(all, HistogramBucket{Upper: upper, Count: count})
	}
	if last := all[len(all)-1]; !math.IsInf(last.Upper, 1) {
		all = append(all, HistogramBucket{Upper: math.Inf(1), Count: count})
	}
	return all
}

// bucketGrowth gives by how much cumulative buckets grew. It is false where
// the edges are others than before: the Envoy was configured anew, and nothing
// can be said of what grew.
func bucketGrowth(before, now []HistogramBucket) ([]HistogramBucket, bool) {
	if len(before) != len(now) {
		return nil, false
	}
	grown := make([]HistogramBucket, len(now))
	for i, b := range now {
		if b.Upper != before[i].Upper {
			return nil, false
		}
		grown[i] = HistogramBucket{Upper: b.Upper, Count: b.Count - min(b.Count, before[i].Count)}
	}
	return grown, true
}
