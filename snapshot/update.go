package snapshot

import (
	"github.com/serin-mesh/serin/api"
)

// dirty is what has to be made anew. Each step of update takes its own part
// and marks what rests on it for the steps after.
type dirty struct {
	routes   map[api.Key]bool  // HTTPRoutes to compile
	gateways map[api.Key]bool  // Gateways to plan
	tables   map[*table]bool   // to render
	keys     map[*table]bool   // whose runtime keys to list
	services map[Service]bool  // whose clusters and endpoints to make
	weights  map[*table]bool   // whose weights to write
	flush    map[*gateway]bool // with changes to hand out
}

func newDirty() dirty {
	return dirty{
		routes:   map[api.Key]bool{},
		gateways: map[api.Key]bool{},
		tables:   map[*table]bool{},
		keys:     map[*table]bool{},
		services: map[Service]bool{},
		weights:  map[*table]bool{},
		flush:    map[*gateway]bool{},
	}
}

// update brings everything up to date, in the order in which one thing rests
// on another: routes, their places in listeners, configurations, clusters,
// weights. Nothing happens where nothing is dirty.
func (b *Builder) update() {
	for key := range b.dirty.routes {
		b.compile(key)
	}
	for key := range b.dirty.gateways {
		b.plan(key)
	}
	changed := map[*gateway]bool{}
	for t := range b.dirty.tables {
		t.render(b.splits)
		b.dirty.keys[t], b.dirty.weights[t] = true, true
		changed[t.gateway] = true
	}
	for service := range b.dirty.services {
		for _, port := range b.services.ports(service) {
			if s := b.backends[backendKey{service, port}]; s != nil {
				b.remake(s)
			}
		}
	}
	for g := range changed {
		b.useBackends(g)
	}
	b.writeWeights()

	b.dirty.routes = emptied(b.dirty.routes)
	b.dirty.gateways = emptied(b.dirty.gateways)
	b.dirty.tables = emptied(b.dirty.tables)
	b.dirty.services = emptied(b.dirty.services)
}

// emptied gives an empty map in place of one that has entries. Clearing it
// would cost as much as the most it ever held, at every later change.
func emptied[M ~map[K]V, K comparable, V any](m M) M {
	if len(m) == 0 {
		return m
	}
	return M{}
}

// compile translates one HTTPRoute anew, or forgets it.
func (b *Builder) compile(key api.Key) {
	if old := b.compiled[key]; old != nil {
		b.mirrorsChanged(old)
		for _, s := range old.services {
			remove(b.namedBy, s, key)
		}
		delete(b.compiled, key)
	}
	o := b.objects.HTTPRoutes[key]
	if o == nil {
		return
	}
	c := compile(o, b.services)
	b.compiled[key] = c
	b.mirrorsChanged(c)
	for _, s := range c.services {
		add(b.namedBy, s, key)
	}
}

// mirrorsChanged marks the clusters of the Services that a route copies requests
// to: whether they have one for copies rests on it.
func (b *Builder) mirrorsChanged(c *compiledRoute) {
	for _, r := range c.rules {
		for _, m := range r.mirrors {
			b.dirty.services[m.backend.named.Service] = true
		}
	}
}

// plan lays one Gateway out anew, or takes all it has away.
func (b *Builder) plan(key api.Key) {
	o, g := b.objects.Gateways[key], b.gateways[key]
	if o == nil && g == nil {
		return
	}
	if g == nil {
		g = newGateway(key)
		b.gateways[key] = g
	}
	b.dirty.flush[g] = true
	g.gone = o == nil
	var next []*plan
	if o != nil {
		routes := make([]*compiledRoute, 0, len(b.routesOf[key]))
		for r := range b.routesOf[key] {
			routes = append(routes, b.compiled[r])
		}
		next = plans(o, routes)
	}
	b.replaceTables(g, next)
	if g.gone {
		b.release(g)
		g.drop(Ref{Runtime, RuntimeLayer})
	} else if len(next) == 0 {
		b.useBackends(g)
		g.put(runtimeLayer(nil, nil))
	}
}

// replaceTables gives a Gateway one table a plan; a port that stays keeps its
// table, so that equal content keeps its resources.
func (b *Builder) replaceTables(g *gateway, next []*plan) {
	old := g.tables
	g.tables = map[int32]*table{}
	for _, p := range next {
		t := old[p.name.Port]
		if t == nil {
			t = &table{gateway: g}
		} else {
			b.forget(t)
			delete(old, p.name.Port)
		}
		t.plan = p
		g.tables[p.name.Port] = t
		for _, s := range p.services {
			add(b.users, s, t)
		}
		g.put(b.listener(p))
		b.dirty.tables[t] = true
	}
	for _, t := range old {
		b.forget(t)
		delete(b.dirty.tables, t)
		delete(b.dirty.keys, t)
		delete(b.dirty.weights, t)
		g.drop(Ref{Listener, t.plan.name.String()})
		g.drop(Ref{Route, t.plan.name.String()})
	}
	g.keySets = nil
}

// forget takes a table out of the index by Service.
func (b *Builder) forget(t *table) {
	for _, s := range t.plan.services {
		remove(b.users, s, t)
	}
}
