package control_test

import (
	"strings"
	"testing"
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/stats"
)

// drawn reports a second of requests that both versions were sent.
func (w *world) drawn(stable, canary uint64) {
	w.t.Helper()
	time.Sleep(time.Second)
	w.Load(stats.Load{Node: "edge-1", Gateway: "default/edge", Received: time.Now(), Clusters: []stats.ClusterLoad{
		{Cluster: "default/shop/80/v1", Interval: time.Second, Issued: stable, Success: stable},
		{Cluster: "default/shop/80/v2", Interval: 990 * time.Millisecond, Issued: canary, Success: canary},
	}})
}

// split gives the evidence of the split, nil where it has said nothing.
func (w *world) split() *api.Evidence {
	for _, e := range w.status().Evidence {
		if e.Metric == "split" {
			return &e
		}
	}
	return nil
}

// TestTrafficThatIsNotWhereItWasPut: with more than its weight no failure proves
// anything; with less it does.
func TestTrafficThatIsNotWhereItWasPut(t *testing.T) {
	for _, c := range []struct {
		name           string
		stable, canary uint64
		alarm          bool
		weight         float64 // after the failures
	}{
		{"as it should be", 800, 200, false, 0},
		{"more", 600, 400, true, 20},
		{"less", 980, 20, true, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.objects("v2", 1, 1)
				time.Sleep(3 * time.Second)
				for range 20 {
					w.drawn(c.stable, c.canary)
				}
				e := w.split()
				if (e != nil) != c.alarm || e != nil && e.Verdict != api.VerdictCannotJudge {
					t.Errorf("the split says %+v", e)
				}
				w.fails("v2", "v2", "v2", "v2", "v2", "v2", "v2", "v2", "v2", "v2")
				for range 40 { // an excess beyond what is tolerated
					w.fails("v2", "v2", "v2")
				}
				w.has(c.weight)
				if first := w.status().Evidence; c.weight > 0 && (first[0].Verdict != api.VerdictCannotJudge || !strings.Contains(first[0].Message, "proves nothing")) {
					t.Errorf("the guard says %+v", first[0])
				}
			})
		})
	}
}

// TestReportsThatSayNothingOfTheSplit: of an interval in which the weight
// changed, or of one version alone.
func TestReportsThatSayNothingOfTheSplit(t *testing.T) {
	inWorld(t, func(w *world) {
		w.objects("v2", 1, 1)
		w.drawn(10, 100_000) // the weight was 0 for a part of it
		time.Sleep(3 * time.Second)
		w.Load(stats.Load{Node: "edge-1", Gateway: "default/edge", Received: time.Now(), Clusters: []stats.ClusterLoad{
			{Cluster: "default/shop/80/v2", Interval: time.Second, Issued: 100_000}}})
		time.Sleep(time.Second)
		w.Load(stats.Load{Node: "edge-1", Gateway: "default/edge", Received: time.Now(), Clusters: []stats.ClusterLoad{
			{Cluster: "default/shop/80/v1", Interval: 100 * time.Millisecond, Issued: 1},
			{Cluster: "default/shop/80/v2", Interval: time.Second, Issued: 100_000}}})
		if e := w.split(); e != nil {
			t.Errorf("the split says %+v", e)
		}
	})
}
