package snapshot

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/api"
)

// says writes a change one line a resource.
func says(c Change) []string {
	var out []string
	for _, r := range c.Set {
		out = append(out, fmt.Sprintf("set %v %s", r.Type, r.Name))
	}
	for _, r := range c.Removed {
		out = append(out, fmt.Sprintf("removed %v %s", r.Type, r.Name))
	}
	return out
}

// TestFlush walks through a life and looks at what each step hands out.
func TestFlush(t *testing.T) {
	b := NewBuilder(Options{})
	slice := sliceYAML("a", "shop", "v1", `[{addresses: [10.0.0.1]}]`, `[{name: http, port: 1}]`)
	for _, c := range []struct {
		name   string
		change func()
		want   []string
	}{
		{"nothing", func() {}, nil},
		{"a Gateway", func() { b.SetObjects(parse(t, edgeYAML)) }, []string{
			"set runtime serin", "set listeners default/edge/10000", "set routes default/edge/10000"}},
		{"a route to a Service", func() { b.SetObjects(parse(t, shopYAML)) }, []string{
			"set clusters default/shop/80", "set endpoints default/shop/80", "set routes default/edge/10000"}},
		{"equal objects", func() { b.SetObjects(parse(t, shopYAML)) }, nil},
		{"an endpoint", func() { b.SetObjects(parse(t, shopYAML+slice)) }, []string{"set endpoints default/shop/80"}},
		{"a Rollout's first version", func() { b.SetSplit(shop, &Split{Stable: "v1"}) }, []string{
			"set clusters default/shop/80/v1", "set endpoints default/shop/80/v1", "set routes default/edge/10000",
			"removed clusters default/shop/80", "removed endpoints default/shop/80"}},
		{"a canary", func() { b.SetSplit(shop, &Split{Stable: "v1", Canary: "v2"}) }, []string{
			"set runtime serin", "set clusters default/shop/80/v2", "set endpoints default/shop/80/v2", "set routes default/edge/10000"}},
		{"a weight", func() { b.SetSplit(shop, &Split{Stable: "v1", Canary: "v2", Weight: 9}) }, []string{
			"set runtime serin", "set routes default/edge/10000"}},
		{"a version beside the canary", func() {
			b.SetSplit(shop, &Split{Stable: "v1", Canary: "v2", Weight: 9, Beside: []Part{{"e1", 5}}})
		}, []string{
			"set runtime serin", "set clusters default/shop/80/e1", "set endpoints default/shop/80/e1", "set routes default/edge/10000"}},
		{"other weights beside", func() {
			b.SetSplit(shop, &Split{Stable: "v1", Canary: "v2", Weight: 8, Beside: []Part{{"e1", 6}}})
		}, []string{"set runtime serin", "set routes default/edge/10000"}},
		{"the same beside", func() {
			b.SetSplit(shop, &Split{Stable: "v1", Canary: "v2", Weight: 8, Beside: []Part{{"e1", 6}}})
		}, nil},
		{"which leaves", func() {
			b.SetSplit(shop, &Split{Stable: "v1", Canary: "v2", Weight: 9, Retired: []string{"e1"}, Former: []Mix{{"v2", []string{"e1"}}}})
		}, []string{"set runtime serin", "set routes default/edge/10000"}},
		{"and is drained", func() { b.SetSplit(shop, &Split{Stable: "v1", Canary: "v2", Weight: 9}) }, []string{
			"set runtime serin", "set routes default/edge/10000", "removed clusters default/shop/80/e1", "removed endpoints default/shop/80/e1"}},
		{"the same weight", func() { b.SetSplit(shop, &Split{Stable: "v1", Canary: "v2", Weight: 9}) }, nil},
		{"promoted", func() { b.SetSplit(shop, &Split{Stable: "v2", Retired: []string{"v1"}}) }, []string{
			"set runtime serin", "set routes default/edge/10000"}},
		{"drained", func() { b.SetSplit(shop, &Split{Stable: "v2"}) }, []string{
			"set runtime serin", "removed clusters default/shop/80/v1", "removed endpoints default/shop/80/v1"}},
		{"the Gateway goes", func() { b.SetObjects(parse(t, shopServiceYAML+shopRouteYAML)) }, []string{
			"removed runtime serin", "removed clusters default/shop/80/v2", "removed endpoints default/shop/80/v2",
			"removed listeners default/edge/10000", "removed routes default/edge/10000"}},
		{"and comes back", func() { b.SetObjects(parse(t, shopYAML)) }, []string{
			"set runtime serin", "set clusters default/shop/80/v2", "set endpoints default/shop/80/v2",
			"set listeners default/edge/10000", "set routes default/edge/10000"}},
		{"there and back", func() {
			b.SetObjects(parse(t, edgeYAML))
			b.Resources(edge)
			b.SetObjects(parse(t, shopYAML))
		}, nil},
	} {
		c.change()
		changes := b.Flush()
		if d := cmp.Diff(c.want, says(changes[edge])); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
		if _, there := changes[edge]; there && c.want == nil {
			t.Errorf("%s: the Gateway is in the map without a change", c.name)
		}
	}
}

