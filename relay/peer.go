package relay

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/stats"
)

const (
	// maxQueue is how many messages may wait for a follower: one that reads so
	// slowly is cut off, and comes again for the whole target.
	maxQueue = 10_000
	// chunk is how many bytes of resources one message of the whole target has,
	// unless one resource has more.
	chunk = 1 << 20
)

// service is what a process offers its peers.
var service = grpc.ServiceDesc{
	ServiceName: "serin.relay.v1.Relay",
	HandlerType: (*any)(nil),
	Streams:     []grpc.StreamDesc{{StreamName: "Join", Handler: join, ServerStreams: true, ClientStreams: true}},
}

const joinMethod = "/serin.relay.v1.Relay/Join"

// Register offers the node to its peers.
func (n *Node) Register(r grpc.ServiceRegistrar) { r.RegisterService(&service, n) }

// peer is a process that follows this one.
type peer struct {
	fleet *Fleet
	cut   context.CancelFunc
	since time.Time

	// Guarded by the node's lock.
	roll   roll
	counts map[uint64]counted
	shows  map[uint64]chan []api.Envoy

	mu    sync.Mutex // guards queue; taken after the node's
	queue []*down
	wake  chan struct{} // has a token when queue is not empty
}

// send queues a message.
func (p *peer) send(m *down) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) >= maxQueue {
		p.cut()
		return
	}
	p.queue = append(p.queue, m)
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// join serves one who follows.
func join(srv any, stream grpc.ServerStream) error {
	n := srv.(*Node)
	if err := n.opts.Secure.admit(stream.Context()); err != nil {
		return status.Error(codes.PermissionDenied, err.Error())
	}
	var first up
	if err := stream.RecvMsg(&first); err != nil {
		return err
	}
	if first.Hello == nil {
		return status.Error(codes.InvalidArgument, "the first message is no hello")
	}
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	p := n.admit(first.Hello.Term, cancel)
	if p == nil {
		return status.Error(codes.Unavailable, "this server does not lead in the term that was asked for")
	}
	defer p.leave()
	ended := make(chan error, 1)
	go func() { ended <- p.write(ctx, stream) }()
	read := make(chan error, 1)
	go func() { read <- p.read(stream) }() // it ends with the stream, after this has
	select {
	case err := <-ended:
		return err
	case err := <-read:
		cancel()
		<-ended
		return err
	}
}

// admit takes a follower in and queues the whole target and all Requirements; nil
// where this process does not lead in the term.
func (n *Node) admit(t Term, cut context.CancelFunc) *peer {
	n.mu.Lock()
	defer n.mu.Unlock()
	f := n.fleet
	if f == nil || f.term != t || n.term != t {
		return nil
	}
	p := &peer{fleet: f, cut: cut, since: time.Now(), counts: map[uint64]counted{}, shows: map[uint64]chan []api.Envoy{}, wake: make(chan struct{}, 1)}
	p.send(&down{Welcome: &welcome{Term: f.term, HTTP: n.opts.HTTP}})
	for key, of := range n.target {
		for _, c := range chunks(key, of) {
			p.send(&down{Change: c})
		}
	}
	p.send(&down{Whole: true})
	for _, d := range f.demands {
		p.send(&down{Require: &d.requirement})
	}
	connected, _ := f.Roll()
	f.announced, f.at = texts(connected), f.Server.Members()
	p.send(&down{Elsewhere: f.announced})
	for other := range f.peers {
		p.send(&down{Elsewhere: other.roll.Connected})
	}
	f.peers[p] = true
	n.opts.Log.Info("a server follows this one", "servers", len(f.peers)+1)
	return p
}

// chunks gives the target of a Gateway in messages of some size.
func chunks(key api.Key, of map[snapshot.Ref]*snapshot.Resource) []*change {
	out, size := []*change{{Gateway: key}}, 0
	for _, r := range of {
		if size += len(r.Body.GetValue()); size > chunk {
			out, size = append(out, &change{Gateway: key}), len(r.Body.GetValue())
		}
		last := out[len(out)-1]
		last.Set = append(last.Set, encode(r, false))
	}
	return out
}

