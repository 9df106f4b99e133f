package xds

import (
	"time"

	"github.com/serin-mesh/serin/snapshot"
)

// request is what a client says of its subscription to one type, in the words
// of either protocol.
type request struct {
	kind     snapshot.Type
	add      []string
	drop     []string          // delta
	versions map[string]string // delta: what a client that comes back has
	version  string            // state of the world: the same, as one version
	nonce    string            // of the response that it answers
	reason   refusal           // why that was rejected
}

// subscribe takes over a request's subscription. It sends nothing.
func (c *conn) subscribe(r request) {
	first := c.begin(r)
	if first && r.kind == snapshot.Route {
		c.computeRoutes()
	}
	c.gw.mu.RLock()
	defer c.gw.mu.RUnlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.gw.recent.note(c)
	switch {
	case c.delta:
		c.subscribeDelta(r, first)
	default:
		c.subscribeAll(r, first)
	}
	if first {
		c.greet(r)
	}
	switch r.kind {
	case snapshot.Runtime:
		c.flush(snapshot.Route) // routes are others with the layer
	case snapshot.Cluster, snapshot.Route:
		c.sweep()
	}
}

// begin tells whether a request is the first of its type.
func (c *conn) begin(r request) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.kinds[r.kind].on
}

// computeRoutes computes what a client without the runtime layer may be found
// to have already, outside all locks.
func (c *conn) computeRoutes() {
	c.mu.Lock()
	layer := c.layer()
	c.mu.Unlock()
	if layer {
		return
	}
	c.gw.mu.RLock()
	entries := make([]*entry, 0, len(c.gw.entries[snapshot.Route]))
	for _, e := range c.gw.entries[snapshot.Route] {
		entries = append(entries, e)
	}
	c.gw.mu.RUnlock()
	for _, e := range entries {
		if e.compute() {
			c.gw.shifts.Add(1)
		}
	}
}

// subscribeDelta adds and drops names.
// Source: the xDS protocol, "How the client specifies what resources to return".
func (c *conn) subscribeDelta(r request, first bool) {
	k := &c.kinds[r.kind]
	k.on = true
	if first {
		k.legacy = wildcardable(r.kind) && len(r.add) == 0
		k.wild = k.legacy
	} else if len(r.add) > 0 {
		k.legacy = false
	}
	wild := k.wild && first
	for _, name := range r.add {
		if name == "*" {
			wild = wild || !k.wild
			k.wild = true
			continue
		}
		c.subscribeName(r, name, first)
	}
	if wild {
		c.meetAll(r)
	}
	for _, name := range r.drop {
		c.unsubscribe(r.kind, name)
	}
}

// subscribeName adds one name. A client that names what it has subscribed to
// already wants it again.
func (c *conn) subscribeName(r request, name string, first bool) {
	k, e := &c.kinds[r.kind], c.gw.entries[r.kind][name]
	if e != nil {
		name = e.full.Name // one string for all clients
	}
	had := k.has(name) && !first
	if k.names == nil {
		k.names = map[string]struct{}{}
	}
	k.names[name] = struct{}{}
	if had {
		c.resend(r.kind, name)
		return
	}
	c.meet(r, name)
}

// meetAll is meet for everything that the client has not named, and for what it
// has and the target has not.
func (c *conn) meetAll(r request) {
	k, entries := &c.kinds[r.kind], c.gw.entries[r.kind]
	for name := range entries {
		if _, named := k.names[name]; !named {
			c.meet(r, name)
		}
	}
	for name := range r.versions {
		if _, named := k.names[name]; !named && entries[name] == nil {
			c.meet(r, name)
		}
	}
}

// meet compares what a client has of a name, as far as it says, with the
// target, when the client subscribes to it.
func (c *conn) meet(r request, name string) {
	t, k, e := r.kind, &c.kinds[r.kind], c.gw.entries[r.kind][name]
	if k.items[name] != nil {
		return
	}
	if e == nil && t == snapshot.Runtime {
		e = emptyLayer(name)
	}
	version, has := r.versions[name]
	if e == nil && !has && !explicit(t) {
		return // nothing to say until the target has it
	}
	it := &item{name: name, want: e}
	if e != nil {
		it.name = e.full.Name
	}
	k.put(it)
	if has {
		c.recognize(t, it, version)
	}
	if e == nil && t == snapshot.Cluster {
		c.leaving++
	}
	c.tidy(t, it)
}

// recognize finds the content that a client says it has.
func (c *conn) recognize(t snapshot.Type, it *item, version string) {
	var x *content
	if it.want != nil {
		x = it.want.content(c.layer())
	}
	if x == nil || x.Version != version {
		x = c.prior.knew(t, it.name, version)
	}
	if x == nil {
		it.unknown = true
		return
	}
	c.kinds[t].hold(it, x)
	c.kinds[t].ackedAt = time.Now()
	if t == snapshot.Endpoint {
		// A cluster that was sent before warms until it is told endpoints.
		of := c.kinds[snapshot.Cluster].items[it.name]
		it.again = of != nil && of.flights > 0
	}
}

// knew gives a version of a resource that an earlier stream of the same node
// has seen last; nil when it has not. The caller may hold the lock of a newer
// stream.
func (c *conn) knew(t snapshot.Type, name, version string) *content {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	it := c.kinds[t].items[name]
	if it == nil {
		return nil
	}
	for _, x := range []*content{it.held, it.last, it.refused} {
		if x != nil && x != removed && x.Version == version {
			return x
		}
	}
	return nil
}

// unsubscribe takes a name out of the subscription and forgets what the client
// has of it. A client that gets everything has to be told anew: it has dropped
// the name.
func (c *conn) unsubscribe(t snapshot.Type, name string) {
	k := &c.kinds[t]
	if name == "*" {
		c.narrow(t)
		return
	}
	if _, ok := k.names[name]; !ok {
		return
	}
	delete(k.names, name)
	it := c.item(t, name, c.gw.entries[t][name])
	k.hold(it, nil)
	delete(k.items, name)
	if k.wild {
		c.meet(request{kind: t}, name)
	}
}

// narrow ends a subscription to everything; what was named stays.
func (c *conn) narrow(t snapshot.Type) {
	k := &c.kinds[t]
	if !k.wild {
		return
	}
	var gone []string
	c.each(t, func(name string, _ *entry) {
		if _, named := k.names[name]; !named {
			gone = append(gone, name)
		}
	})
	for _, name := range gone {
		k.hold(c.item(t, name, c.gw.entries[t][name]), nil)
		delete(k.items, name)
	}
	k.wild, k.legacy = false, false
}

// greet sees to it that a client's first request is answered where a client
// waits for an answer: for everything there is, even if that is nothing; and
// once after a reconnect, because only a message resets the backoff.
func (c *conn) greet(r request) {
	k := &c.kinds[r.kind]
	for _, it := range k.items {
		if c.due(r.kind, it) {
			c.spoken = true
			return
		}
	}
	k.owed = c.owes(r)
	c.spoken = c.spoken || k.owed
}

// owes decides greet where nothing is due.
func (c *conn) owes(r request) bool {
	back := len(r.versions) > 0 || r.version != ""
	switch {
	case back && c.spoken:
		return false
	case back && c.delta:
		return r.kind != snapshot.Runtime // Envoy rejects a response without a layer
	case c.delta:
		return c.gw.known && c.kinds[r.kind].wild
	case wildcardable(r.kind):
		return c.gw.known // to send nothing is to remove everything
	}
	return back && len(c.all(r.kind)) > 0
}
