package xds_test

import (
	"testing"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/xds"
)

// This file proves how subscriptions are answered:
//
//  1. A delta client gets all clusters and listeners, and of the rest what it
//     names; after its ACKs the fleet table shows what it has.
//  2. State of the world: the same as whole sets.
//  3. A name is answered when the target gets it later.
//  4. A name that is subscribed to again is sent again, a dropped one no more.
//  5. A Gateway that is not known wipes nobody, and lets an Envoy start.
//  6. A Gateway without resources is answered, so that an Envoy starts.
//  7. A type that Serin does not have disturbs nothing.
//  8. A request may answer a response and subscribe; a nonce of some other stream
//     does not make the first request of a type an answer.

var ignore = cmp.Options{cmpopts.IgnoreUnexported(message{}), cmpopts.EquateEmpty()}

func (f *fleet) shop() {
	f.set(layer("w1", "k"), cluster("a", "a1"), cluster("b", "b1"), endpoint("a", "ea1"), endpoint("b", "eb1"),
		listener("l", "l1"), route("r", "r1", "a"))
}

func TestDeltaSubscribes(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		f.shop()
		e := f.connect("e1", true)
		for _, c := range []struct {
			kind  snapshot.Type
			names []string
			want  message
		}{
			{snapshot.Runtime, []string{"serin"}, message{Set: map[string]string{"serin": "w1"}}},
			{snapshot.Cluster, nil, message{Type: snapshot.Cluster, Set: map[string]string{"a": "a1", "b": "b1"}}},
			{snapshot.Endpoint, []string{"a"}, message{Type: snapshot.Endpoint, Set: map[string]string{"a": "ea1"}}},
			{snapshot.Listener, []string{"*"}, message{Type: snapshot.Listener, Set: map[string]string{"l": "l1"}}},
			{snapshot.Route, []string{"r"}, message{Type: snapshot.Route, Set: map[string]string{"r": "r1"}}},
		} {
			e.ask(c.kind, c.names...)
			m := e.one()
			if d := cmp.Diff(c.want, m, ignore); d != "" {
				t.Errorf("%s: (-want +got)\n%s", c.kind, d)
			}
			e.ack(m)
			e.silent("after an ACK")
		}
		got := f.Envoys()
		if len(got) != 1 || got[0].ID != "e1" || got[0].Gateway != "default/edge" || got[0].Protocol != "delta" || !got[0].RuntimeLayer {
			t.Fatalf("Envoys: %+v", got)
		}
		for name, n := range map[string]int{"runtime": 1, "clusters": 2, "endpoints": 1, "listeners": 1, "routes": 1} {
			s := got[0].Types[name]
			if s.Resources != n || s.Acked == "" || s.Acked != s.Sent || s.Message != "" {
				t.Errorf("%s: %+v, want %d resources and all acked", name, s, n)
			}
		}
	})
}

func TestWholeSets(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		f.shop()
		e := f.connect("e1", false)
		for _, c := range []struct {
			kind  snapshot.Type
			names []string
			want  []string
		}{
			{snapshot.Runtime, []string{"serin"}, []string{"w1"}},
			{snapshot.Cluster, nil, []string{"a1", "b1"}},
			{snapshot.Endpoint, []string{"b", "a"}, []string{"ea1", "eb1"}},
			{snapshot.Listener, nil, []string{"l1"}},
			{snapshot.Route, []string{"r"}, []string{"r1"}},
		} {
			e.ask(c.kind, c.names...)
			m := e.one()
			if d := cmp.Diff(c.want, m.Bodies); d != "" || m.Type != c.kind {
				t.Errorf("%s: got %s (-want +got)\n%s", c.kind, m.Type, d)
			}
			e.ack(m)
			e.silent("after an ACK")
		}
		f.set(endpoint("a", "ea2"))
		m := e.one()
		if d := cmp.Diff([]string{"ea2", "eb1"}, m.Bodies); d != "" {
			t.Errorf("a change of one: (-want +got)\n%s", d)
		}
		e.ack(m)
		got := f.Envoys()[0]
		if s := got.Types["endpoints"]; got.Protocol != "state-of-the-world" || s.Acked != m.version || s.Sent != m.version || s.Resources != 2 {
			t.Errorf("Envoys: %+v, want version %s", got, m.version)
		}
	})
}

func TestNamedBeforeThere(t *testing.T) {
	for _, delta := range []bool{true, false} {
		bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
			f.shop()
			e := f.connect("e1", delta)
			e.ask(snapshot.Route, "later")
			e.silent("the route is not there")
			f.set(route("later", "1", "a"), route("other", "1", "a"))
			want := message{Type: snapshot.Route, Set: map[string]string{"later": "1"}}
			if !delta {
				want = message{Type: snapshot.Route, Bodies: []string{"1"}}
			}
			if d := cmp.Diff(want, e.one(), ignore); d != "" {
				t.Errorf("delta %v: (-want +got)\n%s", delta, d)
			}
		})
	}
}

