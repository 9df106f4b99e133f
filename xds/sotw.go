package xds

import (
	"context"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	cachev3 "github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"google.golang.org/protobuf/proto"

	"github.com/serin-mesh/serin/snapshot"
)

// What go-control-plane's state-of-the-world server calls, all from the
// stream's goroutine.

// OnStreamOpen has nothing to do: a stream counts when it says who it is.
func (c *conn) OnStreamOpen(context.Context, int64, string) error { return nil }

// OnStreamClosed has nothing to do: see close.
func (c *conn) OnStreamClosed(int64, *corev3.Node) {}

// OnStreamRequest takes a request over, also one that answers a response which
// is not the last of its type: the stream server itself passes those by. As in
// delta, what conn keeps is not stored twice.
func (c *conn) OnStreamRequest(_ int64, req *discoveryv3.DiscoveryRequest) error {
	if c.gw == nil {
		if err := c.join(req.GetNode()); err != nil {
			return err
		}
	}
	r := request{
		add:     req.GetResourceNames(),
		version: req.GetVersionInfo(),
		nonce:   req.GetResponseNonce(),
		reason:  req.GetErrorDetail(),
	}
	proto.Reset(req.GetNode()) // the stream server keeps it
	req.ResourceNames = nil
	t, ok := snapshot.TypeOf(req.GetTypeUrl())
	if !ok {
		return nil // Serin has none of these, and never answers
	}
	r.kind = t
	c.handle(r)
	return nil
}

// CreateWatch opens a type for responses. The channel takes one.
func (c *conn) CreateWatch(req *cachev3.Request, _ cachev3.Subscription, out chan cachev3.Response) (func(), error) {
	t, ok := snapshot.TypeOf(req.GetTypeUrl())
	if !ok {
		return nil, nil
	}
	return c.serve(t, func(k *kind) { k.watch = out }), nil
}

// OnStreamResponse tells the nonce of what is about to be sent.
func (c *conn) OnStreamResponse(_ context.Context, _ int64, req *discoveryv3.DiscoveryRequest, resp *discoveryv3.DiscoveryResponse) {
	if t, ok := snapshot.TypeOf(req.GetTypeUrl()); ok {
		c.sent(t, resp.GetNonce())
	}
}
