package control_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/stats"
)

// This file proves what the guard makes of requests that take long: each counts
// once, when it has run for longer than the objective; with the weight of when
// it began; and not before the warm-up is over.

// judged hands the loop a folder in which v2 is rolled out under a guard.
func (w *world) judged(guard string, endpoints int) {
	w.t.Helper()
	w.files(map[string]string{"shop.yaml": objectsOf + slice("v1", 1) + slice("v2", endpoints) + fmt.Sprintf(rolloutOf, "v2", guard)})
}

// lasts reports requests that still run, by a listener that tells of them after a
// time.
func (w *world) lasts(version string, n int, took time.Duration) {
	w.t.Helper()
	batch := stats.Failures{Node: "edge-1", Gateway: "default/edge", Received: time.Now()}
	for i := range n {
		w.failed++
		batch.Entries = append(batch.Entries, stats.Failure{
			Cluster: "default/shop/80/" + version, Host: fmt.Sprintf("127.0.0.%d:9000", i%2+1), Running: true,
			Start: time.Now().Add(-took), Duration: took, GRPCStatus: -1, Route: w.route, ID: fmt.Sprint(w.failed),
		})
	}
	w.Failures(batch)
	synctest.Wait()
}

const slowGuard = "{latency: {objective: 200ms, warmup: 0s}}"

func TestSlowRequestsAreHarm(t *testing.T) {
	inWorld(t, func(w *world) {
		w.judged(slowGuard, 2)
		time.Sleep(5 * time.Second)
		w.lasts("v2", 20, 199*time.Millisecond) // not yet
		w.has(20)
		w.lasts("v2", 20, 201*time.Millisecond)
		w.is(api.PhaseDegraded, 0, "of the canary's requests took longer than 200ms")
		for _, e := range w.status().Evidence {
			if want := map[string]api.Verdict{"error-rate": api.VerdictInconclusive, "latency": api.VerdictHarm}[e.Metric]; e.Verdict != want {
				t.Errorf("%s: %s: %s", e.Metric, e.Verdict, e.Message)
			}
		}
	})
}

func TestSlowRequestsThatAreNoEvidence(t *testing.T) {
	for _, c := range []struct {
		name, guard string
		endpoints   int
		do          func(w *world)
		verdict     api.Verdict // of latency; empty: there is none
	}{
		{"no objective", "{}", 2, func(w *world) { w.lasts("v2", 50, time.Hour) }, ""},
		{"the guard is off", "{mode: 'off', latency: {objective: 200ms}}", 2, func(w *world) { w.lasts("v2", 50, time.Hour) }, ""},
		{"before the warm-up is over", "{latency: {objective: 200ms}}", 2, func(w *world) { w.lasts("v2", 50, time.Second) }, api.VerdictInconclusive},
		{"one request again and again", slowGuard, 2, func(w *world) {
			w.lasts("v2", 1, time.Second)
			for range 50 {
				w.failed--
				w.lasts("v2", 1, time.Second)
			}
		}, api.VerdictInconclusive},
		{"stable is as slow", slowGuard, 2, func(w *world) {
			for range 50 {
				w.lasts("v1", 4, time.Second)
				w.lasts("v2", 1, time.Second)
			}
		}, api.VerdictInconclusive},
		{"by a header route", slowGuard, 2, func(w *world) {
			w.route = "managed/default/shop/x"
			w.lasts("v2", 50, time.Second)
		}, ""},
		{"one of two hosts", slowGuard, 2, func(w *world) {
			for range 50 {
				w.lasts("v2", 1, time.Second)
			}
		}, api.VerdictCannotJudge},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.judged(c.guard, c.endpoints)
				time.Sleep(5 * time.Second)
				c.do(w)
				w.has(20)
				var got api.Verdict
				for _, e := range w.status().Evidence {
					if e.Metric == "latency" {
						got = e.Verdict
					}
				}
				if got != c.verdict && c.verdict != "" {
					t.Errorf("verdict %q, want %q", got, c.verdict)
				}
			})
		})
	}
}

