package snapshot

import (
	"fmt"
	"strings"
	"testing"

	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	runtimev3 "github.com/envoyproxy/go-control-plane/envoy/service/runtime/v3"
	"google.golang.org/protobuf/proto"

	"github.com/serin-mesh/serin/api"
)

// The objects that most tests start from.
const (
	edgeYAML = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec: {gatewayClassName: serin, listeners: [{name: http, protocol: HTTP, port: 10000}]}
---
`
	shopServiceYAML = `
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {ports: [{name: http, port: 80}]}
---
`
	shopRouteYAML = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec: {parentRefs: [{name: edge}], hostnames: [shop.example], rules: [{backendRefs: [{name: shop, port: 80}]}]}
---
`
	shopYAML = edgeYAML + shopServiceYAML + shopRouteYAML
)

var (
	edge = key("edge")
	shop = key("shop")
)

func key(name string) api.Key { return api.Key{Namespace: "default", Name: name} }

// parse reads objects as discovery would.
func parse(t testing.TB, text string) *api.Objects {
	t.Helper()
	docs, findings := api.Decode("test.yaml", []byte(text))
	for _, f := range findings {
		if f.IsError() {
			t.Fatal(f)
		}
	}
	return api.Collect(docs, nil)
}

// build makes a Builder of objects.
func build(t testing.TB, text string) *Builder {
	t.Helper()
	b := NewBuilder(Options{})
	b.SetObjects(parse(t, text))
	return b
}

// get finds one resource of a Gateway.
func get(t testing.TB, b *Builder, gateway api.Key, typ Type, name string) *Resource {
	t.Helper()
	for _, r := range b.Resources(gateway) {
		if r.Type == typ && r.Name == name {
			return r
		}
	}
	t.Fatalf("%v has no %v %q; it has %v", gateway, typ, name, names(b, gateway))
	return nil
}

// names lists the resources of a Gateway as TYPE NAME.
func names(b *Builder, gateway api.Key) []string {
	var out []string
	for _, r := range b.Resources(gateway) {
		out = append(out, r.Type.String()+" "+r.Name)
	}
	return out
}

// message decodes a resource's body.
func message[M proto.Message](t testing.TB, r *Resource, into M) M {
	t.Helper()
	if err := r.Body.UnmarshalTo(into); err != nil {
		t.Fatalf("decoding %v %q: %v", r.Type, r.Name, err)
	}
	return into
}

// routes gives the routing table of port 10000 of the Gateway edge.
func routes(t testing.TB, b *Builder) *routev3.RouteConfiguration {
	t.Helper()
	return message(t, get(t, b, edge, Route, "default/edge/10000"), &routev3.RouteConfiguration{})
}

// keys gives what the Runtime resource of a Gateway sets.
func keys(t testing.TB, b *Builder, gateway api.Key) map[string]uint32 {
	t.Helper()
	m := message(t, get(t, b, gateway, Runtime, RuntimeLayer), &runtimev3.Runtime{})
	out := map[string]uint32{}
	for k, v := range m.Layer.GetFields() {
		out[k] = uint32(v.GetNumberValue())
	}
	return out
}

// manager gives the connection manager of a listener.
func manager(t testing.TB, r *Resource) *hcmv3.HttpConnectionManager {
	t.Helper()
	l := message(t, r, &listenerv3.Listener{})
	out := &hcmv3.HttpConnectionManager{}
	if err := l.FilterChains[0].Filters[0].GetTypedConfig().UnmarshalTo(out); err != nil {
		t.Fatal(err)
	}
	return out
}

// outline writes a routing table one line a route:
//
//	HOST ROUTE -> CLUSTER
//	HOST ROUTE -> CLUSTER=WEIGHT CLUSTER=WEIGHT by PREFIX
func outline(c *routev3.RouteConfiguration) string {
	var out strings.Builder
	for _, h := range c.VirtualHosts {
		if len(h.Routes) == 0 {
			fmt.Fprintf(&out, "%s nothing\n", h.Name)
		}
		for _, r := range h.Routes {
			fmt.Fprintf(&out, "%s %s -> %s\n", h.Name, strings.TrimPrefix(r.Name, "default/"), destination(r))
		}
	}
	return out.String()
}

func destination(r *routev3.Route) string {
	switch {
	case r.GetDirectResponse() != nil:
		return fmt.Sprint(r.GetDirectResponse().Status)
	case r.GetRedirect() != nil:
		return "redirect"
	case r.GetRoute().GetCluster() != "":
		return r.GetRoute().GetCluster()
	}
	w := r.GetRoute().GetWeightedClusters()
	var parts []string
	for _, c := range w.Clusters {
		parts = append(parts, fmt.Sprintf("%s=%d", c.Name, c.Weight.GetValue()))
	}
	if w.RuntimeKeyPrefix != "" {
		parts = append(parts, "by "+w.RuntimeKeyPrefix)
	}
	return strings.Join(parts, " ")
}

// expect compares lines, without regard to indentation.
func expect(t testing.TB, got, want string) {
	t.Helper()
	var lines []string
	for l := range strings.Lines(want) {
		if l = strings.TrimSpace(l); l != "" {
			lines = append(lines, l)
		}
	}
	if w := strings.Join(lines, "\n") + "\n"; got != w {
		t.Errorf("got:\n%swant:\n%s", got, w)
	}
}

// expectNames compares the resources of the Gateway edge, one TYPE NAME a line.
func expectNames(t testing.TB, b *Builder, want string) {
	t.Helper()
	expect(t, strings.Join(names(b, edge), "\n")+"\n", want)
}
