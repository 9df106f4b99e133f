package snapshot

import (
	"cmp"
	"maps"
	"slices"
	"time"

	accesslogv3 "github.com/envoyproxy/go-control-plane/envoy/config/accesslog/v3"

	"github.com/serin-mesh/serin/api"
)

// Options shape what a Builder makes. The zero value works.
type Options struct {
	// XDSCluster is the name of the static cluster, in every Envoy's bootstrap,
	// that reaches Serin; listeners send their error stream to it. Default:
	// the name in the bootstraps that Bootstrap makes.
	XDSCluster string
}

// Builder keeps the Envoy resources of every Gateway up to date with objects
// and splits. It is not safe for concurrent use; the resources it hands out
// are.
type Builder struct {
	cluster string                 // that reaches Serin, for the error streams
	errors  *accesslogv3.AccessLog // of every listener without an objective

	objectives map[Service]time.Duration
	objects    *api.Objects // last set, never nil
	splits     splits
	services   *services
	slices     slicesOf

	routesOf map[api.Key]map[api.Key]bool // HTTPRoutes by the Gateway they name
	namedBy  map[Service]map[api.Key]bool // HTTPRoutes by the Services they name
	compiled map[api.Key]*compiledRoute

	gateways map[api.Key]*gateway
	users    map[Service]map[*table]bool // tables by the Services they name
	backends map[backendKey]*backendState

	dirty dirty
}

// NewBuilder makes a Builder without any objects.
func NewBuilder(o Options) *Builder {
	cluster := cmp.Or(o.XDSCluster, XDSCluster)
	return &Builder{
		cluster: cluster,
		errors:  errorLog(cluster, 0),

		objectives: map[Service]time.Duration{},

		objects:  &api.Objects{},
		splits:   splits{},
		services: &services{},
		slices:   slicesOf{},
		routesOf: map[api.Key]map[api.Key]bool{},
		namedBy:  map[Service]map[api.Key]bool{},
		compiled: map[api.Key]*compiledRoute{},
		gateways: map[api.Key]*gateway{},
		users:    map[Service]map[*table]bool{},
		backends: map[backendKey]*backendState{},
		dirty:    newDirty(),
	}
}

// SetSplit says how the traffic of a Service is divided; nil: the Service has
// no Rollout, and all its endpoints are one cluster. Another weight alone
// costs the same however many routes there are. The Builder keeps s.Managed;
// what it holds must not change.
func (b *Builder) SetSplit(service api.Key, s *Split) {
	before, now := b.splits[service], normalize(s)
	if now == nil {
		delete(b.splits, service)
	} else {
		b.splits[service] = now
	}
	if sameVersions(before, now) {
		if !before.given().equal(now.given()) {
			for t := range b.users[service] {
				b.dirty.weights[t] = true
			}
		}
		return
	}
	b.dirty.services[service] = true
	if canary, ok := b.services.canaryOf[service]; ok && (before == nil) != (now == nil) {
		b.dirty.services[canary] = true // what leads there is for the one Service or the other
	}
	for t := range b.users[service] {
		if sameRoutes(before, now) {
			b.dirty.keys[t] = true
			b.dirty.weights[t] = true
		} else {
			b.dirty.tables[t] = true
		}
	}
}

// SetObjective says from which duration on a request to a Service is slow; 0:
// none is. Requests that run as long are told of in the error stream while they
// still run. It belongs to the listeners that lead to the Service, which follow
// the shortest objective there is: Envoy gives a new version of a listener to
// new connections only, so it is set when a Rollout is read, not when a canary
// begins.
func (b *Builder) SetObjective(service api.Key, objective time.Duration) {
	if b.objectives[service] == objective {
		return
	}
	if objective > 0 {
		b.objectives[service] = objective
	} else {
		delete(b.objectives, service)
	}
	for t := range b.users[service] {
		t.gateway.put(b.listener(t.plan))
		b.dirty.flush[t.gateway] = true
	}
}

// listener makes the Listener of a plan.
func (b *Builder) listener(p *plan) *Resource {
	var least time.Duration
	for _, s := range p.services {
		if o := b.objectives[s]; o > 0 && (least == 0 || o < least) {
			least = o
		}
	}
	if least > 0 {
		least = max(least, leastFlush)
		return p.listener(errorLog(b.cluster, least), least)
	}
	return p.listener(b.errors, 0)
}

// Flush gives what changed for each Gateway since the last Flush. A Gateway
// without a change is absent; one that is gone has everything removed.
func (b *Builder) Flush() map[api.Key]Change {
	b.update()
	out := map[api.Key]Change{}
	for g := range b.dirty.flush {
		if c := g.change(); len(c.Set)+len(c.Removed) > 0 {
			out[g.key] = c
		}
		if g.gone {
			delete(b.gateways, g.key)
		}
	}
	b.dirty.flush = emptied(b.dirty.flush)
	return out
}

// Resources gives all resources of a Gateway, sorted by type and name; none
// for one that does not exist.
func (b *Builder) Resources(gateway api.Key) []*Resource {
	b.update()
	g := b.gateways[gateway]
	if g == nil {
		return nil
	}
	return slices.SortedFunc(maps.Values(g.out), compareResources)
}

// Uses gives, for each Gateway, what a Rollout of the Service rests on, sorted
// by type and name: the Runtime, the Clusters and Endpoints of the split's
// stable and canary versions, the Routes that name them and the Listeners of
// those. A Gateway that does not name the Service is absent.
func (b *Builder) Uses(service api.Key) map[api.Key][]Ref {
	b.update()
	out := map[api.Key][]Ref{}
	ports := b.services.ports(service)
	for t := range b.users[service] {
		if refs := t.uses(service, ports, b.splits[service]); refs != nil {
			out[t.gateway.key] = append(out[t.gateway.key], refs...)
		}
	}
	for key, refs := range out {
		refs = append(refs, Ref{Runtime, RuntimeLayer})
		slices.SortFunc(refs, Ref.compare)
		out[key] = slices.Compact(refs)
	}
	return out
}

// ReadyEndpoints counts the ready addresses of one version of a Service: those
// of the TCP port that has fewest. The empty version stands for every version.
// It is 0 for a Service that does not exist.
func (b *Builder) ReadyEndpoints(service api.Key, version string) int {
	least := -1
	for _, port := range b.services.ports(service) {
		sources := b.services.sources(backendKey{service, port}, b.splits[service])
		if n := len(b.slices.endpoints(sources, version)); least < 0 || n < least {
			least = n
		}
	}
	return max(least, 0)
}

// compare orders by type, then name.
func (r Ref) compare(o Ref) int {
	return cmp.Or(cmp.Compare(r.Type, o.Type), cmp.Compare(r.Name, o.Name))
}

func compareResources(a, b *Resource) int {
	return Ref{a.Type, a.Name}.compare(Ref{b.Type, b.Name})
}
