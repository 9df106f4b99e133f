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
	since    time.Time
	gateways []*demand
}

// demand is the part of a Requirement that concerns one Gateway.
type demand struct {
	gw     *gateway
	routes []string // whoever subscribes to one of these belongs to the fleet
	needs  []need
	// met remembers who had accepted everything, and at which of its epochs:
	// they need not be looked at again before something happens to them.
	met map[*conn]uint64
}

// need is one resource and the least revision of it.
type need struct {
	ref            snapshot.Ref
	seq, staticSeq uint64
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
	// Envoys that are gone: each connected one has accepted everything, and
	// none is away.
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
	r := &Requirement{since: time.Now()}
	for key, refs := range uses {
		d := &demand{gw: s.gateway(key), met: map[*conn]uint64{}}
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
		d.gw.mu.RLock()
		for _, c := range d.gw.nodes {
			p.count(s.opts, r.since, d, c, now)
		}
		d.gw.mu.RUnlock()
	}
	p.Settled = p.Acked == p.Connected && p.Away == 0
	slices.SortFunc(p.Rejections, compareRejections)
	slices.Sort(p.Waiting)
	if len(p.Waiting) > maxWaiting {
		p.Waiting = slices.Clone(p.Waiting[:maxWaiting])
	}
	return p
}

// count adds one client.
func (p *Progress) count(o Options, since time.Time, d *demand, c *conn, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if epoch, ok := d.met[c]; ok && epoch == c.epoch {
		p.Connected++
		p.Acked++
		return
	}
	delete(d.met, c)
	switch {
	case !d.concerns(c):
	case !c.left.IsZero():
		p.gone(o, c, now)
	default:
		p.Connected++
		p.verdict(o, since, d, c, now)
	}
}

// uses tells whether the client subscribes to one of some routes. One that has
// just come back, and not come to its routes yet, uses what it used before. The
// caller holds mu.
func (c *conn) uses(routes []string) bool {
	if k := &c.kinds[snapshot.Route]; k.on || c.prior == nil {
		return slices.ContainsFunc(routes, k.has)
	}
	c.prior.mu.Lock()
	defer c.prior.mu.Unlock()
	return slices.ContainsFunc(routes, c.prior.kinds[snapshot.Route].has)
}

// concerns tells whether a client belongs to the fleet: it subscribes to one of
// the routes, or would if it had not rejected the listener of one.
func (d *demand) concerns(c *conn) bool {
	if c.uses(d.routes) {
		return true
	}
	return slices.ContainsFunc(d.needs, func(n need) bool {
		if n.ref.Type != snapshot.Listener {
			return false
		}
		_, rejected := c.meets(n)
		return rejected
	})
}

// gone adds a client whose stream has ended.
func (p *Progress) gone(o Options, c *conn, now time.Time) {
	if !now.Before(c.left.Add(o.ForgetAfter)) {
		return
	}
	if p.wait(c.id, c.left.Add(o.AwayTimeout), now) {
		p.Away++
	} else {
		p.Quarantined++
	}
}

// verdict adds a client with an open stream.
func (p *Progress) verdict(o Options, since time.Time, d *demand, c *conn, now time.Time) {
	acked, before := c.kinds[snapshot.Route].on, len(p.Rejections)
	for _, n := range d.needs {
		met, rejected := c.meets(n)
		acked = acked && met
		if rejected {
			p.refuse(c, n.ref.Type, before)
		}
	}
	if c.since.After(since) {
		since = c.since
	}
	switch {
	case len(p.Rejections) > before:
		p.Rejected++
	case acked:
		p.Acked++
		d.met[c] = c.epoch
	case p.wait(c.id, since.Add(o.AckTimeout), now):
		p.Pending++
	default:
		p.Quarantined++
	}
}

// refuse adds a rejection, once for each type of a client.
func (p *Progress) refuse(c *conn, t snapshot.Type, from int) {
	r := api.Rejection{Envoy: c.id, Type: t.String(), Message: c.kinds[t].message}
	if !slices.Contains(p.Rejections[from:], r) {
		p.Rejections = append(p.Rejections, r)
	}
}

// wait tells whether a deadline is still to come, and notes it and who is
// waited for if so.
func (p *Progress) wait(id string, deadline, now time.Time) bool {
	if !now.Before(deadline) {
		return false
	}
	if p.Next.IsZero() || deadline.Before(p.Next) {
		p.Next = deadline
	}
	p.Waiting = append(p.Waiting, id)
	return true
}

// meets tells whether the client has accepted a resource at the revision needed
// or a later one, and whether it has rejected what the target has now. What it
// does not subscribe to does not count. The caller holds mu.
func (c *conn) meets(n need) (met, rejected bool) {
	k := &c.kinds[n.ref.Type]
	if !k.has(n.ref.Name) || n.ref.Type == snapshot.Runtime && !c.layer() {
		return true, false
	}
	it := k.items[n.ref.Name]
	if it == nil || it.want == nil {
		return true, false // as the target has it, or gone from there since
	}
	if it.want.is(it.refused, c.layer()) {
		return false, true
	}
	seq := n.staticSeq
	if c.layer() {
		seq = n.seq
	}
	return it.held != nil && it.held.seq >= seq && !(c.layer() && it.held.static), false
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
