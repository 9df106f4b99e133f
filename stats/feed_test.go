package stats

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// Load reports: lost, repeated, out of order, without an interval.
func TestLoadReports(t *testing.T) {
	l := started()
	first := report("a", 1, 1, map[string]uint64{v2: 10})
	l.Load(first)
	l.Load(first)
	wantTotal(t, l, "v2", 1, 10)
	l.Load(report("a", 4, 1, map[string]uint64{v2: 10})) // two were lost
	l.Load(report("a", 3, 1, map[string]uint64{v2: 10})) // one of them, too late
	wantTotal(t, l, "v2", 4, 20)
	l.Load(report("a", 6, 0, map[string]uint64{v2: 8})) // since the one before
	if requests, rate, _ := l.Totals(shop, "v2", at(6)); requests != 28 || rate != 4 {
		t.Errorf("%v requests, %v a second, want 28 and 4", requests, rate)
	}
	l.Load(report("b", 6, 0, map[string]uint64{v2: 1000})) // since nobody knows when
	wantTotal(t, l, "v2", 6, 28)
}

// Errors in load reports are requests too, and are told apart from the stream's.
func TestLoadReportsErrors(t *testing.T) {
	l := started()
	l.Load(Load{Node: "a", Received: at(1), Clusters: []ClusterLoad{{Cluster: v2, Interval: 1e9, Success: 7, Error: 3, Issued: 40, Active: 30}}})
	if got, want := l.Observed(shop)["v2"], (Counts{Requests: 10, ReportedErrors: 3, Share: 1}); got != want {
		t.Errorf("observed %+v, want %+v", got, want)
	}
}

// Metrics: the first flush is where counting starts; then repeated, out of
// order, lost and reset ones, and a reconnect.
func TestMetricsFlushes(t *testing.T) {
	l := started()
	for _, c := range []struct {
		name      string
		received  float64
		completed uint64
		want      float64
	}{
		{"first", 1, 5000, 0},
		{"second", 2, 5010, 10},
		{"the same again", 2, 5010, 10},
		{"out of order", 1.5, 5005, 10},
		{"after two lost", 5, 5040, 40},
		{"restarted", 6, 7, 47},
		{"after the restart", 7, 17, 57},
		{"after a minute away", 67, 317, 357},
	} {
		l.Metrics(flush("a", c.received, map[string]uint64{v2: c.completed}))
		if got, _, _ := l.Totals(shop, "v2", at(c.received)); got != c.want {
			t.Errorf("%s: total %v, want %v", c.name, got, c.want)
		}
	}
	if got := l.Observed(shop)["v2"].Requests; got != 357 {
		t.Errorf("%d requests observed, want 357", got)
	}
	l.Begin(shop, []string{"v1", "v2"}, at(67.5))
	l.Metrics(flush("a", 68, map[string]uint64{v2: 400}))
	l.Metrics(flush("a", 69, map[string]uint64{v2: 401}))
	if got := l.Observed(shop)["v2"].Requests; got != 1 {
		t.Errorf("%d requests observed after the cut, want the one that is certain", got)
	}
}

// An Envoy that sends both sources is counted once, whichever comes first and
// whichever stops.
func TestSourcesCountOnce(t *testing.T) {
	l := started()
	total := func(now, want float64) {
		t.Helper()
		wantTotal(t, l, "v2", now, want)
	}
	served := func(now float64) map[string]uint64 { return map[string]uint64{v2: uint64(100 * now)} }
	l.Metrics(flush("a", 0, served(0)))
	l.Metrics(flush("a", 1, served(1)))
	total(1, 100)
	// Load reports begin; the first covers half a second that metrics told.
	l.Load(report("a", 1.5, 1, map[string]uint64{v2: 100}))
	total(1.5, 150)
	l.Metrics(flush("a", 2, served(2)))
	total(2, 200) // 150, and half a second at the rate
	l.Load(report("a", 2.5, 1, map[string]uint64{v2: 100}))
	total(2.5, 250)
	// They end; metrics go on and make up for what was not reported.
	for now := 3.0; now <= 8; now++ {
		l.Metrics(flush("a", now, served(now)))
	}
	total(8, 800)
	// And begin again.
	l.Load(report("a", 8.5, 1, map[string]uint64{v2: 100}))
	total(8.5, 850)
}

// In a simulated fleet where nothing is lost, totals never decrease and end as
// what was served, by whatever source each Envoy has and with cuts in between.
func TestTotalsMatchTheFleet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := started()
		nodes := rapid.IntRange(1, 4).Draw(t, "nodes")
		served := map[string]float64{}
		counters := make([]map[string]uint64, nodes)
		for n := range nodes {
			counters[n] = map[string]uint64{v1: uint64(1000 * n), v2: 7}
			l.Metrics(flush(fmt.Sprint(n), 0, counters[n]))
		}
		before := map[string]float64{}
		now := 0.0
		for range rapid.IntRange(1, 30).Draw(t, "intervals") {
			interval := rapid.Float64Range(0.01, 5).Draw(t, "interval")
			now += interval
			for n := range nodes {
				traffic := map[string]uint64{}
				for _, cluster := range []string{v1, v2} {
					traffic[cluster] = uint64(rapid.IntRange(0, 50).Draw(t, cluster))
					counters[n][cluster] += traffic[cluster]
					served[cluster] += float64(traffic[cluster])
				}
				// Even nodes send load reports and metrics, odd ones metrics.
				if n%2 == 0 {
					l.Load(report(fmt.Sprint(n), now, interval, traffic))
				}
				l.Metrics(flush(fmt.Sprint(n), now, counters[n]))
			}
			if rapid.Bool().Draw(t, "look") {
				for _, version := range []string{"v1", "v2"} {
					total, _, _ := l.Totals(shop, version, at(now))
					if total < before[version] {
						t.Fatalf("total of %s fell from %v to %v", version, before[version], total)
					}
					before[version] = total
				}
			}
			if rapid.IntRange(0, 5).Draw(t, "cut") == 0 {
				l.Begin(shop, []string{"v1", "v2"}, at(now))
			}
		}
		for version, cluster := range map[string]string{"v1": v1, "v2": v2} {
			if total, _, _ := l.Totals(shop, version, at(now)); total < served[cluster]-0.01 || total > served[cluster]+0.01 {
				t.Fatalf("total of %s is %v, served were %v", version, total, served[cluster])
			}
		}
	})
}

// Whatever is lost, repeated, reordered or reset, no more is counted than was
// served.
func TestTotalsNeverExceedTheFleet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := started()
		counter, served := uint64(500), 0.0
		l.Metrics(flush("a", 0, map[string]uint64{v2: counter}))
		var old []Metrics
		last := 0.0
		for i := range rapid.IntRange(1, 40).Draw(t, "flushes") {
			now := float64(i + 1)
			if rapid.IntRange(0, 9).Draw(t, "restart") == 0 {
				counter = 0
			}
			n := uint64(rapid.IntRange(0, 20).Draw(t, "traffic"))
			counter, served = counter+n, served+float64(n)
			m := flush("a", now, map[string]uint64{v2: counter})
			old = append(old, m)
			switch rapid.IntRange(0, 3).Draw(t, "fate") {
			case 0: // lost
			case 1:
				l.Metrics(old[rapid.IntRange(0, len(old)-1).Draw(t, "again")])
			default:
				l.Metrics(m)
				last = now
			}
		}
		// Far ahead, so that nothing is filled in.
		if total, _, known := l.Totals(shop, "v2", at(last+1000)); total > served || known {
			t.Fatalf("total %v (known %t), served were %v", total, known, served)
		}
	})
}
