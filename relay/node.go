package relay

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/stats"
	"github.com/serin-mesh/serin/xds"
)

// Options shape a Node. The zero value works, without TLS.
type Options struct {
	// Secure says how peers prove themselves to each other; nil: they do not.
	Secure *Secure
	// AckTimeout and AwayTimeout are those of the xds.Server; 0 is their default.
	AckTimeout, AwayTimeout time.Duration
	// HTTP is where the API of this process is, as its peers reach it.
	HTTP string
	Log  *slog.Logger // nil: silent
	// Dial connects to an address in place of the network; nil: the network.
	Dial grpc.DialOption
}

// target is what a server was told to serve, by Gateway.
type target map[api.Key]map[snapshot.Ref]*snapshot.Resource

// apply changes the target of a Gateway.
func (t target) apply(key api.Key, c snapshot.Change) {
	of := t[key]
	if of == nil {
		of = map[snapshot.Ref]*snapshot.Resource{}
		t[key] = of
	}
	for _, r := range c.Set {
		of[snapshot.Ref{Type: r.Type, Name: r.Name}] = r
	}
	for _, ref := range c.Removed {
		delete(of, ref)
	}
}

// refs lists all that is in the target.
func (t target) refs() map[api.Key]map[snapshot.Ref]bool {
	out := map[api.Key]map[snapshot.Ref]bool{}
	for key, of := range t {
		out[key] = map[snapshot.Ref]bool{}
		for ref := range of {
			out[key][ref] = true
		}
	}
	return out
}

// Node is one process among several that serve a fleet. Its methods may be called
// from any goroutine.
type Node struct {
	server *xds.Server
	opts   Options

	heeds chan struct{} // has a token when the term has changed

	mu     sync.Mutex // guards everything below, and the order of what the server is told
	term   Term       // by the lease as read last
	fleet  *Fleet     // while this process leads
	target target     // of the server
	synced chan struct{}
	whole  bool   // synced is closed
	http   string // of the leader followed; empty: none is
}

// New makes a node. Register [Node.Register] with the server's other services, and
// give the server once it is made: [Node.Serve].
func New(o Options) *Node {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.AckTimeout <= 0 {
		o.AckTimeout = 10 * time.Second
	}
	if o.AwayTimeout <= 0 {
		o.AwayTimeout = 15 * time.Second
	}
	return &Node{opts: o, heeds: make(chan struct{}, 1), target: target{}, synced: make(chan struct{})}
}

// Serve says whose Envoys the node's are. Call it before anything else.
func (n *Node) Serve(s *xds.Server) { n.server = s }

// Heed says whom the lease names now. Every reading of the lease is told, in the
// order in which they were made.
func (n *Node) Heed(t Term) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.term == t {
		return
	}
	n.term = t
	select {
	case n.heeds <- struct{}{}:
	default:
	}
}

// Synced is closed when the server has a whole target: from then on Envoys may be
// answered.
func (n *Node) Synced() <-chan struct{} { return n.synced }

// setWhole closes Synced. The caller holds mu.
func (n *Node) setWhole() {
	if !n.whole {
		n.whole = true
		close(n.synced)
	}
}

// LeaderHTTP gives where the API of the leader is that this process follows; empty
// while it follows none.
func (n *Node) LeaderHTTP() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.http
}

// Sink hands reports on to whoever takes them now: to control, where this process
// leads, or to the leader. Its zero value drops them. Source: xds.Sink.
type Sink struct{ to atomic.Pointer[xds.Sink] }

// Set says who takes the reports; nil drops them.
func (s *Sink) Set(to xds.Sink) {
	if to == nil {
		s.to.Store(nil)
		return
	}
	s.to.Store(&to)
}

// Failures hands a batch on.
func (s *Sink) Failures(f stats.Failures) {
	if to := s.to.Load(); to != nil {
		(*to).Failures(f)
	}
}

// Load hands a report on.
func (s *Sink) Load(l stats.Load) {
	if to := s.to.Load(); to != nil {
		(*to).Load(l)
	}
}

// Metrics hands a flush on.
func (s *Sink) Metrics(m stats.Metrics) {
	if to := s.to.Load(); to != nil {
		(*to).Metrics(m)
	}
}

// Lead has the node lead in the term that the lease names: the Fleet is all who
// follow, and reports of theirs go to the sink. Who was connected before is
// expected. It ends with the context; from then on the Fleet is the node's own
// server alone. The node does not follow anybody meanwhile.
func (n *Node) Lead(ctx context.Context, expected map[api.Key][]string, sink xds.Sink) *Fleet {
	n.mu.Lock()
	defer n.mu.Unlock()
	f := &Fleet{Server: n.server, node: n, sink: sink, term: n.term, inherited: n.target.refs(),
		demands: map[*xds.Requirement]*demand{}, peers: map[*peer]bool{}}
	if expected != nil {
		n.server.Expect(expected)
	}
	n.fleet = f
	context.AfterFunc(ctx, func() { n.depose(f) })
	return f
}

// depose ends the streams of all who follow.
func (n *Node) depose(f *Fleet) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fleet == f {
		n.fleet = nil
	}
	for p := range maps.Clone(f.peers) {
		p.cut()
	}
}
