package relay

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/xds"
)

const (
	// retryAfter is how long one that has lost its leader waits before it tries
	// again.
	retryAfter = 250 * time.Millisecond
	// welcomeTimeout bounds how long a leader is waited for at first.
	welcomeTimeout = 3 * time.Second
	// maxMessage bounds a message of a leader, in bytes.
	maxMessage = 1 << 30
)

// Holder gives the identity of a process for the lease: its name, and the address
// of its port for Envoys as its peers reach it.
func Holder(name, address string) string { return name + "@" + address }

// address is the way back; empty: the holder has none.
func address(holder string) string {
	_, at, _ := strings.Cut(holder, "@")
	return at
}

// Follow follows whomever the lease names, but for this process, until the context
// ends. Reports go to the leader meanwhile.
func (n *Node) Follow(ctx context.Context, own string, reports *Sink) {
	said := ""
	for ctx.Err() == nil {
		n.mu.Lock()
		term := n.term
		n.mu.Unlock()
		if at := address(term.Holder); at != "" && term.Holder != own {
			followed := func() { said = "" }
			if err := n.session(ctx, term, at, reports, followed); ctx.Err() == nil && err.Error() != said {
				said = err.Error()
				n.opts.Log.Warn("without a leader: Envoys keep what they have", "leader", term.Holder, "error", err)
			}
		}
		retry := time.NewTimer(retryAfter)
		select {
		case <-n.heeds:
		case <-retry.C:
		case <-ctx.Done():
		}
		retry.Stop()
	}
}

// session is one stream to a leader.
type session struct {
	node   *Node
	term   Term
	stream grpc.ClientStream
	ctx    context.Context //nolint:containedctx // whoever reports waits no longer than the session lasts
	out    chan *up
	poke   chan struct{} // has a token when there are new Requirements

	first target // of the changes since the welcome; nil: they were applied

	mu     sync.Mutex // guards what follows
	counts map[uint64]*tally
}

// tally is a Requirement and what of it was told last.
type tally struct {
	*xds.Requirement
	told  xds.Progress
	known bool
}

// session follows a leader until the stream ends, or the lease names another. It
// tells when the leader has answered.
func (n *Node) session(ctx context.Context, term Term, at string, reports *Sink, followed func()) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	conn, err := n.dial(at)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	slow := time.AfterFunc(welcomeTimeout, func() { cancel(errors.New("the leader does not answer")) })
	defer slow.Stop()
	stream, err := conn.NewStream(ctx, &service.Streams[0], joinMethod, grpc.CallContentSubtype(codecName), grpc.MaxCallRecvMsgSize(maxMessage))
	if err != nil {
		return fmt.Errorf("following the leader: %w", err)
	}
	s := &session{node: n, term: term, stream: stream, ctx: ctx, out: make(chan *up, 256), poke: make(chan struct{}, 1), first: target{}, counts: map[uint64]*tally{}}
	var m down
	if err := stream.SendMsg(&up{Hello: &hello{term}}); err != nil {
		return fmt.Errorf("following the leader: %w", errors.Join(err, stream.RecvMsg(&m)))
	}
	if err := stream.RecvMsg(&m); err != nil {
		return fmt.Errorf("following the leader: %w", err)
	}
	if m.Welcome == nil || m.Welcome.Term != term || !slow.Stop() {
		return errors.New("following the leader: it leads in another term")
	}
	followed()
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel(nil)
	work.Go(func() { cancel(s.write()) })
	work.Go(s.watch)
	work.Go(func() { n.untilDeposed(ctx, term, cancel) })
	reports.Set(s)
	defer reports.Set(nil)
	n.setLeader(m.Welcome.HTTP)
	defer n.setLeader("")
	n.opts.Log.Info("following the leader", "leader", term.Holder, "term", term.Number)
	for {
		var m down
		if err := stream.RecvMsg(&m); err != nil {
			if cause := context.Cause(ctx); cause != nil && ctx.Err() != nil {
				err = cause
			}
			return fmt.Errorf("following the leader: %w", err)
		}
		if err := s.take(m); err != nil {
			return err
		}
	}
}

// dial prepares a connection to a leader.
func (n *Node) dial(at string) (*grpc.ClientConn, error) {
	secure := insecure.NewCredentials()
	if n.opts.Secure != nil {
		var err error
		if secure, err = n.opts.Secure.credentials(); err != nil {
			return nil, err
		}
	}
	opts := []grpc.DialOption{grpc.WithTransportCredentials(secure),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 3 * time.Second})}
	if n.opts.Dial != nil {
		opts = append(opts, n.opts.Dial)
	}
	conn, err := grpc.NewClient("passthrough:///"+at, opts...)
	if err != nil {
		return nil, fmt.Errorf("connecting to the leader at %q: %w", at, err)
	}
	return conn, nil
}

