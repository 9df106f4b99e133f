package xds_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/xds"
)

// This file proves what a route waits for, and what it does not:
//
//  1. A route waits for the ACK of a new cluster that it names; the one before
//     stays until then.
//  2. It waits for the ACK of the runtime keys that it reads, at clients with
//     the layer: of their weights too, and of no others.
//  3. A weight change sends runtime keys only to clients with the layer, and
//     routes only to the others.
//  4. A cluster that changes is followed by its endpoints: Envoy warms it anew.

// member connects an Envoy that has all there is.
func (f *fleet) member(id string, delta, withLayer bool) *envoy {
	e := f.connect(id, delta)
	e.subscribe(withLayer)
	e.settle()
	return e
}

// subscribe asks for everything, as Envoy does.
func (e *envoy) subscribe(withLayer bool) {
	if withLayer {
		e.ask(snapshot.Runtime, "serin")
	}
	e.ask(snapshot.Cluster)
	e.ask(snapshot.Endpoint, "a", "b", "c")
	e.ask(snapshot.Listener)
	e.ask(snapshot.Route, "r")
}

// kinds lists the types of responses, sorted, for short comparisons.
func kinds(ms ...message) []string {
	var all []string
	for _, m := range ms {
		all = append(all, m.Type.String())
	}
	slices.Sort(all)
	return all
}

func TestRouteWaitsForItsCluster(t *testing.T) {
	for _, delta := range []bool{true, false} {
		bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
			f.shop()
			e := f.member("e1", delta, true)
			f.set(cluster("c", "c1"), endpoint("c", "ec1"), route("r", "r2", "a", "c"))
			got := e.got()
			if d := cmp.Diff([]string{"clusters", "endpoints"}, kinds(got...)); d != "" {
				t.Fatalf("delta %v: (-want +got)\n%s", delta, d)
			}
			slices.SortFunc(got, func(a, b message) int { return int(a.Type) - int(b.Type) })
			e.ack(got[1])
			e.silent("the cluster is not acked")
			e.ack(got[0])
			m := e.one()
			want := message{Type: snapshot.Route, Set: map[string]string{"r": "r2"}}
			if !delta {
				want = message{Type: snapshot.Route, Bodies: []string{"r2"}}
			}
			if d := cmp.Diff(want, m, ignore); d != "" {
				t.Errorf("delta %v, after the ACK: (-want +got)\n%s", delta, d)
			}
			// An update of a cluster that the client has does not hold routes up.
			e.ack(m)
			f.set(cluster("c", "c2"), route("r", "r3", "a", "c"))
			if d := cmp.Diff([]string{"clusters", "endpoints", "routes"}, kinds(e.got()...)); d != "" {
				t.Errorf("delta %v, the cluster changes: (-want +got)\n%s", delta, d)
			}
		})
	}
}

func TestRouteWaitsAtConnect(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		f.shop()
		e := f.connect("e1", true)
		e.ask(snapshot.Cluster)
		clusters := e.one()
		e.ask(snapshot.Route, "r")
		e.silent("no cluster is acked")
		e.ack(clusters)
		if m := e.one(); m.Type != snapshot.Route {
			t.Errorf("got %+v, want the route", m)
		}
	})
}

func TestRouteDoesNotWaitForWhatIsNotThere(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		f.shop()
		e := f.member("e1", true, true)
		f.set(route("r", "r2", "a", "nowhere"))
		if m := e.one(); m.Set["r"] != "r2" {
			t.Errorf("got %+v, want the route", m)
		}
		// A client that names its clusters asks for them because of the route.
		g := f.connect("grpc", false)
		g.ask(snapshot.Route, "r")
		if m := g.one(); m.Type != snapshot.Route {
			t.Errorf("got %+v, want the route", m)
		}
	})
}

func TestRouteWaitsForItsKeys(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		f.shop()
		e := f.member("e1", true, true)
		f.set(layer("w2", "k", "new"), weighted("r", "r2", "static", []string{"new"}, "a", "b"))
		keys := e.one()
		if keys.Type != snapshot.Runtime {
			t.Fatalf("got %+v, want the keys", keys)
		}
		e.silent("the keys are not acked")
		e.ack(keys)
		if m := e.one(); m.Set["r"] != "r2" {
			t.Errorf("got %+v, want the route", m)
		}
	})
}

