package xds_test

import (
	"testing"

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
