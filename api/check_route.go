package api

import (
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// gateway checks a Gateway by itself.
func (c *checker) gateway(g *Gateway) {
	if len(g.Spec.Listeners) == 0 {
		c.at(CodeMissing, path{"spec", "listeners"}, "the Gateway has no listeners; add one with name, protocol and port")
	}
	names := map[gatewayv1.SectionName]bool{}
	protocols := map[gatewayv1.PortNumber]gatewayv1.ProtocolType{}
	hosts := map[listenerHost]bool{}
	for i := range g.Spec.Listeners {
		l, at := &g.Spec.Listeners[i], path{"spec", "listeners", i}
		c.listener(l, at)
		if names[l.Name] {
			c.at(CodeValue, at.with("name"), "two listeners have the name %q; rename one", shorten(string(l.Name)))
		}
		names[l.Name] = true
		before, taken := protocols[l.Port]
		key := listenerHost{l.Port, hostOf(l.Hostname)}
		switch {
		case taken && before != l.Protocol:
			c.at(CodeProtocols, at.with("port"), "port %d is %s in an earlier listener and %s here; use another port",
				l.Port, before, l.Protocol)
		case hosts[key]:
			c.at(CodeProtocols, at.with("port"),
				"two listeners have port %d and the same hostname; change one of them", l.Port)
		}
		protocols[l.Port], hosts[key] = l.Protocol, true
	}
}

// listenerHost is what tells listeners of one protocol apart.
type listenerHost struct {
	port gatewayv1.PortNumber
	host gatewayv1.Hostname
}

// hostOf gives the hostname, "" for none.
func hostOf(h *gatewayv1.Hostname) gatewayv1.Hostname {
	if h == nil {
		return ""
	}
	return *h
}

// listener checks one listener.
func (c *checker) listener(l *gatewayv1.Listener, p path) {
	if l.Name == "" {
		c.at(CodeMissing, p.with("name"), "the listener has no name; add one")
	}
	c.port(l.Port, p.with("port"))
	switch l.Protocol {
	case gatewayv1.HTTPProtocolType:
	case "":
		c.at(CodeMissing, p.with("protocol"), "the listener has no protocol; write HTTP")
	default:
		c.at(CodeNotRun, p.with("protocol"), "this version does not run %s listeners; write HTTP",
			shorten(string(l.Protocol)))
	}
	if h := hostOf(l.Hostname); h != "" {
		c.hostname(string(h), true, p.with("hostname"))
	}
	if l.TLS != nil {
		c.at(CodeNotRun, p.with("tls"), "this version does not run TLS listeners; remove tls")
	}
	if a := l.AllowedRoutes; a != nil && a.Namespaces != nil && a.Namespaces.From != nil &&
		*a.Namespaces.From == gatewayv1.NamespacesFromSelector {
		c.at(CodeNotRun, p.with("allowedRoutes", "namespaces", "from"),
			"this version does not select namespaces by labels; write Same or All")
	}
}

// route checks an HTTPRoute by itself.
func (c *checker) route(h *HTTPRoute) {
	for i := range h.Spec.ParentRefs {
		if h.Spec.ParentRefs[i].Name == "" {
			c.at(CodeMissing, path{"spec", "parentRefs", i, "name"}, "the reference has no name; add the Gateway's")
		}
	}
	for i, host := range h.Spec.Hostnames {
		c.hostname(string(host), true, path{"spec", "hostnames", i})
	}
	for i := range h.Spec.Rules {
		c.rule(&h.Spec.Rules[i], path{"spec", "rules", i})
	}
}

// rule checks one rule of a route.
func (c *checker) rule(r *gatewayv1.HTTPRouteRule, p path) {
	for i := range r.Matches {
		c.match(&r.Matches[i], p.with("matches", i))
	}
	c.filters(r.Filters, p.with("filters"))
	for i := range r.BackendRefs {
		c.backend(&r.BackendRefs[i], p.with("backendRefs", i))
	}
	if t := r.Timeouts; t != nil {
		c.timeout(t.Request, p.with("timeouts", "request"))
		c.timeout(t.BackendRequest, p.with("timeouts", "backendRequest"))
	}
	if r.Retry != nil {
		c.at(CodeIgnored, p.with("retry"), "this version does not retry; the field is left aside")
	}
	if r.SessionPersistence != nil {
		c.at(CodeIgnored, p.with("sessionPersistence"), "this version keeps no sessions; the field is left aside")
	}
}

// timeout checks a length of time.
func (c *checker) timeout(d *gatewayv1.Duration, p path) {
	if d == nil {
		return
	}
	if length, err := time.ParseDuration(string(*d)); err != nil || length < 0 {
		c.at(CodeValue, p, "%q is no duration: write one such as 500ms or 10s", shorten(string(*d)))
	}
}

// backend checks a reference to a backend.
func (c *checker) backend(b *gatewayv1.HTTPBackendRef, p path) {
	if w := b.Weight; w != nil && (*w < 0 || *w > 1_000_000) {
		c.at(CodeValue, p.with("weight"), "the weight must be 0 to 1000000, not %d", *w)
	}
	if len(b.Filters) > 0 {
		c.at(CodeNotRun, p.with("filters"), "this version does not run filters of a backend; move them to the rule")
	}
	c.reference(&b.BackendObjectReference, p)
}

// reference checks that a reference names a port of a Service.
func (c *checker) reference(b *gatewayv1.BackendObjectReference, p path) {
	if b.Group != nil && *b.Group != "" || b.Kind != nil && *b.Kind != kindService {
		c.at(CodeNotRun, p.with("kind"), "this version routes to Services only; remove group and kind")
		return
	}
	if b.Name == "" {
		c.at(CodeMissing, p.with("name"), "the backend has no name; add the Service's")
	}
	if b.Port == nil {
		c.at(CodeMissing, p.with("port"), "the backend has no port; add a port of the Service")
		return
	}
	c.port(*b.Port, p.with("port"))
}
