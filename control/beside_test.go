package control_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/control"
	"github.com/serin-mesh/serin/rollout"
	"github.com/serin-mesh/serin/stats"
	"github.com/serin-mesh/serin/xds"
)

// This file proves what versions of an experiment have beside the canary:
//
//  1. Traffic that is a raise where it is given, and a lowering where it is taken.
//  2. Nothing as long as they have no ready endpoint, and after the experiment.
//  3. No part in what is said of canary and stable: guard, split and their shares.
//  4. A line of their own in the status, and reports under their own names.

// trying hands the loop a folder with an experiment at 20%, whose versions e1 and
// e2 have so many endpoints; at the end it is under way.
func (w *world) trying(e1, e2 int) {
	w.t.Helper()
	w.experiment(1, e1, e2)
	w.is(api.PhaseProgressing, 20, "")
}

func (w *world) experiment(v2, e1, e2 int) {
	w.t.Helper()
	text := fmt.Sprintf(rolloutOf, "v2", "{}")
	text = text[:strings.Index(text, "steps:")] +
		"steps: [{setWeight: 20}, {experiment: {duration: 10m, templates: [{name: old, specRef: stable}]}}, {setWeight: 50}, {pause: {}}]}}\n"
	w.files(map[string]string{"shop.yaml": objectsOf + slice("v1", 1) + slice("v2", v2) + slice("e1", e1) + slice("e2", e2) + text})
}

// part is a version and what it is to have, in percent.
func part(version string, percent rollout.Weight) rollout.Part {
	return rollout.Part{Version: version, Weight: percent * 10_000}
}

// beside says what versions are to have now.
func (w *world) beside(parts ...rollout.Part) {
	w.t.Helper()
	w.Beside(shop, false, parts...)
	synctest.Wait()
}

// keysOf gives what the fleet reads for a route of a mix, by version, in percent.
func (f *fleet) keysOf(mix string) map[string]float64 {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[string]float64{}
	for k, v := range f.keys {
		if version, ok := strings.CutPrefix(k, "serin.default/shop/80/"+mix+".default/shop/80/"); ok {
			out[version] = v / 10_000
		}
	}
	return out
}

// reads checks the keys of a mix.
func (w *world) reads(mix string, want map[string]float64) {
	w.t.Helper()
	if d := cmp.Diff(want, w.fleet.keysOf(mix)); d != "" {
		w.t.Fatalf("keys of %s (-want +got):\n%s", mix, d)
	}
}

type percents = map[string]float64

func TestTrafficBesideTheCanary(t *testing.T) {
	inWorld(t, func(w *world) {
		w.trying(1, 1)
		w.beside(part("e1", 5), part("e2", 10))
		w.reads("v2+e1+e2", percents{"v1": 65, "v2": 20, "e1": 5, "e2": 10})
		if !w.fleet.routeHas("default/shop/80/e1") {
			t.Error("no route leads to e1")
		}
		st := w.status()
		want := api.TrafficWeights{
			Canary:     api.WeightDestination{Weight: 20, PodTemplateHash: "v2"},
			Stable:     api.WeightDestination{Weight: 65, PodTemplateHash: "v1"},
			Additional: []api.WeightDestination{{Weight: 5, PodTemplateHash: "e1"}, {Weight: 10, PodTemplateHash: "e2"}},
		}
		if d := cmp.Diff(want, st.Canary.Weights); d != "" {
			t.Errorf("weights (-want +got):\n%s", d)
		}
		if got := slices.Sorted(maps.Keys(st.Observed)); !slices.Equal(got, []string{"e1", "e2", "v1", "v2"}) {
			t.Errorf("observed are %v", got)
		}
		w.is(api.PhaseProgressing, 20, "experiment runs, 5% to e1, 10% to e2")

		w.Beside(shop, true, part("e1", 50)) // of an attempt before
		w.reads("v2+e1+e2", percents{"v1": 65, "v2": 20, "e1": 5, "e2": 10})
		if err := w.act("abort"); err != nil {
			t.Fatal(err)
		}
		if w.fleet.routeHas("default/shop/80/e1") {
			t.Error("after the abort a route leads to e1")
		}
		w.is(api.PhaseDegraded, 0, "aborted by ana")
		if got := w.status().Canary.Weights; got.Additional != nil || got.Stable.Weight != 100 {
			t.Errorf("after the abort: %+v", got)
		}
	})
}