// TestWeightChangeSharesBody: a new weight marshals nothing but the keys, until
// somebody asks for the static form; an older static form keeps its weight.
func TestWeightChangeSharesBody(t *testing.T) {
	b := build(t, shopYAML)
	b.SetSplit(shop, &Split{Stable: "v1", Canary: "v2", Weight: 100_000})
	before := get(t, b, edge, Route, "default/edge/10000")
	b.SetSplit(shop, &Split{Stable: "v1", Canary: "v2", Weight: 200_000})
	after := get(t, b, edge, Route, "default/edge/10000")
	if before == after || before.Body != after.Body || before.Version != after.Version {
		t.Error("the route is not the same body in another resource")
	}
	if before.Static().Version == after.Static().Version {
		t.Error("both static forms have the same weight")
	}
	fresh := build(t, shopYAML)
	fresh.SetSplit(shop, &Split{Stable: "v1", Canary: "v2", Weight: 100_000})
	if got, want := before.Static().Version, get(t, fresh, edge, Route, "default/edge/10000").Static().Version; got != want {
		t.Errorf("the older static form has version %s, want %s", got, want)
	}
	if first, again := after.Static(), after.Static(); first != again {
		t.Error("the static form is made twice")
	}
}

// TestWeightChangeCost: a new weight allocates as much among 3,000 hosts as
// among 30.
func TestWeightChangeCost(t *testing.T) {
	cost := func(hosts int) float64 {
		b := NewBuilder(Options{})
		b.SetObjects(mesh(hosts))
		weight := uint32(0)
		change := func() {
			weight++
			b.SetSplit(key("s00003"), &Split{Stable: "v1", Canary: "v2", Weight: weight})
			b.Flush()
		}
		change()
		return testing.AllocsPerRun(20, change)
	}
	if few, many := cost(30), cost(3_000); many > few+5 {
		t.Errorf("%v allocations among 30 hosts, %v among 3,000", few, many)
	}
}