func TestSubscribedAgainAndDropped(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		f.shop()
		e := f.connect("e1", true)
		e.ask(snapshot.Endpoint, "a", "b")
		e.settle()

		e.ask(snapshot.Endpoint, "a")
		m := e.one()
		if d := cmp.Diff(map[string]string{"a": "ea1"}, m.Set); d != "" {
			t.Errorf("named again: (-want +got)\n%s", d)
		}
		e.ack(m)

		e.drop(snapshot.Endpoint, "a")
		f.set(endpoint("a", "ea2"))
		e.silent("the name was dropped")
		if s := f.Envoys()[0].Types["endpoints"]; s.Resources != 1 {
			t.Errorf("it has %d endpoints, want 1", s.Resources)
		}
		e.ask(snapshot.Endpoint, "a")
		if d := cmp.Diff(map[string]string{"a": "ea2"}, e.one().Set); d != "" {
			t.Errorf("named after a drop: (-want +got)\n%s", d)
		}
	})
}

func TestWholeSetFollowsNames(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		f.shop()
		e := f.connect("grpc", false)
		e.ask(snapshot.Cluster, "a")
		m := e.one()
		if d := cmp.Diff([]string{"a1"}, m.Bodies); d != "" {
			t.Errorf("one name: (-want +got)\n%s", d)
		}
		e.names[snapshot.Cluster] = []string{"a", "b"}
		e.ack(m)
		m = e.one()
		if d := cmp.Diff([]string{"a1", "b1"}, m.Bodies); d != "" {
			t.Errorf("a name more: (-want +got)\n%s", d)
		}
		e.names[snapshot.Cluster] = []string{"b"}
		e.ack(m)
		f.set(cluster("a", "a2"))
		e.silent("a is not subscribed any more")
		if s := f.Envoys()[0].Types["clusters"]; s.Resources != 1 {
			t.Errorf("it has %d clusters, want 1", s.Resources)
		}
	})
}

func TestUnknownGateway(t *testing.T) {
	for _, delta := range []bool{true, false} {
		bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
			e := f.connect("e1", delta)
			e.ask(snapshot.Runtime, "serin")
			m := e.one() // Envoy does not start before it has its runtime layer
			if len(m.Set)+len(m.Bodies) != 1 {
				t.Errorf("runtime: %+v, want one empty layer", m)
			}
			e.ack(m)
			e.ask(snapshot.Cluster)
			e.silent("nothing is known of the Gateway, and an empty answer would wipe an Envoy that has something")
			f.set(layer("w1", "k"))
			got := e.settle()
			want := []message{{Type: snapshot.Runtime, Set: map[string]string{"serin": "w1"}}, {Type: snapshot.Cluster}}
			if !delta {
				want = []message{{Type: snapshot.Runtime, Bodies: []string{"w1"}}, {Type: snapshot.Cluster}}
			}
			less := cmpopts.SortSlices(func(a, b message) bool { return a.Type < b.Type })
			if d := cmp.Diff(want, got, ignore, less); d != "" {
				t.Errorf("delta %v, the Gateway is there now: (-want +got)\n%s", delta, d)
			}
		})
	}
}

func TestEmptyGateway(t *testing.T) {
	for _, delta := range []bool{true, false} {
		bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
			f.set(layer("w1"))
			e := f.connect("e1", delta)
			e.ask(snapshot.Cluster)
			if m := e.one(); m.Type != snapshot.Cluster || len(m.Set)+len(m.Bodies) != 0 {
				t.Errorf("got %+v, want an empty answer: an Envoy waits for it", m)
			}
		})
	}
}

func TestUnservedTypeIsNotAnswered(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		const secrets = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"
		f.shop()
		for _, delta := range []bool{true, false} {
			e := f.connect("e1", delta)
			if delta {
				e.sendDelta(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: secrets, ResourceNamesSubscribe: []string{"tls"}})
			} else {
				e.sendAll(&discoveryv3.DiscoveryRequest{TypeUrl: secrets, ResourceNames: []string{"tls"}})
			}
			e.silent("Serin has no secrets")
			e.ask(snapshot.Listener)
			if m := e.one(); m.Type != snapshot.Listener {
				t.Errorf("delta %v: the stream does not go on: %+v", delta, m)
			}
		}
	})
}

func TestAnswerThatSubscribes(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		f.shop()
		e := f.connect("e1", true)
		e.ask(snapshot.Endpoint, "a")
		m := e.one()
		e.sendDelta(&discoveryv3.DeltaDiscoveryRequest{
			TypeUrl: m.Type.URL(), ResponseNonce: m.nonce,
			ResourceNamesSubscribe: []string{"b"}, ResourceNamesUnsubscribe: []string{"a"},
		})
		want := message{Type: snapshot.Endpoint, Set: map[string]string{"b": "eb1"}}
		if d := cmp.Diff(want, e.one(), ignore); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
		f.set(endpoint("a", "ea2"))
		e.silent("it has dropped a")
	})
}

func TestFirstRequestWithForeignNonce(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		f.shop()
		e := f.connect("e1", true)
		for _, kind := range []snapshot.Type{snapshot.Cluster, snapshot.Listener} {
			e.sendDelta(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: kind.URL(), ResponseNonce: "7"})
			if m := e.one(); m.Type != kind || len(m.Set) == 0 {
				t.Errorf("%s: got %+v", kind, m)
			}
		}
	})
}
