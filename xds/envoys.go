package xds

import (
	"cmp"
	"slices"
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/snapshot"
)

// Envoys gives every client that is connected or has been within ForgetAfter,
// sorted by Gateway, then id. Where several streams say to be one node, the
// newest is shown. An Envoy is quarantined here when it has been gone for longer
// than AwayTimeout, or has left a response without an answer for longer than
// AckTimeout.
func (s *Server) Envoys() []api.Envoy {
	s.mu.Lock()
	gateways := make([]*gateway, 0, len(s.gateways))
	for _, g := range s.gateways {
		gateways = append(gateways, g)
	}
	s.mu.Unlock()
	now := time.Now()
	all := []api.Envoy{}
	for _, g := range gateways {
		g.mu.Lock()
		g.forget(now.Add(-s.opts.ForgetAfter))
		for _, c := range g.nodes {
			all = append(all, c.show(now))
		}
		g.mu.Unlock()
	}
	slices.SortFunc(all, func(a, b api.Envoy) int {
		return cmp.Or(cmp.Compare(a.Gateway, b.Gateway), cmp.Compare(a.ID, b.ID))
	})
	return all
}

// show describes one client.
func (c *conn) show(now time.Time) api.Envoy {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := api.Envoy{
		ID:           c.id,
		Gateway:      c.gw.key.String(),
		State:        api.EnvoyConnected,
		Protocol:     "state-of-the-world",
		RuntimeLayer: c.layer(),
		Types:        map[string]api.TypeStatus{},
	}
	switch {
	case c.expected:
		e.Protocol = ""
	case c.delta:
		e.Protocol = "delta"
	}
	for t := range snapshot.NumTypes {
		if c.kinds[t].on {
			e.Types[t.String()] = c.status(t)
		}
	}
	switch {
	case c.left.IsZero():
		e.ConnectedSince = instant(c.since)
		if c.silent(now.Add(-c.srv.opts.AckTimeout)) {
			e.State = api.EnvoyQuarantined
		}
	case now.Before(c.left.Add(c.srv.opts.AwayTimeout)):
		e.State, e.LeftAt = api.EnvoyAway, instant(c.left)
	default:
		e.State, e.LeftAt = api.EnvoyQuarantined, instant(c.left)
	}
	return e
}

// status describes what a client has of one type. A version is a hash over the
// names and versions of all its resources: equal for all who have the same.
func (c *conn) status(t snapshot.Type) api.TypeStatus {
	k := &c.kinds[t]
	s := api.TypeStatus{
		SentAt:    instant(k.sentAt),
		AckedAt:   instant(k.ackedAt),
		Resources: k.count,
		Rejected:  c.rejected(t),
	}
	if s.AckedAt != nil {
		s.Acked = version(k.sum)
	}
	if s.AckedAt != nil || s.SentAt != nil { // else it has never had any
		s.Sent = version(k.expected())
	}
	if len(s.Rejected) > 0 {
		s.Sent, s.Message = version(k.sent), k.message
	}
	return s
}

// silent tells whether a response that was sent before an instant has not been
// answered.
func (c *conn) silent(before time.Time) bool {
	for t := range c.kinds {
		k := &c.kinds[t]
		if len(k.flight) > 0 && k.flight[0].at.Before(before) {
			return true
		}
	}
	return false
}

// instant gives a pointer to a time; nil for the zero time.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
