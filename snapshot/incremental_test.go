package snapshot

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/serin-mesh/serin/api"
)

// world is a small set of objects and splits that changes at random.
type world struct {
	objects *api.Objects
	splits  map[api.Key]*Split
}

func newWorld() *world {
	return &world{objects: &api.Objects{}, splits: map[api.Key]*Split{}}
}

// change replaces, adds or removes one thing, leaving the published objects as
// they are, and names it.
func (w *world) change(t *rapid.T) api.Ref {
	o := *w.objects
	name := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "name")
	gone := rapid.IntRange(0, 3).Draw(t, "gone") == 0
	kind := rapid.SampledFrom([]string{"Gateway", "HTTPRoute", "Service", "EndpointSlice", "Rollout", "split"}).Draw(t, "kind")
	switch kind {
	case "Gateway":
		o.Gateways = with(o.Gateways, name, gone, drawGateway(t, name))
	case "HTTPRoute":
		o.HTTPRoutes = with(o.HTTPRoutes, name, gone, drawRoute(t, name))
	case "Service":
		o.Services = with(o.Services, name, gone, drawService(t, name))
	case "EndpointSlice":
		o.EndpointSlices = with(o.EndpointSlices, name, gone, drawSlice(t, name))
	case "Rollout":
		o.Rollouts = with(o.Rollouts, name, gone, drawRollout(t, name))
	case "split":
		w.splits[key(name)] = drawSplit(t)
	}
	w.objects = &o
	return api.Ref{Kind: kind, Key: key(name)}
}

func with[T any](m map[api.Key]*T, name string, gone bool, o *T) map[api.Key]*T {
	out := maps.Clone(m)
	if out == nil {
		out = map[api.Key]*T{}
	}
	if gone {
		delete(out, key(name))
	} else {
		out[key(name)] = o
	}
	return out
}

func meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: "default"}
}

func drawName(t *rapid.T) string {
	return rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "reference")
}

func drawPort(t *rapid.T) int32 { return rapid.SampledFrom([]int32{80, 81}).Draw(t, "port") }

func drawGateway(t *rapid.T, name string) *api.Gateway {
	g := &api.Gateway{ObjectMeta: meta(name)}
	for i := range rapid.IntRange(0, 3).Draw(t, "listeners") {
		l := gatewayv1.Listener{
			Name:     gatewayv1.SectionName(fmt.Sprint(i)),
			Port:     drawPort(t),
			Protocol: rapid.SampledFrom([]gatewayv1.ProtocolType{"HTTP", "HTTP", "HTTPS"}).Draw(t, "protocol"),
		}
		if h := rapid.SampledFrom([]gatewayv1.Hostname{"", "*.x", "a.x"}).Draw(t, "host"); h != "" {
			l.Hostname = &h
		}
		g.Spec.Listeners = append(g.Spec.Listeners, l)
	}
	return g
}

func drawRoute(t *rapid.T, name string) *api.HTTPRoute {
	r := &api.HTTPRoute{ObjectMeta: meta(name)}
	for range rapid.IntRange(1, 2).Draw(t, "parents") {
		r.Spec.ParentRefs = append(r.Spec.ParentRefs, gatewayv1.ParentReference{Name: gatewayv1.ObjectName(drawName(t))})
	}
	r.Spec.Hostnames = rapid.SampledFrom([][]gatewayv1.Hostname{nil, {"a.x"}, {"b.x", "a.x"}, {"c.y"}}).Draw(t, "hosts")
	for range rapid.IntRange(1, 2).Draw(t, "rules") {
		var rule gatewayv1.HTTPRouteRule
		for range rapid.IntRange(0, 3).Draw(t, "backends") {
			var ref gatewayv1.HTTPBackendRef
			ref.Name = gatewayv1.ObjectName(drawName(t))
			ref.Port = new(drawPort(t))
			ref.Weight = new(rapid.Int32Range(0, 3).Draw(t, "weight"))
			rule.BackendRefs = append(rule.BackendRefs, ref)
		}
		if rapid.Bool().Draw(t, "mirror") {
			mirror := &gatewayv1.HTTPRequestMirrorFilter{BackendRef: gatewayv1.BackendObjectReference{
				Name: gatewayv1.ObjectName(drawName(t)), Port: new(drawPort(t)),
			}}
			rule.Filters = []gatewayv1.HTTPRouteFilter{{Type: gatewayv1.HTTPRouteFilterRequestMirror, RequestMirror: mirror}}
		}
		r.Spec.Rules = append(r.Spec.Rules, rule)
	}
	return r
}