// TestBesideIsOver: the answer takes it away before the step goes on.
func TestBesideIsOver(t *testing.T) {
	inWorld(t, func(w *world) {
		w.trying(1, 1)
		w.beside(part("e1", 5))
		w.fleet.set(xds.Progress{Connected: 2, Acked: 1, Pending: 1})
		time.Sleep(10 * time.Minute)
		w.is(api.PhaseProgressing, 20, "acked by 1 of 2")
		w.reads("v2+e1", percents{"v1": 80, "v2": 20, "e1": 0}) // for whom has not the new route yet
		w.fleet.set(xds.Progress{Connected: 2, Acked: 2, Pending: 0})
		w.is(api.PhasePaused, 50, "")
		w.reads("v2+e1", percents{"v1": 50, "v2": 50, "e1": 0})
		w.fleet.set(xds.Progress{Connected: 2, Acked: 2, Settled: true})
		w.reads("v2+e1", percents{})
	})
}

// TestBesideWaitsForTheStore: what is given does, what is taken away does not.
func TestBesideWaitsForTheStore(t *testing.T) {
	inWorld(t, func(w *world) {
		w.trying(1, 1)
		w.beside(part("e1", 5))
		w.fleet.set(xds.Progress{Connected: 2, Acked: 2}) // somebody may have the routes before
		w.disk.setSlow(true)
		w.beside(part("e1", 5), part("e2", 5))
		w.reads("v2+e1", percents{"v1": 75, "v2": 20, "e1": 5})
		w.reads("v2+e1+e2", percents{})
		w.disk.flush(nil)
		w.reads("v2+e1+e2", percents{"v1": 70, "v2": 20, "e1": 5, "e2": 5})
		w.beside(part("e1", 2))
		w.reads("v2+e1+e2", percents{"v1": 78, "v2": 20, "e1": 2, "e2": 0})
		w.reads("v2+e1", percents{"v1": 78, "v2": 20, "e1": 2, "e2": 78})
		w.disk.flush(errors.New("the disk is full"))
		w.beside(part("e1", 1), part("e2", 9)) // one has less, the other more
		w.reads("v2+e1", percents{"v1": 79, "v2": 20, "e1": 1, "e2": 79})
		w.experiment(0, 1, 1) // and who goes meanwhile has nothing
		w.reads("v2+e1", percents{"v1": 99, "v2": 0, "e1": 1, "e2": 99})
		w.beside()
		w.reads("v2+e1", percents{"v1": 100, "v2": 0, "e1": 0, "e2": 100})
	})
}

// TestBesideTakesEndpoints: none, nothing.
func TestBesideTakesEndpoints(t *testing.T) {
	inWorld(t, func(w *world) {
		w.trying(0, 1)
		w.beside(part("e1", 5), part("e2", 5))
		w.reads("v2+e2", percents{"v1": 75, "v2": 20, "e2": 5})
		w.trying(1, 1)
		w.reads("v2+e1+e2", percents{"v1": 70, "v2": 20, "e1": 5, "e2": 5})
		w.fleet.set(xds.Progress{Connected: 2, Acked: 2})
		w.trying(1, 0)
		w.reads("v2+e1+e2", percents{"v1": 75, "v2": 20, "e1": 5, "e2": 0})
		w.beside(part("nobody", 5))
		w.reads("v2+e1+e2", percents{"v1": 80, "v2": 20, "e1": 0, "e2": 0})
	})
}

// TestBesideOverARestart: it stays as it was stored until somebody says something,
// if it has endpoints.
func TestBesideOverARestart(t *testing.T) {
	inWorld(t, func(w *world) {
		w.trying(1, 1)
		w.beside(part("e1", 5), part("e2", 5))
		w.stop()
		w.start()
		w.trying(1, 1)
		w.reads("v2+e1+e2", percents{"v1": 70, "v2": 20, "e1": 5, "e2": 5})
		w.trying(1, 0)
		w.reads("v2+e1", percents{"v1": 75, "v2": 20, "e1": 5})
		w.beside(part("e2", 5), part("e1", 3))
		w.reads("v2+e1", percents{"v1": 77, "v2": 20, "e1": 3})
	})
}

// servedBy reports a second of requests of the versions, as they were drawn.
func (w *world) servedBy(issued map[string]uint64) {
	w.t.Helper()
	time.Sleep(time.Second)
	load := stats.Load{Node: "edge-1", Gateway: "default/edge", Received: time.Now()}
	for _, version := range slices.Sorted(maps.Keys(issued)) {
		n := issued[version]
		load.Clusters = append(load.Clusters, stats.ClusterLoad{Cluster: "default/shop/80/" + version, Interval: time.Second, Issued: n, Success: n})
	}
	w.Load(load)
	synctest.Wait()
}

