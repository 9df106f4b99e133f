package snapshot

import (
	"maps"
	"slices"
	"sync"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// rendering is a plan under the splits then in force. It is immutable: what
// changes with a weight is in resources made from it.
type rendering struct {
	resource *Resource
	config   *routev3.RouteConfiguration
	weighted []weightedRoute
	backends map[backendKey]bool // whose clusters it rests on
}

// weightedRoute is a route of the rendering whose weights are a canary's.
type weightedRoute struct {
	host, route int // indices into the configuration
	set         *weightedSet
}

// render makes the RouteConfiguration of a plan. The port in the Host header
// takes no part in the choice of the host.
func (p *plan) render(in splits) *rendering {
	out := &rendering{
		config: &routev3.RouteConfiguration{
			Name:                     p.name.String(),
			IgnorePortInHostMatching: true,
			ValidateClusters:         wrapperspb.Bool(false),
			VirtualHosts:             make([]*routev3.VirtualHost, len(p.hosts)),
		},
		backends: map[backendKey]bool{},
	}
	clusters, keys := map[string]bool{}, map[string]bool{}
	for _, r := range p.rules {
		if !r.forwards() {
			continue
		}
		r.serves(in, func(b backendKey) { out.backends[b] = true })
	}
	for i, h := range p.hosts {
		routes := make([]*routev3.Route, 0, len(h.entries))
		for _, e := range h.entries {
			for _, r := range e.routes(in, p.name.Port) {
				if collect(r.route, r.set, clusters, keys) {
					out.weighted = append(out.weighted, weightedRoute{i, len(routes), r.set})
				}
				routes = append(routes, r.route)
			}
		}
		out.config.VirtualHosts[i] = &routev3.VirtualHost{Name: h.domain, Domains: []string{h.domain}, Routes: routes}
	}
	out.resource = encode(Route, p.name.String(), out.config)
	out.resource.Clusters, out.resource.Keys = sorted(clusters), sorted(keys)
	return out
}

// collect notes the clusters and the runtime keys that a route names, and says
// whether it reads any keys.
func collect(r *routev3.Route, set *weightedSet, clusters, keys map[string]bool) bool {
	action := r.GetRoute()
	if action == nil {
		return false
	}
	for _, c := range set.clusters {
		clusters[c] = true
	}
	for _, m := range action.RequestMirrorPolicies {
		clusters[m.Cluster] = true
	}
	for _, k := range set.keys() {
		keys[k] = true
	}
	return set.prefix != ""
}

// withWeights gives the resource for canaries of these weights: the same body,
// and a Static that writes the weights into the routes when it is first
// called. The weights must not change afterwards.
func (r *rendering) withWeights(canaries canaryWeights) *Resource {
	if len(r.weighted) == 0 {
		return r.resource
	}
	out := *r.resource
	out.Static = sync.OnceValue(func() *Resource { return r.static(canaries) })
	return &out
}

// static makes the same configuration with weights of its own and without
// runtime keys. It shares every route that has none with the rendering.
func (r *rendering) static(canaries canaryWeights) *Resource {
	config := &routev3.RouteConfiguration{
		Name:                     r.config.Name,
		IgnorePortInHostMatching: r.config.IgnorePortInHostMatching,
		ValidateClusters:         r.config.ValidateClusters,
		VirtualHosts:             slices.Clone(r.config.VirtualHosts),
	}
	copied := -1
	for _, w := range r.weighted {
		host := config.VirtualHosts[w.host]
		if w.host != copied {
			host = &routev3.VirtualHost{Name: host.Name, Domains: host.Domains, Routes: slices.Clone(host.Routes)}
			config.VirtualHosts[w.host], copied = host, w.host
		}
		route := proto.CloneOf(host.Routes[w.route])
		w.set.setClusters(route.GetRoute(), canaries, false)
		host.Routes[w.route] = route
	}
	out := encode(Route, r.resource.Name, config)
	out.Clusters = r.resource.Clusters
	return out
}

// sorted lists the members of a set; nil for an empty one.
func sorted(set map[string]bool) []string {
	if len(set) == 0 {
		return nil
	}
	return slices.Sorted(maps.Keys(set))
}
