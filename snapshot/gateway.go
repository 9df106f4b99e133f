package snapshot

import (
	"slices"
	"strings"

	"github.com/serin-mesh/serin/api"
)

// gateway holds what one Gateway serves now, and what it served at the last
// Flush where that differs.
type gateway struct {
	key      api.Key
	gone     bool             // the object is; the rest follows at the next Flush
	tables   map[int32]*table // by port
	backends map[backendKey]bool
	keySets  []*weightedSet // of all tables; nil: to be merged anew
	out      map[Ref]*Resource
	before   map[Ref]*Resource // at the last Flush, of what was touched since
}

func newGateway(key api.Key) *gateway {
	return &gateway{
		key:      key,
		tables:   map[int32]*table{},
		backends: map[backendKey]bool{},
		out:      map[Ref]*Resource{},
		before:   map[Ref]*Resource{},
	}
}

// table is one port of a Gateway: its Listener and its RouteConfiguration.
type table struct {
	gateway   *gateway
	plan      *plan
	rendering *rendering
	keySets   []*weightedSet
}

// render makes the configuration anew, sharing the body where it came out
// equal.
func (t *table) render(in splits) {
	next := t.plan.render(in)
	if old := t.rendering; old != nil && old.resource.Version == next.resource.Version {
		next.resource.Body = old.resource.Body
	}
	t.rendering = next
}

// uses lists what of a table a Rollout rests on; nil if nothing.
func (t *table) uses(service Service, ports []int32, s *Split) []Ref {
	var refs []Ref
	for _, port := range ports {
		key := backendKey{service, port}
		if !t.rendering.backends[key] {
			continue
		}
		for _, v := range s.current() {
			name := clusterName(key, v)
			refs = append(refs, Ref{Cluster, name}, Ref{Endpoint, name})
			if name = directName(key, v); slices.Contains(t.rendering.resource.Clusters, name) {
				refs = append(refs, Ref{Cluster, name}, Ref{Endpoint, name})
			}
		}
	}
	if refs == nil {
		return nil
	}
	name := t.plan.name.String()
	return append(refs, Ref{Listener, name}, Ref{Route, name})
}

// put makes a resource the Gateway's. One that is equal to what is there
// changes nothing.
func (g *gateway) put(r *Resource) {
	ref := Ref{r.Type, r.Name}
	old := g.out[ref]
	if same(old, r) {
		return
	}
	g.touch(ref)
	g.out[ref] = r
}

// same says whether a client that has one resource has the other. Of two with
// a static form nothing is known without making it.
func same(a, b *Resource) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a == b || a.Version == b.Version && a.Static == nil && b.Static == nil
}

// drop takes a resource away.
func (g *gateway) drop(ref Ref) {
	if g.out[ref] != nil {
		g.touch(ref)
		delete(g.out, ref)
	}
}

// touch remembers what the last Flush left under a name.
func (g *gateway) touch(ref Ref) {
	if _, there := g.before[ref]; !there {
		g.before[ref] = g.out[ref]
	}
}

// change hands out what differs from the last Flush.
func (g *gateway) change() Change {
	var c Change
	for ref, old := range g.before {
		switch now := g.out[ref]; {
		case same(now, old):
		case now == nil:
			c.Removed = append(c.Removed, ref)
		default:
			c.Set = append(c.Set, now)
		}
	}
	g.before = emptied(g.before)
	slices.SortFunc(c.Set, compareResources)
	slices.SortFunc(c.Removed, Ref.compare)
	return c
}

// mergeKeySets lists the sets of all tables, each prefix once, in order.
func (g *gateway) mergeKeySets() []*weightedSet {
	out := []*weightedSet{}
	seen := map[string]bool{}
	for _, t := range g.tables {
		for _, set := range t.keySets {
			if !seen[set.prefix] {
				seen[set.prefix] = true
				out = append(out, set)
			}
		}
	}
	slices.SortFunc(out, func(a, b *weightedSet) int { return strings.Compare(a.prefix, b.prefix) })
	return out
}

// canaries is what every canary that the Gateway routes to has, and what is beside
// it. The map is made anew each time, so whoever holds it has the weights of that moment.
func (g *gateway) canaries(in splits) canaryWeights {
	out := canaryWeights{}
	for _, set := range g.keySets {
		for _, t := range set.terms {
			if t.role == canaryOf {
				out[t.service] = in[t.service].given()
			}
		}
	}
	return out
}

// writeWeights brings the Runtime of each Gateway with a dirty table up to
// date, and the routes' static form with it.
func (b *Builder) writeWeights() {
	for t := range b.dirty.keys {
		t.keySets = t.plan.keySets(b.splits)
		t.gateway.keySets = nil
	}
	weights := map[*gateway]canaryWeights{}
	for t := range b.dirty.weights {
		g := t.gateway
		if weights[g] == nil {
			if g.keySets == nil {
				g.keySets = g.mergeKeySets()
			}
			weights[g] = g.canaries(b.splits)
			g.put(runtimeLayer(g.keySets, weights[g]))
			b.dirty.flush[g] = true
		}
		g.put(t.rendering.withWeights(weights[g]))
	}
	b.dirty.keys = emptied(b.dirty.keys)
	b.dirty.weights = emptied(b.dirty.weights)
}
