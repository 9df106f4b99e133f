package xds_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/xds"
)

// This file plays random histories of one Gateway and one Envoy: changes,
// answers late and out of order over the types, rejections, reconnects, time.
// It proves:
//
//  1. At no moment has the Envoy a route that names a cluster or reads a key
//     which it has not, and none comes that could read one as it was before.
//  2. When it rejects nothing any more, it ends with what the target has, and the
//     server says so.

// model is an Envoy and the target that it is to reach.
type model struct {
	*rapid.T
	f      *fleet
	key    api.Key
	delta  bool
	target map[snapshot.Ref]*snapshot.Resource
	issued map[string]*snapshot.Resource // by version
	have   map[snapshot.Ref]string       // version
	sets   map[snapshot.Type]string      // state of the world: version of the set it has
	envoy  *envoy
	inbox  []message
	keys   []string // of the layer, which only grows here
}

var modelClusters = []string{"a", "b", "c", "d"}

func (m *model) issue(r *snapshot.Resource) *snapshot.Resource {
	m.issued[r.Version] = r
	return r
}

func (m *model) version() string { return fmt.Sprintf("v%d", len(m.issued)) }

// change makes a target in which each route names clusters that are there.
func (m *model) change() {
	var c snapshot.Change
	set := func(r *snapshot.Resource) {
		m.target[snapshot.Ref{Type: r.Type, Name: r.Name}] = m.issue(r)
		c.Set = append(c.Set, r)
	}
	if rapid.Bool().Draw(m.T, "keys") {
		if len(m.keys) == 0 || rapid.Bool().Draw(m.T, "another key") {
			m.keys = append(m.keys, fmt.Sprintf("k%04d", len(m.keys)))
		}
		l := layer(m.version(), slices.Clone(m.keys)...)
		for range m.keys {
			l.Weights = append(l.Weights, rapid.Uint32Range(0, 1).Draw(m.T, "weight"))
		}
		set(l)
	}
	var there []string
	for _, name := range modelClusters {
		ref := snapshot.Ref{Type: snapshot.Cluster, Name: name}
		switch rapid.IntRange(0, 3).Draw(m.T, "cluster "+name) {
		case 0:
			if m.target[ref] != nil {
				delete(m.target, ref)
				c.Removed = append(c.Removed, ref)
			}
		case 1:
			set(cluster(name, m.version()))
		}
		if m.target[ref] != nil {
			there = append(there, name)
		}
	}
	for _, name := range []string{"r", "s"} {
		r := m.target[snapshot.Ref{Type: snapshot.Route, Name: name}]
		broken := r == nil || slices.ContainsFunc(r.Clusters, func(s string) bool { return !slices.Contains(there, s) })
		if broken || rapid.Bool().Draw(m.T, "route "+name) {
			n := rapid.IntRange(0, len(there)).Draw(m.T, "clusters of "+name)
			r := route(name, m.version(), there[len(there)-n:]...)
			r.Keys = m.keys[:rapid.IntRange(0, len(m.keys)).Draw(m.T, "keys of "+name)]
			set(r)
		}
	}
	for _, r := range c.Set {
		m.Logf("set %s %s %s %s", r.Type, r.Name, r.Version, r.Clusters)
	}
	m.Logf("remove %v", c.Removed)
	m.f.Apply(m.key, c)
	m.receive()
}

func (m *model) receive() {
	got := m.envoy.got()
	for _, msg := range got {
		m.readsPresentKeys(msg, got)
	}
	m.inbox = append(m.inbox, got...)
}