// write sends what is queued until the context ends.
func (p *peer) write(ctx context.Context, stream grpc.ServerStream) error {
	for {
		select {
		case <-p.wake:
		case <-ctx.Done():
			return status.Error(codes.Unavailable, "the server does not lead any more, or the follower is too slow")
		}
		p.mu.Lock()
		batch := p.queue
		p.queue = nil
		p.mu.Unlock()
		for _, m := range batch {
			if err := stream.SendMsg(m); err != nil {
				return err
			}
		}
	}
}

// read takes what the follower says, until the stream ends.
func (p *peer) read(stream grpc.ServerStream) error {
	for {
		var m up
		if err := stream.RecvMsg(&m); err != nil {
			return err
		}
		p.take(m)
	}
}

// take takes one message. Reports are told to the sink in their order, with the
// time of this process: clocks differ.
func (p *peer) take(m up) {
	f, now := p.fleet, time.Now()
	switch {
	case m.Failures != nil:
		m.Failures.Received = now
		f.sink.Failures(*m.Failures)
	case m.Load != nil:
		m.Load.Received = now
		f.sink.Load(*m.Load)
	case m.Metrics != nil:
		m.Metrics.Received = now
		f.sink.Metrics(infinite(*m.Metrics))
	case m.Roll != nil:
		p.called(*m.Roll)
	case m.Count != nil:
		p.count(*m.Count, now)
	case m.Shown != nil:
		f.node.mu.Lock()
		answer := p.shows[m.Shown.ID]
		delete(p.shows, m.Shown.ID)
		f.node.mu.Unlock()
		if answer != nil {
			answer <- m.Shown.Envoys // it has room for one
		}
	}
}

// called takes who is connected to the follower.
func (p *peer) called(r roll) {
	f := p.fleet
	f.node.mu.Lock()
	defer f.node.mu.Unlock()
	fresh := without(r.Connected, p.roll.Connected)
	p.roll = r
	f.changes++
	if len(fresh) > 0 {
		f.Server.Elsewhere(keys(fresh))
		for other := range f.peers {
			if other != p {
				other.send(&down{Elsewhere: fresh})
			}
		}
	}
	f.Nudge()
}

// count takes how far the follower's Envoys are.
func (p *peer) count(c count, now time.Time) {
	f := p.fleet
	f.node.mu.Lock()
	defer f.node.mu.Unlock()
	if c.Next > 0 {
		c.Progress.Next = now.Add(c.Next)
	}
	p.counts[c.ID] = counted{c.Progress}
	f.Nudge()
}

// leave ends the part of a follower: its Envoys are away, but for those that are
// at another one already.
func (p *peer) leave() {
	f := p.fleet
	f.node.mu.Lock()
	defer f.node.mu.Unlock()
	delete(f.peers, p)
	f.changes++
	lost := map[string][]string{}
	for _, part := range []map[string][]string{p.roll.Connected, p.roll.Away} {
		for gateway, ids := range part {
			lost[gateway] = append(lost[gateway], ids...)
		}
	}
	for other := range f.peers {
		lost = without(lost, other.roll.Connected)
	}
	f.Miss(keys(lost))
	f.node.opts.Log.Info("a server follows no more", "servers", len(f.peers)+1)
}

// finite gives metrics as JSON can have them: an infinite bound is the greatest
// number there is. infinite is the way back.
func finite(m stats.Metrics) stats.Metrics { return bounds(m, math.Inf(1), math.MaxFloat64) }

func infinite(m stats.Metrics) stats.Metrics { return bounds(m, math.MaxFloat64, math.Inf(1)) }

// bounds replaces one bound of histograms by another.
func bounds(m stats.Metrics, from, to float64) stats.Metrics {
	m.Clusters = slices.Clone(m.Clusters)
	for i := range m.Clusters {
		c := &m.Clusters[i]
		c.Latency = slices.Clone(c.Latency)
		for j := range c.Latency {
			if c.Latency[j].Upper == from {
				c.Latency[j].Upper = to
			}
		}
	}
	return m
}