func drawService(t *rapid.T, name string) *api.Service {
	s := &api.Service{ObjectMeta: meta(name)}
	for _, port := range rapid.SampledFrom([][]int32{{80}, {81}, {80, 81}, nil}).Draw(t, "ports") {
		p := corev1.ServicePort{Name: fmt.Sprint("p", port), Port: port}
		if rapid.Bool().Draw(t, "h2c") {
			p.AppProtocol = new("kubernetes.io/h2c")
		}
		s.Spec.Ports = append(s.Spec.Ports, p)
	}
	return s
}

func drawSlice(t *rapid.T, name string) *api.EndpointSlice {
	s := &api.EndpointSlice{ObjectMeta: meta(name), AddressType: discoveryv1.AddressTypeIPv4}
	s.Labels = map[string]string{
		api.LabelService: drawName(t),
		api.LabelVersion: rapid.SampledFrom([]string{"v1", "v2", ""}).Draw(t, "version"),
	}
	for _, port := range []int32{80, 81} {
		s.Ports = append(s.Ports, discoveryv1.EndpointPort{Name: new(fmt.Sprint("p", port)), Port: new(port + 8000)})
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "addresses") {
		e := discoveryv1.Endpoint{Addresses: []string{fmt.Sprint("10.0.0.", i)}}
		if rapid.Bool().Draw(t, "unready") {
			e.Conditions.Ready = new(false)
		}
		s.Endpoints = append(s.Endpoints, e)
	}
	return s
}

func drawRollout(t *rapid.T, name string) *api.Rollout {
	r := &api.Rollout{ObjectMeta: meta(name)}
	r.Spec.Strategy.Canary = &api.Canary{CanaryService: rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "canaryService")}
	return r
}

func drawSplit(t *rapid.T) *Split {
	if rapid.IntRange(0, 4).Draw(t, "none") == 0 {
		return nil
	}
	return &Split{
		Stable:  rapid.SampledFrom([]string{"v1", "v2"}).Draw(t, "stable"),
		Canary:  rapid.SampledFrom([]string{"", "v2", "v3"}).Draw(t, "canary"),
		Weight:  rapid.SampledFrom([]uint32{0, 1, 200_000, Total}).Draw(t, "weight"),
		Retired: rapid.SampledFrom([][]string{nil, {"v0"}, {"v1"}}).Draw(t, "retired"),
		Managed: drawManaged(t),
		Beside:  drawBeside(t),
		Former:  rapid.SampledFrom([][]Mix{nil, {{"v2", []string{"e1"}}}, {{"v1", []string{"e2", "e1"}}, {"v3", []string{"v0"}}}}).Draw(t, "former"),
	}
}

// fresh builds the world from nothing.
func (w *world) fresh() *Builder {
	b := NewBuilder(Options{})
	for k, s := range w.splits {
		b.SetSplit(k, s)
	}
	b.SetObjects(w.objects)
	return b
}

// plain checks that what Plain makes of a Route is what its Static gives.
func plain(t *rapid.T, gateway map[Ref]*Resource) {
	for _, r := range gateway {
		if r.Static == nil {
			continue
		}
		got, err := Plain(r, gateway[Ref{Runtime, RuntimeLayer}])
		if err != nil {
			t.Fatal(err)
		}
		if want := r.Static(); got.Version != want.Version || !slices.Equal(got.Clusters, want.Clusters) {
			t.Fatalf("plain %s is %s, want %s", r.Name, got.Version, want.Version)
		}
	}
}

// facts writes all that a resource says as text, so that differences read well.
func facts(resources []*Resource) []string {
	var out []string
	for _, r := range resources {
		static := ""
		if r.Static != nil {
			static = r.Static().Version
		}
		out = append(out, fmt.Sprintln(r.Type, r.Name, r.Version, r.Clusters, r.Keys, static))
	}
	return out
}