// readsPresentKeys: no route comes that could be read with another weight than
// the target has, before or after the layers that are still to be taken.
func (m *model) readsPresentKeys(msg message, beside []message) {
	if msg.Type != snapshot.Route {
		return
	}
	fresh := map[string]bool{}
	for name, v := range msg.Set {
		fresh[v] = m.have[snapshot.Ref{Type: snapshot.Route, Name: name}] != v
	}
	for _, v := range msg.Bodies {
		fresh[v] = m.have[snapshot.Ref{Type: snapshot.Route, Name: m.issued[v].Name}] != v
	}
	for _, earlier := range m.inbox { // it was judged when it was first sent
		for _, v := range append(slices.Collect(maps.Values(earlier.Set)), earlier.Bodies...) {
			delete(fresh, v)
		}
	}
	runtime := snapshot.Ref{Type: snapshot.Runtime, Name: "serin"}
	layers := []string{m.have[runtime]}
	for _, other := range append(slices.Clone(m.inbox), beside...) {
		if other.Type == snapshot.Runtime {
			layers = append(append(layers, slices.Collect(maps.Values(other.Set))...), other.Bodies...)
		}
	}
	for v, is := range fresh {
		for _, key := range m.issued[v].Keys {
			for _, l := range layers {
				if is && weightOf(m.issued[l], key) != weightOf(m.target[runtime], key) {
					m.Fatalf("route %s came and may read key %s of layer %q, which is not as the target has it", v, key, l)
				}
			}
		}
	}
}

// weightOf is what a layer sets a key to; -1 where it does not.
func weightOf(layer *snapshot.Resource, key string) int {
	if layer == nil {
		return -1
	}
	if i := slices.Index(layer.Keys, key); i >= 0 {
		return int(layer.Weights[i])
	}
	return -1
}

// connect opens a stream, and tells what the Envoy has.
func (m *model) connect() {
	m.inbox = nil
	m.envoy = m.f.connectAs(&corev3.Node{Id: "e", Cluster: m.key.String()}, m.delta)
	maps.Copy(m.envoy.acked, m.sets)
	for t, names := range [][]string{snapshot.Runtime: {"serin"}, snapshot.Cluster: {"*"}, snapshot.Route: {"r", "s"}} {
		if len(names) == 0 {
			continue
		}
		kind := snapshot.Type(t)
		if !m.delta {
			m.envoy.ask(kind, names...)
			continue
		}
		have := map[string]string{}
		for ref, v := range m.have {
			if ref.Type == kind {
				have[ref.Name] = v
			}
		}
		m.envoy.askWith(kind, have, names...)
	}
	m.receive()
}

func (m *model) reconnect() {
	m.envoy.leave()
	m.connect()
}

// answer accepts or rejects a response: of each type the oldest, but clusters
// may take longer than routes.
func (m *model) answer(reject bool) {
	if len(m.inbox) == 0 {
		return
	}
	first := map[snapshot.Type]int{}
	for i := len(m.inbox) - 1; i >= 0; i-- {
		first[m.inbox[i].Type] = i
	}
	at := slices.Sorted(maps.Values(first))
	i := at[rapid.IntRange(0, len(at)-1).Draw(m.T, "which response")]
	got := m.inbox[i]
	m.inbox = slices.Delete(m.inbox, i, i+1)
	m.Logf("reject %v: %+v", reject, got)
	if reject && len(got.Set)+len(got.Bodies) > 0 { // nobody rejects a mere removal
		m.envoy.nack(got, "no")
	} else {
		m.take(got)
		m.envoy.ack(got)
	}
	m.receive()
	m.check()
}

// take has the Envoy apply a response.
func (m *model) take(got message) {
	if !m.delta {
		maps.DeleteFunc(m.have, func(ref snapshot.Ref, _ string) bool {
			return ref.Type == got.Type && (got.Type == snapshot.Cluster || got.Type == snapshot.Listener)
		})
		for _, v := range got.Bodies {
			m.have[snapshot.Ref{Type: got.Type, Name: m.issued[v].Name}] = v
		}
		m.sets[got.Type] = got.version
	}
	for name, v := range got.Set {
		m.have[snapshot.Ref{Type: got.Type, Name: name}] = v
	}
	for _, name := range got.Removed {
		delete(m.have, snapshot.Ref{Type: got.Type, Name: name})
	}
}

