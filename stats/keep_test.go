package stats

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/serin-mesh/serin/api"
)

// keeping gives a ledger whose canary began at 0 s and that keeps a length of
// time from then on.
func keeping(length time.Duration) *Ledger {
	l := started()
	l.Keep(shop, length, at(0))
	return l
}

// wantWindow checks what is kept of v2 over a length until now.
func wantWindow(t *testing.T, l *Ledger, length time.Duration, now float64, want Recent) {
	t.Helper()
	if diff := cmp.Diff(want, l.Window(shop, "v2", length, at(now))); diff != "" {
		t.Errorf("%s until %v s (-want +got):\n%s", length, now, diff)
	}
}

func number(n uint64) *uint64 { return &n }

func TestWindow(t *testing.T) {
	l := keeping(time.Minute)
	wantWindow(t, l, time.Minute, 1, Recent{})
	for s := 1; s <= 100; s++ {
		l.Load(report("a", float64(s), 1, map[string]uint64{v1: 80, v2: uint64(s)}))
		l.Failure(Failure{Cluster: v2, Status: 500}, true, at(float64(s)-0.5))
		l.Failure(Failure{Cluster: v2, Status: 503, Flags: Flags{Overflow: true}}, false, at(float64(s)-0.5))
	}
	// The sums of 91 to 100, and of 41 to 100.
	wantWindow(t, l, 10*time.Second, 100, Recent{Length: 10 * time.Second, Requests: 955, Errors: 10, Overflow: number(10)})
	wantWindow(t, l, time.Minute, 100, Recent{Length: time.Minute, Requests: 4230, Errors: 60, Overflow: number(60)})
	// More than is kept was never asked for.
	wantWindow(t, l, time.Hour, 100, Recent{Length: time.Minute, Requests: 4230, Errors: 60, Overflow: number(60)})
	// No report for 4 s: the counts are those of the 6 s before.
	wantWindow(t, l, 10*time.Second, 104, Recent{Length: 6 * time.Second, Requests: 585, Errors: 6, Overflow: number(6)})
	wantWindow(t, l, 10*time.Second, 111, Recent{})
	if got := l.Window(shop, "v3", time.Minute, at(100)); !cmp.Equal(got, Recent{}) {
		t.Errorf("of a version that is not there: %+v", got)
	}
}

// TestKeepBegins: what came before is not kept, and of a report in between its
// part.
func TestKeepBegins(t *testing.T) {
	l := started()
	l.Load(report("a", 1, 1, map[string]uint64{v2: 100}))
	l.Keep(shop, time.Minute, at(1.25))
	l.Load(report("a", 2, 1, map[string]uint64{v2: 100}))
	l.Load(report("a", 3, 1, map[string]uint64{v2: 100}))
	wantWindow(t, l, time.Minute, 3, Recent{Length: 1750 * time.Millisecond, Requests: 175, Overflow: number(0)})
	l.Begin(shop, []string{"v1", "v2", "v3"}, at(3)) // a change of weight is none of it
	l.Load(report("a", 4, 1, map[string]uint64{v2: 100, "default/shop/80/v3": 7}))
	wantWindow(t, l, time.Minute, 4, Recent{Length: 2750 * time.Millisecond, Requests: 275, Overflow: number(0)})
	if got := l.Window(shop, "v3", time.Minute, at(4)); got.Requests != 7 || got.Length != time.Second {
		t.Errorf("of the version that came later: %+v", got)
	}
	l.Start(shop, []string{"v1", "v2"}, at(4)) // another canary: nothing of the one before
	wantWindow(t, l, time.Minute, 4, Recent{})
	l.Load(report("a", 5, 1, map[string]uint64{v2: 50}))
	wantWindow(t, l, time.Minute, 5, Recent{Length: time.Second, Requests: 50, Overflow: number(0)})
}

// TestKeepEnds: then nothing is left of it, and nothing is kept.
func TestKeepEnds(t *testing.T) {
	l := keeping(time.Minute)
	l.Load(report("a", 1, 1, map[string]uint64{v2: 100}))
	l.Keep(shop, 0, at(1))
	l.Load(report("a", 2, 1, map[string]uint64{v2: 100}))
	wantWindow(t, l, time.Minute, 2, Recent{})
	if l.services[shop].versions["v2"].past != nil {
		t.Error("its memory is still held")
	}
	l.Keep(shop, 24*time.Hour, at(2))
	if kept := l.services[shop].kept; kept != api.MostEnvoyWindow {
		t.Errorf("it keeps %s, want at most %s", kept, api.MostEnvoyWindow)
	}
	nobody := api.Key{Namespace: "default", Name: "cart"}
	l.Keep(nobody, time.Minute, at(2))
	if got := l.Window(nobody, "v1", time.Minute, at(2)); !cmp.Equal(got, Recent{}) {
		t.Errorf("of a Service without an account: %+v", got)
	}
}