// TestBesideIsNotCompared: the canary has its part of what it and the stable version
// have, and what fails beside them fails neither.
func TestBesideIsNotCompared(t *testing.T) {
	for name, c := range map[string]struct {
		issued map[string]uint64
		alarm  bool
	}{
		"as it should be": {map[string]uint64{"v1": 300, "v2": 200, "e1": 500}, false},
		"as without them": {map[string]uint64{"v1": 400, "v2": 100, "e1": 500}, true},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.trying(1, 1)
				w.beside(part("e1", 50))
				time.Sleep(3 * time.Second)
				for range 20 {
					w.servedBy(c.issued)
				}
				if e := w.split(); (e != nil) != c.alarm {
					t.Errorf("the split says %+v", e)
				}
				for range 40 {
					w.fails("e1", "e1", "e1")
				}
				w.has(20)
				st := w.status()
				if got := st.Observed["e1"]; got.Errors != 120 || got.Requests != 10_000 || got.Share != 0.5 {
					t.Errorf("observed of e1 is %+v", got)
				}
				if got := st.Observed["v2"]; got.Errors != 0 {
					t.Errorf("observed of v2 is %+v", got)
				}
			})
		})
	}
}

// TestWindowsByName: what is reported of each version, by the name of its own.
func TestWindowsByName(t *testing.T) {
	inWorld(t, func(w *world) {
		none := uint64(0)
		w.checked("{setWeight: 20}, {experiment: {duration: 10m, templates: [{name: old, specRef: stable}], analyses: [{name: reports, templateName: reports, args: [{name: window, value: 20s}]}]}}, {pause: {}}",
			"", slice("e1", 1), readsReports)
		w.beside(part("e1", 5))
		w.servedBy(map[string]uint64{"v1": 75, "v2": 20, "e1": 5})
		w.fails("e1")
		w.servedBy(map[string]uint64{"v1": 75, "v2": 20, "e1": 5})
		w.sees("e1", 10*time.Second, stats.Recent{Length: 2 * time.Second, Requests: 10, Errors: 1, Overflow: &none})
		w.sees("v1", 10*time.Second, stats.Recent{Length: 2 * time.Second, Requests: 150, Overflow: &none})
		w.sees("v2", 10*time.Second, stats.Recent{Length: 2 * time.Second, Requests: 40, Overflow: &none})
		if _, err := w.Windows(context.Background(), shop, "e2", time.Second, 1); err == nil {
			t.Error("a version without traffic is no error")
		}
	})
}

// wants keeps what was wanted of pods last.
type wants struct {
	mu   sync.Mutex
	last control.PodsWanted
}

func (w *wants) Want(p control.PodsWanted) { w.mu.Lock(); w.last = p; w.mu.Unlock() }
func (*wants) Forget(api.Key)              {}

// now gives what is wanted when all is quiet.
func (w *wants) now() control.PodsWanted {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

// TestBesideIsBusy: pods with traffic must not go, and for a while after it ended.
func TestBesideIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pods := &wants{}
		w := &world{t: t, fleet: newFleet(), disk: newDisk(), gauge: &gauge{values: map[string]any{}}}
		ctx, cancel := context.WithCancel(context.Background())
		w.cancel = cancel
		w.Control = control.New(control.Options{Fleet: w.fleet, Store: w.disk, Saved: w.disk.saved, Measurer: w.gauge, Pods: pods})
		go func() { _ = w.Run(ctx) }()
		defer w.stop()
		w.objects("v1", 1, 1)
		w.PodsReported(shop, control.PodsReport{Version: "v1"})
		w.experiment(1, 1, 1)
		w.PodsReported(shop, control.PodsReport{Version: "v2"})
		synctest.Wait()
		for range 5 { // its pods are there for whatever is wanted
			w.PodsReported(shop, control.PodsReport{Version: "v2", Pods: rollout.Pods{Need: pods.now().Canary, Met: true}})
			synctest.Wait()
		}
		w.is(api.PhaseProgressing, 20, "experiment runs")
		w.beside(part("e1", 5))
		time.Sleep(time.Minute)
		if !slices.Contains(pods.now().Busy, "e1") {
			t.Errorf("busy are %v", pods.now().Busy)
		}
		w.beside()
		if !slices.Contains(pods.now().Busy, "e1") {
			t.Errorf("just after, busy are %v", pods.now().Busy)
		}
		time.Sleep(3 * time.Second)
		if slices.Contains(pods.now().Busy, "e1") {
			t.Errorf("a while after, busy are %v", pods.now().Busy)
		}
	})
}
