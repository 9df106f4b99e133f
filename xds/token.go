package xds

import (
	"context"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	cachev3 "github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/serin-mesh/serin/snapshot"
)

// token stands in the stream server's channel for a response of one type that
// is built when its turn comes, in either protocol.
type token struct {
	c *conn
	t snapshot.Type
}

var (
	_ cachev3.DeltaResponse = (*token)(nil)
	_ cachev3.Response      = (*token)(nil)
)

// GetDeltaDiscoveryResponse builds the response that is sent next.
func (k *token) GetDeltaDiscoveryResponse() (*discoveryv3.DeltaDiscoveryResponse, error) {
	r, _ := k.c.build(k.t)
	out := &discoveryv3.DeltaDiscoveryResponse{TypeUrl: k.t.URL()}
	for _, p := range r.parts {
		if p.c == removed {
			out.RemovedResources = append(out.RemovedResources, p.it.name)
		} else {
			out.Resources = append(out.Resources, p.c.wire)
		}
	}
	return out, nil
}

// GetDiscoveryResponse builds the response that is sent next.
func (k *token) GetDiscoveryResponse() (*discoveryv3.DiscoveryResponse, error) {
	_, all := k.c.build(k.t)
	var sum uint64
	bodies := make([]*anypb.Any, 0, len(all))
	for _, x := range all {
		sum += x.sum
		bodies = append(bodies, x.Body)
	}
	return &discoveryv3.DiscoveryResponse{TypeUrl: k.t.URL(), VersionInfo: version(sum), Resources: bodies}, nil
}

// The stream server asks a request for its type only, so one a type serves all
// streams.
var (
	requests      [snapshot.NumTypes]*cachev3.Request
	deltaRequests [snapshot.NumTypes]*cachev3.DeltaRequest
)

func init() {
	for t := range snapshot.NumTypes {
		requests[t] = &cachev3.Request{TypeUrl: t.URL()}
		deltaRequests[t] = &cachev3.DeltaRequest{TypeUrl: t.URL()}
	}
}

// GetDeltaRequest names the type.
func (k *token) GetDeltaRequest() *cachev3.DeltaRequest { return deltaRequests[k.t] }

// GetRequest names the type.
func (k *token) GetRequest() *cachev3.Request { return requests[k.t] }

// GetReturnedResources is empty: what a client has is known to its conn.
func (k *token) GetReturnedResources() map[string]string { return nil }

// GetNextVersionMap is empty, as GetReturnedResources.
func (k *token) GetNextVersionMap() map[string]string { return nil }

// GetContext is not asked for by anything that Serin uses.
func (k *token) GetContext() context.Context { return context.Background() }

// GetVersion is not known before the response is built.
func (k *token) GetVersion() (string, error) { return "", nil }

// GetSystemVersion is not known before the response is built.
func (k *token) GetSystemVersion() (string, error) { return "", nil }

// GetResponseVersion is not known before the response is built.
func (k *token) GetResponseVersion() string { return "" }