// TestErrorsOfTheSameTime: an error counts when the requests beside it do.
func TestErrorsOfTheSameTime(t *testing.T) {
	l := keeping(10 * time.Second)
	failed := func(s float64) { l.Failure(Failure{Cluster: v2, Status: 500}, true, at(s)) }
	l.Load(report("a", 4, 4, map[string]uint64{v2: 400}))
	failed(3)
	failed(5)
	failed(6)
	wantWindow(t, l, 10*time.Second, 7, Recent{Length: 4 * time.Second, Requests: 400, Errors: 1, Overflow: number(0)})
	l.Load(report("a", 8, 4, map[string]uint64{v2: 400}))
	wantWindow(t, l, 10*time.Second, 8, Recent{Length: 8 * time.Second, Requests: 800, Errors: 3, Overflow: number(0)})
}

// TestErrorsBeforeAnyVolume: an Envoy tells of a new cluster's failures at once,
// and counts its requests a report later.
func TestErrorsBeforeAnyVolume(t *testing.T) {
	l := keeping(10 * time.Second)
	failed := func(s float64) { l.Failure(Failure{Cluster: v2, Status: 500}, true, at(s)) }
	failed(0.5)
	failed(1.5)
	wantWindow(t, l, 10*time.Second, 2, Recent{})
	l.Load(report("a", 2, 1, map[string]uint64{v2: 100}))
	wantWindow(t, l, 10*time.Second, 2, Recent{Length: time.Second, Requests: 100, Errors: 1, Overflow: number(0)})
}

func TestWindowLatency(t *testing.T) {
	l := keeping(time.Minute)
	l.Metrics(slow("a", 1, 100, 200, 300, 310))
	l.Metrics(slow("a", 2, 105, 215, 316, 327))
	l.Metrics(slow("a", 3, 106, 216, 317, 329))
	want := []HistogramBucket{{10, 1}, {100, 1}, {1000, 1}, {math.Inf(1), 2}}
	if diff := cmp.Diff(want, l.Window(shop, "v2", 500*time.Millisecond, at(3.2)).Latency); diff != "" {
		t.Errorf("of half a second (-want +got):\n%s", diff)
	}
	want = []HistogramBucket{{10, 6}, {100, 16}, {1000, 17}, {math.Inf(1), 19}}
	if diff := cmp.Diff(want, l.Window(shop, "v2", time.Minute, at(3.2)).Latency); diff != "" {
		t.Errorf("of all (-want +got):\n%s", diff)
	}
	// All in one bucket: where it begins is known by the one before.
	l = keeping(time.Minute)
	l.Metrics(slow("a", 1, 0, 0, 100, 100))
	l.Metrics(slow("a", 2, 0, 0, 200, 200))
	want = []HistogramBucket{{10, 0}, {100, 0}, {1000, 100}, {math.Inf(1), 100}}
	if diff := cmp.Diff(want, l.Window(shop, "v2", time.Minute, at(2)).Latency); diff != "" {
		t.Errorf("of one bucket (-want +got):\n%s", diff)
	}
	l = started()
	l.Metrics(slow("a", 1, 100, 200, 300, 310))
	l.Keep(shop, time.Minute, at(1.5))
	l.Metrics(slow("a", 2, 105, 215, 316, 327)) // began before
	if got := l.Window(shop, "v2", time.Minute, at(2)).Latency; got != nil {
		t.Errorf("of a mixed flush: %v, want none", got)
	}
}

func TestConnections(t *testing.T) {
	l := started()
	open := func(node string, received float64, n *uint64) {
		m := flush(node, received, map[string]uint64{v2: 10})
		m.Clusters[0].Connections = n
		l.Metrics(m)
	}
	want := func(now float64, want *uint64) {
		t.Helper()
		if got := l.Window(shop, "v2", time.Minute, at(now)).Connections; !cmp.Equal(got, want) {
			t.Errorf("at %v s: %v, want %v", now, got, want)
		}
	}
	want(0, nil)
	open("a", 1, number(3))
	open("b", 1, number(4))
	want(1, number(7))
	open("a", 2, number(1))
	open("b", 2, nil) // another part of the flush
	want(2, number(5))
	open("a", 3, number(0))
	want(3, number(0)) // of the other there was no news for long
	want(20, nil)
}