func TestRouteWaitsForThePresentKeys(t *testing.T) {
	for _, delta := range []bool{true, false} {
		bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
			f.shop()
			f.set(weights("all", "k", snapshot.Total))
			e := f.member("e1", delta, true)
			f.set(weights("none", "k", 0), weighted("r", "r2", "static", []string{"k"}, "a", "b"))
			keys := e.one()
			if keys.Type != snapshot.Runtime {
				t.Fatalf("delta %v: got %+v, want the keys", delta, keys)
			}
			e.silent("the client reads the key as it was")

			// A second change is in flight when the first is acked.
			f.set(weights("all", "k", snapshot.Total))
			back := e.one()
			e.ack(keys)
			e.silent("the client has the key as it was a moment ago")
			e.ack(back)
			if m := e.one(); m.Type != snapshot.Route {
				t.Errorf("delta %v: got %+v, want the route", delta, m)
			}
		})
	}
}

func TestRouteGoesWhenTheTargetComesBackToItsKeys(t *testing.T) {
	for _, delta := range []bool{true, false} {
		bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
			f.shop()
			f.set(weights("w1", "k", 1))
			e := f.member("e1", delta, true)
			f.set(weights("w2", "k", 2), weighted("r", "r2", "static", []string{"k"}, "a", "b"))
			e.nack(e.one(), "no")
			e.silent("the client has rejected the weight")
			f.set(weights("w1", "k", 1))
			if m := e.one(); m.Type != snapshot.Route {
				t.Errorf("delta %v: got %+v, want the route", delta, m)
			}
		})
	}
}

// TestOtherKeysHoldNoRouteUp: the weights of another rollout change all the time.
func TestOtherKeysHoldNoRouteUp(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		f.shop()
		of := func(version string, other uint32) *snapshot.Resource {
			r := layer(version, "k", "other")
			r.Weights = []uint32{7, other}
			return r
		}
		f.set(of("o1", 1))
		e := f.member("e1", true, true)
		f.set(of("o2", 2), weighted("r", "r2", "static", []string{"k"}, "a", "b"))
		if d := cmp.Diff([]string{"routes", "runtime"}, kinds(e.got()...)); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
	})
}

func TestWeightChange(t *testing.T) {
	for _, delta := range []bool{true, false} {
		bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
			keys := []string{"k"}
			f.shop()
			f.set(weighted("r", "r2", "20%", keys, "a", "b"))
			with, without := f.member("with", delta, true), f.member("without", delta, false)

			f.set(layer("w2", "k"), weighted("r", "r2", "50%", keys, "a", "b"))
			wantWith := message{Set: map[string]string{"serin": "w2"}}
			wantWithout := message{Type: snapshot.Route, Set: map[string]string{"r": "50%"}}
			if !delta {
				wantWith = message{Bodies: []string{"w2"}}
				wantWithout = message{Type: snapshot.Route, Bodies: []string{"50%"}}
			}
			if d := cmp.Diff(wantWith, with.one(), ignore); d != "" {
				t.Errorf("delta %v, with the layer: (-want +got)\n%s", delta, d)
			}
			if d := cmp.Diff(wantWithout, without.one(), ignore); d != "" {
				t.Errorf("delta %v, without: (-want +got)\n%s", delta, d)
			}
		})
	}
}

func TestLayerAfterRoutes(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		f.shop()
		f.set(weighted("r", "r2", "20%", []string{"k"}, "a", "b"))
		e := f.member("e1", true, false)
		e.ask(snapshot.Runtime, "serin")
		keys := e.one()
		e.ack(keys)
		if m := e.one(); m.Set["r"] != "r2" {
			t.Errorf("got %+v, want the route for clients with the layer", m)
		}
	})
}

func TestEndOfRolloutWithoutLayer(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		f.shop()
		f.set(weighted("r", "r2", "20%", []string{"k"}, "a", "b"))
		e := f.member("e1", true, false)
		f.set(route("r", "r2", "a", "b")) // the same body, and no weights any more
		m := e.one()
		if m.Set["r"] != "r2" {
			t.Fatalf("got %+v, want the plain route", m)
		}
		e.ack(m)
		e.silent("all is acked")
	})
}

func TestChangedClusterIsFollowedByItsEndpoints(t *testing.T) {
	for _, delta := range []bool{true, false} {
		bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
			f.shop()
			e := f.member("e1", delta, true)
			f.set(cluster("a", "a2"))
			got := e.got()
			want := []message{
				{Type: snapshot.Cluster, Set: map[string]string{"a": "a2"}},
				{Type: snapshot.Endpoint, Set: map[string]string{"a": "ea1"}},
			}
			if !delta {
				want = []message{
					{Type: snapshot.Cluster, Bodies: []string{"a2", "b1"}},
					{Type: snapshot.Endpoint, Bodies: []string{"ea1", "eb1"}},
				}
			}
			if d := cmp.Diff(want, got, ignore); d != "" {
				t.Errorf("delta %v: (-want +got)\n%s", delta, d)
			}
			e.ack(got[1])
			e.ack(got[0])
			e.silent("all is acked")
		})
	}
}
