package lab

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestCountsSub(t *testing.T) {
	at := time.Unix(1000, 0)
	c := newCounter()
	c.add(Result{Target: "a", Version: "v1", Status: 200, Took: time.Millisecond}, at)
	c.add(Result{Target: "a", Version: "v2", Status: 500, Took: time.Millisecond}, at.Add(1))
	before := c.read()
	lost := errors.New("lost")
	c.add(Result{Target: "b", Version: "v1", Status: 200, Took: time.Second}, at.Add(2))
	c.add(Result{Target: "b", Err: lost, Took: time.Second}, at.Add(3))
	got := c.read().Sub(before)

	want := Counts{
		Tally: Tally{2, 1}, Errors: 1,
		ByVersion:    map[string]Tally{"v1": {1, 0}, "": {1, 1}},
		ByTarget:     map[string]Tally{"b": {2, 1}},
		ByStatus:     map[int]uint64{200: 1, 0: 1},
		FirstFailure: at.Add(1), LastFailure: at.Add(3),
	}
	ignore := cmp.FilterPath(func(p cmp.Path) bool {
		return p.String() == "Latency" || p.String() == "LastError"
	}, cmp.Ignore())
	if diff := cmp.Diff(want, got, ignore); diff != "" {
		t.Errorf("the difference is wrong (-want +got):\n%s", diff)
	}
	if !errors.Is(got.LastError, lost) {
		t.Errorf("the last error is %v", got.LastError)
	}
	if q := got.Latency.Quantile(0.5); q < time.Second {
		t.Errorf("the median of what came since is %s, want a second: what came before is in it", q)
	}
	if before.Requests != 2 || before.ByVersion["v1"].Requests != 1 {
		t.Errorf("counts that were read have changed: %+v", before)
	}
}

func TestCountsShare(t *testing.T) {
	c := Counts{Tally: Tally{Requests: 8}, ByVersion: map[string]Tally{"v1": {6, 0}, "v2": {2, 1}}}
	for version, want := range map[string]float64{"v1": 0.75, "v2": 0.25, "v3": 0} {
		if got := c.Share(version); got != want {
			t.Errorf("the share of %s is %g, want %g", version, got, want)
		}
	}
	if got := (Counts{}).Share("v1"); got != 0 {
		t.Errorf("the share of nothing is %g", got)
	}
}

func TestResultFailed(t *testing.T) {
	tests := []struct {
		result Result
		want   bool
	}{
		{Result{Status: 200}, false},
		{Result{Status: 404}, false},
		{Result{Status: 499}, false},
		{Result{Status: 500}, true},
		{Result{Status: 503}, true},
		{Result{Err: errors.New("lost")}, true},
	}
	for _, test := range tests {
		if got := test.result.Failed(); got != test.want {
			t.Errorf("%+v: failed is %v", test.result, got)
		}
	}
}

// A quantile is at least the true one, and at most one bucket more.
func TestLatencyQuantile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, int64(2*time.Minute)).Draw(t, "duration"))
		n := rapid.IntRange(1, 50).Draw(t, "of")
		var l Latency
		for range n {
			l.add(d)
		}
		most := time.Duration(float64(max(d, latencyBase))*math.Exp2(1.0/latencyPerTwo)) + time.Microsecond
		for _, q := range []float64{0, 0.5, 0.99, 1} {
			if got := l.Quantile(q); got+time.Microsecond < d || got > most {
				t.Fatalf("quantile %g of %d times %s is %s", q, n, d, got)
			}
		}
	})
}

func TestLatencyQuantileOfTwo(t *testing.T) {
	var l Latency
	if got := l.Quantile(0.5); got != 0 {
		t.Errorf("the median of nothing is %s", got)
	}
	for range 90 {
		l.add(time.Millisecond)
	}
	for range 10 {
		l.add(time.Hour)
	}
	if got := l.Quantile(0.9); got > 2*time.Millisecond {
		t.Errorf("nine tenths took a millisecond, the quantile is %s", got)
	}
	if got := l.Quantile(0.91); got < time.Minute {
		t.Errorf("a tenth took an hour, the quantile is %s", got)
	}
}
