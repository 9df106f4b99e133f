package main

import (
	"context"
	"errors"
	"time"
)

// The conditions of the abort bench.
const (
	abortRate   = 200.0
	abortEnvoys = 2
	// betweenAborts is how long the canary is left at its weight.
	betweenAborts = 50 * time.Millisecond
)

// abort measures how soon an abort is in force everywhere. Serin's rig and the
// floor's run at the same time and take turns, so that both see the same noise.
func abort(ctx context.Context, m *machine) (out *record, err error) {
	out = newRecord("from POST abort until the event stream says that every Envoy has accepted weight 0", map[string]any{
		"requests_a_second": abortRate, "envoys": abortEnvoys, "canary_percent": 20,
	})
	r, err := newRig(m, "setWeight: 20", "pause: {}")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	if err := r.fleet(ctx, abortEnvoys); err != nil {
		return nil, err
	}
	bare, p, err := barePush(ctx, m, abortEnvoys)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, bare.close()) }()
	_, stop, err := r.load(ctx, abortRate, nil)
	if err != nil {
		return nil, err
	}
	serin := out.series("serin", "POST abort until acknowledged by all, through HTTP, control and the event stream")
	floor := out.series("floor", "the same weight applied to a bare xds.Server in the bench's process, "+
		"with two Envoys of its own, until it has counted their acknowledgements")
	if err := r.want("v2"); err != nil {
		return nil, err
	}
	for range m.pick(10, 40, 200) {
		if err := abortTurn(ctx, r, p, serin, floor); err != nil {
			return nil, err
		}
	}
	out.judgeAbort(serin, floor, stop().Failed)
	return out, nil
}

// judgeAbort compares the runs with their floor and the goals.
func (r *record) judgeAbort(serin, floor *series, failed uint64) {
	said := serin.median("acked_ms")
	r.compare("abort said until acked, over a bare push", said, floor.median("acked_ms"))
	r.atMost("abort said until acked by every Envoy, ms", said, 10)
	r.atMost("requests that failed because of the aborts and retries", float64(failed), 0)
}

// abortTurn aborts once on each side, and goes back to 20%.
func abortTurn(ctx context.Context, r *rig, p *pusher, serin, floor *series) error {
	if _, err := r.watch.await(ctx, "paused at 20%", pausedAt(20)); err != nil {
		return err
	}
	if _, err := p.push(ctx, 200_000); err != nil {
		return err
	}
	if err := hold(ctx, betweenAborts); err != nil {
		return err
	}
	f, err := r.abortOnce(ctx)
	if err != nil {
		return err
	}
	serin.add(f)
	took, err := p.push(ctx, 0)
	if err != nil {
		return err
	}
	floor.add(figures{"acked_ms": ms(took)})
	return r.client.act(ctx, "retry")
}

// abortOnce aborts and waits until everybody has acked.
func (r *rig) abortOnce(ctx context.Context) (figures, error) {
	began := time.Now()
	if err := r.client.act(ctx, "abort"); err != nil {
		return nil, err
	}
	answered := time.Now()
	s, err := r.watch.await(ctx, "aborted", abortedBy(abortEnvoys))
	if err != nil {
		return nil, err
	}
	// The answer waits for the disk; the push does not.
	return figures{"acked_ms": ms(s.at.Sub(began)), "answered_ms": ms(answered.Sub(began))}, nil
}
