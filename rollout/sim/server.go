package sim

import (
	"time"

	"github.com/serin-mesh/serin/rollout"
)

// The patience of the server; the defaults of serin serve.
const (
	ackTimeout  = 10 * time.Second
	awayTimeout = 15 * time.Second
	drain       = 15 * time.Second
	forgetAfter = time.Hour
	// restartGrace is how long after a start a fleet does not count as settled,
	// because somebody may come back of whom nobody knows.
	restartGrace = awayTimeout
	// membersEvery is how far what is stored of who is connected may be behind.
	membersEvery = time.Second
)

// view is what the server knows of one Envoy. What is in flight are the
// Envoy's inbox and outbox.
type view struct {
	known bool          // it has connected, and not been forgotten in a crash since
	since time.Duration // when it did last

	clusters set    // accepted
	keys     *table // accepted; nil: none, or not known
	route    *route // accepted; nil: none, or not known
	unknown  bool   // it has a route that is not the target's

	noClusters set // rejected
	noKeys     *table
	noRoute    *route

	free      set // clusters that left the target and that nothing names
	freeSince [8]time.Duration
}

// connect opens a stream to a server whose restart grace ends at an instant. The Envoy
// tells what it has; what is not as the target has it stays unknown.
func (e *envoy) connect(target rollout.Split, settleAfter, now time.Duration) {
	forgotten := !e.view.known && now >= settleAfter && !versions(target).all(e.uses())
	e.stray = e.stray || forgotten || now-e.left >= awayTimeout
	e.connected = true
	e.view = view{known: true, since: now, clusters: e.clusters}
	if e.keys != nil && e.keys.equal(tableOf(target)) {
		e.view.keys = e.keys
	}
	if e.route != nil && *e.route == routeOf(target) {
		e.view.route = e.route
	}
	e.view.unknown = e.route != nil && e.view.route == nil
}

// flying visits what was sent of a kind and not answered yet, the oldest first.
func (e *envoy) flying(k kind, visit func(*response)) {
	for i := range e.outbox[k.queue()] {
		if r := &e.outbox[k.queue()][i].to; r.kind == k {
			visit(r)
		}
	}
	for i := range e.inbox[k.queue()] {
		if r := &e.inbox[k.queue()][i]; r.kind == k {
			visit(r)
		}
	}
}

// idle tells whether nothing of a kind is in flight.
func (e *envoy) idle(k kind) bool {
	idle := true
	e.flying(k, func(*response) { idle = false })
	return idle
}

// newestKeys is what was sent last, or else accepted; so are newestRoute and
// newestClusters.
func (e *envoy) newestKeys() *table {
	newest := e.view.keys
	e.flying(ofKeys, func(r *response) { newest = &r.keys })
	return newest
}

func (e *envoy) newestRoute() *route {
	newest := e.view.route
	e.flying(ofRoute, func(r *response) { newest = &r.route })
	return newest
}

func (e *envoy) newestClusters() set {
	newest := e.view.clusters
	e.flying(ofClusters, func(r *response) { newest = newest&^r.remove | r.add })
	return newest
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
		newest := e.newestClusters()
		r.add = versions(target) &^ newest &^ e.view.noClusters
		r.remove = newest &^ versions(target) & e.drained(now)
		return r, r.add|r.remove != 0
	case ofKeys:
		n, no := e.newestKeys(), e.view.noKeys
		return r, !(n != nil && n.equal(r.keys)) && !(no != nil && no.equal(r.keys))
	}
	n, no := e.newestRoute(), e.view.noRoute
	return r, !(n != nil && *n == r.route) && !(no != nil && *no == r.route) && e.passes(r.route, r.keys)
}

// drained is the clusters that nothing has named for the time of the drain.
func (e *envoy) drained(now time.Duration) set {
	var out set
	for i, since := range e.view.freeSince {
		if now-since >= drain {
			out |= 1 << i
		}
	}
	return out & e.view.free
}

// sweep notes since when clusters that left the target are free: no route that
// the Envoy was sent, has accepted or is to have names them.
func (e *envoy) sweep(target rollout.Split, now time.Duration) {
	if !e.connected {
		return
	}
	used := versions(target)
	if e.view.route != nil {
		used |= e.view.route.clusters()
	}
	e.flying(ofRoute, func(r *response) { used |= r.route.clusters() })
	free := e.newestClusters() &^ used
	if e.view.unknown {
		free = 0
	}
	for i := range e.view.freeSince {
		if fresh := free &^ e.view.free; fresh.all(1 << i) {
			e.view.freeSince[i] = now
		}
	}
	e.view.free = free
}

// passes tells whether the Envoy has accepted what a route rests on, and was
// sent nothing since that takes it away. The keys must be the present ones: older
// ones may have the same names, and give everything to a version that was stable
// then and is the canary now.
func (e *envoy) passes(r route, keys table) bool {
	return (e.view.clusters & e.newestClusters()).all(r.clusters()) &&
		e.idle(ofKeys) && e.view.keys != nil && e.view.keys.equal(keys)
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
		e.view.clusters = e.view.clusters&^r.remove | r.add
	case ofKeys:
		e.view.keys, e.view.noKeys = &r.keys, nil
	case ofRoute:
		e.view.route, e.view.noRoute, e.view.unknown = &r.route, nil, false
	}
}

func (e *envoy) rejected(r response) {
	switch r.kind {
	case ofClusters:
		e.view.noClusters |= r.add
	case ofKeys:
		e.view.noKeys = &r.keys
	case ofRoute:
		e.view.noRoute = &r.route
	}
}

// verdict tells whether the Envoy has accepted the target, and whether it has
// rejected something of it.
func (e *envoy) verdict(target rollout.Split) (acked, rejected bool) {
	keys, rt, all, v := tableOf(target), routeOf(target), versions(target), &e.view
	rejected = v.noClusters&all != 0 || v.noKeys != nil && v.noKeys.equal(keys) || v.noRoute != nil && *v.noRoute == rt
	acked = (v.clusters & e.newestClusters()).all(all) &&
		v.keys != nil && v.keys.equal(keys) && e.idle(ofKeys) &&
		v.route != nil && *v.route == rt && e.idle(ofRoute)
	return acked, rejected
}

// count adds the Envoy to the numbers of the fleet. since is when what is
// required was handed over.
func (e *envoy) count(f *rollout.Fleet, target rollout.Split, since, now time.Duration) {
	if !e.view.known {
		return
	}
	if !e.connected {
		switch gone := now - e.left; {
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
		e.stray = false
	case now < max(since, e.view.since)+ackTimeout:
		f.Waiting++
	default:
		f.Quarantined++
	}
}
