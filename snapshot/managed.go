package snapshot

import (
	"reflect"
	"strconv"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"google.golang.org/protobuf/proto"
)

// ManagedPrefix begins the name of each Envoy route that stands for a header
// route. What such a route carries was sent to the canary on purpose: it says
// nothing about the split, and its failures are no evidence, so it goes to a
// cluster of its own. The name of a mirror route does not begin so, since the
// normal division answers there; its copies go to that cluster.
const ManagedPrefix = "managed/"

// mirrorPrefix begins the name of each Envoy route that stands for a mirror
// route.
const mirrorPrefix = "mirrored/"

// ManagedRoute is a route that a step of a Rollout put in front of those of its
// Service's HTTPRoutes: a header route, which sends every request with certain
// headers to the canary, or a mirror route, which copies requests to it and
// leaves the answers to the normal division. One that has nothing to match by
// is none.
// Source: setHeaderRoute and setMirrorRoute of Argo Rollouts.
type ManagedRoute struct {
	// Name is the one in trafficRouting.managedRoutes; it becomes part of the
	// names of Envoy's routes.
	Name string `json:"name"`
	// Headers must all match a header route's request. Unused by a mirror.
	Headers []HeaderMatch `json:"headers,omitempty"`
	// Mirror makes it a mirror route.
	Mirror bool `json:"mirror,omitempty"`
	// Percentage is how many of a mirror's matched requests are copied, in
	// millionths of them; Total is all.
	Percentage uint32 `json:"percentage,omitempty"`
	// Matches are a mirror's: a request is matched when any of them does.
	Matches []RouteMatch `json:"matches,omitempty"`
}

// HeaderMatch is a header and what its value must be.
type HeaderMatch struct {
	Name  string      `json:"name"` // compared without regard to case
	Value StringMatch `json:"value"`
}

// StringMatch compares a text. At most one field is set; none: any text, or
// for a header any value, as long as it is there.
type StringMatch struct {
	Exact  string `json:"exact,omitempty"`
	Prefix string `json:"prefix,omitempty"`
	Regex  string `json:"regex,omitempty"` // RE2, on the whole text
}

// RouteMatch is one alternative of a mirror route; every part must match. The
// zero value matches every request.
type RouteMatch struct {
	Method  StringMatch   `json:"method"`
	Path    StringMatch   `json:"path"` // without the query
	Headers []HeaderMatch `json:"headers,omitempty"`
}

// matching gives the routes that have something to match by.
func matching(routes []ManagedRoute) []ManagedRoute {
	var out []ManagedRoute
	for _, m := range routes {
		if m.Mirror && len(m.Matches) > 0 || !m.Mirror && len(m.Headers) > 0 {
			out = append(out, m)
		}
	}
	return out
}

// sameManaged says whether two lists make the same routes.
func sameManaged(a, b []ManagedRoute) bool {
	return len(a) == 0 && len(b) == 0 || reflect.DeepEqual(a, b)
}

// placed is an Envoy route in its place, and how its requests divide.
type placed struct {
	route *routev3.Route
	set   *weightedSet
}

// routes gives the Envoy routes of a match for a listener of the given port:
// what the Rollouts of its backends put in front, and its own. They stand side
// by side, so a managed route takes no request that a more specific match of
// the host would have had.
func (e *entry) routes(in splits, port int32) []placed {
	set := e.rule.divide(in)
	own := placed{e.route(in, set, port), set}
	if own.route.GetRoute() == nil {
		return []placed{own} // answered by Envoy itself
	}
	return append(e.managed(in, own), own)
}

// managed gives the managed routes in front of a match's own: of each Service
// that divides its traffic there, in the order of the backends, and of each in
// the order of its list. Of several ports of one Service the first has them,
// as a second route with the same match would never be reached.
func (e *entry) managed(in splits, own placed) []placed {
	var out []placed
	seen := map[Service]bool{}
	for i := range e.rule.backends {
		b := &e.rule.backends[i]
		key, s, ok := b.target(in)
		if !ok || s == nil || b.onPurpose(key) || seen[key.Service] {
			continue
		}
		seen[key.Service] = true
		for j := range s.Managed {
			out = append(out, e.manage(&s.Managed[j], key, directName(key, s.Canary), own)...)
		}
	}
	return out
}

// manage gives the Envoy routes of one managed route: one for a header route,
// one an alternative for a mirror.
func (e *entry) manage(m *ManagedRoute, key backendKey, canary string, own placed) []placed {
	name := key.Service.String() + "/" + m.Name + "/"
	if !m.Mirror {
		return []placed{e.alone(ManagedPrefix+name+e.name, m.Headers, canary, own)}
	}
	out := make([]placed, len(m.Matches))
	for i := range m.Matches {
		route := proto.CloneOf(own.route)
		route.Name = mirrorPrefix + name + strconv.Itoa(i) + "/" + e.name
		m.Matches[i].narrow(route, e.path)
		a := route.GetRoute()
		a.RequestMirrorPolicies = append(a.RequestMirrorPolicies, mirrorPolicy(canary, m.Percentage))
		out[i] = placed{route, own.set}
	}
	return out
}

// alone is a match's own route for requests with these headers only, and with
// one cluster for all of them.
func (e *entry) alone(name string, headers []HeaderMatch, cluster string, own placed) placed {
	set := &weightedSet{}
	set.add(cluster, term{share: Total})
	route := proto.CloneOf(own.route)
	route.Name = name
	route.Match.Headers = append(route.Match.Headers, headerMatches(headers)...)
	set.setClusters(route.GetRoute(), nil, false)
	return placed{route, set}
}

// mirrorPolicy copies a share of the requests, in millionths, to a cluster.
func mirrorPolicy(cluster string, share uint32) *routev3.RouteAction_RequestMirrorPolicy {
	out := &routev3.RouteAction_RequestMirrorPolicy{Cluster: cluster}
	if share < Total {
		out.RuntimeFraction = &corev3.RuntimeFractionalPercent{DefaultValue: fraction(share, Total)}
	}
	return out
}
