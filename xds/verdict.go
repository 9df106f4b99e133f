package xds

import (
	"slices"
	"time"

	"github.com/serin-mesh/serin/snapshot"
)

// answer takes a client's verdict on a response: accepted, or rejected with a
// reason. Verdicts on what is not in flight are none. The caller holds mu.
func (c *conn) answer(t snapshot.Type, nonce string, reason refusal) {
	k := &c.kinds[t]
	i := slices.IndexFunc(k.flight, func(r *response) bool { return r.nonce == nonce })
	if nonce == "" || i < 0 {
		return
	}
	r := k.flight[i]
	if !c.delta {
		// The whole set was in it: what was sent before does not matter any more.
		for _, older := range k.flight[:i] {
			c.land(t, older, (*item).passedOver)
		}
		k.flight = k.flight[i:]
		i = 0
	}
	if k.flight = slices.Delete(k.flight, i, i+1); len(k.flight) == 0 {
		k.flight = nil
	}
	if reason == nil {
		k.ackedAt = time.Now()
		c.land(t, r, func(it *item, x *content) { k.accept(it, x) })
		if !c.delta {
			delete(k.items, stray)
		}
	} else {
		k.message = reason.GetMessage()
		lone := !slices.ContainsFunc(r.parts, func(p part) bool { return p.c != removed })
		c.land(t, r, func(it *item, x *content) { k.reject(it, x, lone) })
	}
	c.settle(t)
}

// land ends the flight of a response with a verdict on each of its parts.
func (c *conn) land(t snapshot.Type, r *response, verdict func(*item, *content)) {
	for _, p := range r.parts {
		p.it.flights--
		if p.it.flights == 0 {
			p.it.last = nil
		}
		if c.kinds[t].items[p.it.name] != p.it {
			continue // unsubscribed since
		}
		verdict(p.it, p.c)
		c.tidy(t, p.it)
	}
}

// accept notes that the client has a content now.
func (k *kind) accept(it *item, x *content) {
	if x == removed {
		k.hold(it, nil)
		return
	}
	k.hold(it, x)
	if it.refused != nil && it.refused.Version == x.Version {
		it.refused = nil
	}
}

// reject notes that the client did not take a content. What it held it has
// still. A removal is tried again once without company, and then given up.
func (k *kind) reject(it *item, x *content, lone bool) {
	switch {
	case x != removed:
		it.refused = x
	case lone:
		k.hold(it, nil)
	}
}

// removing tells whether a response in flight takes a name away.
func (k *kind) removing(it *item) bool {
	return it.flights > 0 && slices.ContainsFunc(k.flight, func(r *response) bool { return slices.Contains(r.parts, part{it, removed}) })
}

// passedOver is the verdict on a content whose response was superseded before
// it was answered.
func (it *item) passedOver(*content) {}

// settle lets out what an answer of one type makes possible for the others.
func (c *conn) settle(t snapshot.Type) {
	c.flush(t)
	switch t {
	case snapshot.Cluster, snapshot.Runtime:
		c.flush(snapshot.Route)
	case snapshot.Route:
		c.sweep()
	}
}

// rejected lists the names of which the client rejected what the target has.
func (c *conn) rejected(t snapshot.Type) []string {
	var names []string
	for name, it := range c.kinds[t].items {
		if it.want != nil && it.want.is(it.refused, c.layer()) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
