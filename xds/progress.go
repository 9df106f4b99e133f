package xds

import (
	"slices"
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/snapshot"
)

// maxWaiting is how many names Progress gives of those it waits for.
const maxWaiting = 5

// Requirement is what an Envoy must have accepted to count as acked: by
// Gateway, resources at the revision they had when Require was called. It
// belongs to one goroutine.
type Requirement struct {
	gateways []*demand
}

// Progress counts the fleet of a Requirement at an instant. Each Envoy that is
// not Acked is at most one of Rejected, Quarantined, Away and pending.
type Progress struct {
	Connected   int // with an open stream
	Acked       int // of these, have accepted everything
	Rejected    int // of these, rejected something at the version the target has
	Quarantined int // no longer waited for: silent, or gone
	Away        int // gone, and waited for
	Pending     int // connected, and waited for

	// Rejections has one element for each Envoy and type that was rejected,
	// sorted.
	Rejections []api.Rejection
	// Settled says that nobody may use what there was before any more, except
	// Envoys that are gone: each connected one has accepted everything, none is
	// away, and none may come back from before the server started.
	Settled bool
	// Next is when a deadline will change the answer; zero if none will.
	Next time.Time
	// Waiting names Envoys that are pending or away, sorted, five at most.
	Waiting []string
}

// Done tells that nothing is waited for: everybody has accepted, or is in
// quarantine. It is true of an empty fleet.
func (p Progress) Done() bool { return p.Rejected == 0 && p.Pending == 0 && p.Away == 0 }

// Require notes at which revision each resource is now. A resource that is not
// in its Gateway's target does not count. Who belongs to the fleet is told by
// the routes among the resources.
func (s *Server) Require(uses map[api.Key][]snapshot.Ref) *Requirement {
	r := &Requirement{}
	now := time.Now()
	for key, refs := range uses {
		d := &demand{gw: s.gateway(key), opts: &s.opts, since: now, acks: map[string]struct{}{}, others: map[string]wait{}}
		d.gw.mu.RLock()
		for _, ref := range refs {
			if ref.Type == snapshot.Route {
				d.routes = append(d.routes, ref.Name)
			}
			if e := d.gw.entries[ref.Type][ref.Name]; e != nil {
				d.needs = append(d.needs, need{ref, e.full.seq, e.staticSeq})
			}
		}
		d.gw.mu.RUnlock()
		r.gateways = append(r.gateways, d)
	}
	return r
}

// Progress counts the fleet of a Requirement at an instant: the Envoys that are
// subscribed to one of its routes, and those that were when they left.
func (s *Server) Progress(r *Requirement, now time.Time) Progress {
	var p Progress
	for _, d := range r.gateways {
		d.update(now)
		p.add(d)
	}
	p.Settled = p.Acked == p.Connected && p.Away == 0
	if settle := s.settleAfter.Load(); settle != nil && now.Before(*settle) {
		p.Settled = false
		if p.Next.IsZero() || settle.Before(p.Next) {
			p.Next = *settle
		}
	}
	slices.SortFunc(p.Rejections, compareRejections)
	slices.Sort(p.Waiting)
	if len(p.Waiting) > maxWaiting {
		p.Waiting = p.Waiting[:maxWaiting]
	}
	return p
}

// uses tells whether the client subscribes to one of some routes. One that has
// just come back, and not come to its routes yet, uses what it used before; one
// that is expected may use any. The caller holds mu.
func (c *conn) uses(routes []string) bool {
	if k := &c.kinds[snapshot.Route]; k.on || c.prior == nil {
		return c.expected || slices.ContainsFunc(routes, k.has)
	}
	c.prior.mu.Lock()
	defer c.prior.mu.Unlock()
	return c.prior.expected || slices.ContainsFunc(routes, c.prior.kinds[snapshot.Route].has)
}

// meets tells whether the client has accepted a resource at the revision needed
// or a later one, and whether it has rejected what the target has now. What it
// does not subscribe to does not count. The caller holds mu.
func (c *conn) meets(n need) (met, rejected bool) {
	k := &c.kinds[n.ref.Type]
	it := k.items[n.ref.Name]
	if it == nil || it.want == nil {
		return true, false // as the target has it, gone from there since, or nothing to it
	}
	layer := c.layer()
	if !k.has(n.ref.Name) || n.ref.Type == snapshot.Runtime && !layer {
		return true, false
	}
	if it.want.is(it.refused, layer) {
		return false, true
	}
	seq := n.staticSeq
	if layer {
		seq = n.seq
	}
	return it.held != nil && it.held.seq >= seq && !(layer && it.held.static), false
}

func compareRejections(a, b api.Rejection) int {
	if a.Envoy != b.Envoy {
		if a.Envoy < b.Envoy {
			return -1
		}
		return 1
	}
	return slices.Compare([]string{a.Type, a.Message}, []string{b.Type, b.Message})
}
