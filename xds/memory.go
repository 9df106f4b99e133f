package xds

import (
	"maps"
	"slices"
	"time"

	"github.com/serin-mesh/serin/api"
)

// Expect tells a server that has just started who was connected to the one
// before it, by Gateway. They count as away from now on, in every fleet of their
// Gateway until they say what they use. For AwayTimeout nothing counts as
// settled, not even an empty fleet: there may be clients that the server before
// had no time to note. Call it once, before Run.
func (s *Server) Expect(present map[api.Key][]string) {
	now := time.Now()
	s.settleAfter = now.Add(s.opts.AwayTimeout)
	for key, ids := range present {
		g := s.gateway(key)
		g.mu.Lock()
		for _, id := range ids {
			c := &conn{srv: s, id: id, gw: g, expected: true, left: now}
			g.nodes[id] = c
			g.recent.note(c)
		}
		g.mu.Unlock()
	}
}

// Present gives by Gateway the ids of those who are connected or have been
// within AwayTimeout, sorted: what to tell Expect after a restart. The number
// changes whenever somebody comes or goes.
func (s *Server) Present() (ids map[api.Key][]string, changes uint64) {
	changes = s.Members()
	s.mu.Lock()
	gateways := maps.Clone(s.gateways)
	s.mu.Unlock()
	ids = map[api.Key][]string{}
	since := time.Now().Add(-s.opts.AwayTimeout)
	for key, g := range gateways {
		g.mu.RLock()
		for id, c := range g.nodes {
			c.mu.Lock()
			if c.left.IsZero() || c.left.After(since) {
				ids[key] = append(ids[key], id)
			}
			c.mu.Unlock()
		}
		g.mu.RUnlock()
		slices.Sort(ids[key])
	}
	return ids, changes
}

// Members counts how often a client has come or gone.
func (s *Server) Members() uint64 { return s.members.Load() }
