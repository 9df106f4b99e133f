package kube

import (
	"testing"

	"github.com/serin-mesh/serin/api"
)

// deployment writes a workload.
func deployment(name, image string) string {
	return head("apps/v1", "Deployment", name) + "spec: {template: {metadata: {labels: {app: x}}, spec: {containers: [{name: main, image: " + image + "}]}}}\n"
}

// reference writes a Rollout of a Deployment.
func reference(name, workload string) string {
	return head("serin.dev/v1alpha1", "Rollout", name) +
		"spec: {workloadRef: {apiVersion: apps/v1, kind: Deployment, name: " + workload + "}, strategy: {canary: {}}}\n"
}

// TestWorkload: the template of a Rollout with a workloadRef is the workload's,
// and without one it has no version and is not in the set.
func TestWorkload(t *testing.T) {
	w := newWorld(t)
	n := name{groupApps, "Deployment", key("d")}
	r := w.apply(reference("cart", "d"))
	if !w.m.singles()[n] || len(r.Objects.Rollouts) > 0 || len(r.Findings) > 0 {
		t.Errorf("watched %v, set %v, found %s", w.m.singles(), r.Objects.Rollouts, told(r))
	}
	w.m.knowWorkload(n)
	if r = w.settle(); len(r.Findings) == 0 || r.Findings[0].Code != api.CodeWorkload {
		t.Errorf("found %s", told(r))
	}
	r = w.apply(deployment("d", "cart:1"))
	first := r.Objects.Rollouts[key("cart")]
	expect(t, "changed", refs(r.Changed), "Rollout shop/cart")
	r = w.apply(deployment("d", "cart:2"))
	if second := r.Objects.Rollouts[key("cart")]; second.Version() == first.Version() {
		t.Errorf("still version %s", second.Version())
	}
	r = w.remove(deployment("d", ""))
	if len(r.Changed)+len(r.Removed) > 0 || r.Findings[0].Code != api.CodeWorkload {
		t.Errorf("changed %s, removed %s, found %s", refs(r.Changed), refs(r.Removed), told(r))
	}
	w.apply(reference("cart", "e"))
	if w.m.singles()[n] {
		t.Error("a workload that nobody names is watched")
	}
	w.remove(reference("cart", "e"))
	if len(w.m.singles()) > 0 {
		t.Errorf("watched %v", w.m.singles())
	}
}

// TestNoPodTemplate: a template that is none is an error of its Rollout.
func TestNoPodTemplate(t *testing.T) {
	w := newWorld(t)
	r := w.apply(rollout("serin.dev", "cart", "[]", ""))
	if len(r.Objects.Rollouts) > 0 || r.Findings[0].Code != api.CodeWrongType {
		t.Errorf("found %s", told(r))
	}
}

// route writes an HTTPRoute to a Service.
func route(name, service string) string {
	return head("gateway.networking.k8s.io/v1", "HTTPRoute", name) +
		"spec: {parentRefs: [{name: edge}], rules: [{backendRefs: [{name: " + service + ", port: 80}]}]}\n"
}

// TestAnyOrder: what an object refers to may come later, or go; the object is in
// the set all the same.
func TestAnyOrder(t *testing.T) {
	w := newWorld(t)
	r := w.apply(route("web", "cart"))
	expect(t, "found", told(r), "httproute.gateway.networking.k8s.io shop/web: E403 spec.rules[0].backendRefs[0].name: "+
		"there is no Service shop/cart; add it or correct the name\n"+
		"httproute.gateway.networking.k8s.io shop/web: W425 spec.parentRefs[0].name: there is no Gateway shop/edge; the route serves nothing there")
	if r.Objects.HTTPRoutes[key("web")] == nil {
		t.Fatal("the route is not in the set")
	}
	gateway := head("gateway.networking.k8s.io/v1", "Gateway", "edge") + "spec: {gatewayClassName: serin, listeners: [{name: http, protocol: HTTP, port: 80}]}\n"
	r = w.apply(service("cart") + "---\n" + gateway)
	expect(t, "found", told(r), "")
	expect(t, "changed", refs(r.Changed), "Gateway shop/edge, Service shop/cart")
	r = w.remove(service("cart"))
	expect(t, "changed", refs(r.Changed)+" removed "+refs(r.Removed), " removed Service shop/cart")
	if len(r.Findings) != 1 || r.Objects.HTTPRoutes[key("web")] == nil {
		t.Errorf("found %s", told(r))
	}
}

// TestSecretsByName: Secrets are watched that objects name, and no others.
func TestSecretsByName(t *testing.T) {
	w := newWorld(t)
	template := head("serin.dev/v1alpha1", "AnalysisTemplate", "t") + `spec:
  args: [{name: token, valueFrom: {secretKeyRef: {name: prometheus, key: token}}}]
  metrics: [{name: m, interval: 1s, count: 1, successCondition: "result > 1", provider: {web: {url: "http://x/{{args.token}}", jsonPath: "{$.a}"}}}]
`
	gateway := head("gateway.networking.k8s.io/v1", "Gateway", "edge") +
		"spec: {gatewayClassName: serin, listeners: [{name: https, protocol: HTTPS, port: 443, tls: {certificateRefs: [{name: cert}]}}]}\n"
	r := w.apply(template + "---\n" + rollout("serin.dev", "cart", "cart:1", "steps: [{analysis: {templates: [{templateName: t}]}}]") + "---\n" + gateway)
	want := map[name]bool{{"", kindSecret, key("prometheus")}: true}
	if r.Objects.Gateways[key("edge")] != nil {
		want[name{"", kindSecret, key("cert")}] = true
	}
	if got := w.m.singles(); len(got) != len(want) || !got[name{"", kindSecret, key("prometheus")}] {
		t.Errorf("watched %v, want %v; found %s", got, want, told(r))
	}
	r = w.apply(head("v1", "Secret", "prometheus") + "data: {token: c2VjcmV0}\nannotations: {}\n")
	expect(t, "secret", string(r.Objects.Secrets[key("prometheus")].Data["token"]), "secret")
	w.remove(rollout("serin.dev", "cart", "", ""))
	if w.m.singles()[name{"", kindSecret, key("prometheus")}] {
		t.Error("a Secret that nobody names is watched")
	}
}
