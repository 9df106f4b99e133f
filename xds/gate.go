package xds

import (
	"slices"
	"time"

	"github.com/serin-mesh/serin/snapshot"
)

// due tells whether the client is to be sent something for a name now. The
// caller holds mu, as everywhere in this file.
func (c *conn) due(t snapshot.Type, it *item) bool {
	if it.want == nil {
		return c.removable(t, it) || it.again && it.held != nil
	}
	layer := c.layer()
	if it.again && it.newest() != nil {
		return true // even if it is not the newest
	}
	return !it.want.is(it.newest(), layer) && !it.want.is(it.refused, layer) && c.passes(t, it)
}

// offer is what a response says of a name that is due; nil where that has to be
// computed first.
func (c *conn) offer(t snapshot.Type, it *item) *content {
	layer := c.layer()
	switch {
	case it.want == nil && c.removable(t, it):
		return removed
	case it.want == nil, it.want.is(it.refused, layer), !c.passes(t, it):
		return it.newest()
	}
	return it.want.content(layer)
}

// removable tells whether the client is to be told that a name is gone. Of
// endpoints, routes and runtime layers clients take leave themselves.
func (c *conn) removable(t snapshot.Type, it *item) bool {
	if it.newest() == removed || it.held == nil && !it.unknown && it.flights == 0 {
		return false
	}
	switch t {
	case snapshot.Listener:
		return true
	case snapshot.Cluster:
		return !it.free.IsZero() && !time.Now().Before(it.free.Add(c.srv.opts.Drain))
	}
	return false
}

// passes tells whether the client has what a route rests on.
func (c *conn) passes(t snapshot.Type, it *item) bool {
	if t != snapshot.Route {
		return true
	}
	return c.hasClusters(it.want.full.Clusters) && (!c.layer() || c.hasKeys(it.want.full.Keys))
}

// hasClusters tells whether the client has accepted each of the clusters that
// the target has. A client that names its clusters asks for them when it has
// the route, and waits for them itself. A cluster of unknown content is there
// over delta, where the client has named it; in state of the world it may be.
func (c *conn) hasClusters(clusters []string) bool {
	k := &c.kinds[snapshot.Cluster]
	if !k.wild {
		return true
	}
	missing := func(it *item) bool {
		return it.want != nil && (k.removing(it) || it.held == nil && !(it.unknown && c.delta))
	}
	if len(k.items) < len(clusters) {
		for name, it := range k.items {
			if _, named := slices.BinarySearch(clusters, name); named && missing(it) {
				return false
			}
		}
		return true
	}
	for _, name := range clusters {
		if it := k.items[name]; it != nil && missing(it) {
			return false
		}
	}
	return true
}

// hasKeys tells whether the client reads the keys as the target has them, now
// and whichever of the layers that it was sent it takes. Their names alone do
// not do: the keys that it has from before may give everything to a version
// that was stable then, and is the canary now.
func (c *conn) hasKeys(keys []string) bool {
	if len(keys) == 0 {
		return true
	}
	k := &c.kinds[snapshot.Runtime]
	it := k.items[snapshot.RuntimeLayer]
	if it == nil || it.want == nil || it.held == nil || !agree(it.held, it.want.full, keys) {
		return false
	}
	for _, r := range k.flight {
		for _, p := range r.parts {
			if p.it == it && !agree(p.c, it.want.full, keys) {
				return false
			}
		}
	}
	return true
}

// agree tells whether two runtime layers both set the keys, and to the same.
func agree(a, b *content, keys []string) bool {
	for _, key := range keys {
		i, inA := slices.BinarySearch(a.Keys, key)
		j, inB := slices.BinarySearch(b.Keys, key)
		if !inA || !inB || a.weight(i) != b.weight(j) {
			return false
		}
	}
	return true
}

// weight is what key i of a runtime layer is set to.
func (c *content) weight(i int) uint32 {
	if i < len(c.Weights) {
		return c.Weights[i]
	}
	return 0
}

func contains(sorted []string, s string) bool {
	_, ok := slices.BinarySearch(sorted, s)
	return ok
}

// inUse tells whether the client may have a route that names a cluster, or is
// about to get one.
func (c *conn) inUse(cluster string) bool {
	k := &c.kinds[snapshot.Route]
	for _, it := range k.items {
		if it.unknown || it.want != nil && contains(it.want.full.Clusters, cluster) ||
			it.held != nil && contains(it.held.Clusters, cluster) {
			return true
		}
	}
	for _, r := range k.flight {
		for _, p := range r.parts {
			if contains(p.c.Clusters, cluster) {
				return true
			}
		}
	}
	return false
}

// sweep starts, restarts and ends the drain of the clusters that are gone from
// the target. It is called when routes or clusters changed, and by the timer.
func (c *conn) sweep() {
	if c.leaving == 0 || !c.left.IsZero() {
		return
	}
	c.leaving = 0
	var next time.Time
	for _, it := range c.kinds[snapshot.Cluster].items {
		if it.want != nil || it.newest() == removed {
			continue
		}
		c.leaving++
		switch {
		case c.inUse(it.name):
			it.free = time.Time{}
			continue
		case it.free.IsZero():
			it.free = time.Now()
		}
		if c.due(snapshot.Cluster, it) {
			c.push(snapshot.Cluster)
		} else if end := it.free.Add(c.srv.opts.Drain); next.IsZero() || end.Before(next) {
			next = end
		}
	}
	if !next.IsZero() {
		c.alarm(time.Until(next))
	}
}

// alarm calls sweep after a while. A stream has one timer at most.
func (c *conn) alarm(d time.Duration) {
	if c.timer != nil {
		c.timer.Reset(d)
		return
	}
	c.timer = time.AfterFunc(d, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.sweep()
	})
}
