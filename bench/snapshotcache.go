package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	cachev3 "github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	serverv3 "github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/grpc"

	"github.com/serin-mesh/serin/snapshot"
)

// snapshotCache is the peer: go-control-plane's server as its own examples set
// it up, with ordered ADS. It is given the resources that Serin's translation
// makes.
type snapshotCache struct {
	serverv3.CallbackFuncs
	cache   cachev3.SnapshotCache
	version int
	// accepted has room for one token: an answer to a response came.
	accepted chan struct{}

	mu    sync.Mutex     // guards acked
	acked map[string]int // answers without an error, by type URL
}

// byCluster gives every Envoy of a Gateway the same snapshot.
type byCluster struct{}

// ID gives the key of an Envoy's snapshot. Source: cache.NodeHash.
func (byCluster) ID(n *corev3.Node) string { return n.GetCluster() }

func newSnapshotCache() *snapshotCache {
	c := &snapshotCache{cache: cachev3.NewSnapshotCache(true, byCluster{}, nil),
		accepted: make(chan struct{}, 1), acked: map[string]int{}}
	c.StreamDeltaRequestFunc = c.note
	return c
}

// note counts an answer.
func (c *snapshotCache) note(_ int64, r *discoveryv3.DeltaDiscoveryRequest) error {
	if r.GetResponseNonce() == "" || r.GetErrorDetail() != nil {
		return nil
	}
	c.mu.Lock()
	c.acked[r.GetTypeUrl()]++
	c.mu.Unlock()
	select {
	case c.accepted <- struct{}{}:
	default:
	}
	return nil
}

// answers gives how many responses of a type have been accepted.
func (c *snapshotCache) answers(typeURL string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.acked[typeURL]
}

// serve serves Envoys until the context ends.
func (c *snapshotCache) serve(ctx context.Context, lis net.Listener) error {
	s := grpc.NewServer()
	discoveryv3.RegisterAggregatedDiscoveryServiceServer(s, serverv3.NewServer(ctx, c.cache, c))
	stop := context.AfterFunc(ctx, s.Stop)
	defer stop()
	if err := s.Serve(lis); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("serving the peer: %w", err)
	}
	return nil
}

// set replaces the snapshot of the Gateway.
func (c *snapshotCache) set(ctx context.Context, resources []*snapshot.Resource) error {
	c.version++
	byType := map[resourcev3.Type][]types.Resource{}
	for _, r := range resources {
		m, err := r.Body.UnmarshalNew()
		if err != nil {
			return fmt.Errorf("decoding %s %q: %w", r.Type, r.Name, err)
		}
		byType[r.Type.URL()] = append(byType[r.Type.URL()], m)
	}
	s, err := cachev3.NewSnapshot(strconv.Itoa(c.version), byType)
	if err != nil {
		return fmt.Errorf("making a snapshot: %w", err)
	}
	if err := c.cache.SetSnapshot(ctx, edge.String(), s); err != nil {
		return fmt.Errorf("setting a snapshot: %w", err)
	}
	return nil
}

// await waits until more than a number of responses of a type were accepted.
func (c *snapshotCache) await(ctx context.Context, typeURL string, more int) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for c.answers(typeURL) <= more {
		select {
		case <-c.accepted:
		case <-ctx.Done():
			return fmt.Errorf("waiting for answers to %s: %w", typeURL, ctx.Err())
		}
	}
	return nil
}

// swapPeer exchanges v1 and v2 through snapshots.
func swapPeer(ctx context.Context, m *machine, swaps int, s *series) (err error) {
	r, err := newRig(m)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	b, err := translate(r.folder.Dir())
	if err != nil {
		return err
	}
	c := newSnapshotCache()
	only := func(version string) error {
		b.SetSplit(shop, &snapshot.Split{Stable: version})
		return c.set(ctx, b.Resources(edge))
	}
	if err := only("v1"); err != nil {
		return err
	}
	if err := r.run(ctx, r.xds, c.serve); err != nil {
		return err
	}
	if _, err := r.envoy(ctx, "edge-1", r.xds, nil); err != nil {
		return err
	}
	return r.swaps(ctx, swaps, s, func(version string) error {
		had := c.answers(resourcev3.RouteType)
		if err := only(version); err != nil {
			return err
		}
		return c.await(ctx, resourcev3.RouteType, had)
	})
}
