package snapshot

import (
	"maps"
	"testing"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"github.com/google/go-cmp/cmp"
)

const rolloutYAML = `
apiVersion: serin.dev/v1alpha1
kind: Rollout
metadata: {name: shop}
spec:
  template: {metadata: {labels: {app.kubernetes.io/version: v1}}}
  strategy: {canary: {canaryService: shop-canary, stableService: shop, steps: [{setWeight: 20}]}}
---
apiVersion: v1
kind: Service
metadata: {name: shop-canary}
spec: {ports: [{name: http, port: 80}]}
---
`

// TestRolloutLife walks one Service through a rollout and looks at each stage
// at the route, its static form, and the runtime keys.
func TestRolloutLife(t *testing.T) {
	const (
		p1 = "serin.default/shop/80/v1.default/shop/80/"
		p2 = "serin.default/shop/80/v2.default/shop/80/"
		c  = "default/shop/80"
		v1 = "shop.example shop/0/0 -> default/shop/80/v1\n"
		v2 = "shop.example shop/0/0 -> default/shop/80/v2\n"
		w  = "shop.example shop/0/0 -> default/shop/80/v2=0 default/shop/80/v1=1000000 by serin.default/shop/80/v2\n"
	)
	for _, c := range []struct {
		name   string
		split  *Split
		route  string
		static string // empty: none
		keys   map[string]uint32
	}{
		{"no rollout", nil, "shop.example shop/0/0 -> " + c + "\n", "", map[string]uint32{}},
		{"first version", &Split{Stable: "v1"}, v1, "", map[string]uint32{}},
		{"canary begins", &Split{Stable: "v1", Canary: "v2"}, w,
			"shop.example shop/0/0 -> default/shop/80/v2=0 default/shop/80/v1=1000000\n",
			map[string]uint32{p2 + "v1": Total, p2 + "v2": 0, p1 + "v1": Total, p1 + "v2": 0}},
		{"at 20%", &Split{Stable: "v1", Canary: "v2", Weight: 200_000}, w,
			"shop.example shop/0/0 -> default/shop/80/v2=200000 default/shop/80/v1=800000\n",
			map[string]uint32{p2 + "v1": 800_000, p2 + "v2": 200_000, p1 + "v1": Total, p1 + "v2": 0}},
		{"at all", &Split{Stable: "v1", Canary: "v2", Weight: Total}, w,
			"shop.example shop/0/0 -> default/shop/80/v2=1000000 default/shop/80/v1=0\n",
			map[string]uint32{p2 + "v1": 0, p2 + "v2": Total, p1 + "v1": Total, p1 + "v2": 0}},
		{"promoted, draining", &Split{Stable: "v2", Retired: []string{"v1"}}, v2, "",
			map[string]uint32{p2 + "v1": 0, p2 + "v2": Total}},
		{"promoted", &Split{Stable: "v2"}, v2, "", map[string]uint32{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := build(t, shopYAML)
			b.SetSplit(shop, c.split)
			expect(t, outline(routes(t, b)), c.route)
			r := get(t, b, edge, Route, "default/edge/10000")
			if (r.Static != nil) != (c.static != "") {
				t.Fatalf("Static is there: %v, want %v", r.Static != nil, c.static != "")
			}
			if r.Static != nil {
				expect(t, outline(message(t, r.Static(), &routev3.RouteConfiguration{})), c.static)
			}
			if d := cmp.Diff(c.keys, keys(t, b, edge)); d != "" {
				t.Errorf("keys (-want +got):\n%s", d)
			}
		})
	}
}

// TestRolloutRetiredBesideCanary: clusters and keys of an older version stay
// while another canary runs already.
func TestRolloutRetiredBesideCanary(t *testing.T) {
	b := build(t, shopYAML)
	b.SetSplit(shop, &Split{Stable: "v2", Canary: "v3", Weight: 100_000, Retired: []string{"v1", "v2", "", "v1"}})
	expect(t, outline(routes(t, b)),
		"shop.example shop/0/0 -> default/shop/80/v3=0 default/shop/80/v2=1000000 by serin.default/shop/80/v3")
	want := map[string]uint32{
		"serin.default/shop/80/v3.default/shop/80/v1": 900_000,
		"serin.default/shop/80/v3.default/shop/80/v2": 900_000,
		"serin.default/shop/80/v3.default/shop/80/v3": 100_000,
		"serin.default/shop/80/v2.default/shop/80/v1": 0,
		"serin.default/shop/80/v2.default/shop/80/v2": Total,
		"serin.default/shop/80/v2.default/shop/80/v3": 0,
	}
	if d := cmp.Diff(want, keys(t, b, edge)); d != "" {
		t.Errorf("keys (-want +got):\n%s", d)
	}
	for _, v := range []string{"v1", "v2", "v3"} {
		get(t, b, edge, Cluster, "default/shop/80/"+v)
		get(t, b, edge, Endpoint, "default/shop/80/"+v)
	}
}

