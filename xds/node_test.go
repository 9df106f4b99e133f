package xds_test

import (
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/xds"
)

// This file proves whom the server takes for whom:
//
//  1. node.cluster selects the Gateway; without id or with a cluster that names
//     none the stream is refused with a reason, on every service.
//  2. Of two streams of one node both are served, and the newer is reported.

func TestWhoIsRefused(t *testing.T) {
	for _, n := range []*corev3.Node{nil, {}, {Cluster: "edge"}, {Id: "e"}, {Id: "e", Cluster: "a/b/c"}, {Id: "e", Cluster: "/b"}, {Id: "e", Cluster: "a/"}} {
		for _, delta := range []bool{true, false} {
			bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
				f.shop()
				e := f.connectAs(n, delta)
				e.ask(snapshot.Cluster)
				if err := e.failure(); status.Code(err) != codes.InvalidArgument {
					t.Errorf("%v, delta %v: %v, want InvalidArgument", n, delta, err)
				}
				if all := f.Envoys(); len(all) != 0 {
					t.Errorf("%v is in the fleet: %+v", n, all)
				}
			})
		}
	}
}

func TestGatewayOfANode(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		shop := api.Key{Namespace: "shop", Name: "edge"}
		f.Apply(edge, snapshot.Change{Set: []*snapshot.Resource{cluster("default", "1")}})
		f.Apply(shop, snapshot.Change{Set: []*snapshot.Resource{cluster("shop", "1")}})
		for cluster, want := range map[string]string{"edge": "default", "default/edge": "default", "shop/edge": "shop"} {
			e := f.connectAs(&corev3.Node{Id: "e " + cluster, Cluster: cluster}, true)
			e.ask(snapshot.Cluster)
			if m := e.one(); len(m.Set) != 1 || m.Set[want] == "" {
				t.Errorf("node.cluster %q: %+v, want the cluster of %s", cluster, m, want)
			}
		}
		ids := []string{}
		for _, e := range f.Envoys() {
			ids = append(ids, e.Gateway+" "+e.ID)
		}
		want := []string{"default/edge e default/edge", "default/edge e edge", "shop/edge e shop/edge"}
		if len(ids) != 3 || ids[0] != want[0] || ids[1] != want[1] || ids[2] != want[2] {
			t.Errorf("Envoys in the order %q, want %q", ids, want)
		}
	})
}

func TestTwoStreamsOfOneNode(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		f.shop()
		older := f.member("e1", true, true)
		time.Sleep(time.Second)
		newer := f.member("e1", false, true)
		f.set(layer("w2", "k"))
		r := f.Require(all)
		older.ack(older.one())
		if p := f.Progress(r, time.Now()); p.Connected != 1 || p.Acked != 0 {
			t.Errorf("only the older acked: %+v", p)
		}
		newer.ack(newer.one())
		if p := f.Progress(r, time.Now()); p.Connected != 1 || p.Acked != 1 {
			t.Errorf("the newer acked: %+v", p)
		}
		older.leave()
		if all := f.Envoys(); len(all) != 1 || all[0].State != api.EnvoyConnected || all[0].Protocol != "state-of-the-world" {
			t.Errorf("the older left: %+v", all)
		}
		newer.leave()
		if all := f.Envoys(); len(all) != 1 || all[0].State != api.EnvoyAway {
			t.Errorf("both left: %+v", all)
		}
	})
}
