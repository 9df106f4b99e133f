package lab

import (
	"math"
	"time"
)

// The buckets of a Latency: each bound is the one before times 2 to the power
// of 1/8, about 9% more, from 10 microseconds to some three minutes.
const (
	latencyBase    = 10 * time.Microsecond
	latencyPerTwo  = 8
	latencyBuckets = 24*latencyPerTwo + 1
)

// Latency counts durations in buckets, so that a quantile is known to 9%.
type Latency struct {
	counts [latencyBuckets]uint64
	total  uint64
}

func (l *Latency) add(d time.Duration) {
	l.counts[bucketOf(d)]++
	l.total++
}

// bucketOf gives the first bucket whose bound is at least d.
func bucketOf(d time.Duration) int {
	if d <= latencyBase {
		return 0
	}
	i := math.Ceil(latencyPerTwo * math.Log2(float64(d)/float64(latencyBase)))
	return min(int(i), latencyBuckets-1)
}

// bound gives the greatest duration of a bucket.
func bound(bucket int) time.Duration {
	return time.Duration(float64(latencyBase) * math.Exp2(float64(bucket)/latencyPerTwo))
}

func (l Latency) sub(before Latency) Latency {
	for i := range l.counts {
		l.counts[i] -= before.counts[i]
	}
	l.total -= before.total
	return l
}

// Quantile gives the upper bound of the bucket in which the q-th part of the
// durations ends, for q from 0 to 1; 0 when nothing was counted.
func (l Latency) Quantile(q float64) time.Duration {
	if l.total == 0 {
		return 0
	}
	rank := max(uint64(math.Ceil(q*float64(l.total))), 1)
	var seen uint64
	for i, n := range l.counts {
		if seen += n; seen >= rank {
			return bound(i)
		}
	}
	return bound(latencyBuckets - 1)
}
