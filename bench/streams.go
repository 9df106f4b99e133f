package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"
)

// streams measures one weight on its way to many clients, and their memory.
func streams(ctx context.Context, m *machine) (*record, error) {
	sizes := [][]int{{200, 1_000}, {1_000, 5_000}, {1_000, 5_000}}[m.size]
	changes := m.pick(4, 9, 25) // in each round
	out := newRecord("one weight to many streams in the bench's process: until the last has acknowledged it", map[string]any{
		"streams": sizes, "rounds": streamRounds, "changes_a_round": changes, "hosts": 10,
	})
	r, err := newRig(m, "setWeight: 20", "pause: {}")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	if err := r.putMesh(10); err != nil {
		return nil, err
	}
	t, err := recordTape(ctx, r)
	if err != nil {
		return nil, err
	}
	for _, n := range sizes {
		if err := out.streamsOf(ctx, r, t, n, changes); err != nil {
			return nil, fmt.Errorf("%d streams: %w", n, err)
		}
	}
	out.note("counted_ms is until the server knows of the last acknowledgement, and of Serin until its fleet's progress " +
		"says so, asked at every change as control does; answered_ms until the last client has sent it.")
	out.note("memory_bytes is heap and stacks of a stream with its client, which is the same for all; their difference is the servers'.")
	return out, nil
}

// streamRounds is how often the contestants take turns, so that what else the
// machine does meanwhile falls on all of them.
const streamRounds = 2

// streamsOf measures all contestants with n streams, in turns: together they
// would need more files than a process may have open.
func (r *record) streamsOf(ctx context.Context, g *rig, t tape, n, changes int) error {
	contestants := []struct {
		name, what string
		serve      server
	}{
		{"floor", "a bare gRPC server that sends the same bytes", t.bareServer},
		{"serin", "xds.Server", serinServer},
		{"peer", "go-control-plane's SnapshotCache, one snapshot for all", peerServer},
	}
	by := map[string]*series{}
	for _, c := range contestants {
		by[c.name] = r.series(fmt.Sprintf("%s, %d streams", c.name, n), c.what)
	}
	for range streamRounds {
		for _, c := range contestants {
			if err := measureStreams(ctx, g, c.serve, t.in, n, changes, by[c.name]); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	r.judgeStreams(n, by["serin"], by["floor"], by["peer"])
	return nil
}

// judgeStreams compares the contestants.
func (r *record) judgeStreams(n int, serin, floor, peer *series) {
	q := r.compare(fmt.Sprintf("serin over floor until counted, %d streams", n), serin.median("counted_ms"), floor.median("counted_ms"))
	r.compare(fmt.Sprintf("serin over floor until answered, %d streams", n), serin.median("answered_ms"), floor.median("answered_ms"))
	r.compare(fmt.Sprintf("peer over floor until counted, %d streams", n), peer.median("counted_ms"), floor.median("counted_ms"))
	r.atMost(fmt.Sprintf("one weight to %d streams until the last acknowledgement, over the floor", n), q, 1.3)
	r.atMost(fmt.Sprintf("memory of a connected Envoy over the floor's, bytes, %d streams", n),
		serin.median("memory_bytes")-floor.median("memory_bytes"), 20_000)
}

// measureStreams runs one contestant.
func measureStreams(ctx context.Context, g *rig, start server, in interest, n, changes int, s *series) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lis, err := listen()
	if err != nil {
		return err
	}
	change, err := start(ctx, g, lis)
	if err != nil {
		return err
	}
	before := memory()
	c, err := gather(ctx, lis.Addr().String(), n, in)
	if err != nil {
		return err
	}
	defer c.close()
	each := (memory() - before) / float64(n)
	for i := range changes + warmUp {
		f, err := oneChange(ctx, c, change, uint32(1_000*(i+1)), n)
		if err != nil {
			return err
		}
		if f["memory_bytes"] = each; i >= warmUp {
			s.add(f)
		}
	}
	return nil
}

// oneChange makes a change and waits for both ends.
func oneChange(ctx context.Context, c *crowd, change changer, weight uint32, n int) (figures, error) {
	c.expect()
	began := time.Now()
	if err := change(ctx, weight, n); err != nil {
		return nil, err
	}
	counted := time.Since(began)
	answered, err := c.wait(ctx)
	return figures{"counted_ms": ms(counted), "answered_ms": ms(answered.Sub(began))}, err
}

// memory gives what the process's heap and stacks hold, in bytes.
func memory() float64 {
	runtime.GC()
	runtime.GC() // the first one leaves what pools held
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc + m.StackInuse)
}
