package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/serin-mesh/serin/snapshot"
)

// crowd is many clients of one server, each on a TCP connection of its own,
// that subscribe as an Envoy does and accept everything. They cost the same
// whoever serves them.
type crowd struct {
	connections []*grpc.ClientConn

	waiting atomic.Int64   // clients that have not accepted the present change
	done    chan time.Time // has room for one: when waiting came to 0
	cancel  context.CancelFunc
	readers errgroup.Group
}

// dialers bounds how many clients connect at once.
const dialers = 32

// interest is what a client subscribes to, by type; no names are all.
type interest [snapshot.NumTypes][]string

// interestIn gives what an Envoy asks for when these resources are all.
func interestIn(resources []*snapshot.Resource) interest {
	var out interest
	for _, r := range resources {
		if r.Type != snapshot.Cluster && r.Type != snapshot.Listener {
			out[r.Type] = append(out[r.Type], r.Name)
		}
	}
	return out
}

// gather connects n clients to an address and brings each to the present
// configuration.
func gather(ctx context.Context, address string, n int, in interest) (*crowd, error) {
	c := &crowd{connections: make([]*grpc.ClientConn, n), done: make(chan time.Time, 1)}
	ctx, c.cancel = context.WithCancel(ctx)
	var g errgroup.Group
	g.SetLimit(dialers)
	for i := range n {
		g.Go(func() error { return c.join(ctx, address, i, in) })
	}
	if err := g.Wait(); err != nil {
		c.close()
		return nil, fmt.Errorf("connecting %d clients: %w", n, err)
	}
	return c, nil
}

// close ends all streams and connections.
func (c *crowd) close() {
	c.cancel()
	_ = c.readers.Wait() // they end with the context, and say no more
	for _, conn := range c.connections {
		if conn != nil {
			_ = conn.Close() // nothing is under way any more
		}
	}
}

type deltaStream = discoveryv3.AggregatedDiscoveryService_DeltaAggregatedResourcesClient

// join connects one client and leaves it reading.
func (c *crowd) join(ctx context.Context, address string, i int, in interest) error {
	conn, stream, err := connect(ctx, address)
	if err != nil {
		return err
	}
	c.connections[i] = conn
	if _, err := subscribe(stream, fmt.Sprintf("client-%d", i), in); err != nil {
		return err
	}
	c.readers.Go(func() error { return c.read(stream) })
	return nil
}

// connect opens a connection with one stream.
func connect(ctx context.Context, address string) (*grpc.ClientConn, deltaStream, error) {
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, nil, err
	}
	stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).DeltaAggregatedResources(ctx)
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	return conn, stream, nil
}

// subscribe asks for one type after the other and accepts the answers, which it
// gives.
func subscribe(stream deltaStream, id string, in interest) ([]*discoveryv3.DeltaDiscoveryResponse, error) {
	node := &corev3.Node{Id: id, Cluster: edge.String()}
	var out []*discoveryv3.DeltaDiscoveryResponse
	for t := range snapshot.NumTypes {
		err := stream.Send(&discoveryv3.DeltaDiscoveryRequest{Node: node, TypeUrl: t.URL(), ResourceNamesSubscribe: in[t]})
		if err != nil {
			return nil, fmt.Errorf("subscribing to %s: %w", t, err)
		}
		answer, err := accept(stream)
		if err != nil {
			return nil, fmt.Errorf("subscribing to %s: %w", t, err)
		}
		out = append(out, answer)
		node = nil // as Envoy does, only the first request says who it is
	}
	return out, nil
}

// accept reads one response and acknowledges it.
func accept(stream deltaStream) (*discoveryv3.DeltaDiscoveryResponse, error) {
	r, err := stream.Recv()
	if err != nil {
		return nil, err
	}
	return r, stream.Send(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: r.GetTypeUrl(), ResponseNonce: r.GetNonce()})
}

// read accepts what comes until the stream ends.
func (c *crowd) read(stream deltaStream) error {
	for {
		if _, err := accept(stream); err != nil {
			return err
		}
		if c.waiting.Add(-1) == 0 {
			c.done <- time.Now()
		}
	}
}

// expect begins to count the answers to one change. The next one begins when
// wait has returned.
func (c *crowd) expect() { c.waiting.Store(int64(len(c.connections))) }

// wait gives when the last client had sent its acknowledgement.
func (c *crowd) wait(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case at := <-c.done:
		return at, nil
	case <-ctx.Done():
		return time.Time{}, fmt.Errorf("waiting for %d of %d clients: %w", c.waiting.Load(), len(c.connections), ctx.Err())
	}
}