// TestFlushInParts: the counters and the histogram of a cluster come in two
// messages, and both count once.
func TestFlushInParts(t *testing.T) {
	l := keeping(time.Minute)
	for s := range 4 {
		n := uint64(100 * (s + 1))
		whole := slow("a", float64(s), n/2, n, n, n)
		counters, times := whole.Clusters[0], whole.Clusters[0]
		counters.Requests, counters.Latency, times.Completed = 0, nil, 0
		if s > 0 { // as the stream's sums fill it in
			last := slow("a", 0, (n-100)/2, n-100, n-100, n-100).Clusters[0]
			counters.Requests, counters.Latency = last.Requests, last.Latency
		}
		l.Metrics(Metrics{Node: "a", Received: at(float64(s)), Clusters: []ClusterMetrics{counters}})
		l.Metrics(Metrics{Node: "a", Received: at(float64(s) + 0.001), Clusters: []ClusterMetrics{times}})
	}
	got := l.Window(shop, "v2", time.Minute, at(3.01))
	want := []HistogramBucket{{10, 150}, {100, 300}, {1000, 300}, {math.Inf(1), 300}}
	if diff := cmp.Diff(want, got.Latency); diff != "" || got.Requests != 300 {
		t.Errorf("%d requests, want 300; latency (-want +got):\n%s", got.Requests, diff)
	}
	if _, rate, _ := l.Totals(shop, "v2", at(3.01)); rate != 100 {
		t.Errorf("%v requests a second, want 100", rate)
	}
}

// TestKeepAnotherLength: what was kept stays, as far as it fits.
func TestKeepAnotherLength(t *testing.T) {
	l := keeping(10 * time.Second)
	for s := 1; s <= 20; s++ {
		m := slow("a", float64(s), uint64(s), uint64(s), uint64(s), uint64(s))
		m.Clusters[0].Completed = uint64(10 * s)
		l.Metrics(m)
		l.Failure(Failure{Cluster: v2, Status: 500}, true, at(float64(s)-0.5))
	}
	l.Keep(shop, 20*time.Minute, at(20))
	check := func(length time.Duration, seconds, most float64) {
		t.Helper()
		got := l.Window(shop, "v2", length, at(20))
		for _, n := range []float64{float64(got.Requests) / 10, float64(got.Errors), float64(got.Latency[0].Count), got.Length.Seconds()} {
			if n < seconds || n > most {
				t.Errorf("%s: %+v, want about %v seconds", length, got, seconds)
			}
		}
	}
	check(20*time.Minute, 9, 11) // no more were kept
	l.Keep(shop, 5*time.Second, at(20))
	check(5*time.Second, 4, 6) // the slots that they were in are 5 s long
}

// TestWindowAsAnySum: whatever is reported when, a window's counts are those of
// the reports, each spread over its time, but for what is in the slot where the
// window begins.
func TestWindowAsAnySum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kept := rapid.SampledFrom([]time.Duration{time.Second, 10 * time.Second, time.Minute, api.MostEnvoyWindow}).Draw(t, "kept")
		since := rapid.Float64Range(0, 5).Draw(t, "since")
		l := started()
		l.Keep(shop, kept, at(since))
		var volumes []volume
		now := 0.0
		for range rapid.IntRange(1, 60).Draw(t, "reports") {
			now += rapid.Float64Range(0.01, kept.Seconds()/4).Draw(t, "later")
			n := uint64(rapid.IntRange(0, 1000).Draw(t, "requests"))
			// Each from another Envoy, or nothing could overlap.
			over := rapid.Float64Range(0.01, kept.Seconds()/2).Draw(t, "interval")
			l.Load(report(string(rune(len(volumes))), now, over, map[string]uint64{v2: n}))
			volumes = append(volumes, volume{from: at(now - over), to: at(now), requests: float64(n)})
		}
		length := time.Duration(rapid.Float64Range(0.1, 1).Draw(t, "part") * float64(kept))
		got := l.Window(shop, "v2", length, at(now))
		p := l.services[shop].versions["v2"].past
		from := latest(at(now).Add(-length), at(since), at(0))
		var want, doubt float64
		for _, v := range volumes {
			want += v.requests * v.partAfter(from)
			doubt += v.requests * (v.partAfter(from.Add(-p.width)) - v.partAfter(from.Add(p.width)))
		}
		if math.Abs(float64(got.Requests)-want) > doubt+1 {
			t.Fatalf("%d requests, want %v, give or take %v", got.Requests, want, doubt)
		}
		began := at(now)
		for _, v := range volumes {
			if v.to.After(at(since)) {
				began = earliest(began, v.from)
			}
		}
		if want := max(at(now).Sub(latest(from, began)), 0); (got.Length - want).Abs() > time.Microsecond {
			t.Fatalf("it covers %s, want %s", got.Length, want)
		}
	})
}

// BenchmarkKept is what a load report costs that is kept.
func BenchmarkKept(b *testing.B) {
	for name, length := range map[string]time.Duration{"not": 0, "a minute": time.Minute} {
		b.Run(name, func(b *testing.B) {
			l := keeping(length)
			r := report("a", 0, 1, map[string]uint64{v1: 80, v2: 20})
			b.ReportAllocs()
			for i := range b.N {
				r.Received = at(float64(i))
				l.Load(r)
			}
		})
	}
}
