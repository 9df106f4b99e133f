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
	r, ok := deltaRequest(req)
	req.Node, req.InitialResourceVersions = nil, nil
	req.ResourceNamesSubscribe, req.ResourceNamesUnsubscribe = nil, nil
	if ok {
		c.handle(r)
	}
	return nil
}

// deltaRequest reads a request; false means that it is for a type of which
// Serin has none, and never answers.
func deltaRequest(req *discoveryv3.DeltaDiscoveryRequest) (request, bool) {
	t, ok := snapshot.TypeOf(req.GetTypeUrl())
	return request{
		kind:     t,
		add:      req.GetResourceNamesSubscribe(),
		drop:     req.GetResourceNamesUnsubscribe(),
		versions: req.GetInitialResourceVersions(),
		nonce:    req.GetResponseNonce(),
		reason:   req.GetErrorDetail(),
	}, ok
}

// answers is a stream of requests without those that only answer a response:
// these are taken by the goroutine that reads. Each change brings one from
// every client, and to the stream server, which would hand it to its other
// goroutine and open the type anew, they mean nothing.
type answers struct {
	discoveryv3.AggregatedDiscoveryService_DeltaAggregatedResourcesServer
	c *conn
}

// Recv gives the next request that is more than an answer.
func (a answers) Recv() (*discoveryv3.DeltaDiscoveryRequest, error) {
	for {
		req, err := a.AggregatedDiscoveryService_DeltaAggregatedResourcesServer.Recv()
		if err != nil {
			return nil, err
		}
		if r, ok := deltaRequest(req); !ok || !a.c.conclude(r) {
			return req, nil
		}
	}
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