// TestIncrementalEqualsFresh: after any changes a Builder says the same as a
// new one, whether it was told what changed or not; what Flush handed out, applied in turn, is what Resources gives; and
// Flush is silent where nothing changed.
func TestIncrementalEqualsFresh(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, b := newWorld(), NewBuilder(Options{})
		mirror := map[api.Key]map[Ref]*Resource{}
		for range rapid.IntRange(1, 12).Draw(t, "flushes") {
			for range rapid.IntRange(0, 4).Draw(t, "changes") {
				ref := w.change(t)
				if rapid.Bool().Draw(t, "named") {
					b.Change(w.objects, []api.Ref{ref})
				} else {
					b.SetObjects(w.objects)
				}
				for k, s := range w.splits {
					b.SetSplit(k, s)
				}
			}
			apply(t, mirror, b.Flush())
			compare(t, w, b, mirror)
			for _, gateway := range mirror {
				plain(t, gateway)
			}
			if again := b.Flush(); len(again) != 0 {
				t.Fatalf("a second Flush gave %v", again)
			}
		}
	})
}

// apply does to a mirror what Flush says.
func apply(t *rapid.T, mirror map[api.Key]map[Ref]*Resource, changes map[api.Key]Change) {
	for k, c := range changes {
		if mirror[k] == nil {
			mirror[k] = map[Ref]*Resource{}
		}
		for _, ref := range c.Removed {
			if mirror[k][ref] == nil {
				t.Fatalf("%v: removed %v, which was not there", k, ref)
			}
			delete(mirror[k], ref)
		}
		for _, r := range c.Set {
			mirror[k][Ref{r.Type, r.Name}] = r
		}
		if !slices.IsSortedFunc(c.Set, compareResources) || !slices.IsSortedFunc(c.Removed, Ref.compare) {
			t.Fatalf("%v: the change is not sorted", k)
		}
	}
}

func compare(t *rapid.T, w *world, b *Builder, mirror map[api.Key]map[Ref]*Resource) {
	other := w.fresh()
	for _, name := range []string{"a", "b", "c"} {
		k := key(name)
		if d := cmp.Diff(facts(other.Resources(k)), facts(b.Resources(k))); d != "" {
			t.Fatalf("%v (-fresh +incremental):\n%s", k, d)
		}
		mirrored := slices.SortedFunc(maps.Values(mirror[k]), compareResources)
		if d := cmp.Diff(facts(b.Resources(k)), facts(mirrored)); d != "" {
			t.Fatalf("%v (-resources +flushed):\n%s", k, d)
		}
		if d := cmp.Diff(other.Uses(k), b.Uses(k)); d != "" {
			t.Fatalf("uses of %v (-fresh +incremental):\n%s", k, d)
		}
		for _, v := range []string{"", "v1", "v2"} {
			if f, i := other.ReadyEndpoints(k, v), b.ReadyEndpoints(k, v); f != i {
				t.Fatalf("ready endpoints of %v %q: %d fresh, %d incremental", k, v, f, i)
			}
		}
		sound(t, w, k, b)
	}
}

// sound checks what holds for the resources of every Gateway.
func sound(t *rapid.T, w *world, k api.Key, b *Builder) {
	resources := b.Resources(k)
	if (w.objects.Gateways[k] != nil) != (len(resources) > 0) {
		t.Fatalf("%v has %d resources", k, len(resources))
	}
	clusters, set := map[string]bool{}, map[string]bool{}
	layers := 0
	for _, r := range resources {
		switch r.Type {
		case Runtime:
			layers++
			for _, key := range r.Keys {
				set[key] = true
			}
		case Cluster:
			clusters[r.Name] = true
		}
	}
	if len(resources) > 0 && layers != 1 {
		t.Fatalf("%v has %d Runtime resources", k, layers)
	}
	for _, r := range resources {
		if r.Type != Route {
			continue
		}
		for _, c := range r.Clusters {
			if !clusters[c] && c[:8] != "missing/" {
				t.Fatalf("%v: route %q names cluster %q, which is not there", k, r.Name, c)
			}
		}
		for _, key := range r.Keys {
			if !set[key] {
				t.Fatalf("%v: route %q reads key %q, which is not set", k, r.Name, key)
			}
		}
	}
}
