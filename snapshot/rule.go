package snapshot

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/serin-mesh/serin/api"
)

// compiledRoute is one HTTPRoute ready to be placed into any listener. It is
// immutable, and rests on the HTTPRoute and on which Services have which
// ports, not on splits.
type compiledRoute struct {
	object   *api.HTTPRoute
	entries  []*entry
	rules    []*rule
	services []Service // every Service that it names, sorted
}

// entry is one match of one rule: one Envoy route.
type entry struct {
	name  string // NAMESPACE/ROUTE/RULE/MATCH
	match *routev3.RouteMatch
	path  pathMatch
	rank  rank
	rule  *rule
}

// rule is what all matches of one HTTPRoute rule have in common.
type rule struct {
	route    api.Key
	index    int
	backends []backend // those with a weight, each Service port once
	mirrors  []mirror
	headers  headerEdits
	redirect *gatewayv1.HTTPRequestRedirectFilter
	rewrite  *gatewayv1.HTTPURLRewriteFilter
	timeout  *time.Duration // nil: Envoy's default of 15 s
	// refused is set where a filter is one that Serin does not know: the
	// Gateway API then asks for an error rather than for skipping the filter.
	refused bool
}

// backend is one destination of a rule.
type backend struct {
	named   backendKey // as the backendRef has it
	exists  bool       // a Service with that port exists
	rollout backendKey // the stable Service's port, where named is a canary Service
	canary  bool       // the port in rollout exists
	weight  int32
	share   uint32 // of Total, over the rule's backends
}

// mirror copies a part of the requests, given as a fraction.
type mirror struct {
	backend                backend
	numerator, denominator uint32
}

// compile translates an HTTPRoute.
func compile(o *api.HTTPRoute, services *services) *compiledRoute {
	c := &compiledRoute{object: o}
	key := api.KeyOf(o)
	for i := range o.Spec.Rules {
		spec := &o.Spec.Rules[i]
		r := newRule(key, i, spec, services)
		c.rules = append(c.rules, r)
		matches := spec.Matches
		if len(matches) == 0 {
			matches = []gatewayv1.HTTPRouteMatch{{}}
		}
		for j := range matches {
			c.entries = append(c.entries, &entry{
				name:  fmt.Sprintf("%s/%d/%d", key, i, j),
				match: routeMatch(&matches[j]),
				path:  pathOf(&matches[j]),
				rank:  rankOf(o, i, j, &matches[j]),
				rule:  r,
			})
		}
	}
	c.services = c.named()
	return c
}

// newRule translates what the matches of a rule share.
func newRule(route api.Key, index int, spec *gatewayv1.HTTPRouteRule, services *services) *rule {
	r := &rule{route: route, index: index, timeout: timeoutOf(spec.Timeouts)}
	for i := range spec.BackendRefs {
		ref := &spec.BackendRefs[i]
		b := services.resolve(route.Namespace, &ref.BackendObjectReference)
		b.weight = 1
		if ref.Weight != nil {
			b.weight = *ref.Weight
		}
		// A filter of a single backend cannot be kept apart where several
		// routes share the backend's runtime key.
		r.refused = r.refused || len(ref.Filters) > 0
		r.addBackend(b)
	}
	r.divideShares()
	for i := range spec.Filters {
		r.addFilter(&spec.Filters[i], services)
	}
	return r
}

// forwards says whether the rule sends requests to backends at all.
func (r *rule) forwards() bool { return !r.refused && r.redirect == nil }

// addBackend adds a backend that has a weight; a second reference to the same
// Service port adds to the weight of the first.
func (r *rule) addBackend(b backend) {
	if b.weight <= 0 {
		return
	}
	for i := range r.backends {
		if r.backends[i].named == b.named && r.backends[i].exists == b.exists {
			r.backends[i].weight += b.weight
			return
		}
	}
	r.backends = append(r.backends, b)
}

// divideShares gives each backend its part of Total.
func (r *rule) divideShares() {
	weights := make([]int32, len(r.backends))
	for i, b := range r.backends {
		weights[i] = b.weight
	}
	for i, s := range shares(weights) {
		r.backends[i].share = s
	}
}

// named lists the Services whose objects and splits the route rests on.
func (c *compiledRoute) named() []Service {
	var out []Service
	add := func(b backend) {
		out = append(out, b.named.Service)
		if b.rollout != (backendKey{}) {
			out = append(out, b.rollout.Service)
		}
	}
	for _, r := range c.rules {
		for _, b := range r.backends {
			add(b)
		}
		for _, m := range r.mirrors {
			add(m.backend)
		}
	}
	slices.SortFunc(out, Service.Compare)
	return slices.Compact(out)
}

// timeoutOf gives the time a request may take. Serin's routes do not retry, so
// one backend request is the whole request and the shorter limit holds. Zero
// means no limit, as in the Gateway API and in Envoy.
func timeoutOf(t *gatewayv1.HTTPRouteTimeouts) *time.Duration {
	if t == nil {
		return nil
	}
	var limits []time.Duration
	for _, d := range []*gatewayv1.Duration{t.Request, t.BackendRequest} {
		if d == nil {
			continue
		}
		if v, err := time.ParseDuration(string(*d)); err == nil {
			limits = append(limits, v)
		}
	}
	if len(limits) == 0 {
		return nil
	}
	shortest := slices.MinFunc(limits, func(a, b time.Duration) int {
		return cmp.Compare(uint64(a-1), uint64(b-1)) // zero, no limit, wraps to the longest
	})
	return &shortest
}
