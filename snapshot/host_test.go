package snapshot

import "testing"

func TestIntersect(t *testing.T) {
	for _, c := range []struct{ listener, route, want string }{
		{"*", "*", "*"},
		{"*", "a.example", "a.example"},
		{"a.example", "*", "a.example"},
		{"a.example", "a.example", "a.example"},
		{"a.example", "b.example", ""},
		{"*.example", "a.example", "a.example"},
		{"*.example", "a.b.example", "a.b.example"},
		{"*.example", "example", ""},
		{"a.example", "*.example", "a.example"},
		{"*.example", "*.b.example", "*.b.example"},
		{"*.b.example", "*.example", "*.b.example"},
		{"*.example", "*.example", "*.example"},
		{"*.a.example", "*.b.example", ""},
		{"*.example", "a.notexample", ""},
		{"*.example", "anexample", ""},
	} {
		got, ok := intersect(c.listener, c.route)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("intersect(%q, %q) = %q, %v; want %q", c.listener, c.route, got, ok, c.want)
		}
	}
}

// gatewayWith is the Gateway edge with other listeners.
func gatewayWith(listeners string) string {
	return `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: serin
  listeners: ` + listeners + `
---
`
}

// routeTo is an HTTPRoute to shop.
func routeTo(name, spec string) string {
	return `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: ` + name + `}
spec: {rules: [{backendRefs: [{name: shop, port: 80}]}], ` + spec + `}
---
`
}

func TestHosts(t *testing.T) {
	const to = " -> default/shop/80\n"
	for _, c := range []struct{ name, listeners, routes, want string }{
		{"no host names", `[{name: a, protocol: HTTP, port: 10000}]`,
			routeTo("r", "parentRefs: [{name: edge}]"), "* r/0/0" + to},
		{"several host names, sorted", `[{name: a, protocol: HTTP, port: 10000}]`,
			routeTo("r", `parentRefs: [{name: edge}], hostnames: [b.example, "*.c.example", a.example]`),
			"*.c.example r/0/0" + to + "a.example r/0/0" + to + "b.example r/0/0" + to},
		{"the listener's host", `[{name: a, protocol: HTTP, port: 10000, hostname: "*.example"}]`,
			routeTo("r", `parentRefs: [{name: edge}], hostnames: [a.example, a.other]`), "a.example r/0/0" + to},
		{"two listeners of one port", `[{name: a, protocol: HTTP, port: 10000, hostname: a.example}, {name: b, protocol: HTTP, port: 10000, hostname: b.example}]`,
			routeTo("r", `parentRefs: [{name: edge}]`), "a.example r/0/0" + to + "b.example r/0/0" + to},
		{"a section", `[{name: a, protocol: HTTP, port: 10000, hostname: a.example}, {name: b, protocol: HTTP, port: 10000, hostname: b.example}]`,
			routeTo("r", `parentRefs: [{name: edge, sectionName: b}]`), "b.example r/0/0" + to},
		{"another port", `[{name: a, protocol: HTTP, port: 10000}]`,
			routeTo("r", `parentRefs: [{name: edge, port: 10001}]`), ""},
		{"another Gateway", `[{name: a, protocol: HTTP, port: 10000}]`,
			routeTo("r", `parentRefs: [{name: other}]`), ""},
		{"not a Gateway", `[{name: a, protocol: HTTP, port: 10000}]`,
			routeTo("r", `parentRefs: [{name: edge, kind: Service, group: ""}]`), ""},
		{"the more specific listener has its host alone", `[{name: a, protocol: HTTP, port: 10000}, {name: b, protocol: HTTP, port: 10000, hostname: b.example}]`,
			routeTo("r", `parentRefs: [{name: edge, sectionName: a}]`) +
				routeTo("s", `parentRefs: [{name: edge, sectionName: a}], hostnames: [b.example, c.example]`),
			"* r/0/0" + to + "b.example nothing\n" + "c.example s/0/0" + to},
		{"only kinds that are asked for", `[{name: a, protocol: HTTP, port: 10000, allowedRoutes: {kinds: [{kind: GRPCRoute}]}}]`,
			routeTo("r", `parentRefs: [{name: edge}]`), ""},
		{"no namespace", `[{name: a, protocol: HTTP, port: 10000, allowedRoutes: {namespaces: {from: None}}}]`,
			routeTo("r", `parentRefs: [{name: edge}]`), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := build(t, gatewayWith(c.listeners)+shopServiceYAML+c.routes)
			if c.want == "" {
				c.want = "\n"
			}
			got := outline(routes(t, b))
			if got == "" {
				got = "\n"
			}
			if got != c.want {
				t.Errorf("got:\n%swant:\n%s", got, c.want)
			}
		})
	}
}

// TestNamespaces: a listener takes routes of its own namespace, or of all when
// it says so; a route's backends are those of the route's namespace.
func TestNamespaces(t *testing.T) {
	const guest = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r, namespace: guest}
spec:
  parentRefs: [{name: edge, namespace: default}]
  rules:
  - backendRefs: [{name: shop, port: 80}]
    matches: [{path: {value: /own}}]
  - backendRefs: [{name: shop, port: 80, namespace: default}]
---
apiVersion: v1
kind: Service
metadata: {name: shop, namespace: guest}
spec: {ports: [{port: 80}]}
---
`
	same := build(t, edgeYAML+shopServiceYAML+guest)
	if got := outline(routes(t, same)); got != "" {
		t.Errorf("a route of another namespace is served:\n%s", got)
	}
	all := build(t, gatewayWith(`[{name: a, protocol: HTTP, port: 10000, allowedRoutes: {namespaces: {from: All}}}]`)+shopServiceYAML+guest)
	expect(t, outline(routes(t, all)), `
		* guest/r/0/0 -> guest/shop/80
		* guest/r/1/0 -> 500`)
}

// TestPorts: each HTTP port is one Listener and one RouteConfiguration; other
// protocols are left out.
func TestPorts(t *testing.T) {
	o := parse(t, gatewayWith(`[{name: a, protocol: HTTP, port: 10001}, {name: b, protocol: HTTP, port: 10000}, {name: c, protocol: HTTP, port: 9}]`)+
		shopServiceYAML+routeTo("r", "parentRefs: [{name: edge}]"))
	o.Gateways[edge].Spec.Listeners[2].Protocol = "TCP"
	b := NewBuilder(Options{})
	b.SetObjects(o)
	expectNames(t, b, `
		runtime serin
		clusters default/shop/80
		endpoints default/shop/80
		listeners default/edge/10000
		listeners default/edge/10001
		routes default/edge/10000
		routes default/edge/10001`)
}

// TestPortOfHost: a Host header with a port finds its host.
func TestPortOfHost(t *testing.T) {
	if c := routes(t, build(t, shopYAML)); !c.IgnorePortInHostMatching {
		t.Error("the port in the Host header takes part in the match")
	}
}

func TestHostCase(t *testing.T) {
	if got := hostOf("Shop.Example"); got != "shop.example" {
		t.Errorf("hostOf = %q", got)
	}
	if got := hostOf(""); got != anyHost {
		t.Errorf("hostOf of none = %q", got)
	}
}
