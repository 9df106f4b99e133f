package xds

import (
	"strings"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	deltav3 "github.com/envoyproxy/go-control-plane/pkg/server/delta/v3"
	sotwv3 "github.com/envoyproxy/go-control-plane/pkg/server/sotw/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/snapshot"
)

// anyType has a stream carry every type: the aggregated discovery service.
const anyType = ""

// discovery is the aggregated discovery service.
// Source: envoy.service.discovery.v3.AggregatedDiscoveryService.
type discovery struct{ *Server }

// DeltaAggregatedResources serves one client that is sent differences.
func (d discovery) DeltaAggregatedResources(stream discoveryv3.AggregatedDiscoveryService_DeltaAggregatedResourcesServer) error {
	c := d.newConn(true)
	defer c.close()
	return deltav3.NewServer(stream.Context(), c, c).DeltaStreamHandler(answers{stream, c}, anyType)
}

// StreamAggregatedResources serves one client that is sent whole sets.
func (d discovery) StreamAggregatedResources(stream discoveryv3.AggregatedDiscoveryService_StreamAggregatedResourcesServer) error {
	c := d.newConn(false)
	defer c.close()
	return sotwv3.NewServer(stream.Context(), c, c).StreamHandler(stream, anyType)
}

func (s *Server) newConn(delta bool) *conn {
	c := &conn{srv: s, delta: delta, since: time.Now()}
	for t := range c.tokens {
		c.tokens[t] = token{c, snapshot.Type(t)}
	}
	return c
}

// identify reads who an Envoy says it is: its id, and the key of the Gateway
// that it belongs to. Every service of the port refuses an Envoy without.
// Source: envoy.config.core.v3.Node.
func identify(n *corev3.Node) (string, api.Key, error) {
	if n.GetId() == "" {
		return "", api.Key{}, status.Error(codes.InvalidArgument, "node.id is empty: give each Envoy an id of its own (--service-node)")
	}
	key, ok := gatewayKey(n.GetCluster())
	if !ok {
		return "", api.Key{}, status.Errorf(codes.InvalidArgument,
			"node.cluster of %q is %q: it must be NAMESPACE/NAME or NAME of a Gateway (--service-cluster)", n.GetId(), n.GetCluster())
	}
	return n.GetId(), key, nil
}

// gatewayKey reads NAMESPACE/NAME, or NAME in the default namespace.
func gatewayKey(cluster string) (api.Key, bool) {
	namespace, name, ok := strings.Cut(cluster, "/")
	if !ok {
		namespace, name = api.DefaultNamespace, cluster
	}
	return api.Key{Namespace: namespace, Name: name}, namespace != "" && name != "" && !strings.Contains(name, "/")
}

// join makes the stream that of its node. An earlier stream of the node is
// served on while it is open, and no longer reported.
func (c *conn) join(n *corev3.Node) error {
	id, key, err := identify(n)
	if err != nil {
		return err
	}
	c.id, c.gw = id, c.srv.gateway(key)
	c.gw.mu.Lock()
	defer c.gw.mu.Unlock()
	c.gw.forget(time.Now().Add(-c.srv.opts.ForgetAfter))
	if p := c.gw.nodes[id]; p != nil {
		var spent *conn
		c.prior, spent = p.succeeded()
		c.gw.drop(spent)
	}
	c.gw.nodes[id] = c
	c.gw.conns[c] = struct{}{}
	c.gw.recent.note(c)
	c.srv.members.Add(1)
	return nil
}

// succeeded gives the stream that tells a newer one what their node has: this
// one, unless it ended before it came to its routes; and the one that is not
// needed any more, or nil.
func (c *conn) succeeded() (tells, spent *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	tells, spent = c, c.prior
	if c.prior != nil && !c.kinds[snapshot.Route].on {
		tells, spent = c.prior, c
	}
	c.prior = nil
	return tells, spent
}

// drop has a stream follow the target no longer, if it has ended. The caller
// holds mu. Nothing happens to the stream after it.
func (g *gateway) drop(c *conn) {
	if c != nil && !c.left.IsZero() {
		delete(g.conns, c)
		g.recent.drop(c)
	}
}

// close ends the stream's part in delivery. What its node has stays known.
func (c *conn) close() {
	if c.gw == nil {
		return // it never said who it was
	}
	c.gw.mu.Lock()
	defer c.gw.mu.Unlock()
	needed := c.gw.nodes[c.id].needs(c)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = time.Now()
	c.gw.recent.note(c)
	c.srv.members.Add(1)
	if c.timer != nil {
		c.timer.Stop()
	}
	for t := range c.kinds {
		k := &c.kinds[t]
		k.open, k.watch, k.deltas = false, nil, nil
	}
	if !needed {
		c.gw.drop(c)
	}
	c.srv.signal()
}

// needs tells whether what a stream knows is needed while c is the newest of
// its node: its own, and that of the one before it.
func (c *conn) needs(p *conn) bool {
	if c == nil || c == p {
		return c != nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.prior == p
}

// forget drops the nodes that left before an instant. The caller holds mu.
func (g *gateway) forget(before time.Time) {
	for id, c := range g.nodes {
		c.mu.Lock()
		gone, p := !c.left.IsZero() && c.left.Before(before), c.prior
		c.mu.Unlock()
		if gone {
			delete(g.nodes, id)
			g.shifts.Add(1)
			g.drop(c)
			g.drop(p)
		}
	}
}

// handle takes one request: its verdict, then its subscription.
func (c *conn) handle(r request) {
	c.mu.Lock()
	c.answer(r.kind, r.nonce, r.reason)
	c.mu.Unlock()
	c.subscribe(r)
	c.release()
	c.srv.signal()
}

// conclude takes a request that is nothing but a verdict, on a type that the
// client has subscribed to before; false means that it is none.
func (c *conn) conclude(r request) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.nonce == "" || len(r.add)+len(r.drop) > 0 || !c.kinds[r.kind].on || !c.left.IsZero() {
		return false
	}
	c.answer(r.kind, r.nonce, r.reason)
	if r.kind == snapshot.Cluster {
		c.sweep() // what was removed leaves no longer
	}
	c.gw.recent.note(c)
	c.srv.signal()
	return true
}

// release lets the stream before this one go when all that it knows is told.
// Until then it follows the target, so that what it knows stays true.
func (c *conn) release() {
	c.mu.Lock()
	p := c.prior
	done := p != nil && c.kinds[snapshot.Route].on && c.kinds[snapshot.Cluster].on
	if done {
		c.prior = nil
	}
	c.mu.Unlock()
	if !done {
		return
	}
	c.gw.mu.Lock()
	defer c.gw.mu.Unlock()
	c.gw.drop(p)
}

// serve lets responses of a type out.
func (c *conn) serve(t snapshot.Type, attach func(*kind)) func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := &c.kinds[t]
	k.open = c.left.IsZero()
	attach(k)
	c.flush(t)
	return func() { c.pause(t) }
}

// pause holds responses of a type back. A request that waits in the channel of
// state of the world is lost with it: each watch has its own.
func (c *conn) pause(t snapshot.Type) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := &c.kinds[t]
	if k.open = false; !c.delta {
		k.queued = false
	}
}

// sent notes under which nonce the response that was built last goes out.
func (c *conn) sent(t snapshot.Type, nonce string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if flight := c.kinds[t].flight; len(flight) > 0 {
		flight[len(flight)-1].nonce = nonce
	}
}
