package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"google.golang.org/protobuf/proto"

	"github.com/serin-mesh/serin/internal/lab"
	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/xds"
)

// changer makes one change, a canary's weight in millionths, and waits until
// its server knows of n answers.
type changer func(ctx context.Context, weight uint32, n int) error

// server is one contestant: it starts to serve the rig's folder on a listener,
// until the context ends.
type server func(ctx context.Context, g *rig, lis net.Listener) (changer, error)

// background runs a server. Its error would be that of a listener of our own,
// and shows as clients that wait in vain.
func background(ctx context.Context, lis net.Listener, serve func(context.Context, net.Listener) error) {
	go func() { _ = serve(ctx, lis) }()
}

// canary is the division of the streams bench.
func canary(weight uint32) *snapshot.Split {
	return &snapshot.Split{Stable: "v1", Canary: "v2", Weight: weight}
}

// serinServer is xds.Server with the translation before it.
func serinServer(ctx context.Context, g *rig, lis net.Listener) (changer, error) {
	b, err := translate(g.folder.Dir())
	if err != nil {
		return nil, err
	}
	p := &pusher{builder: b, server: xds.New(xds.Options{})}
	p.weigh(0)
	background(ctx, lis, p.server.Run)
	return func(ctx context.Context, weight uint32, n int) error {
		return awaitAcks(ctx, p.server, p.weigh(weight), n)
	}, nil
}

// peerServer is SnapshotCache.
func peerServer(ctx context.Context, g *rig, lis net.Listener) (changer, error) {
	b, err := translate(g.folder.Dir())
	if err != nil {
		return nil, err
	}
	c := newSnapshotCache()
	b.SetSplit(shop, canary(0))
	if err := c.set(ctx, b.Resources(edge)); err != nil {
		return nil, err
	}
	background(ctx, lis, c.serve)
	return func(ctx context.Context, weight uint32, n int) error {
		had := c.answers(resourcev3.RuntimeType)
		b.SetSplit(shop, canary(weight))
		if err := c.set(ctx, b.Resources(edge)); err != nil {
			return err
		}
		return c.await(ctx, resourcev3.RuntimeType, had+n-1)
	}, nil
}

// tape is what one client got from Serin, encoded.
type tape struct {
	in      interest
	answers [][]byte // to its subscriptions
	change  []byte   // one weight
}

// bareServer is the floor.
func (t tape) bareServer(ctx context.Context, _ *rig, lis net.Listener) (changer, error) {
	b := newBare(t.answers)
	background(ctx, lis, b.serve)
	return func(ctx context.Context, _ uint32, n int) error { return b.send(ctx, t.change, n) }, nil
}

// recordTape lets one client subscribe at Serin and see one change.
func recordTape(ctx context.Context, g *rig) (t tape, err error) {
	b, err := translate(g.folder.Dir())
	if err != nil {
		return tape{}, err
	}
	b.SetSplit(shop, canary(0))
	t.in = interestIn(b.Resources(edge))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lis, err := listen()
	if err != nil {
		return tape{}, err
	}
	change, err := serinServer(ctx, g, lis)
	if err != nil {
		return tape{}, err
	}
	conn, stream, err := connect(ctx, lis.Addr().String())
	if err != nil {
		return tape{}, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	return t, t.record(ctx, stream, change)
}

// record plays the client.
func (t *tape) record(ctx context.Context, stream deltaStream, change changer) error {
	answers, err := subscribe(stream, "recorder", t.in)
	if err != nil {
		return err
	}
	for _, a := range answers {
		data, err := proto.Marshal(a)
		if err != nil {
			return fmt.Errorf("recording an answer: %w", err)
		}
		t.answers = append(t.answers, data)
	}
	changed := make(chan error, 1)
	go func() { changed <- change(ctx, 1_000, 1) }()
	update, err := accept(stream)
	if err != nil {
		return fmt.Errorf("recording a change: %w", err)
	}
	if t.change, err = proto.Marshal(update); err != nil {
		return fmt.Errorf("recording a change: %w", err)
	}
	return <-changed
}

// listen opens a free port.
func listen() (net.Listener, error) {
	port, err := lab.FreePort()
	if err != nil {
		return nil, err
	}
	lis, err := net.Listen("tcp", local(port))
	if err != nil {
		return nil, fmt.Errorf("listening for the streams: %w", err)
	}
	return lis, nil
}
