package xds

import (
	"container/list"
	"sync"
)

// recency orders the clients of a Gateway by when something last happened to
// them that may change what they count as. Whoever counts a fleet again looks
// at those alone: of 5,000 acknowledgements each costs the same.
type recency struct {
	mu    sync.Mutex // guards everything below, and conn.epoch and conn.place
	epoch uint64     // of the last event; counts them
	order list.List  // of *conn, the latest first
}

// note says that something has happened to a client. Who changes the client
// calls it before letting go of the client's lock, so that who looks at the
// client next either sees the change or is told of it later.
func (r *recency) note(c *conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.epoch++
	c.epoch = r.epoch
	if c.place == nil {
		c.place = r.order.PushFront(c)
	} else {
		r.order.MoveToFront(c.place)
	}
}

// drop forgets a client to which nothing will happen any more.
func (r *recency) drop(c *conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.place != nil {
		r.order.Remove(c.place)
		c.place = nil
	}
}

// since appends the clients to which something has happened after an epoch,
// and gives the epoch of now.
func (r *recency) since(epoch uint64, into []*conn) ([]*conn, uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for e := r.order.Front(); e != nil; e = e.Next() {
		c := e.Value.(*conn)
		if c.epoch <= epoch {
			break
		}
		into = append(into, c)
	}
	return into, r.epoch
}
