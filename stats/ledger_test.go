package stats

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/serin-mesh/serin/api"
)

const (
	v1 = "default/shop/80/v1"
	v2 = "default/shop/80/v2"
)

var shop = api.Key{Namespace: "default", Name: "shop"}

// started gives a ledger whose canary began at 0 s.
func started() *Ledger {
	l := NewLedger()
	l.Start(shop, []string{"v1", "v2"}, at(0))
	return l
}

// report is a load report of one Envoy at a time in seconds, over an interval,
// with the completed requests of clusters in turn.
func report(node string, received, interval float64, clusters map[string]uint64) Load {
	r := Load{Node: node, Received: at(received)}
	for name, n := range clusters {
		r.Clusters = append(r.Clusters, ClusterLoad{
			Cluster: name, Interval: time.Duration(interval * float64(time.Second)), Success: n, Issued: n + 3, Active: 3,
		})
	}
	return r
}

// flush is a flush of one Envoy's metrics sink, with cumulative counts.
func flush(node string, received float64, clusters map[string]uint64) Metrics {
	m := Metrics{Node: node, Received: at(received)}
	for name, n := range clusters {
		m.Clusters = append(m.Clusters, ClusterMetrics{Cluster: name, Completed: n})
	}
	return m
}

// wantTotal checks the requests of a version since the canary began, now.
func wantTotal(t *testing.T, l *Ledger, version string, now, want float64) {
	t.Helper()
	got, _, _ := l.Totals(shop, version, at(now))
	if math.Abs(got-want) > 1e-6 {
		t.Errorf("total of %s at %v s is %v, want %v", version, now, got, want)
	}
}

func TestObserved(t *testing.T) {
	l := started()
	l.Load(report("a", 1, 1, map[string]uint64{v1: 80, v2: 20}))
	l.Load(report("b", 1, 1, map[string]uint64{v1: 60, v2: 40, "default/shop/443/v2": 100}))
	l.Failure(Failure{Cluster: v2, Status: 500}, true, at(1))
	l.Failure(Failure{Cluster: v2, Status: 503, Flags: Flags{Overflow: true}}, false, at(1))
	l.Failure(Failure{Cluster: "default/shop/443/v2", Status: 500}, true, at(1))
	want := map[string]Counts{
		"v1": {Requests: 140, Share: 140.0 / 300},
		"v2": {Requests: 160, Errors: 2, Overflows: 1, Share: 160.0 / 300},
	}
	if diff := cmp.Diff(want, l.Observed(shop)); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
}

// What belongs to no running canary is dropped without harm.
func TestLedgerDropsTheRest(t *testing.T) {
	l := started()
	all := map[string]uint64{"default/shop/80": 1, "default/shop/80/v3": 2, "default/cart/80/v1": 3, "serin": 4}
	l.Load(report("a", 1, 1, all))
	l.Metrics(flush("a", 1, all))
	l.Metrics(flush("a", 2, all))
	for name := range all {
		l.Failure(Failure{Cluster: name, Status: 500}, true, at(1))
	}
	want := map[string]Counts{"v1": {}, "v2": {}}
	if diff := cmp.Diff(want, l.Observed(shop)); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
	for _, key := range []api.Key{shop, {Namespace: "default", Name: "cart"}} {
		if _, _, known := l.Totals(key, "v3", at(2)); known {
			t.Errorf("totals of v3 of %s are known", key)
		}
		if l.Latency(key, "v3") != nil {
			t.Errorf("latency of v3 of %s is known", key)
		}
	}
	if got := l.Observed(api.Key{Namespace: "default", Name: "cart"}); got != nil {
		t.Errorf("observed of a Service without a canary: %v, want none", got)
	}
}

