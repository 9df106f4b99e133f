package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"
)

// bare is the floor: a gRPC server that knows nothing of its clients. It
// answers each subscription with bytes that were recorded from Serin, sends the
// same bytes to all, and counts what comes back.
type bare struct {
	answers [][]byte // to the subscriptions, in their order
	joined  chan grpc.ServerStream
	waiting atomic.Int64  // answers to the present change that have not come
	reached chan struct{} // has room for one token: waiting came to 0

	streams []grpc.ServerStream // owned by who calls send
}

func newBare(answers [][]byte) *bare {
	return &bare{answers: answers, joined: make(chan grpc.ServerStream), reached: make(chan struct{}, 1)}
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
			if b.waiting.Add(-1) == 0 {
				b.reached <- struct{}{}
			}
		case n%2 == 0:
			if err := stream.SendMsg(b.answers[at]); err != nil {
				return err
			}
		case at == len(b.answers)-1:
			select {
			case b.joined <- stream:
			case <-stream.Context().Done():
				return nil
			}
		}
	}
}

// send sends bytes to n clients, once they all have subscribed, and waits for
// their answers. Calls must not overlap.
func (b *bare) send(ctx context.Context, data []byte, n int) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for len(b.streams) < n {
		select {
		case s := <-b.joined:
			b.streams = append(b.streams, s)
		case <-ctx.Done():
			return fmt.Errorf("waiting for clients: %w; %d of %d have subscribed", ctx.Err(), len(b.streams), n)
		}
	}
	b.waiting.Store(int64(n))
	for _, s := range b.streams {
		if err := s.SendMsg(data); err != nil {
			return fmt.Errorf("sending bytes: %w", err)
		}
	}
	select {
	case <-b.reached:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for %d of %d answers: %w", b.waiting.Load(), n, ctx.Err())
	}
}
