package xds

import (
	"container/list"
	"sync"
	"time"

	cachev3 "github.com/envoyproxy/go-control-plane/pkg/cache/v3"

	"github.com/serin-mesh/serin/snapshot"
)

// conn is one discovery stream. It outlives its stream as what is known of a
// node that is away.
type conn struct {
	srv    *Server
	delta  bool
	tokens [snapshot.NumTypes]token

	// Set by the first request, before any other goroutine knows of the conn.
	id       string
	gw       *gateway
	expected bool // it has not come yet, and was there before the server started

	mu      sync.Mutex // guards everything below, but for epoch and place
	kinds   [snapshot.NumTypes]kind
	prior   *conn       // the stream of the same node before this one, while it may tell what the node has
	spoken  bool        // something was sent, or is about to be
	since   time.Time   // when the stream began
	left    time.Time   // when it ended; zero while it is open
	leaving int         // how many clusters wait for their removal, at most
	timer   *time.Timer // for the next removal that is due

	epoch uint64        // when something last happened to it that may change Progress: see recency
	place *list.Element // among the clients of its Gateway, in the order of epoch
}

// kind is one resource type on one stream.
type kind struct {
	on     bool                // the client has asked for the type
	wild   bool                // for all resources of the type
	legacy bool                // because it has named none so far
	names  map[string]struct{} // those it has named

	// items holds the names for which the client's version is not the target's,
	// and every route and runtime layer that it has subscribed to. A subscribed
	// name that is not here has been accepted as the target has it.
	items  map[string]*item
	flight []*response // sent and not answered, oldest first

	open   bool                  // responses may be asked for
	queued bool                  // one has been, and was not built yet
	owed   bool                  // one is due even if it is empty
	watch  chan cachev3.Response // where to ask, in state of the world
	deltas chan cachev3.DeltaResponse

	// What the client has accepted, as a count and as the sum of the hashes of
	// name and version: equal for equal sets whatever their history.
	count   int
	sum     uint64
	sent    uint64 // what sum will be when all in flight is accepted
	sentAt  time.Time
	ackedAt time.Time
	message string // of the last rejection
}

// item is one name whose version at the client matters on its own.
type item struct {
	name    string
	want    *entry   // of the target; nil: not there
	held    *content // last accepted; nil: none that is known
	unknown bool     // the client has a version whose content is not known
	last    *content // newest in flight; nil: none
	flights int      // responses in flight that carry the name
	refused *content // last rejected
	again   bool     // send it even if the client has it
	free    time.Time
}

// response is one message that was sent and not answered.
type response struct {
	nonce string
	at    time.Time
	parts []part
}

// part is what a response changes for one name.
type part struct {
	it *item
	c  *content // removed: nothing is left
}

// explicit tells for which types items has every name. Their contents decide
// about other types.
func explicit(t snapshot.Type) bool { return t == snapshot.Runtime || t == snapshot.Route }

// wildcardable tells which types may be asked for as a whole by naming none.
// Source: the xDS protocol, "How the client specifies what resources to return".
func wildcardable(t snapshot.Type) bool { return t == snapshot.Cluster || t == snapshot.Listener }

// has tells whether the client has subscribed to a name.
func (k *kind) has(name string) bool {
	if !k.on {
		return false
	}
	if k.wild {
		return true
	}
	_, ok := k.names[name]
	return ok
}

// newest is what the client will have of a name when it accepts what it was
// sent; nil when that is nothing known.
func (it *item) newest() *content {
	if it.flights > 0 {
		return it.last
	}
	return it.held
}

// layer tells whether the client takes weights as runtime keys.
func (c *conn) layer() bool { return c.kinds[snapshot.Runtime].has(snapshot.RuntimeLayer) }

// item gives the item of a name that the client has subscribed to, and makes it
// where the client has what the target has, which is e.
func (c *conn) item(t snapshot.Type, name string, e *entry) *item {
	k := &c.kinds[t]
	it := k.items[name]
	if it == nil {
		it = &item{name: name, want: e}
		if e != nil {
			it.name, it.held = e.full.Name, e.content(c.layer())
		}
		k.put(it)
	}
	return it
}

func (k *kind) put(it *item) {
	if k.items == nil {
		k.items = map[string]*item{}
	}
	k.items[it.name] = it
}

// hold notes what the client has of a name from now on.
func (k *kind) hold(it *item, c *content) {
	if it.held != nil {
		k.count--
		k.sum -= it.held.sum
	}
	it.held, it.unknown = c, false
	if c != nil {
		k.count++
		k.sum += c.sum
	}
}

// tidy brings an item up to date with its target, and drops it when there is
// nothing to say of it any more.
func (c *conn) tidy(t snapshot.Type, it *item) {
	k := &c.kinds[t]
	if it.flights > 0 || it.again {
		return
	}
	if it.want == nil {
		if it.held == nil && !it.unknown && !explicit(t) {
			delete(k.items, it.name)
		}
		return
	}
	if !it.want.is(it.held, c.layer()) {
		return
	}
	// Equal content of a later revision: the later one counts.
	if now := it.want.content(c.layer()); now != nil {
		it.held = now
	}
	if !explicit(t) {
		delete(k.items, it.name)
	}
	if len(k.items) == 0 {
		k.items = nil // maps do not shrink
	}
}

// apply takes over changes of the target. The caller holds the Gateway's lock.
func (c *conn) apply(updates []update, fresh bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	sweep, keys := false, false
	for _, u := range updates {
		t := u.ref.Type
		if !c.kinds[t].has(u.ref.Name) {
			continue
		}
		it := c.item(t, u.ref.Name, u.old)
		c.retarget(t, it, u.new)
		keys = keys || t == snapshot.Runtime
		if sweep = sweep || t == snapshot.Route || t == snapshot.Cluster; c.due(t, it) {
			c.push(t)
		}
	}
	if keys {
		c.flush(snapshot.Route) // the target may have come back to the keys that the client has
	}
	if sweep {
		c.sweep()
	}
	if fresh {
		c.welcome()
	}
}

// retarget gives an item a new target.
func (c *conn) retarget(t snapshot.Type, it *item, e *entry) {
	if t == snapshot.Runtime && e == nil {
		return // an Envoy keeps the layer of a Gateway that is gone
	}
	if e == nil && it.unknown && !c.delta && it.want != nil {
		// The client has some version, and drops it when a set is without: what
		// it is given instead is the last one of the target.
		c.kinds[t].hold(it, it.want.content(c.layer()))
	}
	if it.want = e; e == nil && t == snapshot.Cluster {
		c.leaving++
	}
	it.free = time.Time{}
	c.tidy(t, it)
}

// welcome owes an answer to those who asked for all of a Gateway that was not
// known and now has nothing for them: an Envoy waits for its first answer.
func (c *conn) welcome() {
	for t := range snapshot.NumTypes {
		if k := &c.kinds[t]; k.on && k.wild && len(k.items) == 0 && k.sentAt.IsZero() {
			k.owed = true
			c.push(t)
		}
	}
}
