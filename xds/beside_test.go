package xds_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/xds"
)

// This file proves that what is true of a canary's route is true of one with
// versions beside the canary, with what the translation makes of it:
//
//  1. The route waits for their clusters and for its own runtime keys.
//  2. Another weight, the canary's or theirs, is runtime keys alone.
//  3. When they leave, the keys that say so go out at once, and their clusters
//     stay until the client has accepted a route without them.

const besideYAML = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec: {gatewayClassName: serin, listeners: [{name: http, protocol: HTTP, port: 10000}]}
---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec: {parentRefs: [{name: edge}], rules: [{backendRefs: [{name: shop, port: 80}]}]}
`

func TestVersionsBesideACanary(t *testing.T) {
	bubble(t, xds.Options{Drain: time.Minute}, func(t *testing.T, f *fleet) {
		docs, _ := api.Decode("beside.yaml", []byte(besideYAML))
		b := snapshot.NewBuilder(snapshot.Options{})
		b.SetObjects(api.Collect(docs, nil))
		split := func(s snapshot.Split) {
			b.SetSplit(api.Key{Namespace: "default", Name: "shop"}, &s)
			f.Apply(edge, b.Flush()[edge])
		}
		split(snapshot.Split{Stable: "v1", Canary: "v2", Weight: 200_000})
		e := f.connect("e1", true)
		e.ask(snapshot.Runtime, "serin")
		e.ask(snapshot.Cluster)
		for _, v := range []string{"v1", "v2", "e1"} {
			e.ask(snapshot.Endpoint, "default/shop/80/"+v)
		}
		e.ask(snapshot.Listener)
		e.ask(snapshot.Route, "default/edge/10000")
		e.settle()

		is := func(when string, got []message, want ...string) {
			t.Helper()
			if d := cmp.Diff(want, kinds(got...)); d != "" {
				t.Fatalf("%s (-want +got):\n%s", when, d)
			}
		}
		split(snapshot.Split{Stable: "v1", Canary: "v2", Weight: 200_000, Beside: []snapshot.Part{{Version: "e1", Weight: 50_000}}})
		got := e.got()
		is("an experiment begins", got, "clusters", "endpoints", "runtime")
		var runtime message
		for _, m := range got {
			if m.Type == snapshot.Runtime {
				runtime = m
			} else {
				e.ack(m)
			}
		}
		e.silent("the keys are not acked")
		e.ack(runtime)
		got = e.got()
		is("clusters and keys are acked", got, "routes")
		e.ack(got...)

		split(snapshot.Split{Stable: "v1", Canary: "v2", Weight: 300_000, Beside: []snapshot.Part{{Version: "e1", Weight: 10_000}}})
		got = e.got()
		is("other weights", got, "runtime")
		e.ack(got...)

		former := []snapshot.Mix{{Canary: "v2", Beside: []string{"e1"}}}
		split(snapshot.Split{Stable: "v1", Canary: "v2", Weight: 300_000, Retired: []string{"e1"}, Former: former})
		got = e.got()
		is("it is over", got, "routes", "runtime") // the keys of the canary alone are as they were
		split(snapshot.Split{Stable: "v1", Canary: "v2", Weight: 300_000})
		for _, m := range append(got, e.got()...) {
			if m.Type != snapshot.Route {
				e.ack(m)
			}
		}
		time.Sleep(time.Hour)
		e.silent("the route without them is not acked")
		for _, m := range got {
			if m.Type == snapshot.Route {
				e.ack(m)
			}
		}
		e.silent("the cluster drains")
		time.Sleep(time.Minute)
		m := e.one()
		if d := cmp.Diff([]string{"default/shop/80/e1"}, m.Removed); d != "" {
			t.Errorf("after the drain (-want +got):\n%s", d)
		}
	})
}
