package snapshot

import (
	"strings"
	"testing"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
)

// header is a header route on one exact value.
func header(name, header, value string) ManagedRoute {
	return ManagedRoute{Name: name, Headers: []HeaderMatch{{header, StringMatch{Exact: value}}}}
}

// mirrorAll is a mirror route of every request.
func mirrorAll(name string, share uint32) ManagedRoute {
	return ManagedRoute{Name: name, Mirror: true, Percentage: share, Matches: []RouteMatch{{}}}
}

// TestManagedRoutes looks at names, order and destinations: in front of every
// match of every rule that divides a Service's traffic, and nowhere else.
func TestManagedRoutes(t *testing.T) {
	b := build(t, edgeYAML+shopServiceYAML+rolloutYAML+`
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {ports: [{port: 80}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r}
spec:
  parentRefs: [{name: edge}]
  rules:
  - matches: [{path: {value: /x}}, {path: {value: /y}, headers: [{name: h, value: v}]}]
    backendRefs: [{name: shop, port: 80}]
  - matches: [{path: {value: /canary}}]
    backendRefs: [{name: shop-canary, port: 80}]
  - matches: [{path: {value: /both}}]
    backendRefs: [{name: shop, port: 80}, {name: cart, port: 80}]
  - matches: [{path: {value: /out}}]
    filters: [{type: RequestRedirect, requestRedirect: {hostname: c.example}}]
    backendRefs: [{name: shop, port: 80}]
  - matches: [{path: {value: /gone}}]
    backendRefs: [{name: gone, port: 80}]
`)
	b.SetSplit(key("cart"), &Split{Stable: "w1", Canary: "w2", Managed: []ManagedRoute{header("c", "x-cart", "yes")}})
	b.SetSplit(shop, &Split{Stable: "v1", Canary: "v2", Weight: 7, Managed: []ManagedRoute{
		header("h2", "x", "2"), mirrorAll("m", Total), {Name: "empty"}, {Name: "void", Mirror: true, Percentage: 1}, header("h1", "x", "1")}})
	expect(t, outline(routes(t, b)), strings.NewReplacer(
		"SHOP", "default/shop/80/v2=0 default/shop/80/v1=1000000 by serin.default/shop/80/v2",
		"BOTH", "default/shop/80/v2=0 default/shop/80/v1=500000 default/cart/80/w2=0 default/cart/80/w1=500000 by serin.route.default/r/2/v2,w2",
	).Replace(`
		* r/1/0 -> default/shop/80/v2/direct
		* managed/default/shop/h2/default/r/2/0 -> default/shop/80/v2/direct
		* mirrored/default/shop/m/0/default/r/2/0 -> BOTH
		* managed/default/shop/h1/default/r/2/0 -> default/shop/80/v2/direct
		* managed/default/cart/c/default/r/2/0 -> default/cart/80/w2/direct
		* r/2/0 -> BOTH
		* r/4/0 -> 500
		* r/3/0 -> redirect
		* managed/default/shop/h2/default/r/0/1 -> default/shop/80/v2/direct
		* mirrored/default/shop/m/0/default/r/0/1 -> SHOP
		* managed/default/shop/h1/default/r/0/1 -> default/shop/80/v2/direct
		* r/0/1 -> SHOP
		* managed/default/shop/h2/default/r/0/0 -> default/shop/80/v2/direct
		* mirrored/default/shop/m/0/default/r/0/0 -> SHOP
		* managed/default/shop/h1/default/r/0/0 -> default/shop/80/v2/direct
		* r/0/0 -> SHOP`))
}