// TestChangeLooksAtWhatIsNamed: a change is taken over from what is named, an
// object that is gone and one that did not change among it, and nothing else
// is compared.
func TestChangeLooksAtWhatIsNamed(t *testing.T) {
	const port = `[{name: http, port: 1}]`
	one := sliceYAML("a", "shop", "v1", `[{addresses: [10.0.0.1]}]`, port)
	two := sliceYAML("b", "shop", "v1", `[{addresses: [10.0.0.2]}]`, port)
	slice := func(name string) api.Ref { return api.Ref{Kind: "EndpointSlice", Key: key(name)} }
	b := build(t, shopYAML+one)
	b.Flush()
	for _, c := range []struct {
		name    string
		text    string
		changed []api.Ref
		want    []string
	}{
		{"nothing", shopYAML + one, nil, []string{"10.0.0.1 1"}},
		{"one more", shopYAML + one + two, []api.Ref{slice("b"), {Kind: "Secret", Key: key("b")}}, []string{"10.0.0.1 1", "10.0.0.2 1"}},
		{"one gone", shopYAML + two, []api.Ref{slice("a")}, []string{"10.0.0.2 1"}},
		{"named twice, and one in vain", shopYAML + one, []api.Ref{slice("a"), slice("b"), slice("a"), slice("c")}, []string{"10.0.0.1 1"}},
	} {
		b.Change(parse(t, c.text), c.changed)
		if d := cmp.Diff(c.want, addresses(t, b, "default/shop/80")); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
	b.Change(nil, []api.Ref{{Kind: "Gateway", Key: edge}})
	if r := b.Resources(edge); len(r) != 0 {
		t.Errorf("resources without a Gateway: %v", r)
	}
}

// TestEndpointsChangeCost: a change that is named allocates as much among 3,000
// Services as among 30.
func TestEndpointsChangeCost(t *testing.T) {
	cost := func(services int) float64 {
		b, o, i := NewBuilder(Options{}), mesh(services), 0
		b.SetObjects(o)
		change := func() {
			i++
			o.EndpointSlices[key("s00003")] = sliceAt("s00003", fmt.Sprintf("10.0.%d.1", i))
			b.Change(o, []api.Ref{{Kind: "EndpointSlice", Key: key("s00003")}})
			b.Flush()
		}
		change()
		return testing.AllocsPerRun(20, change)
	}
	if few, many := cost(30), cost(3_000); many > few+5 {
		t.Errorf("%v allocations among 30 Services, %v among 3,000", few, many)
	}
}

// TestGatewaysShare: two Gateways that route to one Service share its resources.
func TestGatewaysShare(t *testing.T) {
	b := build(t, shopYAML+`
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: inner}
spec: {gatewayClassName: serin, listeners: [{name: http, protocol: HTTP, port: 10001}]}
---
`+routeTo("both", "parentRefs: [{name: inner}]"))
	b.SetSplit(shop, &Split{Stable: "v1", Canary: "v2"})
	if get(t, b, edge, Cluster, "default/shop/80/v2") != get(t, b, key("inner"), Cluster, "default/shop/80/v2") {
		t.Error("the cluster is made twice")
	}
	want := map[api.Key][]Ref{
		edge: {{Runtime, "serin"}, {Cluster, "default/shop/80/v1"}, {Cluster, "default/shop/80/v2"}, {Endpoint, "default/shop/80/v1"},
			{Endpoint, "default/shop/80/v2"}, {Listener, "default/edge/10000"}, {Route, "default/edge/10000"}},
		key("inner"): {{Runtime, "serin"}, {Cluster, "default/shop/80/v1"}, {Cluster, "default/shop/80/v2"}, {Endpoint, "default/shop/80/v1"},
			{Endpoint, "default/shop/80/v2"}, {Listener, "default/inner/10001"}, {Route, "default/inner/10001"}},
	}
	if d := cmp.Diff(want, b.Uses(shop)); d != "" {
		t.Errorf("uses (-want +got):\n%s", d)
	}
}

// TestUses: a retired version and a Service that nobody routes to are not what
// a Rollout rests on.
func TestUses(t *testing.T) {
	b := build(t, shopYAML)
	b.SetSplit(shop, &Split{Stable: "v2", Retired: []string{"v1"}})
	want := map[api.Key][]Ref{edge: {{Runtime, "serin"}, {Cluster, "default/shop/80/v2"}, {Endpoint, "default/shop/80/v2"},
		{Listener, "default/edge/10000"}, {Route, "default/edge/10000"}}}
	if d := cmp.Diff(want, b.Uses(shop)); d != "" {
		t.Errorf("uses (-want +got):\n%s", d)
	}
	if u := b.Uses(key("other")); len(u) != 0 {
		t.Errorf("uses of a Service without routes: %v", u)
	}
}

// TestNoObjects: a Builder of nothing has nothing, and takes nil.
func TestNoObjects(t *testing.T) {
	b := NewBuilder(Options{})
	b.SetObjects(nil)
	b.SetSplit(shop, &Split{Stable: "v1"})
	if c := b.Flush(); len(c) != 0 {
		t.Errorf("changes of nothing: %v", c)
	}
	if r := b.Resources(edge); len(r) != 0 {
		t.Errorf("resources of nothing: %v", r)
	}
}
