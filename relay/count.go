package relay

import (
	"cmp"
	"slices"
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/xds"
)

// maxWaiting is how many names a Progress gives. Source: xds.Progress.
const maxWaiting = 5

// add adds the count of a follower.
func add(p *xds.Progress, o xds.Progress) {
	p.Connected += o.Connected
	p.Acked += o.Acked
	p.Rejected += o.Rejected
	p.Quarantined += o.Quarantined
	p.Away += o.Away
	p.Pending += o.Pending
	p.Rejections = append(p.Rejections, o.Rejections...)
	p.Waiting = append(p.Waiting, o.Waiting...)
	p.Settled = p.Settled && o.Settled
	if !o.Next.IsZero() && (p.Next.IsZero() || o.Next.Before(p.Next)) {
		p.Next = o.Next
	}
}

// tidy has lists as xds.Progress has them. One who is acked at one server and away
// at another is the one who has moved.
func tidy(p *xds.Progress) {
	slices.SortFunc(p.Rejections, func(a, b api.Rejection) int {
		return cmp.Or(cmp.Compare(a.Envoy, b.Envoy), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Message, b.Message))
	})
	slices.Sort(p.Waiting)
	p.Waiting = slices.Compact(p.Waiting)
	p.Waiting = p.Waiting[:min(len(p.Waiting), maxWaiting)]
}

// counted is what a follower has answered.
type counted struct {
	xds.Progress
}

// progress gives what a follower counts for a Requirement. The caller holds the
// node's lock.
func (p *peer) progress(d *demand, now time.Time) xds.Progress {
	if c, ok := p.counts[d.ID]; ok {
		return c.Progress
	}
	var out xds.Progress
	for gateway := range d.Uses {
		out.Connected += len(p.roll.Connected[gateway])
		out.Waiting = append(out.Waiting, p.roll.Connected[gateway]...)
		out.Away += len(p.roll.Away[gateway])
	}
	since := d.since
	if p.since.After(since) {
		since = p.since
	}
	until := since.Add(p.fleet.node.opts.AckTimeout)
	if now.Before(until) {
		out.Pending, out.Next = out.Connected, until
	} else {
		out.Quarantined, out.Waiting = out.Connected, nil
	}
	return out
}
