package xds

import (
	"time"

	"github.com/serin-mesh/serin/snapshot"
)

// subscribeAll takes over the whole list of names of a state-of-the-world
// request.
func (c *conn) subscribeAll(r request, first bool) {
	k := &c.kinds[r.kind]
	k.on = true
	if first {
		k.legacy = wildcardable(r.kind)
	}
	if k.legacy && len(r.add) == 0 {
		k.wild = true
	} else {
		c.rename(r, first)
	}
	if !first {
		return
	}
	if k.legacy && k.wild {
		c.meetAll(r)
	}
	if r.version != "" {
		c.inherit(r.kind)
		c.recognizeAll(r)
	}
}

// rename replaces the names that the client has subscribed to.
func (c *conn) rename(r request, first bool) {
	k := &c.kinds[r.kind]
	k.legacy = false
	names := make(map[string]struct{}, len(r.add))
	wild := false
	for _, name := range r.add {
		if name == "*" {
			wild = true
		} else {
			names[name] = struct{}{}
		}
	}
	if k.wild && !wild {
		c.narrow(r.kind)
	}
	for name := range k.names {
		if _, stays := names[name]; !stays {
			c.unsubscribe(r.kind, name)
		}
	}
	for name := range names {
		if !k.has(name) {
			c.subscribeName(r, name, first)
		}
	}
	if wild && !k.wild {
		k.wild = true
		c.meetAll(r)
	}
}

// inherit gives a client that comes back the clusters that it may still have
// and the target has no more: without them in its next response it would drop
// them at once.
func (c *conn) inherit(t snapshot.Type) {
	if t != snapshot.Cluster || c.prior == nil {
		return
	}
	k, p := &c.kinds[t], c.prior
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, it := range p.kinds[t].items {
		// What was not accepted no route that was sent can name.
		if it.held == nil || it.want != nil || p.kinds[t].removing(it) || !k.has(name) {
			continue
		}
		kept := &item{name: name}
		k.put(kept)
		k.hold(kept, it.held)
		c.leaving++
	}
}

// recognizeAll finds out what a client has that says it has the set of some
// version: what it is to have, what it had on its last stream, or we cannot
// know.
func (c *conn) recognizeAll(r request) {
	k := &c.kinds[r.kind]
	for _, had := range []func(*item) *content{
		func(it *item) *content { return c.wanted(it) },
		func(it *item) *content { return c.prior.holding(r.kind, it, (*item).accepted) },
		func(it *item) *content { return c.prior.holding(r.kind, it, (*item).newest) },
	} {
		var sum uint64
		for _, it := range k.items {
			if x := had(it); x != nil {
				sum += x.sum
			}
		}
		if version(sum) != r.version {
			continue
		}
		k.ackedAt = time.Now()
		for _, it := range k.items {
			k.hold(it, had(it))
			c.tidy(r.kind, it)
		}
		return
	}
	for _, it := range k.items {
		it.unknown = it.held == nil
	}
	if wildcardable(r.kind) {
		k.put(&item{name: stray, unknown: true})
		c.leaving++
	}
}

// stray stands for whatever a client may have that nobody knows of. It goes as
// any other name that the target has not, or with the first set accepted.
const stray = ""

// wanted is what the client is to have of a name in the end.
func (c *conn) wanted(it *item) *content {
	if it.want == nil {
		return it.held
	}
	return it.want.content(c.layer())
}

// holding gives what a client had of a name on this stream: what it accepted
// last, or the newest that it was sent. The caller may hold the lock of a newer
// stream, whose item for the name is given.
func (c *conn) holding(t snapshot.Type, now *item, had func(*item) *content) *content {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if it := c.kinds[t].items[now.name]; it != nil {
		if x := had(it); x != removed {
			return x
		}
		return nil
	}
	if now.want == nil || !c.kinds[t].has(now.name) {
		return nil
	}
	return now.want.full
}

func (it *item) accepted() *content { return it.held }
