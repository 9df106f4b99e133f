package xds

import (
	"slices"
	"time"

	"github.com/serin-mesh/serin/stats"
)

// forgetLatency is after how long the latencies of a cluster that is not
// reported any more are forgotten.
const forgetLatency = 10 * time.Minute

// latencies adds up one stream's histograms by cluster. Envoy's sink sends of a
// histogram what came since the last flush, unlike of a counter (Envoy 1.40,
// measured), and stats.ClusterMetrics is cumulative in all.
type latencies struct {
	sums  map[string]*latency
	swept time.Time
}

// latency is the sum of one cluster.
type latency struct {
	stats.ClusterMetrics // Latency, Requests and Millis
	seen                 time.Time
}

// add replaces what each cluster had since the last flush by what it had since
// the stream began. Clusters without a request yet take no space.
func (l *latencies) add(clusters []stats.ClusterMetrics, now time.Time) {
	for i := range clusters {
		c := &clusters[i]
		sum := l.sums[c.Cluster]
		if sum == nil {
			if c.Requests == 0 {
				continue
			}
			sum = &latency{}
			if l.sums == nil {
				l.sums = map[string]*latency{}
			}
			l.sums[c.Cluster] = sum
		}
		sum.seen = now
		sum.add(c)
		c.Requests, c.Millis, c.Latency = sum.Requests, sum.Millis, slices.Clone(sum.Latency)
	}
	l.sweep(now)
}

// add adds one flush. One with other buckets begins anew, as after a reset.
func (l *latency) add(c *stats.ClusterMetrics) {
	if len(c.Latency) == 0 {
		return // a message without the histogram: a flush may take several
	}
	same := slices.EqualFunc(l.Latency, c.Latency, func(a, b stats.HistogramBucket) bool { return a.Upper == b.Upper })
	if !same {
		l.Latency, l.Requests, l.Millis = slices.Clone(c.Latency), c.Requests, c.Millis
		return
	}
	l.Requests += c.Requests
	l.Millis += c.Millis
	for i := range l.Latency {
		l.Latency[i].Count += c.Latency[i].Count
	}
}

func (l *latencies) sweep(now time.Time) {
	if now.Sub(l.swept) < forgetLatency {
		return
	}
	l.swept = now
	for name, sum := range l.sums {
		if now.Sub(sum.seen) >= forgetLatency {
			delete(l.sums, name)
		}
	}
}