// check is the invariant.
func (m *model) check() {
	keys := m.issued[m.have[snapshot.Ref{Type: snapshot.Runtime, Name: "serin"}]]
	for ref, v := range m.have {
		if ref.Type != snapshot.Route {
			continue
		}
		for _, name := range m.issued[v].Clusters {
			if m.have[snapshot.Ref{Type: snapshot.Cluster, Name: name}] == "" {
				m.Fatalf("the Envoy has route %s at %s, which names cluster %s; it has %v", ref.Name, v, name, m.have)
			}
		}
		for _, k := range m.issued[v].Keys {
			if keys == nil || !slices.Contains(keys.Keys, k) {
				m.Fatalf("the Envoy has route %s at %s, which reads key %s", ref.Name, v, k)
			}
		}
	}
}

// converge accepts everything until drains are over, under new versions so that
// no rejection holds.
func (m *model) converge() {
	var c snapshot.Change
	uses := map[api.Key][]snapshot.Ref{}
	for ref, r := range m.target {
		n := *r
		n.Version = m.version()
		n.Body = resource(n.Type, n.Name, n.Version).Body
		m.target[ref] = m.issue(&n)
		c.Set = append(c.Set, &n)
		uses[m.key] = append(uses[m.key], ref)
	}
	slices.SortFunc(c.Set, func(a, b *snapshot.Resource) int { return int(a.Type) - int(b.Type) })
	m.f.Apply(m.key, c)
	r := m.f.Require(uses)
	for range 4 { // a removal may have to wait for another
		m.receive()
		for len(m.inbox) > 0 {
			m.answer(false)
		}
		time.Sleep(drain)
	}
	want := map[snapshot.Ref]string{}
	for ref, r := range m.target {
		want[ref] = r.Version
	}
	if d := cmp.Diff(want, m.have); d != "" {
		m.Fatalf("it does not end with what the target has: (-want +got)\n%s", d)
	}
	if p := m.f.Progress(r, time.Now()); p.Acked != 1 || !p.Settled {
		m.Fatalf("the server does not say so: %+v", p)
	}
}

// inBubble runs a property in a bubble of its own. What rapid panics with to end
// a case goes on outside, where rapid waits for it.
func inBubble(t *testing.T, property func(t *testing.T)) {
	var panicked any
	synctest.Test(t, func(t *testing.T) {
		defer func() { panicked = recover() }()
		property(t)
	})
	if panicked != nil {
		panic(panicked)
	}
}

func newModel(t *rapid.T, f *fleet, delta bool) *model {
	m := &model{
		T: t, f: f, delta: delta, key: edge,
		target: map[snapshot.Ref]*snapshot.Resource{}, issued: map[string]*snapshot.Resource{},
		have: map[snapshot.Ref]string{}, sets: map[snapshot.Type]string{},
	}
	m.issue(layer("empty"))
	first := m.issue(layer("v1"))
	m.target[snapshot.Ref{Type: snapshot.Runtime, Name: first.Name}] = first
	f.Apply(m.key, snapshot.Change{Set: []*snapshot.Resource{first}})
	m.connect()
	m.change()
	return m
}

func testRandomHistories(t *testing.T, delta bool) {
	rapid.Check(t, func(r *rapid.T) {
		inBubble(t, func(t *testing.T) {
			f := start(t, xds.Options{Drain: drain})
			m := newModel(r, f, delta)
			r.Repeat(map[string]func(*rapid.T){
				"change":    func(r *rapid.T) { m.T = r; m.change() },
				"accept":    func(r *rapid.T) { m.T = r; m.answer(false) },
				"accept ":   func(r *rapid.T) { m.T = r; m.answer(false) },
				"reject":    func(r *rapid.T) { m.T = r; m.answer(true) },
				"reconnect": func(r *rapid.T) { m.T = r; m.reconnect() },
				"wait":      func(r *rapid.T) { m.T = r; time.Sleep(drain / 2); m.receive() },
			})
			m.T = r
			m.converge()
		})
	})
}

func TestRandomHistoriesDelta(t *testing.T)     { testRandomHistories(t, true) }
func TestRandomHistoriesWholeSets(t *testing.T) { testRandomHistories(t, false) }