// untilDeposed ends a session when the lease names another leader.
func (n *Node) untilDeposed(ctx context.Context, term Term, cancel context.CancelCauseFunc) {
	for {
		n.mu.Lock()
		now := n.term
		n.mu.Unlock()
		if now != term {
			cancel(errors.New("the lease names another leader"))
			return
		}
		select {
		case <-n.heeds:
		case <-ctx.Done():
			return
		}
	}
}

func (n *Node) setLeader(http string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.http = http
}

// take applies one message of the leader, unless the lease names another by now.
func (s *session) take(m down) error {
	n := s.node
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.term != s.term {
		return errors.New("following the leader: the lease names another")
	}
	switch {
	case m.Change != nil && s.first != nil:
		s.first.apply(m.Change.Gateway, s.decode(*m.Change, s.first))
	case m.Change != nil:
		c := s.decode(*m.Change, n.target)
		n.target.apply(m.Change.Gateway, c)
		n.server.Apply(m.Change.Gateway, c)
	case m.Whole && s.first != nil:
		s.replace()
		n.setWhole()
	case m.Require != nil:
		r := n.server.Require(keys(m.Require.Uses))
		s.mu.Lock()
		s.counts[m.Require.ID] = &tally{Requirement: r}
		s.mu.Unlock()
		s.again()
	case m.Release != 0:
		s.mu.Lock()
		delete(s.counts, m.Release)
		s.mu.Unlock()
	case m.Elsewhere != nil:
		n.server.Elsewhere(keys(m.Elsewhere))
	case m.Show != 0:
		go s.send(&up{Shown: &shown{m.Show, n.server.Envoys()}})
	}
	return nil
}

// replace has the server serve the whole target, and nothing else. The caller holds
// the node's lock.
func (s *session) replace() {
	n := s.node
	for key := range n.target {
		if s.first[key] == nil {
			s.first[key] = map[snapshot.Ref]*snapshot.Resource{}
		}
	}
	for key, of := range s.first {
		var c snapshot.Change
		for ref, r := range of {
			s.plain(r, of)
			if old := n.target[key][ref]; old == nil || old.Version != r.Version || r.Static != nil || old.Static != nil {
				c.Set = append(c.Set, r)
			}
		}
		for ref := range n.target[key] {
			if of[ref] == nil {
				c.Removed = append(c.Removed, ref)
			}
		}
		n.server.Apply(key, c)
	}
	n.target, s.first = s.first, nil
}

// decode reads a change of a target.
func (s *session) decode(m change, t target) snapshot.Change {
	c := snapshot.Change{Removed: m.Removed}
	before := t[m.Gateway]
	layer := snapshot.Ref{Type: snapshot.Runtime, Name: snapshot.RuntimeLayer}
	after := map[snapshot.Ref]*snapshot.Resource{layer: before[layer]}
	var static []*snapshot.Resource
	for _, r := range m.Set {
		ref := snapshot.Ref{Type: r.Type, Name: r.Name}
		out := r.decode(before[ref])
		if ref == layer {
			after[ref] = out
		}
		if r.Static {
			out.Static = func() *snapshot.Resource { return nil } // until the layer is known
			static = append(static, out)
		}
		c.Set = append(c.Set, out)
	}
	for _, r := range static {
		s.plain(r, after)
	}
	return c
}

// plain gives a route of which there is a static form that form, by the layer of
// the same moment.
func (s *session) plain(r *snapshot.Resource, of map[snapshot.Ref]*snapshot.Resource) {
	if r.Static == nil {
		return
	}
	layer := of[snapshot.Ref{Type: snapshot.Runtime, Name: snapshot.RuntimeLayer}]
	log, route := s.node.opts.Log, *r
	r.Static = sync.OnceValue(func() *snapshot.Resource {
		out, err := snapshot.Plain(&route, layer)
		if err != nil {
			log.Error("a route of the leader's is not understood", "error", err)
			return &snapshot.Resource{Type: route.Type, Name: route.Name, Version: route.Version, Body: route.Body, Clusters: route.Clusters}
		}
		return out
	})
}

// again has the counts looked at.
func (s *session) again() {
	select {
	case s.poke <- struct{}{}:
	default:
	}
}

// send queues a message, and waits while there is no room.
func (s *session) send(m *up) {
	select {
	case s.out <- m:
	case <-s.ctx.Done():
	}
}

// write sends what is queued until the session ends.
func (s *session) write() error {
	for {
		select {
		case m := <-s.out:
			if err := s.stream.SendMsg(m); err != nil {
				return err
			}
		case <-s.ctx.Done():
			return nil
		}
	}
}