// TestManagedPorts: of two ports of one Service the first has the routes.
func TestManagedPorts(t *testing.T) {
	b := build(t, mixedYAML)
	b.SetSplit(shop, &Split{Stable: "v1", Canary: "v2", Managed: []ManagedRoute{header("h", "x", "1")}})
	var got []string
	for _, r := range routes(t, b).VirtualHosts[0].Routes {
		if strings.HasPrefix(r.Name, ManagedPrefix) {
			got = append(got, strings.TrimPrefix(r.Name, "managed/default/shop/h/default/")+" "+destination(r))
		}
	}
	want := []string{"mixed/1/0 default/shop/80/v2/direct", "mixed/2/0 default/shop/80/v2/direct", "mixed/3/0 default/shop/80/v2/direct",
		"mixed/4/0 default/shop/80/v2/direct", "mixed/5/0 default/shop/80/v2/direct"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// richRule is a rule with all that a managed route must keep.
const richRule = `matches: [{path: {value: /a}, method: GET, headers: [{name: h, value: v}], queryParams: [{name: q, value: w}]}]
    timeouts: {request: 3s}
    filters:
    - {type: RequestHeaderModifier, requestHeaderModifier: {remove: [d]}}
    - {type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /b}}}
    - {type: RequestMirror, requestMirror: {backendRef: {name: shop, port: 80}, percent: 50}}
    backendRefs: [{name: shop, port: 80}]`

// TestManagedKeeps: what a rule does to requests happens on its managed routes
// as well.
func TestManagedKeeps(t *testing.T) {
	b := build(t, edgeYAML+shopServiceYAML+ruleYAML(richRule))
	b.SetSplit(shop, &Split{Stable: "v1", Canary: "v2", Managed: []ManagedRoute{
		{Name: "h", Headers: []HeaderMatch{{"X-Canary", StringMatch{Exact: "yes"}}, {"x-b", StringMatch{Prefix: "p"}}, {"c", StringMatch{Regex: "r+"}}, {"d", StringMatch{}}}},
		{Name: "m", Mirror: true, Percentage: 125_000, Matches: []RouteMatch{{Method: StringMatch{Exact: "GET"}, Path: StringMatch{Prefix: "/a/x"}}}},
	}})
	const shared = `
request_headers_to_remove: [d]
route:
  timeout: 3s
  cluster_not_found_response_code: INTERNAL_SERVER_ERROR
`
	const mirror = `{cluster: default/shop/80/v1/direct, runtime_fraction: {default_value: {numerator: 500000, denominator: MILLION}}}`
	const matches = `query_parameters: [{name: q, string_match: {exact: w}}], headers: [{name: ":method", string_match: {exact: GET}}, {name: h, string_match: {exact: v}}`
	want := []string{`
name: managed/default/shop/h/default/r/0/0
match: {path_separated_prefix: /a, ` + matches + `, {name: x-canary, string_match: {exact: "yes"}},
  {name: x-b, string_match: {prefix: p}}, {name: c, string_match: {safe_regex: {regex: r+}}}, {name: d, present_match: true}]}` + shared + `
  prefix_rewrite: /b
  cluster: default/shop/80/v2/direct
  request_mirror_policies: [` + mirror + `]`, `
name: mirrored/default/shop/m/0/default/r/0/0
match: {prefix: /a/x, ` + matches + `, {name: ":method", string_match: {exact: GET}}, {name: ":path", string_match: {safe_regex: {regex: "/a(?:[/?].*)?"}}}]}` + shared + `
  regex_rewrite: {pattern: {regex: ^/a}, substitution: /b}
  weighted_clusters:
    runtime_key_prefix: serin.default/shop/80/v2
    clusters: [{name: default/shop/80/v2, weight: 0}, {name: default/shop/80/v1, weight: 1000000}]
  request_mirror_policies: [` + mirror + `, {cluster: default/shop/80/v2/direct, runtime_fraction: {default_value: {numerator: 125000, denominator: MILLION}}}]`}
	got := routes(t, b).VirtualHosts[0].Routes
	if len(got) != 3 {
		t.Fatalf("%d routes, want 3", len(got))
	}
	for i, text := range want {
		if d := cmp.Diff(fromYAML(t, text, &routev3.Route{}), got[i], protocmp.Transform()); d != "" {
			t.Errorf("route %d (-want +got):\n%s", i, d)
		}
	}
}

// TestManagedStatic: the static form has mirror routes with weights of their
// own, each at its place.
func TestManagedStatic(t *testing.T) {
	b := build(t, shopYAML)
	b.SetSplit(shop, &Split{Stable: "v1", Canary: "v2", Weight: 250_000, Managed: []ManagedRoute{
		header("h", "x", "1"), {Name: "m", Mirror: true, Percentage: 1, Matches: []RouteMatch{{Method: StringMatch{Exact: "GET"}}, {}}}}})
	r := get(t, b, edge, Route, "default/edge/10000")
	expect(t, outline(message(t, r.Static(), &routev3.RouteConfiguration{})), `
		shop.example managed/default/shop/h/default/shop/0/0 -> default/shop/80/v2/direct
		shop.example mirrored/default/shop/m/0/default/shop/0/0 -> default/shop/80/v2=250000 default/shop/80/v1=750000
		shop.example mirrored/default/shop/m/1/default/shop/0/0 -> default/shop/80/v2=250000 default/shop/80/v1=750000
		shop.example shop/0/0 -> default/shop/80/v2=250000 default/shop/80/v1=750000`)
}

// TestManagedChange: managed routes come and go with the Route resource and the
// canary's cluster for them, and a new weight beside them still changes keys
// only.
func TestManagedChange(t *testing.T) {
	b := build(t, shopYAML)
	set := func(weight uint32, canary string, managed ...ManagedRoute) {
		b.SetSplit(shop, &Split{Stable: "v1", Canary: canary, Weight: weight, Managed: managed})
	}
	set(0, "v2")
	b.Flush()
	plain := get(t, b, edge, Route, "default/edge/10000")
	var before *Resource
	for _, c := range []struct {
		name   string
		change func()
		want   []string
		moved  bool // the Route has another body
	}{
		{"a header route", func() { set(0, "v2", header("h", "x", "1")) }, []string{"set clusters default/shop/80/v2/direct", "set endpoints default/shop/80/v2/direct", "set routes default/edge/10000"}, true},
		{"the same", func() { set(0, "v2", header("h", "x", "1")) }, nil, false},
		{"the same and one of nothing", func() { set(0, "v2", header("h", "x", "1"), ManagedRoute{Name: "n"}) }, nil, false},
		{"a weight", func() { set(5, "v2", header("h", "x", "1")) }, []string{"set runtime serin", "set routes default/edge/10000"}, false},
		{"another value", func() { set(5, "v2", header("h", "x", "2")) }, []string{"set routes default/edge/10000"}, true},
		{"a mirror in front", func() { set(5, "v2", mirrorAll("m", 9), header("h", "x", "2")) }, []string{"set routes default/edge/10000"}, true},
		{"behind", func() { set(5, "v2", header("h", "x", "2"), mirrorAll("m", 9)) }, []string{"set routes default/edge/10000"}, true},
		{"none", func() { set(0, "v2") }, []string{"set runtime serin", "set routes default/edge/10000",
			"removed clusters default/shop/80/v2/direct", "removed endpoints default/shop/80/v2/direct"}, true},
	} {
		before = get(t, b, edge, Route, "default/edge/10000")
		c.change()
		if d := cmp.Diff(c.want, says(b.Flush()[edge])); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
		if after := get(t, b, edge, Route, "default/edge/10000"); (after.Version != before.Version) != c.moved {
			t.Errorf("%s: the Route changed: %v, want %v", c.name, !c.moved, c.moved)
		}
	}
	if after := get(t, b, edge, Route, "default/edge/10000"); after.Version != plain.Version {
		t.Error("without managed routes the Route is not what it was before them")
	}
	set(0, "", header("h", "x", "1"))
	expect(t, outline(routes(t, b)), "shop.example shop/0/0 -> default/shop/80/v1")
}

// TestManagedClusters: the Route names the canary's cluster, so that it is sent
// to nobody who does not have it, also where the rule itself does not.
func TestManagedClusters(t *testing.T) {
	b := build(t, shopYAML)
	b.SetSplit(shop, &Split{Stable: "v1", Canary: "v2", Managed: []ManagedRoute{mirrorAll("m", 0), header("h", "x", "1")}})
	r := get(t, b, edge, Route, "default/edge/10000")
	if d := cmp.Diff([]string{"default/shop/80/v1", "default/shop/80/v2", "default/shop/80/v2/direct"}, r.Clusters); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"serin.default/shop/80/v2.default/shop/80/v1", "serin.default/shop/80/v2.default/shop/80/v2"}, r.Keys); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
