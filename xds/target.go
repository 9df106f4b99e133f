package xds

import (
	"hash/fnv"
	"slices"
	"sync"
	"sync/atomic"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	runtimev3 "github.com/envoyproxy/go-control-plane/envoy/service/runtime/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/snapshot"
)

// content is one version of one resource as clients get it. It is immutable
// and shared by all of them.
type content struct {
	*snapshot.Resource
	seq    uint64                // revision at which the target came to this content
	sum    uint64                // hash of name and version; see kind.sum
	static bool                  // a route with the weights written into it
	wire   *discoveryv3.Resource // the form in which delta sends it
}

func newContent(r *snapshot.Resource, seq uint64, static bool) *content {
	return &content{
		Resource: r,
		seq:      seq,
		sum:      hash(r.Name + "\x00" + r.Version),
		static:   static,
		wire:     &discoveryv3.Resource{Name: r.Name, Version: r.Version, Resource: r.Body},
	}
}

// hash gives 64 well mixed bits, which may be added up: FNV-1a alone maps names
// that differ in the last letter to numbers that differ by little.
func hash(s string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s)) // never fails
	x := h.Sum64()
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9 // the finalizer of SplitMix64
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// removed stands for the absence of a resource, where a response removes one.
var removed = &content{Resource: &snapshot.Resource{}}

// entry is what the target says of one name. It is immutable but for the
// content that it computes when first asked.
type entry struct {
	full *content // for clients with the runtime layer

	// plain is for clients without the layer; nil means it is computed by
	// static, which may take long and is never called under a lock.
	plain     *content
	static    func() *content
	computed  atomic.Pointer[content]
	staticSeq uint64 // revision of the content for clients without the layer
}

// newEntry makes the entry of a resource that was set at a revision over the
// entry there was, which may be nil. It returns the old one when nothing
// changed for anybody.
func newEntry(old *entry, r *snapshot.Resource, rev uint64) *entry {
	same := old != nil && old.full.Version == r.Version
	if same && r.Static == nil && old.static == nil {
		return old
	}
	fresh := newContent(r, rev, false)
	e := &entry{full: fresh, staticSeq: rev}
	if same {
		e.full = old.full
	}
	if r.Static == nil {
		e.plain = fresh
		return e
	}
	e.static = sync.OnceValue(func() *content {
		c := newContent(r.Static(), rev, true)
		e.computed.Store(c)
		return c
	})
	return e
}

// content gives what a client is to get, or nil where that is not computed yet.
func (e *entry) content(layer bool) *content {
	switch {
	case layer:
		return e.full
	case e.plain != nil:
		return e.plain
	}
	return e.computed.Load()
}

// compute makes content not nil, and tells whether it was nil before.
func (e *entry) compute() bool {
	if e.plain != nil || e.computed.Load() != nil {
		return false
	}
	e.static()
	return true
}

// is tells whether a client that has c has what the entry asks for. It does
// not need the content to be computed.
func (e *entry) is(c *content, layer bool) bool {
	if c == nil {
		return false
	}
	if want := e.content(layer); want != nil {
		return c.Version == want.Version
	}
	return c.static && c.seq == e.staticSeq
}

// emptyLayer is the answer to a client that asks for a runtime layer which its
// Gateway does not have: Envoy does not start before the first answer.
func emptyLayer(name string) *entry {
	r := &snapshot.Resource{Type: snapshot.Runtime, Name: name, Version: "empty"}
	body, err := proto.Marshal(&runtimev3.Runtime{Name: name})
	if err != nil { // the name is not UTF-8: no layer of ours
		return nil
	}
	r.Body = &anypb.Any{TypeUrl: snapshot.Runtime.URL(), Value: body}
	c := newContent(r, 0, false)
	return &entry{full: c, plain: c}
}

// gateway is the target of one Gateway and the clients that it is for.
type gateway struct {
	key    api.Key
	recent recency       // orders conns
	shifts atomic.Uint64 // counts what may change what clients count as that did not happen to them

	mu      sync.RWMutex // guards everything below
	known   bool         // Apply was called for it
	entries [snapshot.NumTypes]map[string]*entry
	nodes   map[string]*conn   // the newest stream of each node, also when it is closed
	conns   map[*conn]struct{} // all that follow the target: the open ones, and those in nodes
}

func newGateway(key api.Key) *gateway {
	g := &gateway{key: key, nodes: map[string]*conn{}, conns: map[*conn]struct{}{}}
	for t := range g.entries {
		g.entries[t] = map[string]*entry{}
	}
	return g
}

// update says how the target changed for one name; nil is nothing.
type update struct {
	ref      snapshot.Ref
	old, new *entry
}

// set puts a change into the target and returns what differs, in the order of
// the types. The caller holds mu.
func (g *gateway) set(c snapshot.Change, rev uint64) []update {
	g.known = true
	updates := make([]update, 0, len(c.Set)+len(c.Removed))
	for _, r := range c.Set {
		old := g.entries[r.Type][r.Name]
		if e := newEntry(old, r, rev); e != old {
			g.entries[r.Type][r.Name] = e
			updates = append(updates, update{snapshot.Ref{Type: r.Type, Name: r.Name}, old, e})
		}
	}
	for _, ref := range c.Removed {
		if old := g.entries[ref.Type][ref.Name]; old != nil {
			delete(g.entries[ref.Type], ref.Name)
			updates = append(updates, update{ref, old, nil})
		}
	}
	slices.SortStableFunc(updates, func(a, b update) int { return int(a.ref.Type) - int(b.ref.Type) })
	return updates
}

// Apply changes the target of a Gateway and tells every client of it what it
// may have now. It returns when all have been told, without waiting for any to
// read. A Gateway exists from its first Apply on, which may be empty.
func (s *Server) Apply(key api.Key, c snapshot.Change) {
	g := s.gateway(key)
	g.mu.Lock()
	defer g.mu.Unlock()
	fresh := !g.known
	updates := g.set(c, s.revision.Add(1))
	if len(updates) == 0 && !fresh {
		return
	}
	g.shifts.Add(1)
	for c := range g.conns {
		c.apply(updates, fresh)
	}
}
