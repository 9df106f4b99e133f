package snapshot

import (
	"fmt"
	"maps"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/serin-mesh/serin/api"
)

// mesh makes n hosts on one listener, each with an HTTPRoute, a Service and an
// EndpointSlice of its own.
func mesh(n int) *api.Objects {
	o := &api.Objects{
		Gateways:       map[api.Key]*api.Gateway{},
		HTTPRoutes:     map[api.Key]*api.HTTPRoute{},
		Services:       map[api.Key]*api.Service{},
		EndpointSlices: map[api.Key]*api.EndpointSlice{},
	}
	g := &api.Gateway{ObjectMeta: meta("edge")}
	g.Spec.Listeners = []gatewayv1.Listener{{Name: "http", Protocol: gatewayv1.HTTPProtocolType, Port: 10000}}
	o.Gateways[edge] = g
	for i := range n {
		name := fmt.Sprintf("s%05d", i)
		s := &api.Service{ObjectMeta: meta(name)}
		s.Spec.Ports = []corev1.ServicePort{{Name: "http", Port: 80}}
		o.Services[key(name)] = s
		r := &api.HTTPRoute{ObjectMeta: meta(name)}
		r.Spec.ParentRefs = []gatewayv1.ParentReference{{Name: "edge"}}
		r.Spec.Hostnames = []gatewayv1.Hostname{gatewayv1.Hostname(name + ".example")}
		var ref gatewayv1.HTTPBackendRef
		ref.Name, ref.Port = gatewayv1.ObjectName(name), new(gatewayv1.PortNumber(80))
		r.Spec.Rules = []gatewayv1.HTTPRouteRule{{BackendRefs: []gatewayv1.HTTPBackendRef{ref}}}
		o.HTTPRoutes[key(name)] = r
		o.EndpointSlices[key(name)] = sliceAt(name, "10.0.0.1")
	}
	return o
}

// sliceAt is a slice of version v1 with one address.
func sliceAt(name, address string) *api.EndpointSlice {
	e := &api.EndpointSlice{ObjectMeta: meta(name), AddressType: discoveryv1.AddressTypeIPv4}
	e.Labels = map[string]string{api.LabelService: name, api.LabelVersion: "v1"}
	e.Ports = []discoveryv1.EndpointPort{{Name: new("http"), Port: new(int32(8080))}}
	e.Endpoints = []discoveryv1.Endpoint{{Addresses: []string{address}}}
	return e
}

// BenchmarkWeightChange is one new weight of one canary among n hosts of one
// listener, until the changes are at hand. Its cost must not grow with n.
func BenchmarkWeightChange(b *testing.B) { benchmarkWeights(b, nil, nil) }

// BenchmarkWeightChangeBeside is the same with two versions beside the canary, and
// the routes of before they were there.
func BenchmarkWeightChangeBeside(b *testing.B) {
	benchmarkWeights(b, []Part{{"e1", 50_000}, {"e2", 50_000}}, []Mix{{"v2", []string{"e1"}}, {"v2", []string{"e2"}}})
}

func benchmarkWeights(b *testing.B, beside []Part, former []Mix) {
	for _, n := range []int{10, 1_000, 10_000} {
		b.Run(fmt.Sprint("hosts=", n), func(b *testing.B) {
			builder := NewBuilder(Options{})
			builder.SetObjects(mesh(n))
			service := key("s00003")
			weight := uint32(0)
			next := func() map[api.Key]Change {
				weight = (weight + 1) % (Total / 2)
				builder.SetSplit(service, &Split{Stable: "v1", Canary: "v2", Weight: weight, Beside: beside, Former: former})
				return builder.Flush()
			}
			next()
			b.ReportAllocs()
			for b.Loop() {
				if c := next()[edge]; len(c.Set) != 2 {
					b.Fatalf("a weight change set %d resources", len(c.Set))
				}
			}
		})
	}
}

// BenchmarkEndpointsChange is one new EndpointSlice among n Services, until the
// changes are at hand. Its cost must not grow with n.
func BenchmarkEndpointsChange(b *testing.B) {
	changed := []api.Ref{{Kind: "EndpointSlice", Key: key("s00003")}}
	benchmarkEndpoints(b, func(builder *Builder, o *api.Objects) { builder.Change(o, changed) })
}

// BenchmarkEndpointsFound is the same where the Builder has to find out what
// changed. What grows with n is the comparison of pointers.
func BenchmarkEndpointsFound(b *testing.B) { benchmarkEndpoints(b, (*Builder).SetObjects) }

func benchmarkEndpoints(b *testing.B, set func(*Builder, *api.Objects)) {
	for _, n := range []int{10, 1_000, 10_000} {
		b.Run(fmt.Sprint("services=", n), func(b *testing.B) {
			builder := NewBuilder(Options{})
			objects := mesh(n)
			builder.SetObjects(objects)
			builder.Flush()
			// Two sets that differ in one slice, to go to and fro between.
			other := *objects
			other.EndpointSlices = maps.Clone(objects.EndpointSlices)
			other.EndpointSlices[key("s00003")] = sliceAt("s00003", "10.0.0.2")
			sets := []*api.Objects{&other, objects}
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				set(builder, sets[i%2])
				i++
				if c := builder.Flush()[edge]; len(c.Set) != 1 {
					b.Fatalf("a change of endpoints set %d resources", len(c.Set))
				}
			}
		})
	}
}

// BenchmarkFirstBuild is a Builder from nothing.
func BenchmarkFirstBuild(b *testing.B) {
	for _, n := range []int{10, 1_000, 10_000} {
		objects := mesh(n)
		b.Run(fmt.Sprint("services=", n), func(b *testing.B) {
			for b.Loop() {
				builder := NewBuilder(Options{})
				builder.SetObjects(objects)
				builder.Flush()
			}
		})
	}
}
