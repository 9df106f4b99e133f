package xds_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/xds"
)

// This file proves what a client that comes back is sent:
//
//  1. With what the target has, over delta: one empty response, which resets its
//     backoff, and never of runtime, whose empty response Envoy rejects. All
//     counts as acked at once.
//  2. The same over state of the world: the first set again, and nothing else.
//  3. Only what differs, over delta.
//  4. A cluster that the target has not is removed, but not while the routes of
//     the client are not known.

// back subscribes as an Envoy that has all of shop does.
func (e *envoy) back(routeVersion string) {
	e.askWith(snapshot.Runtime, map[string]string{"serin": "w1"}, "serin")
	e.askWith(snapshot.Cluster, map[string]string{"a": "a1", "b": "b1"}, "*")
	e.askWith(snapshot.Endpoint, map[string]string{"a": "ea1", "b": "eb1"}, "a", "b")
	e.askWith(snapshot.Listener, map[string]string{"l": "l1"}, "*")
	e.askWith(snapshot.Route, map[string]string{"r": routeVersion}, "r")
}

func TestDeltaReconnectResendsNothing(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		f.shop()
		r := f.Require(all)
		e := f.connect("e1", true)
		e.back("r1")
		m := e.one()
		if m.Type == snapshot.Runtime || len(m.Set)+len(m.Removed) != 0 {
			t.Errorf("got %+v, want one empty response, not of runtime", m)
		}
		e.ack(m)
		e.silent("it has everything")
		if p := f.Progress(r, time.Now()); p.Acked != 1 || !p.Settled {
			t.Errorf("Progress: %+v, want it acked", p)
		}
		for name, n := range map[string]int{"runtime": 1, "clusters": 2, "endpoints": 2, "listeners": 1, "routes": 1} {
			if s := f.Envoys()[0].Types[name]; s.Resources != n || s.Acked == "" || s.Acked != s.Sent {
				t.Errorf("%s: %+v, want %d and all acked", name, s, n)
			}
		}
	})
}

func TestDeltaReconnectResendsWhatDiffers(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		f.shop()
		f.set(route("r", "r2", "a"), cluster("b", "b2"))
		e := f.connect("e1", true)
		e.back("r1")
		got := e.settle()
		want := []message{
			{Type: snapshot.Cluster, Set: map[string]string{"b": "b2"}},
			{Type: snapshot.Endpoint, Set: map[string]string{"b": "eb1"}},
			{Type: snapshot.Route, Set: map[string]string{"r": "r2"}},
		}
		for i, m := range got { // the endpoints follow their cluster, when they are known
			if m.Type == snapshot.Endpoint && i > 1 {
				t.Errorf("endpoints come as response %d", i)
			}
		}
		if d := cmp.Diff(want, got, ignore, byType); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
	})
}

func TestDeltaReconnectWithAnOldCluster(t *testing.T) {
	bubble(t, xds.Options{Drain: drain}, func(t *testing.T, f *fleet) {
		f.shop()
		f.remove(snapshot.Cluster, "b") // route r names a only
		e := f.connect("e1", true)
		e.back("unknown")
		route := e.got()
		if len(route) != 2 || route[1].Set["r"] != "r1" {
			t.Fatalf("got %+v, want an empty one and the route", route)
		}
		e.ack(route[0])
		time.Sleep(2 * drain)
		e.silent("its route may name any cluster")
		e.ack(route[1])
		time.Sleep(drain)
		removesCluster(t, e.one(), "b")
	})
}

func TestDeltaReconnectWithARouteThatWasKnown(t *testing.T) {
	bubble(t, xds.Options{Drain: drain}, func(t *testing.T, f *fleet) {
		f.shop()
		e := f.member("e1", true, true)
		e.leave()
		f.set(cluster("c", "c1"), route("r", "r2", "c"))
		f.remove(snapshot.Cluster, "b")
		e = f.connect("e1", true)
		e.back("r1")
		got := e.got() // cluster c, not acked: the route stays r1, which names a only
		if len(got) != 1 || got[0].Set["c"] != "c1" {
			t.Fatalf("got %+v, want the new cluster", got)
		}
		time.Sleep(drain)
		removesCluster(t, e.one(), "b")
	})
}

func TestWholeSetReconnect(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		f.shop()
		e := f.member("e1", false, true)
		versions := e.acked
		e.leave()
		r := f.Require(all)
		e = f.connect("e1", false)
		e.acked = versions
		e.subscribe(true)
		m := e.one()
		if d := cmp.Diff(message{Bodies: []string{"w1"}}, m, ignore); d != "" || m.version != versions[snapshot.Runtime] {
			t.Errorf("the first set again: (-want +got)\n%s", d)
		}
		e.ack(m)
		e.silent("it has everything")
		if p := f.Progress(r, time.Now()); p.Acked != 1 || !p.Settled {
			t.Errorf("Progress: %+v, want it acked", p)
		}
	})
}

func TestWholeSetReconnectKeepsClustersInUse(t *testing.T) {
	bubble(t, xds.Options{Drain: drain}, func(t *testing.T, f *fleet) {
		f.shop()
		e := f.member("e1", false, true)
		versions := e.acked
		e.leave()
		f.Apply(edge, snapshot.Change{
			Set:     []*snapshot.Resource{cluster("c", "c1"), route("r", "r2", "c")},
			Removed: []snapshot.Ref{{Type: snapshot.Cluster, Name: "a"}},
		})
		e = f.connect("e1", false)
		e.acked = versions
		e.subscribe(true)
		for _, m := range e.settle() {
			if m.Type == snapshot.Cluster {
				if d := cmp.Diff([]string{"a1", "b1", "c1"}, m.Bodies); d != "" {
					t.Errorf("its old route names a: (-want +got)\n%s", d)
				}
			}
		}
		time.Sleep(drain)
		removesCluster(t, e.one(), "a", "b1", "c1")
	})
}
