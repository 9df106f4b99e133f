package control_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/control"
	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/stats"
)

// This file proves what metrics of envoy see: reports from the beginning of
// their analysis on, by version, and nothing when it is over.

// readsReports is a template whose metrics look back for 10 s and, as an
// argument says, further.
const readsReports = `---
apiVersion: serin.dev/v1alpha1
kind: AnalysisTemplate
metadata: {name: reports}
spec:
  args: [{name: window}]
  metrics:
  - {name: success, interval: 10s, count: 2, successCondition: result < 0.05, provider: {envoy: {metric: errorRatio, window: 10s}}}
  - {name: slow, interval: 10s, count: 1, successCondition: result < 1, provider: {envoy: {metric: latencyQuantile, quantile: 0.9, window: "{{args.window}}"}}}
`

// reading hands the loop a folder with a step that reads reports, 20 s back.
func (w *world) reading() {
	w.t.Helper()
	w.checked("{setWeight: 20}, {analysis: {templates: [{templateName: reports}], args: [{name: window, value: 20s}]}}, {setWeight: 50}, {pause: {}}", "", readsReports)
}

// serves reports a second of requests of both versions, some of v2's failed.
func (w *world) serves(stable, canary uint64, failed int) {
	time.Sleep(time.Second / 2)
	for range failed {
		w.fails("v2")
	}
	time.Sleep(time.Second / 2)
	w.Load(stats.Load{Node: "edge-1", Gateway: "default/edge", Received: time.Now(), Clusters: []stats.ClusterLoad{
		{Cluster: "default/shop/80/v1", Interval: time.Second, Success: stable},
		{Cluster: "default/shop/80/v2", Interval: time.Second, Success: canary},
	}})
	synctest.Wait()
}

// sees checks what is kept of a version.
func (w *world) sees(version string, length time.Duration, want stats.Recent) {
	w.t.Helper()
	got, err := w.Windows(context.Background(), shop, version, length, 1)
	if err != nil || len(got) != 1 {
		w.t.Fatalf("%v, %v", got, err)
	}
	if d := cmp.Diff(want, got[0]); d != "" {
		w.t.Errorf("%s of %s (-want +got)\n%s", length, version, d)
	}
}

func TestWindows(t *testing.T) {
	inWorld(t, func(w *world) {
		w.gauge.set("success", 0.01)
		w.gauge.set("slow", 0.5)
		none := uint64(0)
		w.checked("{setWeight: 20}, {pause: {duration: 5s}}, {setWeight: 50}, {pause: {}}", "", readsReports)
		w.serves(80, 20, 1)
		w.sees(api.EnvoyCanary, time.Minute, stats.Recent{}) // nobody reads any
		w.reading()
		if took := w.gauge.taken(); len(took) != 0 {
			t.Fatalf("it measured %q before a window was full", took)
		}
		w.serves(80, 20, 0)
		w.serves(80, 20, 2)
		w.sees(api.EnvoyCanary, 10*time.Second, stats.Recent{Length: 2 * time.Second, Requests: 40, Errors: 2, Overflow: &none})
		w.sees(api.EnvoyStable, 10*time.Second, stats.Recent{Length: 2 * time.Second, Requests: 160, Overflow: &none})

		w.route = snapshot.ManagedPrefix + "inside" // was not drawn
		w.serves(80, 20, 3)
		w.route = ""
		w.sees(api.EnvoyCanary, 10*time.Second, stats.Recent{Length: 3 * time.Second, Requests: 60, Errors: 2, Overflow: &none})

		parts, err := w.Windows(context.Background(), shop, api.EnvoyCanary, 4*time.Second, 4)
		if err != nil || len(parts) != 4 || parts[0].Length != 0 || parts[1].Requests != 20 || parts[2].Errors != 2 || parts[3].Length != time.Second {
			t.Errorf("in parts: %+v, %v", parts, err)
		}
		for range 7 {
			w.serves(80, 20, 0)
		}
		if took := w.gauge.taken(); len(took) != 1 {
			t.Errorf("after 10 s it measured %q, want the metric with that window", took)
		}
		for range 10 {
			w.serves(80, 20, 0)
		}
		w.sees(api.EnvoyCanary, time.Minute, stats.Recent{}) // the analysis is over
		w.is(api.PhasePaused, 50, "")
	})
}

// TestWindowsOfNobody: what is not there is an error, not nothing.
func TestWindowsOfNobody(t *testing.T) {
	inWorld(t, func(w *world) {
		ask := func(key api.Key, version string) error {
			_, err := w.Windows(context.Background(), key, version, time.Second, 1)
			return err
		}
		if err := ask(shop, api.EnvoyCanary); err == nil || err.Error() != "the Rollout default/shop has no canary now" {
			t.Errorf("a canary that is not there: %v", err)
		}
		if err := ask(shop, api.EnvoyStable); err != nil {
			t.Errorf("stable: %v", err)
		}
		if err := ask(shop, "v1"); err != nil {
			t.Errorf("stable by its name: %v", err)
		}
		if err := ask(shop, "v2"); err == nil {
			t.Error("a version without traffic is no error")
		}
		if err := ask(api.Key{Namespace: "default", Name: "cart"}, api.EnvoyStable); !errors.Is(err, control.ErrNotFound) {
			t.Errorf("no such Rollout: %v", err)
		}
		w.stop()
		if err := ask(shop, api.EnvoyStable); err == nil {
			t.Error("a loop that has ended gives no error")
		}
	})
}

// TestWindowsOverARestart: reports are kept again for the analysis that goes on.
func TestWindowsOverARestart(t *testing.T) {
	inWorld(t, func(w *world) {
		none := uint64(0)
		w.reading()
		w.serves(80, 20, 0)
		w.stop()
		w.start()
		w.reading()
		w.serves(80, 20, 0)
		w.serves(80, 20, 1)
		w.sees(api.EnvoyCanary, 10*time.Second, stats.Recent{Length: 2 * time.Second, Requests: 40, Errors: 1, Overflow: &none})
		if err := w.act("abort"); err != nil {
			t.Fatal(err)
		}
		w.serves(80, 20, 0)
		w.sees(api.EnvoyStable, 10*time.Second, stats.Recent{})
	})
}

// TestReads: reports are kept for who says that he reads them, also of a Rollout that is
// not there yet, until nobody does.
func TestReads(t *testing.T) {
	inWorld(t, func(w *world) {
		served := func() uint64 {
			t.Helper()
			time.Sleep(10 * time.Second)
			w.Load(stats.Load{Node: "edge-1", Gateway: "default/edge", Received: time.Now(), Clusters: []stats.ClusterLoad{
				{Cluster: "default/shop/80/v1", Success: 100, Issued: 100, Interval: 10 * time.Second}}})
			synctest.Wait()
			out, err := w.Windows(context.Background(), shop, api.EnvoyStable, 30*time.Second, 1)
			if err != nil {
				t.Fatal(err)
			}
			return out[0].Requests
		}
		if n := served(); n != 0 {
			t.Fatalf("%d were kept for nobody", n)
		}
		w.Reads(shop, 30*time.Second)
		w.Reads(api.Key{Namespace: "default", Name: "nowhere"}, time.Minute)
		served()
		if n := served(); n < 100 {
			t.Errorf("%d were kept for who reads", n)
		}
		w.Reads(shop, 0)
		if n := served(); n != 0 {
			t.Errorf("%d were kept when nobody read any more", n)
		}
	})
}
