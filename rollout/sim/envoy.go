package sim

import (
	"slices"
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

// weight looks up the key of a version for a route. Only routes whose canary may
// get traffic have keys, and of those with versions beside it only the present one
// and the former ones.
func (t table) weight(r route, version string) (rollout.Weight, bool) {
	if t.Stable == "" || !versions(t.Split).all(setOf(version)) || r.beside != "" && !t.knows(r) {
		return 0, false
	}
	beside := strings.Fields(r.beside)
	switch lead, own := r.canary, version == r.canary; {
	case lead == t.Canary && own:
		return t.Weight, true
	case lead == t.Canary && slices.Contains(beside, version):
		return partOf(t.Split, version), true
	case lead == t.Canary:
		rest := rollout.Total - t.Weight
		for _, v := range beside {
			rest -= partOf(t.Split, v)
		}
		return rest, true
	case lead == t.Stable && own:
		return rollout.Total, true
	case lead == t.Stable:
		return 0, true
	}
	return 0, false
}

// knows tells whether there are keys for a route with versions beside its canary.
func (t table) knows(r route) bool {
	return slices.ContainsFunc(append([]rollout.Mix{t.Mix()}, t.Former...), func(m rollout.Mix) bool {
		return m.Canary == r.canary && strings.Join(m.Beside, " ") == r.beside
	})
}

// partOf is what a version beside the canary has of a division.
func partOf(s rollout.Split, version string) rollout.Weight {
	for _, p := range s.Beside {
		if p.Version == version {
			return p.Weight
		}
	}
	return 0
}

// route is the route of the Service: to one version, or weighted between two and
// what is beside the canary, with the managed routes in front of it.
type route struct{ stable, canary, beside, managed string }

func routeOf(s rollout.Split) route {
	return route{s.Stable, s.Canary, strings.Join(s.Mix().Beside, " "), strings.Join(names(s.Routes), " ")}
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
	return setOf(r.stable, r.canary) | setOf(strings.Fields(r.beside)...)
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

// traffic says what the Envoy does with requests now: the weights of the clusters
// of its route, by version. Keys hold over the route's own weights, which give all
// to the stable version.
func (e *envoy) traffic() map[string]rollout.Weight {
	if e.route == nil {
		return nil
	}
	out := map[string]rollout.Weight{e.route.stable: rollout.Total}
	if e.route.canary == "" {
		return out
	}
	for _, v := range append(strings.Fields(e.route.beside), e.route.canary, e.route.stable) {
		if e.keys != nil {
			if w, ok := e.keys.weight(*e.route, v); ok {
				out[v] = w
				continue
			}
		}
		out[v] += 0
	}
	return out
}

// guests are the versions of the Envoy's route beside the stable one: the canary,
// and what is beside it.
func (e *envoy) guests() []string {
	if e.route == nil || e.route.canary == "" {
		return nil
	}
	return append(strings.Fields(e.route.beside), e.route.canary)
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
