package xds

import (
	"slices"
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/snapshot"
)

// standing is what one client counts as.
type standing int

const (
	stranger standing = iota // does not belong to the fleet
	acked
	rejected
	pending
	silent // connected, and no longer waited for
	away
	lost // gone, and no longer waited for
	standings
)

// demand is the part of a Requirement that concerns one Gateway, and how far
// the clients of the Gateway are with it. A client is judged again when
// something has happened to it; all but the acked are when the target has
// changed or a deadline has passed.
type demand struct {
	gw     *gateway
	opts   *Options
	since  time.Time // when it was required
	routes []string  // whoever subscribes to one of these belongs to the fleet
	needs  []need

	seen   uint64    // up to which epoch of the Gateway's clients they are judged
	shifts uint64    // of the Gateway, when all were judged
	at     time.Time // when they were last counted
	forget time.Time // no client leaves the fleet table before; zero: none will
	fresh  []*conn   // room for those that are to be judged

	counts    [standings]int
	acks      map[string]struct{} // the ids of the acked
	others    map[string]wait     // the rest of the fleet by id
	refusals  map[string][]api.Rejection
	waiting   roster
	deadlines []deadline // sorted
}

// wait is a client that is not acked.
type wait struct {
	standing
	until time.Time // of the pending and the away: when it will be no longer waited for
}

// deadline is when some clients are no longer waited for.
type deadline struct {
	at      time.Time
	clients int
}

// need is one resource and the least revision of it.
type need struct {
	ref            snapshot.Ref
	seq, staticSeq uint64
}

// update judges those that may count as something else than when update was
// last called.
func (d *demand) update(now time.Time) {
	d.gw.mu.RLock()
	defer d.gw.mu.RUnlock()
	d.fresh, d.seen = d.gw.recent.since(d.seen, d.fresh[:0])
	shifts := d.gw.shifts.Load()
	stale := d.shifts != shifts || now.Before(d.at) || d.passed(now)
	d.shifts, d.at = shifts, now
	for _, c := range d.fresh {
		d.remove(c.id)
		if latest := d.gw.nodes[c.id]; latest != nil && !stale {
			d.judge(latest, now)
		}
	}
	clear(d.fresh) // let them go
	if stale {
		d.recount(now)
	}
}

// passed tells whether a deadline has come since the last count.
func (d *demand) passed(now time.Time) bool {
	return len(d.deadlines) > 0 && !now.Before(d.deadlines[0].at) || !d.forget.IsZero() && !now.Before(d.forget)
}

// recount judges everybody but the acked: they stay so until something happens
// to them, or they are not known any more.
func (d *demand) recount(now time.Time) {
	for id := range d.acks {
		if d.gw.nodes[id] == nil {
			delete(d.acks, id)
		}
	}
	d.counts = [standings]int{acked: len(d.acks)}
	d.others, d.refusals, d.deadlines = map[string]wait{}, nil, nil
	d.waiting, d.forget = roster{}, time.Time{}
	for id, c := range d.gw.nodes {
		if _, ok := d.acks[id]; !ok {
			d.judge(c, now)
		}
	}
}

// remove takes a client out of the count.
func (d *demand) remove(id string) {
	if _, ok := d.acks[id]; ok {
		delete(d.acks, id)
		d.counts[acked]--
		return
	}
	w, ok := d.others[id]
	if !ok {
		return
	}
	delete(d.others, id)
	delete(d.refusals, id)
	d.counts[w.standing]--
	if !w.until.IsZero() {
		d.waiting.remove(id)
		d.expect(w.until, -1)
	}
}

// judge adds a client to the count, which is not in it.
func (d *demand) judge(c *conn, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var w wait
	switch {
	case !d.concerns(c):
		return
	case !c.left.IsZero():
		w = d.gone(c, now)
	default:
		w = d.verdict(c, now)
	}
	if w.standing == stranger {
		return
	}
	d.counts[w.standing]++
	if w.standing == acked {
		d.acks[c.id] = struct{}{}
		return
	}
	d.others[c.id] = w
	if !w.until.IsZero() {
		d.waiting.add(c.id)
		d.expect(w.until, 1)
	}
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

// gone judges a client whose stream has ended.
func (d *demand) gone(c *conn, now time.Time) wait {
	end := c.left.Add(d.opts.ForgetAfter)
	if !now.Before(end) {
		return wait{}
	}
	if d.forget.IsZero() || end.Before(d.forget) {
		d.forget = end
	}
	if until := c.left.Add(d.opts.AwayTimeout); now.Before(until) {
		return wait{away, until}
	}
	return wait{standing: lost}
}

// verdict judges a client with an open stream.
func (d *demand) verdict(c *conn, now time.Time) wait {
	all := c.kinds[snapshot.Route].on
	var refused []api.Rejection // one for each type
	for _, n := range d.needs {
		met, no := c.meets(n)
		all = all && met
		if r := (api.Rejection{Envoy: c.id, Type: n.ref.Type.String(), Message: c.kinds[n.ref.Type].message}); no && !slices.Contains(refused, r) {
			refused = append(refused, r)
		}
	}
	since := d.since
	if c.since.After(since) {
		since = c.since
	}
	until := since.Add(d.opts.AckTimeout)
	switch {
	case len(refused) > 0:
		if d.refusals == nil {
			d.refusals = map[string][]api.Rejection{}
		}
		d.refusals[c.id] = refused
		return wait{standing: rejected}
	case all:
		return wait{standing: acked}
	case now.Before(until):
		return wait{pending, until}
	}
	return wait{standing: silent}
}

// expect adds clients that are waited for until a deadline, or takes them away.
func (d *demand) expect(at time.Time, clients int) {
	i, ok := slices.BinarySearchFunc(d.deadlines, at, func(x deadline, at time.Time) int { return x.at.Compare(at) })
	if !ok {
		d.deadlines = slices.Insert(d.deadlines, i, deadline{at: at})
	}
	if d.deadlines[i].clients += clients; d.deadlines[i].clients == 0 {
		d.deadlines = slices.Delete(d.deadlines, i, i+1)
	}
}

// add puts the count into a Progress.
func (p *Progress) add(d *demand) {
	n := d.counts
	p.Connected += n[acked] + n[rejected] + n[pending] + n[silent]
	p.Acked += n[acked]
	p.Rejected += n[rejected]
	p.Quarantined += n[silent] + n[lost]
	p.Away += n[away]
	p.Pending += n[pending]
	for _, r := range d.refusals {
		p.Rejections = append(p.Rejections, r...)
	}
	if len(d.deadlines) > 0 && (p.Next.IsZero() || d.deadlines[0].at.Before(p.Next)) {
		p.Next = d.deadlines[0].at
	}
	p.Waiting = append(p.Waiting, d.waiting.first(maxWaiting)...)
}

// roster is a set of ids of which the first are asked for. It is sorted when
// it has to be: many come at once, and then leave one by one.
type roster struct {
	ids    []string
	sorted bool
}

func (r *roster) add(id string) { r.ids, r.sorted = append(r.ids, id), false }

func (r *roster) remove(id string) {
	r.sort()
	if i, ok := slices.BinarySearch(r.ids, id); ok {
		r.ids = slices.Delete(r.ids, i, i+1)
	}
}

func (r *roster) first(n int) []string {
	r.sort()
	return r.ids[:min(n, len(r.ids))]
}

func (r *roster) sort() {
	if !r.sorted {
		slices.Sort(r.ids)
		r.sorted = true
	}
}