// A report that began before the cut is left out of the step and stays in the
// totals.
func TestBeginLeavesMixedReportsOut(t *testing.T) {
	l := started()
	l.Load(report("a", 1, 1, map[string]uint64{v1: 95, v2: 5}))
	l.Failure(Failure{Cluster: v2, Status: 500}, true, at(1))
	l.Begin(shop, []string{"v1", "v2"}, at(1.5))
	l.Load(report("a", 2, 1, map[string]uint64{v1: 80, v2: 20}))
	if got := l.Observed(shop)["v2"]; got != (Counts{}) {
		t.Errorf("the mixed report counts for the step: %+v", got)
	}
	l.Load(report("a", 3, 1, map[string]uint64{v1: 70, v2: 30}))
	l.Failure(Failure{Cluster: v2, Status: 500}, true, at(1))
	want := map[string]Counts{"v1": {Requests: 70, Share: 0.7}, "v2": {Requests: 30, Errors: 1, Share: 0.3}}
	if diff := cmp.Diff(want, l.Observed(shop), cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
	wantTotal(t, l, "v1", 3, 245)
	wantTotal(t, l, "v2", 3, 55)
}

// A report that began before the canary counts for the part after.
func TestStartSplitsReports(t *testing.T) {
	l := NewLedger()
	l.Begin(shop, []string{"v1", "v2"}, at(0.75)) // no account: the same as Start
	l.Load(report("a", 1, 1, map[string]uint64{v1: 100}))
	wantTotal(t, l, "v1", 1, 25)
	l.Start(shop, []string{"v1", "v3"}, at(2))
	wantTotal(t, l, "v1", 2, 0)
	l.Load(report("a", 2, 1, map[string]uint64{v1: 100})) // all of it before
	wantTotal(t, l, "v1", 2, 0)
}

// A step may name fewer versions and later more; totals go on.
func TestBeginChangesVersions(t *testing.T) {
	l := started()
	l.Load(report("a", 1, 1, map[string]uint64{v1: 80, v2: 20}))
	l.Begin(shop, []string{"v1"}, at(1))
	l.Load(report("a", 2, 1, map[string]uint64{v1: 97, v2: 3}))
	want := map[string]Counts{"v1": {Requests: 97, Share: 0.97}}
	if diff := cmp.Diff(want, l.Observed(shop)); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
	l.Begin(shop, []string{"v1", "v2", "v4"}, at(2))
	if got := len(l.Observed(shop)); got != 3 {
		t.Errorf("%d versions observed, want 3", got)
	}
	wantTotal(t, l, "v2", 2, 23)
	l.Forget(shop)
	if l.Observed(shop) != nil {
		t.Error("a forgotten Service is observed")
	}
}

func TestResume(t *testing.T) {
	l := NewLedger()
	l.Resume(shop, map[string]float64{"v1": 1000, "v2": 50}, at(0))
	if _, _, known := l.Totals(shop, "v2", at(0)); known {
		t.Error("totals are known before any report")
	}
	l.Load(report("a", 1, 1, map[string]uint64{v2: 10}))
	wantTotal(t, l, "v1", 1, 1000)
	wantTotal(t, l, "v2", 1, 60)
	if got := l.Observed(shop)["v2"].Requests; got != 10 {
		t.Errorf("%d requests observed, want those since the restart only", got)
	}
}

// The time since the last report is filled in at its rate, not for long, and
// an estimate never falls.
func TestTotalsExtrapolate(t *testing.T) {
	l := started()
	l.Load(report("a", 1, 0.5, map[string]uint64{v2: 10}))
	l.Load(report("b", 1, 0.5, map[string]uint64{v2: 30}))
	for _, c := range []struct {
		now, requests, rate float64
		known               bool
	}{
		{1, 40, 80, true},
		{1.25, 60, 80, true},
		{2.5, 160, 80, true},
		{2.6, 160, 0, false}, // silent for more than three intervals
		{1, 160, 80, true},
	} {
		requests, rate, known := l.Totals(shop, "v2", at(c.now))
		if math.Abs(requests-c.requests) > 1e-6 || math.Abs(rate-c.rate) > 1e-6 || known != c.known {
			t.Errorf("at %v s: %v requests, %v a second, known %t; want %v, %v, %t",
				c.now, requests, rate, known, c.requests, c.rate, c.known)
		}
	}
	l.Load(report("a", 3, 2, map[string]uint64{v2: 1}))
	wantTotal(t, l, "v2", 3, 160) // 41 are reported by now
}

// An Envoy that is gone has no rate and leaves what it served.
func TestLeave(t *testing.T) {
	l := started()
	l.Load(report("a", 1, 1, map[string]uint64{v2: 10}))
	l.Load(report("b", 1, 1, map[string]uint64{v2: 30}))
	l.Leave("b")
	if requests, rate, known := l.Totals(shop, "v2", at(1)); requests != 40 || rate != 10 || !known {
		t.Errorf("%v requests, %v a second, known %t; want 40, 10, true", requests, rate, known)
	}
	l.Leave("a")
	if _, _, known := l.Totals(shop, "v2", at(1)); known {
		t.Error("known without an Envoy")
	}
}

// TestGood counts what ended well for certain: no failures, nothing filled in,
// and no interval that began before the canary; over a change of weight it goes
// on.
func TestGood(t *testing.T) {
	l := started()
	want := func(when string, n float64) {
		t.Helper()
		if got := l.Good(shop, "v2"); got != n {
			t.Errorf("%s: %v, want %v", when, got, n)
		}
	}
	want("nothing is reported", 0)
	l.Load(report("a", 0.5, 1, map[string]uint64{v2: 100}))
	want("an interval that began before", 0)
	r := report("a", 1.5, 1, map[string]uint64{v2: 20})
	r.Clusters[0].Error = 5
	l.Load(r)
	want("failures", 20)
	l.Begin(shop, []string{"v1", "v2"}, at(2))
	l.Load(report("a", 2.5, 1, map[string]uint64{v2: 30}))
	want("another weight", 50)
	if got := l.Good(shop, "v9"); got != 0 {
		t.Errorf("of a version that is not there: %v", got)
	}
}
