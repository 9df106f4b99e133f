package snapshot

import (
	"fmt"
	"testing"

	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	"github.com/google/go-cmp/cmp"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/serin-mesh/serin/api"
)

// sliceYAML is an EndpointSlice of a Service and version.
func sliceYAML(name, service, version, endpoints, ports string) string {
	return `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: ` + name + `, labels: {kubernetes.io/service-name: ` + service + `, app.kubernetes.io/version: "` + version + `"}}
addressType: IPv4
endpoints: ` + endpoints + `
ports: ` + ports + `
---
`
}

// addresses lists what EDS says of a cluster.
func addresses(t *testing.T, b *Builder, cluster string) []string {
	t.Helper()
	m := message(t, get(t, b, edge, Endpoint, cluster), &endpointv3.ClusterLoadAssignment{})
	if m.ClusterName != cluster {
		t.Errorf("the assignment of %q is for %q", cluster, m.ClusterName)
	}
	var out []string
	for _, l := range m.Endpoints {
		for _, e := range l.LbEndpoints {
			a := e.GetEndpoint().Address.GetSocketAddress()
			out = append(out, fmt.Sprintf("%s %d", a.Address, a.GetPortValue()))
		}
	}
	return out
}

func TestEndpointsOfPlainService(t *testing.T) {
	const named, unnamed = `[{name: http, port: 8080}]`, `[{port: 9090}]`
	for _, c := range []struct {
		name, slices string
		want         []string
	}{
		{"none", "", nil},
		{"every version, sorted, each once",
			sliceYAML("a", "shop", "v2", `[{addresses: [10.0.0.9]}, {addresses: [10.0.0.10]}]`, named) +
				sliceYAML("b", "shop", "v1", `[{addresses: [10.0.0.9]}, {addresses: [10.0.0.2]}]`, named),
			[]string{"10.0.0.2 8080", "10.0.0.9 8080", "10.0.0.10 8080"}},
		{"ready, or not said", sliceYAML("a", "shop", "v1",
			`[{addresses: [10.0.0.1], conditions: {ready: true}}, {addresses: [10.0.0.2], conditions: {ready: false, serving: true, terminating: true}}, {addresses: [10.0.0.3], conditions: {serving: true}}]`, named),
			[]string{"10.0.0.1 8080", "10.0.0.3 8080"}},
		{"another Service's", sliceYAML("a", "other", "v1", `[{addresses: [10.0.0.1]}]`, named), nil},
		{"the port of the name", sliceYAML("a", "shop", "v1", `[{addresses: [10.0.0.1]}]`, `[{name: admin, port: 1}, {name: http, port: 2}]`),
			[]string{"10.0.0.1 2"}},
		{"no port of the name", sliceYAML("a", "shop", "v1", `[{addresses: [10.0.0.1]}]`, `[{name: admin, port: 1}]`), nil},
		{"one port without a name", sliceYAML("a", "shop", "v1", `[{addresses: [10.0.0.1]}]`, unnamed), []string{"10.0.0.1 9090"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := build(t, shopYAML+c.slices)
			if d := cmp.Diff(c.want, addresses(t, b, "default/shop/80")); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestEndpointsIPv6: addresses of both families may stand side by side; names
// cannot.
func TestEndpointsIPv6(t *testing.T) {
	o := parse(t, shopYAML+sliceYAML("a", "shop", "v1", `[{addresses: [10.0.0.1]}]`, `[{name: http, port: 80}]`))
	six := o.EndpointSlices[key("a")].DeepCopy()
	six.Name, six.AddressType = "six", discoveryv1.AddressTypeIPv6
	six.Endpoints[0].Addresses = []string{"fd00::1"}
	name := six.DeepCopy()
	name.Name, name.AddressType = "name", discoveryv1.AddressTypeFQDN
	name.Endpoints[0].Addresses = []string{"10.0.0.7"}
	o.EndpointSlices[key("six")], o.EndpointSlices[key("name")] = six, name
	b := NewBuilder(Options{})
	b.SetObjects(o)
	if d := cmp.Diff([]string{"10.0.0.1 80", "fd00::1 80"}, addresses(t, b, "default/shop/80")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestEndpointsOfVersions: a version has the endpoints that both Services of
// the Rollout have of it; a slice without a version gets no traffic.
func TestEndpointsOfVersions(t *testing.T) {
	const port = `[{name: http, port: 8080}]`
	b := build(t, shopYAML+rolloutYAML+
		sliceYAML("a", "shop", "v1", `[{addresses: [10.0.0.1]}]`, port)+
		sliceYAML("b", "shop", "v2", `[{addresses: [10.0.0.2]}]`, port)+
		sliceYAML("c", "shop-canary", "v2", `[{addresses: [10.0.0.2]}, {addresses: [10.0.0.3]}]`, port)+
		sliceYAML("d", "shop", "", `[{addresses: [10.0.0.4]}]`, port))
	b.SetSplit(shop, &Split{Stable: "v1", Canary: "v2"})
	for version, want := range map[string][]string{
		"v1": {"10.0.0.1 8080"},
		"v2": {"10.0.0.2 8080", "10.0.0.3 8080"},
	} {
		if d := cmp.Diff(want, addresses(t, b, "default/shop/80/"+version)); d != "" {
			t.Errorf("%s (-want +got):\n%s", version, d)
		}
		if n := b.ReadyEndpoints(shop, version); n != len(want) {
			t.Errorf("%d ready endpoints of %s, want %d", n, version, len(want))
		}
	}
	if n := b.ReadyEndpoints(shop, "v9"); n != 0 {
		t.Errorf("%d ready endpoints of a version that is not there", n)
	}
	if n := b.ReadyEndpoints(key("gone"), "v1"); n != 0 {
		t.Errorf("%d ready endpoints of a Service that is not there", n)
	}
	b.SetSplit(shop, nil)
	want := []string{"10.0.0.1 8080", "10.0.0.2 8080", "10.0.0.4 8080"}
	if d := cmp.Diff(want, addresses(t, b, "default/shop/80")); d != "" {
		t.Errorf("without a Rollout (-want +got):\n%s", d)
	}
}

// TestReadyEndpointsOfFewestPort: a version is as ready as the port of it that
// is least so.
func TestReadyEndpointsOfFewestPort(t *testing.T) {
	b := build(t, edgeYAML+`
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {ports: [{name: http, port: 80}, {name: admin, port: 81}]}
---
`+sliceYAML("a", "shop", "v1", `[{addresses: [10.0.0.1]}]`, `[{name: http, port: 1}, {name: admin, port: 2}]`)+
		sliceYAML("b", "shop", "v1", `[{addresses: [10.0.0.2]}]`, `[{name: http, port: 1}]`))
	if n := b.ReadyEndpoints(shop, "v1"); n != 1 {
		t.Errorf("%d ready endpoints, want 1", n)
	}
}

// TestZones: endpoints of a zone are a locality; one that two slices name is there
// once, in the zone that one of them knows.
func TestZones(t *testing.T) {
	m := loadAssignment("c", slicesOfZones(t).endpoints([]source{{Service{Namespace: "default", Name: "shop"}, "http", true}}, ""))
	var a endpointv3.ClusterLoadAssignment
	if err := m.Body.UnmarshalTo(&a); err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, l := range a.Endpoints {
		got[l.GetLocality().GetZone()] += len(l.LbEndpoints)
	}
	if diff := cmp.Diff(map[string]int{"": 1, "east": 2, "west": 1}, got); diff != "" || len(a.Endpoints) != 3 {
		t.Errorf("%d localities (-want +got):\n%s", len(a.Endpoints), diff)
	}
}

// slicesOfZones are two slices that share an address.
func slicesOfZones(t *testing.T) slicesOf {
	t.Helper()
	text := sliceYAML("a", "shop", "v1", `[{addresses: [10.0.0.1], zone: west}, {addresses: [10.0.0.2], zone: east}, {addresses: [10.0.0.3]}]`, `[{name: http, port: 80}]`) +
		sliceYAML("b", "shop", "v1", `[{addresses: [10.0.0.4], zone: east}, {addresses: [10.0.0.1]}]`, `[{name: http, port: 80}]`)
	docs, findings := api.Decode("shop.yaml", []byte(text))
	if api.HasErrors(findings) {
		t.Fatal(findings)
	}
	return slicesOf{Service{Namespace: "default", Name: "shop"}: api.Collect(docs, nil).EndpointSlices}
}
