package stats

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// slow is a flush with a histogram: counts up to 10, 100 and 1,000 ms, and all.
func slow(node string, received float64, under10, under100, under1000, all uint64) Metrics {
	m := flush(node, received, map[string]uint64{v2: all})
	m.Clusters[0].Requests = all
	m.Clusters[0].Latency = []HistogramBucket{{10, under10}, {100, under100}, {1000, under1000}}
	return m
}

func TestLatency(t *testing.T) {
	l := started()
	l.Metrics(slow("a", 1, 100, 200, 300, 310))
	if got := l.Latency(shop, "v2"); got != nil {
		t.Errorf("latency %v before anything grew, want none", got)
	}
	l.Metrics(slow("a", 2, 105, 215, 316, 327))
	l.Metrics(slow("b", 2, 1, 1, 1, 1))
	l.Metrics(slow("b", 3, 1, 2, 2, 2))
	want := []HistogramBucket{{10, 5}, {100, 16}, {1000, 17}, {math.Inf(1), 18}}
	if diff := cmp.Diff(want, l.Latency(shop, "v2")); diff != "" {
		t.Errorf("latency (-want +got):\n%s", diff)
	}
	l.Begin(shop, []string{"v1", "v2"}, at(3))
	l.Metrics(slow("a", 4, 106, 217, 320, 331)) // began before the cut
	if got := l.Latency(shop, "v2"); got != nil {
		t.Errorf("latency %v of a mixed interval, want none", got)
	}
	l.Metrics(slow("a", 5, 106, 218, 322, 333))
	want = []HistogramBucket{{100, 1}, {1000, 2}, {math.Inf(1), 2}}
	if diff := cmp.Diff(want, l.Latency(shop, "v2")); diff != "" {
		t.Errorf("latency after the cut (-want +got):\n%s", diff)
	}
}

// After a reset all that a histogram shows is new; with other edges nothing
// can be said.
func TestLatencyReset(t *testing.T) {
	l := started()
	l.Metrics(slow("a", 1, 100, 200, 300, 310))
	l.Metrics(slow("a", 2, 1, 2, 3, 3))
	want := []HistogramBucket{{10, 1}, {100, 2}, {1000, 3}, {math.Inf(1), 3}}
	if diff := cmp.Diff(want, l.Latency(shop, "v2")); diff != "" {
		t.Errorf("latency after a reset (-want +got):\n%s", diff)
	}
	fewer := slow("a", 3, 2, 3, 4, 4)
	fewer.Clusters[0].Latency = fewer.Clusters[0].Latency[:2]
	l.Metrics(fewer)
	moved := slow("a", 4, 3, 4, 5, 5)
	moved.Clusters[0].Latency = []HistogramBucket{{10, 3}, {250, 4}}
	l.Metrics(moved)
	if diff := cmp.Diff(want, l.Latency(shop, "v2")); diff != "" {
		t.Errorf("latency after other edges (-want +got):\n%s", diff)
	}
	if got := l.Observed(shop)["v2"].Requests; got != 5 {
		t.Errorf("%d requests, want 5: the volume does not need the histogram", got)
	}
}

// A histogram whose own last edge is infinite has it once.
func TestLatencyInfiniteEdge(t *testing.T) {
	h := make(histogram)
	h.add([]HistogramBucket{{10, 4}, {math.Inf(1), 9}}, 9)
	want := []HistogramBucket{{10, 4}, {math.Inf(1), 9}}
	if diff := cmp.Diff(want, h.buckets()); diff != "" {
		t.Errorf("buckets (-want +got):\n%s", diff)
	}
}
