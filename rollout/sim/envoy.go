package sim

import (
	"strings"
	"time"

	"github.com/serin-mesh/serin/rollout"
)

// table is the content of the runtime layer: what the keys of a division say.
// The zero table has no key.
type table struct{ rollout.Split }

// tableOf gives the keys for a division. A Service on one version, and known to
// no Envoy by another, needs none.
func tableOf(s rollout.Split) table {
	if s.Canary == "" && len(s.Retired) == 0 {
		return table{}
	}
	s.Routes = nil // they have nothing to do with weights
	return table{s}
}

func (t table) equal(o table) bool { return t.Equal(o.Split) }

// weight looks up the key of a version for routes that were made for a canary,
// their lead. Only leads that may get traffic have keys.
func (t table) weight(lead, version string) (rollout.Weight, bool) {
	if t.Stable == "" || !versions(t.Split).all(setOf(version)) {
		return 0, false
	}
	switch own := version == lead; {
	case lead == t.Canary && own:
		return t.Weight, true
	case lead == t.Canary:
		return rollout.Total - t.Weight, true
	case lead == t.Stable && own:
		return rollout.Total, true
	case lead == t.Stable:
		return 0, true
	}
	return 0, false
}

// route is the route of the Service: to one version, or weighted between two,
// with the managed routes in front of it.
type route struct{ stable, canary, managed string }

func routeOf(s rollout.Split) route {
	return route{s.Stable, s.Canary, strings.Join(names(s.Routes), " ")}
}

func names(routes []rollout.ManagedRoute) []string {
	var out []string
	for _, r := range routes {
		out = append(out, r.Name)
	}
	return out
}

// clusters is the versions whose clusters the route names.
func (r route) clusters() set {
	if r.canary == "" {
		return setOf(r.stable)
	}
	return setOf(r.stable, r.canary)
}

// kind is what a response is about.
type kind int

const (
	ofClusters kind = iota
	ofKeys
	ofRoute
)

// queue is one order of delivery. An Envoy answers for clusters when they are
// warm, however long that takes, and meanwhile takes what else it is sent.
type queue int

const (
	warming queue = iota // clusters
	config               // keys and routes
)

func (k kind) queue() queue {
	if k == ofClusters {
		return warming
	}
	return config
}

// response is one message to an Envoy, built from the division published at
// index seq.
type response struct {
	kind        kind
	seq         int
	add, remove set
	keys        table
	route       route
}

// answer is an Envoy's reply to a response.
type answer struct {
	to       response
	accepted bool
}

// envoy is one Envoy: what it really has, and what is on its way to and from it.
type envoy struct {
	name     string
	clusters set
	keys     *table // nil: it never had any
	route    *route // nil: it serves nothing
	// Publications from which its keys and route were built; raised when a
	// later one wants the same.
	keysSeq, routeSeq int

	// stray: nobody had to wait for it any more when it came back, and it has
	// not accepted everything since. What it used may be gone.
	stray bool
	left  time.Duration // when it was connected last

	stored    bool // the store knows that it is, or was, connected
	connected bool
	inbox     [2][]response // by queue
	outbox    [2][]answer   // by queue
	view      view
}

// take lets the Envoy handle the oldest response of a queue.
func (e *envoy) take(q queue, accept bool) {
	if len(e.inbox[q]) == 0 {
		return
	}
	r := e.inbox[q][0]
	e.inbox[q] = e.inbox[q][1:]
	e.outbox[q] = append(e.outbox[q], answer{r, accept})
	if !accept {
		return
	}
	switch r.kind {
	case ofClusters:
		e.clusters = e.clusters&^r.remove | r.add
	case ofKeys:
		e.keys, e.keysSeq = &r.keys, r.seq
	case ofRoute:
		e.route, e.routeSeq = &r.route, r.seq
	}
}

// traffic says what the Envoy does with requests now: the weights of the two
// clusters of its route. Keys hold over the route's own weights, which give the
// canary nothing.
func (e *envoy) traffic() (stable, canary rollout.Weight) {
	switch {
	case e.route == nil:
		return 0, 0
	case e.route.canary == "":
		return rollout.Total, 0
	}
	stable, canary = rollout.Total, 0
	if e.keys == nil {
		return stable, canary
	}
	if w, ok := e.keys.weight(e.route.canary, e.route.stable); ok {
		stable = w
	}
	if w, ok := e.keys.weight(e.route.canary, e.route.canary); ok {
		canary = w
	}
	return stable, canary
}

// uses is the versions that the Envoy sends requests to, or will when it takes
// what is on its way.
func (e *envoy) uses() set {
	var out set
	if e.route != nil {
		out = e.route.clusters()
	}
	for _, r := range e.inbox[config] {
		if r.kind == ofRoute {
			out |= r.route.clusters()
		}
	}
	return out
}

// leave ends the stream: what was on its way is lost.
func (e *envoy) leave(now time.Duration) {
	e.connected = false
	e.inbox, e.outbox = [2][]response{}, [2][]answer{}
	e.left = now
}
