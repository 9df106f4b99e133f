package snapshot

import (
	"net/netip"
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/serin-mesh/serin/api"
)

// plan is what one port of a Gateway serves, before splits: which rules answer
// for which host. It is immutable.
type plan struct {
	name     gatewayPort
	address  string // where the listener binds
	hosts    []host // by domain
	rules    []*rule
	services []Service // every Service that a rule names, sorted
}

// host is one virtual host.
type host struct {
	domain  string
	entries []*entry // in the order of precedence
}

// plans lays a Gateway's HTTP listeners out by port, in order of the port.
// Listeners of other protocols and other ports' routes leave no trace.
func plans(g *api.Gateway, routes []*compiledRoute) []*plan {
	byPort := map[int32][]*gatewayv1.Listener{}
	for i := range g.Spec.Listeners {
		l := &g.Spec.Listeners[i]
		if l.Protocol == gatewayv1.HTTPProtocolType {
			byPort[l.Port] = append(byPort[l.Port], l)
		}
	}
	ports := make([]int32, 0, len(byPort))
	for port := range byPort {
		ports = append(ports, port)
	}
	slices.Sort(ports)
	out := make([]*plan, 0, len(ports))
	for _, port := range ports {
		p := &plan{name: gatewayPort{api.KeyOf(g), port}, address: bindAddress(g)}
		p.fill(g, byPort[port], routes)
		out = append(out, p)
	}
	return out
}

// fill places every route that is attached to one of the listeners.
func (p *plan) fill(g *api.Gateway, listeners []*gatewayv1.Listener, routes []*compiledRoute) {
	hosts := map[string]map[*compiledRoute]bool{}
	for _, l := range listeners {
		own := hostOf(hostname(l.Hostname))
		if sharesPort(own, listeners) && hosts[own] == nil {
			hosts[own] = map[*compiledRoute]bool{} // answers 404, not another listener's routes
		}
		for _, r := range routes {
			if !attaches(g, l, r.object) {
				continue
			}
			for _, h := range hostsOf(own, r.object) {
				if isolated(own, h, listeners) {
					continue
				}
				if hosts[h] == nil {
					hosts[h] = map[*compiledRoute]bool{}
				}
				hosts[h][r] = true
			}
		}
	}
	p.order(hosts)
}

// order sorts hosts and the routes in each, and collects what they name.
func (p *plan) order(hosts map[string]map[*compiledRoute]bool) {
	used := map[*compiledRoute]bool{}
	for domain, routes := range hosts {
		h := host{domain: domain}
		for r := range routes {
			h.entries = append(h.entries, r.entries...)
			used[r] = true
		}
		slices.SortFunc(h.entries, func(a, b *entry) int { return a.rank.compare(b.rank) })
		p.hosts = append(p.hosts, h)
	}
	slices.SortFunc(p.hosts, func(a, b host) int { return strings.Compare(a.domain, b.domain) })
	for r := range used {
		p.rules = append(p.rules, r.rules...)
		p.services = append(p.services, r.services...)
	}
	slices.SortFunc(p.services, Service.Compare)
	p.services = slices.Compact(p.services)
}

// hostsOf lists the hosts under which a listener serves a route.
func hostsOf(listener string, r *api.HTTPRoute) []string {
	if len(r.Spec.Hostnames) == 0 {
		return []string{listener}
	}
	var out []string
	for _, h := range r.Spec.Hostnames {
		if both, ok := intersect(listener, hostOf(string(h))); ok {
			out = append(out, both)
		}
	}
	return out
}

// isolated says whether a host belongs to a listener of the port that is more
// specific than own: the Gateway API sends its requests there only.
func isolated(own, host string, listeners []*gatewayv1.Listener) bool {
	for _, l := range listeners {
		other := hostOf(hostname(l.Hostname))
		if covers(own, other) && (other == host || covers(other, host)) {
			return true
		}
	}
	return false
}

// sharesPort says whether a less specific listener of the port would take the
// host's requests if nothing else did.
func sharesPort(own string, listeners []*gatewayv1.Listener) bool {
	return slices.ContainsFunc(listeners, func(l *gatewayv1.Listener) bool {
		return covers(hostOf(hostname(l.Hostname)), own)
	})
}

// attaches says whether a route asks for the listener and may have it.
func attaches(g *api.Gateway, l *gatewayv1.Listener, r *api.HTTPRoute) bool {
	if !allows(g, l, r) {
		return false
	}
	gateway, route := api.KeyOf(g), api.KeyOf(r)
	return slices.ContainsFunc(r.Spec.ParentRefs, func(ref gatewayv1.ParentReference) bool {
		key, ok := parent(route, &ref)
		return ok && key == gateway &&
			(ref.SectionName == nil || *ref.SectionName == l.Name) &&
			(ref.Port == nil || *ref.Port == l.Port)
	})
}

// parent gives the Gateway that a parentRef of a route names; false where it
// names something else.
func parent(route api.Key, ref *gatewayv1.ParentReference) (api.Key, bool) {
	if (ref.Group != nil && *ref.Group != gatewayv1.GroupName) || (ref.Kind != nil && *ref.Kind != "Gateway") {
		return api.Key{}, false
	}
	key := api.Key{Namespace: route.Namespace, Name: string(ref.Name)}
	if ref.Namespace != nil && *ref.Namespace != "" {
		key.Namespace = string(*ref.Namespace)
	}
	return key, true
}

// allows reads a listener's allowedRoutes: HTTPRoutes of the same namespace by
// default. A selector selects none, as namespaces are not read.
func allows(g *api.Gateway, l *gatewayv1.Listener, r *api.HTTPRoute) bool {
	a := l.AllowedRoutes
	if a == nil {
		return api.KeyOf(g).Namespace == api.KeyOf(r).Namespace
	}
	if len(a.Kinds) > 0 && !slices.ContainsFunc(a.Kinds, func(k gatewayv1.RouteGroupKind) bool {
		return k.Kind == "HTTPRoute" && (k.Group == nil || *k.Group == gatewayv1.GroupName)
	}) {
		return false
	}
	from := gatewayv1.NamespacesFromSame
	if a.Namespaces != nil && a.Namespaces.From != nil {
		from = *a.Namespaces.From
	}
	switch from {
	case gatewayv1.NamespacesFromAll:
		return true
	case gatewayv1.NamespacesFromSame:
		return api.KeyOf(g).Namespace == api.KeyOf(r).Namespace
	}
	return false
}

// bindAddress is 0.0.0.0, or the first loopback address in the Gateway's
// spec.addresses: a Gateway beside one application asks for that one, while
// any other address is one that a load balancer has, not the Envoy.
func bindAddress(g *api.Gateway) string {
	for _, a := range g.Spec.Addresses {
		if a.Type != nil && *a.Type != gatewayv1.IPAddressType {
			continue
		}
		if ip, err := netip.ParseAddr(a.Value); err == nil && ip.IsLoopback() {
			return ip.String()
		}
	}
	return "0.0.0.0"
}

// hostname is an optional host name, empty if absent.
func hostname(h *gatewayv1.Hostname) string {
	if h == nil {
		return ""
	}
	return string(*h)
}
