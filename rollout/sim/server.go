package sim

import (
	"slices"
	"time"

	"github.com/serin-mesh/serin/rollout"
)

// The patience of the server; the defaults of serin serve.
const (
	ackTimeout  = 10 * time.Second
	awayTimeout = 15 * time.Second
	drain       = 15 * time.Second
	forgetAfter = time.Hour
)

// view is what the server knows of one Envoy. What is in flight are the
// Envoy's inbox and outbox.
type view struct {
	known       bool          // it has connected since the server started
	since, left time.Duration // connected, or gone, since then
	// stray: it came back from where nobody waits for it any more, and has not
	// accepted everything since.
	stray bool

	clusters map[string]bool // accepted
	keys     *table          // accepted; nil: none, or not known
	route    *route          // accepted; nil: none, or not known
	unknown  bool            // it has a route that is not the target's

	noClusters map[string]bool // rejected
	noKeys     *table
	noRoute    *route

	free map[string]time.Duration // since when nothing names a cluster that left the target
}

// connect opens a stream. The Envoy tells what it has; what is not as the target
// has it stays unknown.
func (e *envoy) connect(target rollout.Split, now time.Duration) {
	old := e.view
	e.connected = true
	e.view = view{known: true, since: now, clusters: map[string]bool{}, noClusters: map[string]bool{}, free: map[string]time.Duration{}}
	for v := range e.clusters {
		e.view.clusters[v] = true
	}
	if e.keys != nil && e.keys.equal(tableOf(target)) {
		e.view.keys = e.keys
	}
	if e.route != nil && *e.route == routeOf(target) {
		e.view.route = e.route
	}
	e.view.unknown = e.route != nil && e.view.route == nil
	lost := func(v string) bool { return !slices.Contains(versions(target), v) }
	e.view.stray = old.known && (old.stray || now-old.left >= awayTimeout) ||
		!old.known && slices.ContainsFunc(e.uses(), lost)
}

// flight lists what was sent of a kind and not answered yet, the oldest first.
func (e *envoy) flight(k kind) []response {
	var out []response
	for _, a := range e.outbox[k.queue()] {
		if a.to.kind == k {
			out = append(out, a.to)
		}
	}
	for _, r := range e.inbox[k.queue()] {
		if r.kind == k {
			out = append(out, r)
		}
	}
	return out
}

// newestKeys and newestRoute are what was sent last, or else accepted.
func (e *envoy) newestKeys() *table {
	if f := e.flight(ofKeys); len(f) > 0 {
		return &f[len(f)-1].keys
	}
	return e.view.keys
}

func (e *envoy) newestRoute() *route {
	if f := e.flight(ofRoute); len(f) > 0 {
		return &f[len(f)-1].route
	}
	return e.view.route
}

// due builds the response of a kind that the Envoy is to be sent now; false
// when it is to be sent none.
func (e *envoy) due(k kind, target rollout.Split, seq int, now time.Duration) (response, bool) {
	r := response{kind: k, seq: seq, keys: tableOf(target), route: routeOf(target)}
	if !e.connected {
		return r, false
	}
	switch k {
	case ofClusters:
		r.add, r.remove = e.missing(target), e.removable(target, now)
		return r, len(r.add)+len(r.remove) > 0
	case ofKeys:
		n, no := e.newestKeys(), e.view.noKeys
		return r, !(n != nil && n.equal(r.keys)) && !(no != nil && no.equal(r.keys))
	}
	n, no := e.newestRoute(), e.view.noRoute
	return r, !(n != nil && *n == r.route) && !(no != nil && *no == r.route) && e.passes(r.route)
}

// missing lists clusters of the target that were neither accepted nor sent.
func (e *envoy) missing(target rollout.Split) []string {
	var out []string
	for _, v := range versions(target) {
		if !e.newestClusters()[v] && !e.view.noClusters[v] {
			out = append(out, v)
		}
	}
	return out
}

// newestClusters is what the Envoy will have when it takes all that was sent.
func (e *envoy) newestClusters() map[string]bool {
	out := map[string]bool{}
	for v := range e.view.clusters {
		out[v] = true
	}
	for _, f := range e.flight(ofClusters) {
		for _, v := range f.add {
			out[v] = true
		}
		for _, v := range f.remove {
			delete(out, v)
		}
	}
	return out
}

