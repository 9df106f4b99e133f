package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/discovery"
	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/xds"
)

// pusher is the least that can push a weight: the translation and the xDS
// server in the bench's own process, without a rollout, a store or HTTP.
type pusher struct {
	builder *snapshot.Builder
	server  *xds.Server
	envoys  int
}

// barePush makes a rig whose Envoys a pusher serves. The canary v2 is at 0 and
// accepted.
func barePush(ctx context.Context, m *machine, envoys int) (r *rig, p *pusher, err error) {
	if r, err = newRig(m, "setWeight: 20", "pause: {}"); err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	p = &pusher{server: xds.New(xds.Options{}), envoys: envoys}
	if p.builder, err = translate(r.folder.Dir()); err != nil {
		return nil, nil, err
	}
	p.weigh(0)
	if err := r.run(ctx, r.xds, p.server.Run); err != nil {
		return nil, nil, err
	}
	for i := range envoys {
		if _, err := r.envoy(ctx, fmt.Sprintf("bare-%d", i+1), r.xds, nil); err != nil {
			return nil, nil, err
		}
	}
	_, err = p.push(ctx, 0)
	return r, p, err
}

// translate reads a folder into a Builder.
func translate(dir string) (*snapshot.Builder, error) {
	objects, err := readObjects(dir)
	if err != nil {
		return nil, err
	}
	b := snapshot.NewBuilder(snapshot.Options{})
	b.SetObjects(objects)
	return b, nil
}

// readObjects reads a folder.
func readObjects(dir string) (*api.Objects, error) {
	result, err := discovery.NewFolder(dir, discovery.Options{}).Load()
	switch {
	case err != nil:
		return nil, err
	case result.Objects == nil:
		return nil, fmt.Errorf("reading the objects of the bench: %v", result.Findings)
	}
	return result.Objects, nil
}

// run serves something on an address until the rig closes.
func (r *rig) run(ctx context.Context, address string, serve func(context.Context, net.Listener) error) error {
	lis, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listening for the bench: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- serve(ctx, lis) }()
	r.onClose(func() error { cancel(); return <-done })
	return nil
}

// weigh applies a weight, in millionths, and says what the fleet has to accept.
func (p *pusher) weigh(weight uint32) *xds.Requirement {
	p.builder.SetSplit(shop, &snapshot.Split{Stable: "v1", Canary: "v2", Weight: weight})
	for gateway, change := range p.builder.Flush() {
		p.server.Apply(gateway, change)
	}
	return p.server.Require(p.builder.Uses(shop))
}

// push applies a weight and gives how long it took until every Envoy had
// accepted it.
func (p *pusher) push(ctx context.Context, weight uint32) (time.Duration, error) {
	began := time.Now()
	err := awaitAcks(ctx, p.server, p.weigh(weight), p.envoys)
	return time.Since(began), err
}

// awaitAcks waits until a number of Envoys have accepted what is required.
func awaitAcks(ctx context.Context, s *xds.Server, what *xds.Requirement, envoys int) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		p := s.Progress(what, time.Now())
		if p.Acked == envoys {
			return nil
		}
		select {
		case <-s.Changed():
		case <-ctx.Done():
			return fmt.Errorf("waiting until %d Envoys have accepted: %w; %d have, waiting for %v", envoys, ctx.Err(), p.Acked, p.Waiting)
		}
	}
}
