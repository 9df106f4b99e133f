package xds

import (
	"maps"
	"slices"
	"time"

	"github.com/serin-mesh/serin/api"
)

// Expect tells a server who was connected to the one before it, by Gateway, or
// may be known to others. Those who are not connected here count as away from now
// on, in every fleet of their Gateway until they say what they use; and nothing
// counts as settled before AwayTimeout has passed, for there may have been others.
func (s *Server) Expect(present map[api.Key][]string) {
	settle := time.Now().Add(s.opts.AwayTimeout)
	s.settleAfter.Store(&settle)
	s.Miss(present)
}

// Miss tells the server of clients that have lost another server and may come to
// this one, by Gateway: they count as away from now on, unless they are known.
func (s *Server) Miss(lost map[api.Key][]string) {
	now := time.Now()
	for key, ids := range lost {
		g := s.gateway(key)
		g.mu.Lock()
		for _, id := range ids {
			if g.nodes[id] == nil {
				c := &conn{srv: s, id: id, gw: g, expected: true, left: now}
				g.nodes[id] = c
				g.recent.note(c)
			}
		}
		g.mu.Unlock()
	}
	s.members.Add(1)
	s.Nudge()
}

// Elsewhere tells the server of clients that are connected to another one, by
// Gateway. Those that have left this one are nobody's concern here any more.
func (s *Server) Elsewhere(connected map[api.Key][]string) {
	found := false
	for key, ids := range connected {
		g := s.gateway(key)
		g.mu.Lock()
		for _, id := range ids {
			found = g.leave(id) || found
		}
		g.mu.Unlock()
	}
	if found {
		s.members.Add(1)
		s.Nudge()
	}
}

// leave forgets a client whose stream has ended, and tells whether there was one.
// The caller holds mu.
func (g *gateway) leave(id string) bool {
	c := g.nodes[id]
	if c == nil {
		return false
	}
	c.mu.Lock()
	gone, prior := !c.left.IsZero(), c.prior
	c.mu.Unlock()
	if !gone {
		return false
	}
	delete(g.nodes, id)
	g.shifts.Add(1)
	g.drop(c)
	g.drop(prior)
	return true
}

// Nudge has Changed yield.
func (s *Server) Nudge() { s.signal() }

// Release says that a Requirement is not asked for any more. A server by itself
// keeps nothing for one; a fleet of several does.
func (s *Server) Release(*Requirement) {}

// Roll gives by Gateway the ids of those who are connected, sorted, and of
// those who have left within AwayTimeout.
func (s *Server) Roll() (connected, away map[api.Key][]string) {
	s.mu.Lock()
	gateways := maps.Clone(s.gateways)
	s.mu.Unlock()
	connected, away = map[api.Key][]string{}, map[api.Key][]string{}
	since := time.Now().Add(-s.opts.AwayTimeout)
	for key, g := range gateways {
		g.mu.RLock()
		for id, c := range g.nodes {
			c.mu.Lock()
			switch {
			case c.left.IsZero():
				connected[key] = append(connected[key], id)
			case c.left.After(since):
				away[key] = append(away[key], id)
			}
			c.mu.Unlock()
		}
		g.mu.RUnlock()
		slices.Sort(connected[key])
		slices.Sort(away[key])
	}
	return connected, away
}

// Present gives by Gateway the ids of those who are connected or have been
// within AwayTimeout, sorted: what to tell Expect after a restart. The number
// changes whenever somebody comes or goes.
func (s *Server) Present() (ids map[api.Key][]string, changes uint64) {
	changes = s.Members()
	ids, away := s.Roll()
	for key, gone := range away {
		ids[key] = append(ids[key], gone...)
		slices.Sort(ids[key])
	}
	return ids, changes
}

// Members counts how often a client has come or gone.
func (s *Server) Members() uint64 { return s.members.Load() }