// TestRolloutSeveralBackends: a rule that divides between Services has keys of
// its own, for all its clusters.
func TestRolloutSeveralBackends(t *testing.T) {
	b := build(t, edgeYAML+shopServiceYAML+`
apiVersion: v1
kind: Service
metadata: {name: old}
spec: {ports: [{port: 80}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: both}
spec:
  parentRefs: [{name: edge}]
  rules:
  - matches: [{path: {value: /plain}}]
    backendRefs: [{name: old, port: 80}]
  - backendRefs: [{name: shop, port: 80, weight: 3}, {name: old, port: 80, weight: 1}, {name: old, port: 80, weight: 2}]
`)
	b.SetSplit(shop, &Split{Stable: "v1"})
	expect(t, outline(routes(t, b)), `
		* both/0/0 -> default/old/80
		* both/1/0 -> default/shop/80/v1=500000 default/old/80=500000`)
	b.SetSplit(shop, &Split{Stable: "v1", Canary: "v2", Weight: 333_333})
	expect(t, outline(routes(t, b)), `
		* both/0/0 -> default/old/80
		* both/1/0 -> default/shop/80/v2=0 default/shop/80/v1=500000 default/old/80=500000 by serin.route.default/both/1/v2,-`)
	own := map[string]uint32{
		"serin.route.default/both/1/v2,-.default/old/80":     500_000,
		"serin.route.default/both/1/v2,-.default/shop/80/v1": 333_334,
		"serin.route.default/both/1/v2,-.default/shop/80/v2": 166_666,
	}
	want := maps.Clone(own) // and of the routes by which v1 became stable
	want["serin.route.default/both/1/v1,-.default/old/80"] = 500_000
	want["serin.route.default/both/1/v1,-.default/shop/80/v1"] = 500_000
	want["serin.route.default/both/1/v1,-.default/shop/80/v2"] = 0
	if d := cmp.Diff(want, keys(t, b, edge)); d != "" {
		t.Errorf("keys (-want +got):\n%s", d)
	}
	r := get(t, b, edge, Route, "default/edge/10000")
	if d := cmp.Diff(sortedKeys(own), r.Keys); d != "" {
		t.Errorf("the route's Keys (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"default/old/80", "default/shop/80/v1", "default/shop/80/v2"}, r.Clusters); d != "" {
		t.Errorf("the route's Clusters (-want +got):\n%s", d)
	}
	if s := r.Static(); s.Keys != nil || s.Static != nil || s.Version == r.Version {
		t.Errorf("the static form has Keys %v, Static %v, version %s beside %s", s.Keys, s.Static != nil, s.Version, r.Version)
	}
}

// TestCanaryService: a reference to the canary Service is served by the canary
// alone, by stable while there is none, and by itself without a split.
func TestCanaryService(t *testing.T) {
	b := build(t, edgeYAML+shopServiceYAML+rolloutYAML+`
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec:
  parentRefs: [{name: edge}]
  rules:
  - matches: [{headers: [{name: x-canary, value: "yes"}]}]
    backendRefs: [{name: shop-canary, port: 80}]
  - backendRefs: [{name: shop, port: 80}, {name: shop-canary, port: 80, weight: 0}]
`)
	for _, c := range []struct {
		split *Split
		want  string
	}{
		{nil, `
			* shop/0/0 -> default/shop-canary/80
			* shop/1/0 -> default/shop/80`},
		{&Split{Stable: "v1"}, `
			* shop/0/0 -> default/shop/80/v1
			* shop/1/0 -> default/shop/80/v1`},
		{&Split{Stable: "v1", Canary: "v2", Weight: 7}, `
			* shop/0/0 -> default/shop/80/v2/direct
			* shop/1/0 -> default/shop/80/v2=0 default/shop/80/v1=1000000 by serin.default/shop/80/v2`},
	} {
		b.SetSplit(shop, c.split)
		expect(t, outline(routes(t, b)), c.want)
	}
}

// TestSplitOddities: what a Split must not say is read as what it can mean.
func TestSplitOddities(t *testing.T) {
	for _, c := range []struct {
		name     string
		in, want *Split
	}{
		{"none", nil, nil},
		{"no stable version", &Split{Canary: "v2", Weight: 5}, nil},
		{"canary is stable", &Split{Stable: "v1", Canary: "v1", Weight: 5}, &Split{Stable: "v1"}},
		{"weight without canary", &Split{Stable: "v1", Weight: 5}, &Split{Stable: "v1"}},
		{"too much", &Split{Stable: "v1", Canary: "v2", Weight: Total + 1}, &Split{Stable: "v1", Canary: "v2", Weight: Total}},
		{"retired", &Split{Stable: "b", Retired: []string{"c", "b", "a", "", "c"}}, &Split{Stable: "b", Retired: []string{"a", "c"}}},
	} {
		if d := cmp.Diff(c.want, normalize(c.in)); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}