// TestSlowIsNoError: one that is told of while it runs is no failure.
func TestSlowIsNoError(t *testing.T) {
	inWorld(t, func(w *world) {
		w.judged("{}", 2)
		w.lasts("v2", 30, time.Minute)
		if e := w.status().Evidence[0]; e.CanaryFailures != 0 {
			t.Errorf("%+v", e)
		}
		if n := w.status().Observed["v2"].Errors; n != 0 {
			t.Errorf("%d errors", n)
		}
	})
}

// TestListenersFollowTheObjective: they tell of running requests while somebody
// looks at them.
func TestListenersFollowTheObjective(t *testing.T) {
	inWorld(t, func(w *world) {
		flush := func() bool { return strings.Contains(w.fleet.listenerText(), "accessLogFlushInterval") }
		if flush() {
			t.Error("nobody has an objective")
		}
		w.judged(slowGuard, 1)
		if !flush() {
			t.Error("there is an objective")
		}
		w.judged("{}", 1)
		if flush() {
			t.Error("the objective is gone")
		}
	})
}

// TestTheSlowTestOutlivesARestart: evidence of both tests is stored.
func TestTheSlowTestOutlivesARestart(t *testing.T) {
	inWorld(t, func(w *world) {
		w.judged(slowGuard, 2)
		time.Sleep(5 * time.Second)
		w.lasts("v2", 4, time.Second)
		w.has(20)
		time.Sleep(2 * time.Second)
		before := w.status().Evidence
		w.stop()
		w.start()
		w.judged(slowGuard, 2)
		after := w.status().Evidence
		if len(before) != 2 || len(after) != 2 || before[1].Evidence != after[1].Evidence || after[1].CanaryFailures != 4 {
			t.Errorf("before %+v\nafter %+v", before, after)
		}
	})
}

// answer reports, as a metrics sink does, which response times both versions
// have had so far: of each a number up to 100 ms and beyond.
func (w *world) answer(stableFast, stableSlow, canaryFast, canarySlow uint64) {
	w.t.Helper()
	of := func(version string, fast, slow uint64) stats.ClusterMetrics {
		return stats.ClusterMetrics{Cluster: "default/shop/80/" + version, Completed: fast + slow, Requests: fast + slow,
			Latency: []stats.HistogramBucket{{Upper: 50, Count: 0}, {Upper: 100, Count: fast}, {Upper: 1000, Count: fast + slow}}}
	}
	w.Metrics(stats.Metrics{Node: "edge-1", Gateway: "default/edge", Received: time.Now(),
		Clusters: []stats.ClusterMetrics{of("v1", stableFast, stableSlow), of("v2", canaryFast, canarySlow)}})
	synctest.Wait()
}

// TestResponseTimesWithoutAnObjective: where latency is asked for, the edges of
// the histogram are looked at; not before the warm-up is over.
func TestResponseTimesWithoutAnObjective(t *testing.T) {
	for _, c := range []struct {
		name, guard string
		weight      float64
		verdict     api.Verdict // of latency; empty: nobody looks
	}{
		{"asked for", "{latency: {warmup: 0s}}", 0, api.VerdictHarm},
		{"a larger margin", "{latency: {warmup: 0s, margin: 50}}", 20, api.VerdictInconclusive},
		{"still warming up", "{latency: {warmup: 10m}}", 20, api.VerdictInconclusive},
		{"only observed", "{mode: observe, latency: {warmup: 0s}}", 20, api.VerdictHarm},
		{"not asked for", "{}", 20, ""},
		{"off", "{mode: 'off', latency: {warmup: 0s}}", 20, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.judged(c.guard, 1)
				time.Sleep(2 * time.Second)
				var slow, fast uint64
				for i := range uint64(30) {
					w.answer(80*i, i, fast, slow)
					if fast += 15; i > 10 {
						slow += 5
					}
					time.Sleep(time.Second)
				}
				w.has(c.weight)
				var got api.Verdict
				for _, e := range w.status().Evidence {
					if e.Metric == "latency" {
						if got = e.Verdict; got == api.VerdictHarm && !strings.Contains(e.Message, "took longer than 100ms") {
							t.Errorf("it says %q", e.Message)
						}
					}
				}
				if got != c.verdict {
					t.Errorf("verdict %q, want %q", got, c.verdict)
				}
			})
		})
	}
}
