package xds

import (
	"context"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	cachev3 "github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"

	"github.com/serin-mesh/serin/snapshot"
)

// What go-control-plane's delta server calls, all from the stream's goroutine.

// OnDeltaStreamOpen has nothing to do: a stream counts when it says who it is.
func (c *conn) OnDeltaStreamOpen(context.Context, int64, string) error { return nil }

// OnDeltaStreamClosed has nothing to do: see close.
func (c *conn) OnDeltaStreamClosed(int64, *corev3.Node) {}

// OnStreamDeltaRequest takes a request over. What conn keeps itself is taken
// out of the request, so that the stream server does not store it a second
// time: an Envoy's node alone is 60 kB.
func (c *conn) OnStreamDeltaRequest(_ int64, req *discoveryv3.DeltaDiscoveryRequest) error {
	if c.gw == nil {
		if err := c.join(req.GetNode()); err != nil {
			return err
		}
	}
	r := request{
		add:      req.GetResourceNamesSubscribe(),
		drop:     req.GetResourceNamesUnsubscribe(),
		versions: req.GetInitialResourceVersions(),
		nonce:    req.GetResponseNonce(),
		reason:   req.GetErrorDetail(),
	}
	req.Node, req.InitialResourceVersions = nil, nil
	req.ResourceNamesSubscribe, req.ResourceNamesUnsubscribe = nil, nil
	t, ok := snapshot.TypeOf(req.GetTypeUrl())
	if !ok {
		return nil // Serin has none of these, and never answers
	}
	r.kind = t
	c.handle(r)
	return nil
}

// CreateDeltaWatch opens a type for responses.
func (c *conn) CreateDeltaWatch(req *cachev3.DeltaRequest, _ cachev3.Subscription, out chan cachev3.DeltaResponse) (func(), error) {
	t, ok := snapshot.TypeOf(req.GetTypeUrl())
	if !ok {
		return nil, nil
	}
	return c.serve(t, func(k *kind) { k.deltas = out }), nil
}

// OnStreamDeltaResponse tells the nonce of what is about to be sent.
func (c *conn) OnStreamDeltaResponse(_ int64, req *discoveryv3.DeltaDiscoveryRequest, resp *discoveryv3.DeltaDiscoveryResponse) {
	if t, ok := snapshot.TypeOf(req.GetTypeUrl()); ok {
		c.sent(t, resp.GetNonce())
	}
}

// refusal is the reason of a rejection; nil means accepted.
type refusal = *statuspb.Status
