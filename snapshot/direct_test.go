package snapshot

import (
	"slices"
	"strings"
	"testing"

	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
)

// mirroringYAML copies the requests of one rule to the Service by its own name.
const mirroringYAML = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: copying}
spec:
  parentRefs: [{name: edge}]
  hostnames: [copy.example]
  rules:
  - filters: [{type: RequestMirror, requestMirror: {backendRef: {name: shop, port: 80}}}]
    backendRefs: [{name: shop, port: 80}]
`

// directSlicesYAML has an endpoint of each version.
const directSlicesYAML = `
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: shop-v1, labels: {kubernetes.io/service-name: shop, app.kubernetes.io/version: v1}}
addressType: IPv4
endpoints: [{addresses: [127.0.0.1]}]
ports: [{name: http, port: 9001}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: shop-v2, labels: {kubernetes.io/service-name: shop, app.kubernetes.io/version: v2}}
addressType: IPv4
endpoints: [{addresses: [127.0.0.1]}]
ports: [{name: http, port: 9002}]
`

// directs lists the clusters of what is sent to a version on purpose.
func directs(b *Builder) []string {
	var out []string
	for _, r := range b.Resources(edge) {
		if r.Type == Cluster && strings.HasSuffix(r.Name, "/direct") {
			out = append(out, r.Name)
		}
	}
	return out
}

// TestDirectClusters: what does not go by the weights has clusters of its own,
// with the endpoints of the version, as long as a canary is compared, and only
// where something does not.
func TestDirectClusters(t *testing.T) {
	const canary, stable = "default/shop/80/v2/direct", "default/shop/80/v1/direct"
	testers := []ManagedRoute{header("h", "x", "1")}
	for name, c := range map[string]struct {
		objects string
		split   Split
		want    []string
	}{
		"nothing":             {shopYAML, Split{Stable: "v1", Canary: "v2", Weight: 7}, nil},
		"a header route":      {shopYAML, Split{Stable: "v1", Canary: "v2", Managed: testers}, []string{canary}},
		"without a canary":    {shopYAML + "\n---" + mirroringYAML, Split{Stable: "v1", Managed: testers}, nil},
		"copies":              {shopYAML + "\n---" + mirroringYAML, Split{Stable: "v1", Canary: "v2"}, []string{stable}},
		"copies and a header": {shopYAML + "\n---" + mirroringYAML, Split{Stable: "v1", Canary: "v2", Managed: testers}, []string{stable, canary}},
	} {
		b := build(t, c.objects+directSlicesYAML)
		b.SetSplit(shop, &c.split)
		if d := cmp.Diff(c.want, directs(b)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
		for _, name := range c.want {
			direct := message(t, get(t, b, edge, Endpoint, name), &endpointv3.ClusterLoadAssignment{})
			own := message(t, get(t, b, edge, Endpoint, strings.TrimSuffix(name, "/direct")), &endpointv3.ClusterLoadAssignment{})
			if d := cmp.Diff(own.Endpoints, direct.Endpoints, protocmp.Transform()); d != "" || len(own.Endpoints) == 0 {
				t.Errorf("%s has other endpoints than its version (-own +direct):\n%s", name, d)
			}
			if uses := b.Uses(shop)[edge]; !slices.Contains(uses, Ref{Cluster, name}) || !slices.Contains(uses, Ref{Endpoint, name}) {
				t.Errorf("the rollout does not rest on %s: %v", name, uses)
			}
		}
	}
}

// TestDirectFollowsRoutes: copies that come and go with an HTTPRoute bring and
// take their cluster.
func TestDirectFollowsRoutes(t *testing.T) {
	b := build(t, shopYAML)
	b.SetSplit(shop, &Split{Stable: "v1", Canary: "v2"})
	b.Flush()
	b.SetObjects(parse(t, shopYAML+"\n---"+mirroringYAML))
	if d := cmp.Diff([]string{"default/shop/80/v1/direct"}, directs(b)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	b.SetObjects(parse(t, shopYAML))
	if got := directs(b); got != nil {
		t.Errorf("without copies there are still %v", got)
	}
}

// TestDrawnAnew: nothing in a route or a listener ties a request to an earlier
// one of the same user, takes a part of the requests out, or sends a request to
// another version when it is tried again.
func TestDrawnAnew(t *testing.T) {
	b := build(t, edgeYAML+shopServiceYAML+rolloutYAML+"\n"+`
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: sticky}
spec:
  parentRefs: [{name: edge}]
  rules:
  - sessionPersistence: {sessionName: user, type: Cookie}
    retry: {attempts: 3, codes: [500]}
    backendRefs: [{name: shop, port: 80}]
`)
	b.SetSplit(shop, &Split{Stable: "v1", Canary: "v2", Weight: 200_000, Managed: []ManagedRoute{header("h", "x", "1"), mirrorAll("m", 9)}})
	n := 0
	for _, r := range routes(t, b).VirtualHosts[0].Routes {
		a := r.GetRoute()
		n++
		if r.Match.RuntimeFraction != nil || len(a.HashPolicy) > 0 || a.RetryPolicy != nil || len(r.TypedPerFilterConfig) > 0 {
			t.Errorf("%v", r)
		}
		if w := a.GetWeightedClusters(); w != nil && w.RandomValueSpecifier != nil {
			t.Errorf("%s draws by something of the request: %v", r.Name, w)
		}
	}
	if n != 3 {
		t.Errorf("%d routes", n)
	}
	if text := get(t, b, edge, Listener, "default/edge/10000").Body.String(); strings.Contains(text, "stateful_session") {
		t.Errorf("the listener keeps sessions: %s", text)
	}
}

// TestCanaryServiceOfNobody: a Service that one Rollout calls its canary Service and
// another one divides belongs to the first where that has a split, and else to the
// second, whichever comes to have one later.
func TestCanaryServiceOfNobody(t *testing.T) {
	b := build(t, edgeYAML+rolloutYAML+shopServiceYAML+`
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: inside}
spec:
  parentRefs: [{name: edge}]
  rules:
  - backendRefs: [{name: shop-canary, port: 80}]
    filters: [{type: RequestMirror, requestMirror: {backendRef: {name: shop-canary, port: 80}}}]
`)
	mirror := func() string {
		return routes(t, b).VirtualHosts[0].Routes[0].GetRoute().RequestMirrorPolicies[0].Cluster
	}
	b.SetSplit(key("shop-canary"), &Split{Stable: "w1", Canary: "w2"})
	expect(t, outline(routes(t, b)), "* inside/0/0 -> default/shop-canary/80/w2=0 default/shop-canary/80/w1=1000000 by serin.default/shop-canary/80/w2")
	get(t, b, edge, Cluster, mirror())
	b.SetSplit(shop, &Split{Stable: "v1", Canary: "v2"})
	expect(t, outline(routes(t, b)), "* inside/0/0 -> default/shop/80/v2/direct")
	get(t, b, edge, Cluster, "default/shop/80/v2/direct")
	get(t, b, edge, Cluster, mirror())
	b.SetSplit(shop, nil)
	expect(t, outline(routes(t, b)), "* inside/0/0 -> default/shop-canary/80/w2=0 default/shop-canary/80/w1=1000000 by serin.default/shop-canary/80/w2")
	get(t, b, edge, Cluster, mirror())
}
