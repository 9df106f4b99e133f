package xds

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/serin-mesh/serin/snapshot"
)

// push asks for a response of a type, unless one is asked for already or the
// stream does not take any. It never blocks: each type has at most one request
// in the channel, which is large enough. The caller holds mu.
func (c *conn) push(t snapshot.Type) {
	k := &c.kinds[t]
	if !k.open || k.queued {
		return
	}
	k.queued = true
	if c.delta {
		k.deltas <- &c.tokens[t]
	} else {
		k.watch <- &c.tokens[t]
	}
}

// flush asks for a response if one of a type is due. The caller holds mu.
func (c *conn) flush(t snapshot.Type) {
	k := &c.kinds[t]
	if k.owed {
		c.push(t)
	}
	for _, it := range k.items {
		if k.queued || !k.open {
			return
		}
		if c.due(t, it) {
			c.push(t)
		}
	}
}

// build decides what a response of a type says and notes it as sent. The second
// value holds, in state of the world, everything that the client is to have.
func (c *conn) build(t snapshot.Type) (*response, []*content) {
	c.prepare(t)
	if !c.delta || t == snapshot.Cluster {
		c.gw.mu.RLock() // for the names that have no item
		defer c.gw.mu.RUnlock()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.take(t)
	if c.delta {
		return r, nil
	}
	return r, c.all(t)
}

// prepare computes what the client may be sent, outside all locks.
func (c *conn) prepare(t snapshot.Type) {
	if t != snapshot.Route {
		return
	}
	for e := c.uncomputed(); e != nil; e = c.uncomputed() {
		if e.compute() {
			c.gw.shifts.Add(1) // it may be what a client has rejected
		}
	}
}

// uncomputed finds a route that is due and has to be computed first.
func (c *conn) uncomputed() *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, it := range c.kinds[snapshot.Route].items {
		if it.want != nil && it.want.content(c.layer()) == nil && c.due(snapshot.Route, it) {
			return it.want
		}
	}
	return nil
}

// take collects what is due and notes it as sent. The caller holds mu.
func (c *conn) take(t snapshot.Type) *response {
	k := &c.kinds[t]
	k.queued, k.owed = false, false
	r := &response{at: time.Now()}
	late := false
	for _, it := range k.items {
		if !c.due(t, it) {
			continue
		}
		if x := c.offer(t, it); x != nil {
			r.parts = append(r.parts, part{it, x})
		} else {
			late = true // it came after prepare
		}
	}
	if !c.delta && len(r.parts) > 0 {
		r.parts = append(r.parts, k.riders(t, r.parts)...)
	}
	slices.SortFunc(r.parts, func(a, b part) int { return cmp.Compare(a.it.name, b.it.name) })
	for _, p := range r.parts {
		c.depart(t, p)
	}
	k.flight = append(k.flight, r)
	k.sent, k.sentAt, c.spoken = k.expected(), r.at, true
	if late {
		c.push(t)
	}
	return r
}

// riders lists what a set carries besides what is due and what was accepted
// before: what is in flight already, in either direction; and what the client
// has at a version that is not known and has rejected at the target's, because
// a set without it would take it away.
func (k *kind) riders(t snapshot.Type, due []part) (parts []part) {
	for _, it := range k.items {
		x := it.last
		if it.flights == 0 && it.unknown && it.want != nil && wildcardable(t) {
			x = it.refused
		}
		if x != nil && !slices.ContainsFunc(due, func(p part) bool { return p.it == it }) {
			parts = append(parts, part{it, x})
		}
	}
	return parts
}

// depart notes one part of a response as sent.
func (c *conn) depart(t snapshot.Type, p part) {
	it := p.it
	update := (it.held != nil || it.unknown) && !c.kinds[t].removing(it)
	it.last, it.again = p.c, false
	it.flights++
	if p.c != removed && t == snapshot.Cluster && update {
		// Envoy warms the new version of a cluster until it is told endpoints,
		// and does not ask for those that it has.
		c.resend(snapshot.Endpoint, it.name)
	}
}

// resend has a name sent although the client has it. The caller holds the
// Gateway's lock for reading, and mu.
func (c *conn) resend(t snapshot.Type, name string) {
	if !c.kinds[t].has(name) {
		return
	}
	it := c.item(t, name, c.gw.entries[t][name])
	if it.again = it.newest() != nil; c.due(t, it) {
		c.push(t)
	} else {
		c.tidy(t, it)
	}
}

// all gives everything that the client is to have of a type, sorted by name.
// The caller holds the Gateway's lock for reading, and mu.
func (c *conn) all(t snapshot.Type) []*content {
	var set []*content
	c.each(t, func(name string, e *entry) {
		var x *content
		if it := c.kinds[t].items[name]; it != nil {
			x = it.newest()
		} else if e != nil {
			x = e.content(c.layer())
		}
		if x != nil && x != removed {
			set = append(set, x)
		}
	})
	slices.SortFunc(set, func(a, b *content) int { return cmp.Compare(a.Name, b.Name) })
	return set
}

// each visits the names that the client has subscribed to or may have, with
// the target's entry or nil. The caller holds the Gateway's lock for reading,
// and mu.
func (c *conn) each(t snapshot.Type, visit func(string, *entry)) {
	k, entries := &c.kinds[t], c.gw.entries[t]
	if !k.wild {
		for name := range k.names {
			visit(name, entries[name])
		}
		return
	}
	for name, e := range entries {
		visit(name, e)
	}
	for name := range k.items {
		if entries[name] == nil {
			visit(name, nil)
		}
	}
}

// expected is what sum will be when the client accepts all in flight.
func (k *kind) expected() uint64 {
	sum := k.sum
	for _, it := range k.items {
		if it.flights == 0 {
			continue
		}
		if it.held != nil {
			sum -= it.held.sum
		}
		sum += it.last.sum // 0 for removed
	}
	return sum
}

// version writes a sum as clients and people see it.
func version(sum uint64) string { return strconv.FormatUint(sum, 16) }