// removable lists clusters that left the target, and that nothing has named for
// the time of the drain.
func (e *envoy) removable(target rollout.Split, now time.Duration) []string {
	var out []string
	for v := range e.newestClusters() {
		if since, free := e.view.free[v]; free && now-since >= drain && !slices.Contains(versions(target), v) {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return out
}

// sweep notes since when clusters that left the target are free.
func (e *envoy) sweep(target rollout.Split, now time.Duration) {
	if !e.connected {
		return
	}
	for v := range e.newestClusters() {
		_, free := e.view.free[v]
		switch used := e.mayUse(target, v); {
		case used:
			delete(e.view.free, v)
		case !free:
			e.view.free[v] = now
		}
	}
}

// mayUse tells whether a route that the Envoy was sent, has accepted or is to
// have names a cluster.
func (e *envoy) mayUse(target rollout.Split, version string) bool {
	if e.view.unknown || slices.Contains(versions(target), version) {
		return true
	}
	if r := e.view.route; r != nil && slices.Contains(r.clusters(), version) {
		return true
	}
	return slices.ContainsFunc(e.flight(ofRoute), func(f response) bool { return slices.Contains(f.route.clusters(), version) })
}

// passes tells whether the Envoy has accepted what a route rests on, and was
// sent nothing since that takes it away.
func (e *envoy) passes(r route) bool {
	newest := e.newestClusters()
	for _, v := range r.clusters() {
		if !e.view.clusters[v] || !newest[v] {
			return false
		}
	}
	n := e.newestKeys()
	return e.view.keys != nil && e.view.keys.has(r) && n.has(r)
}

// hear lets the server read the oldest answer of a queue.
func (e *envoy) hear(q queue) {
	if len(e.outbox[q]) == 0 {
		return
	}
	a := e.outbox[q][0]
	e.outbox[q] = e.outbox[q][1:]
	if a.accepted {
		e.accepted(a.to)
	} else {
		e.rejected(a.to)
	}
}

func (e *envoy) accepted(r response) {
	switch r.kind {
	case ofClusters:
		for _, v := range r.add {
			e.view.clusters[v] = true
		}
		for _, v := range r.remove {
			delete(e.view.clusters, v)
		}
	case ofKeys:
		e.view.keys, e.view.noKeys = &r.keys, nil
	case ofRoute:
		e.view.route, e.view.noRoute, e.view.unknown = &r.route, nil, false
	}
}

func (e *envoy) rejected(r response) {
	switch r.kind {
	case ofClusters:
		for _, v := range r.add {
			e.view.noClusters[v] = true
		}
	case ofKeys:
		e.view.noKeys = &r.keys
	case ofRoute:
		e.view.noRoute = &r.route
	}
}

// verdict tells whether the Envoy has accepted the target, and whether it has
// rejected something of it.
func (e *envoy) verdict(target rollout.Split) (acked, rejected bool) {
	keys, rt := tableOf(target), routeOf(target)
	newest := e.newestClusters()
	acked = true
	for _, v := range versions(target) {
		rejected = rejected || e.view.noClusters[v]
		acked = acked && e.view.clusters[v] && newest[v]
	}
	no := e.view
	rejected = rejected || no.noKeys != nil && no.noKeys.equal(keys) || no.noRoute != nil && *no.noRoute == rt
	acked = acked && len(e.flight(ofKeys)) == 0 && no.keys != nil && no.keys.equal(keys)
	return acked && len(e.flight(ofRoute)) == 0 && no.route != nil && *no.route == rt, rejected
}

// count adds the Envoy to the numbers of the fleet. since is when what is
// required was handed over.
func (e *envoy) count(f *rollout.Fleet, target rollout.Split, since, now time.Duration) {
	if !e.view.known {
		return
	}
	if !e.connected {
		switch gone := now - e.view.left; {
		case gone >= forgetAfter:
		case gone >= awayTimeout:
			f.Quarantined++
		default:
			f.Away++
		}
		return
	}
	f.Connected++
	acked, rejected := e.verdict(target)
	switch {
	case rejected:
		f.Rejected++
	case acked:
		f.Acked++
		e.view.stray = false
	case now < max(since, e.view.since)+ackTimeout:
		f.Waiting++
	default:
		f.Quarantined++
	}
}
