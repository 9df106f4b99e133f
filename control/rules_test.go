package control_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/control"
	"github.com/serin-mesh/serin/discovery"
	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/stats"
)

// This file proves which answers count, for whom, and what the Envoys are asked
// to tell of for that.

// answered reports answers with a status, in one batch.
func (w *world) answered(status int, versions ...string) {
	w.t.Helper()
	batch := stats.Failures{Node: "edge-1", Gateway: "default/edge", Received: time.Now()}
	for i, v := range versions {
		w.failed++
		batch.Entries = append(batch.Entries, stats.Failure{
			Cluster: "default/shop/80/" + v, Host: fmt.Sprintf("127.0.0.%d:9000", i%2+1), Status: status, GRPCStatus: -1,
			Start: time.Now().Add(-time.Millisecond - time.Duration(w.failed)), Duration: time.Millisecond,
		})
	}
	w.Failures(batch)
	synctest.Wait()
}

// times gives a version so many times.
func times(n int, version string) []string {
	return strings.Split(strings.Repeat(version+" ", n), " ")[:n]
}

func TestWhatCounts(t *testing.T) {
	for _, c := range []struct {
		name, guard string
		status      int
		harm        string // of the message; empty: none
	}{
		{"500", "{}", 500, "30 failures of the canary"},
		{"404", "{}", 404, ""},
		{"429 is an error", "{errorRate: {statuses: [5xx, \"429\"]}}", 429, "30 failures of the canary"},
		{"404 still is none", "{errorRate: {statuses: [5xx, \"429\"]}}", 404, ""},
		{"500 no longer is one", "{errorRate: {statuses: [\"503\"]}}", 500, ""},
		{"404 is the client's", "{clientErrors: {}}", 404, "ended in an error of the client"},
		{"401 alone", "{clientErrors: {statuses: [\"401\"]}}", 404, ""},
		{"an error comes first", "{errorRate: {statuses: [4xx]}, clientErrors: {}}", 404, "30 failures of the canary"},
		{"only looked at", "{mode: observe, clientErrors: {}}", 404, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.judged(c.guard, 2)
				time.Sleep(5 * time.Second)
				w.answered(c.status, times(30, "v2")...)
				st := w.decided()
				if c.harm == "" && st.Abort || c.harm != "" && (!st.Abort || !strings.Contains(st.Message, c.harm)) {
					t.Errorf("%s: %s", st.Phase, st.Message)
				}
			})
		})
	}
}

// TestClientErrorsAreApart: they have evidence of their own, are no observed
// errors, and both versions' alike are no harm.
func TestClientErrorsAreApart(t *testing.T) {
	inWorld(t, func(w *world) {
		w.judged("{clientErrors: {margin: 1}}", 2)
		time.Sleep(5 * time.Second)
		for range 40 {
			w.answered(404, "v1", "v1", "v1", "v1", "v2")
		}
		st := w.status()
		if st.Abort || st.Observed["v2"].Errors != 0 {
			t.Errorf("%s %s; observed %+v", st.Phase, st.Message, st.Observed)
		}
		var metrics []string
		for _, e := range st.Evidence {
			metrics = append(metrics, fmt.Sprintf("%s %d %d", e.Metric, e.CanaryFailures, e.StableFailures))
		}
		if d := cmp.Diff([]string{"error-rate 0 0", "client-errors 40 160"}, metrics); d != "" {
			t.Error(d)
		}
		w.stop() // it outlives a restart
		w.start()
		w.judged("{clientErrors: {margin: 1}}", 2)
		if e := w.status().Evidence; len(e) != 2 || e[1].StableFailures != 160 {
			t.Errorf("after a restart: %+v", e)
		}
	})
}

// TestAlphaIsDivided: errors have half of what the confidence leaves, whatever
// else is judged, and the others share the rest.
func TestAlphaIsDivided(t *testing.T) {
	for guard, want := range map[string][]float64{
		"{}":                         {2000},
		"{latency: {objective: 1s}}": {2000, 2000},
		"{latency: {}}":              {2000, 2000},
		"{clientErrors: {}}":         {2000, 2000},
		"{clientErrors: {}, latency: {objective: 1s}}": {2000, 4000, 4000},
		"{clientErrors: {}, latency: {}}":              {2000, 4000, 4000},
	} {
		inWorld(t, func(w *world) {
			w.judged(guard, 2)
			var got []float64
			sum := 0.0
			for _, e := range w.status().Evidence {
				got = append(got, math.Round(e.Threshold))
				sum += 1 / e.Threshold
			}
			if d := cmp.Diff(want, got); d != "" || sum > 0.001+1e-9 {
				t.Errorf("%s: thresholds (-want +got):\n%s", guard, d)
			}
		})
	}
}

// TestTold: the Envoys are asked for what the guard counts beyond the usual, and
// only while a canary runs; another guard asks for other things at once.
func TestTold(t *testing.T) {
	for guard, want := range map[string]snapshot.Told{
		"{}": {},
		"{errorRate: {statuses: [5xx, \"503\", \"429\"], grpcCodes: [UNAVAILABLE, ABORTED]}}": {Statuses: []int{429}, GRPC: []int{10}},
		"{clientErrors: {grpcCodes: [NOT_FOUND]}}":                                            {Statuses: []int{4}, GRPC: []int{5}},
		"{mode: 'off', clientErrors: {}}":                                                     {},
		"{latency: {objective: 1s, grpc: unary}}":                                             {Calls: true},
		"{latency: {grpc: unary}}":                                                            {},
	} {
		r := discovery.FromFiles(map[string][]byte{"a.yaml": []byte(objectsOf + slice("v1", 1) + fmt.Sprintf(rolloutOf, "v1", guard))})
		if d := cmp.Diff(want, control.Told(r.Objects.Rollouts[shop])); d != "" {
			t.Errorf("%s (-want +got):\n%s", guard, d)
		}
	}
	inWorld(t, func(w *world) {
		if w.fleet.routeHas("serin.told") {
			t.Error("without a canary something is told")
		}
		w.judged("{clientErrors: {}}", 1)
		if !w.fleet.routeHas("serin.told") {
			t.Error("nothing is told")
		}
		w.judged("{}", 1)
		if w.fleet.routeHas("serin.told") {
			t.Error("it is told though nobody asks any more")
		}
		w.is(api.PhasePaused, 20, "")
	})
}
