package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"
)

// bare is the floor: a gRPC server that knows nothing of its clients. It
// answers each subscription with bytes that were recorded from Serin, sends the
// same bytes to all, and counts what comes back.
type bare struct {
	answers [][]byte // to the subscriptions, in their order
	acks    atomic.Int64
	target  int64         // of acks; set while nobody answers
	reached chan struct{} // has room for one token

	mu      sync.Mutex // guards streams
	streams []grpc.ServerStream
}

// raw is a codec that hands bytes on, and does not look at what comes in.
type raw struct{}

// Name gives the content type that the clients speak. Source: encoding.CodecV2.
func (raw) Name() string { return "proto" }

// Marshal takes a []byte.
func (raw) Marshal(v any) (mem.BufferSlice, error) {
	data, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("sending a %T as bytes", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(data)}, nil
}

// Unmarshal drops the message: that it came is all that counts.
func (raw) Unmarshal(mem.BufferSlice, any) error { return nil }

// serve serves clients until the context ends.
func (b *bare) serve(ctx context.Context, lis net.Listener) error {
	s := grpc.NewServer(grpc.ForceServerCodecV2(raw{}),
		grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error { return b.handle(stream) }))
	stop := context.AfterFunc(ctx, s.Stop)
	defer stop()
	if err := s.Serve(lis); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("serving bytes: %w", err)
	}
	return nil
}

// handle plays a client's part of the recording, then counts its answers. A
// client sends a subscription, and an acknowledgement before the next one.
func (b *bare) handle(stream grpc.ServerStream) error {
	for n := 0; ; n++ {
		if err := stream.RecvMsg(nil); err != nil {
			return err
		}
		switch at := n / 2; {
		case at >= len(b.answers):
			if b.acks.Add(1) == b.target {
				b.reached <- struct{}{}
			}
		case n%2 == 0:
			if err := stream.SendMsg(b.answers[at]); err != nil {
				return err
			}
		case at == len(b.answers)-1:
			b.mu.Lock()
			b.streams = append(b.streams, stream)
			b.mu.Unlock()
		}
	}
}

// send sends bytes to every client and waits for all answers.
func (b *bare) send(ctx context.Context, data []byte) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.acks.Store(0)
	b.target = int64(len(b.streams))
	for _, s := range b.streams {
		if err := s.SendMsg(data); err != nil {
			return fmt.Errorf("sending bytes: %w", err)
		}
	}
	select {
	case <-b.reached:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for %d of %d answers: %w", b.target-b.acks.Load(), b.target, ctx.Err())
	}
}
