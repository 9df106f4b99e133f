package xds_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/xds"
)

// This file proves when something is taken from a client:
//
//  1. A cluster goes when the client has accepted a route without it, and the
//     drain has passed.
//  2. It stays while a route that names it is accepted, in flight, or not known.
//  3. A route that names it again stops the drain; a cluster that comes back is
//     sent, and routes wait for it.
//  4. A listener goes at once. Endpoints and routes are left to the client.

const drain = 15 * time.Second

// removesCluster checks that a response takes a cluster away: by name over delta,
// by a set of the rest in state of the world.
func removesCluster(t *testing.T, m message, name string, rest ...string) {
	t.Helper()
	want := message{Type: snapshot.Cluster, Removed: []string{name}}
	if m.version != "" {
		want = message{Type: snapshot.Cluster, Bodies: rest}
	}
	if d := cmp.Diff(want, m, ignore); d != "" {
		t.Errorf("removal of %s: (-want +got)\n%s", name, d)
	}
}

func TestClusterGoesAfterItsRouteAndTheDrain(t *testing.T) {
	for _, delta := range []bool{true, false} {
		bubble(t, xds.Options{Drain: drain}, func(t *testing.T, f *fleet) {
			f.shop()
			e := f.member("e1", delta, true)
			f.Apply(edge, snapshot.Change{
				Set:     []*snapshot.Resource{route("r", "r2", "b")},
				Removed: []snapshot.Ref{{Type: snapshot.Cluster, Name: "a"}, {Type: snapshot.Endpoint, Name: "a"}},
			})
			m := e.one()
			if m.Type != snapshot.Route {
				t.Fatalf("got %+v, want the route", m)
			}
			time.Sleep(2 * drain)
			e.silent("the route is not acked")
			e.ack(m)
			time.Sleep(drain - 1)
			e.silent("the drain has not passed")
			time.Sleep(time.Nanosecond)
			m = e.one()
			removesCluster(t, m, "a", "b1")
			e.ack(m)
			e.silent("it is gone")
			if s := f.Envoys()[0].Types["clusters"]; s.Resources != 1 {
				t.Errorf("it has %d clusters, want 1", s.Resources)
			}
		})
	}
}

func TestClusterStaysInWholeSets(t *testing.T) {
	bubble(t, xds.Options{Drain: drain}, func(t *testing.T, f *fleet) {
		f.shop()
		e := f.member("e1", false, true)
		f.remove(snapshot.Cluster, "a") // its route is still there
		time.Sleep(2 * drain)
		e.silent("a route names the cluster")
		f.set(cluster("b", "b2"))
		got := e.got()
		if d := cmp.Diff([]string{"a1", "b2"}, got[0].Bodies); d != "" {
			t.Errorf("the set while a is in use: (-want +got)\n%s", d)
		}
	})
}

func TestRouteThatIsRejectedKeepsItsCluster(t *testing.T) {
	bubble(t, xds.Options{Drain: drain}, func(t *testing.T, f *fleet) {
		f.shop()
		e := f.member("e1", true, true)
		f.set(route("r", "r2", "b"))
		e.nack(e.one(), "no")
		f.remove(snapshot.Cluster, "a")
		time.Sleep(2 * drain)
		e.silent("the Envoy still has the route that names it")
	})
}

func TestDrainStartsAnew(t *testing.T) {
	bubble(t, xds.Options{Drain: drain}, func(t *testing.T, f *fleet) {
		f.shop()
		e := f.member("e1", true, true)
		f.set(route("r", "r2", "b"))
		e.settle()
		f.remove(snapshot.Cluster, "a")
		time.Sleep(drain / 2)
		f.set(route("r", "r1", "a"))
		e.settle()
		time.Sleep(2 * drain)
		e.silent("the route names it again")
		f.set(route("r", "r2", "b"))
		e.settle()
		time.Sleep(drain - 1)
		e.silent("the drain began again")
		time.Sleep(time.Nanosecond)
		removesCluster(t, e.one(), "a")
	})
}

func TestClusterComesBack(t *testing.T) {
	bubble(t, xds.Options{Drain: drain}, func(t *testing.T, f *fleet) {
		f.shop()
		e := f.member("e1", true, true)
		f.set(route("r", "r2", "b"))
		e.settle()
		f.remove(snapshot.Cluster, "a")
		time.Sleep(drain / 2)
		f.set(cluster("a", "a1"))
		time.Sleep(2 * drain)
		e.silent("it came back before it went")

		f.remove(snapshot.Cluster, "a")
		time.Sleep(drain)
		gone := e.one()
		removesCluster(t, gone, "a")
		f.set(cluster("a", "a1"), route("r", "r3", "a"))
		back := e.one()
		if d := cmp.Diff(map[string]string{"a": "a1"}, back.Set); d != "" {
			t.Errorf("it came back after it went: (-want +got)\n%s", d)
		}
		e.ack(gone)
		e.silent("the route waits for the cluster")
		e.ack(back)
		if m := e.one(); m.Set["r"] != "r3" {
			t.Errorf("got %+v, want the route", m)
		}
	})
}

func TestListenerGoesAtOnceAndTheRestIsLeft(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		f.shop()
		e := f.member("e1", true, true)
		f.Apply(edge, snapshot.Change{Removed: []snapshot.Ref{
			{Type: snapshot.Endpoint, Name: "a"}, {Type: snapshot.Listener, Name: "l"}, {Type: snapshot.Route, Name: "r"},
		}})
		m := e.one()
		if d := cmp.Diff(message{Type: snapshot.Listener, Removed: []string{"l"}}, m, ignore); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
		e.ack(m)
		e.silent("endpoints and routes are left to the Envoy")
		if s := f.Envoys()[0].Types["listeners"]; s.Resources != 0 {
			t.Errorf("it has %d listeners, want 0", s.Resources)
		}
	})
}

func TestRejectedRemovalIsTriedOnceMore(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		f.shop()
		e := f.member("e1", true, true)
		f.Apply(edge, snapshot.Change{
			Set:     []*snapshot.Resource{listener("l2", "taken")},
			Removed: []snapshot.Ref{{Type: snapshot.Listener, Name: "l"}},
		})
		e.nack(e.one(), "cannot bind")
		m := e.one()
		if d := cmp.Diff(message{Type: snapshot.Listener, Removed: []string{"l"}}, m, ignore); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
		e.nack(m, "cannot")
		e.silent("a removal without company is not repeated")
	})
}
