package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/internal/lab"
)

// The conditions of the benches in which a canary turns bad, which DESIGN.md fixes.
const (
	reactionRate   = 1000.0
	reactionWeight = 20.0
	reactionEnvoys = 2
	// healthyFor is how long the canary is good before it turns bad, and
	// settleFor how long requests may still come after the fleet has accepted
	// weight 0.
	healthyFor = 3 * time.Second
	settleFor  = 300 * time.Millisecond
)

// turn is a way in which a canary turns bad, and what is measured then.
type turn struct {
	guard  string        // of the Rollout; empty: the default
	bad    func(*origin) // has the version be bad until it is healed
	metric string        // whose evidence ends it; empty: the first, that of errors

	// figures takes the times of the bad requests, of the last one to the version
	// and of when the fleet had accepted its end; how many the guard judged on; and
	// how many failed for clients.
	figures func(bad []time.Time, last, acked time.Time, decided, atClient uint64) (figures, error)
}

// turning has a canary turn bad again and again, under load, and adds what is
// measured to a series.
func turning(ctx context.Context, m *machine, to *series, t turn) (err error) {
	r, err := newRig(m, fmt.Sprintf("setWeight: %g", reactionWeight), "pause: {}")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	if t.guard != "" {
		r.app.Guard = t.guard
		if err := r.folder.PutApp(r.app); err != nil {
			return err
		}
	}
	if err := r.fleet(ctx, reactionEnvoys); err != nil {
		return err
	}
	l, _, err := r.load(ctx, reactionRate, nil)
	if err != nil {
		return err
	}
	if err := r.want("v2"); err != nil {
		return err
	}
	for range m.pick(5, 15, 60) {
		f, err := r.turn(ctx, l, t)
		if err != nil {
			return err
		}
		to.add(f)
		if err := r.client.act(ctx, "retry"); err != nil {
			return err
		}
	}
	return nil
}

// turn turns the canary bad once and waits until it is out.
func (r *rig) turn(ctx context.Context, l *lab.Load, t turn) (figures, error) {
	if _, err := r.watch.await(ctx, "paused at 20%", pausedAt(reactionWeight)); err != nil {
		return nil, err
	}
	if err := hold(ctx, healthyFor); err != nil {
		return nil, err
	}
	canary, before := r.origins["v2"], l.Counts()
	t.bad(canary)
	out, err := r.watch.await(ctx, "aborted", abortedBy(reactionEnvoys))
	if err != nil {
		return nil, err
	}
	if err := hold(ctx, settleFor); err != nil {
		return nil, err
	}
	bad, last := canary.heal()
	at := slices.IndexFunc(out.status.Evidence, func(e api.Evidence) bool { return t.metric == "" || e.Metric == t.metric })
	if at < 0 {
		return nil, errors.New("an abort without evidence")
	}
	return t.figures(bad, last, out.at, out.status.Evidence[at].CanaryFailures, l.Counts().Sub(before).Failed)
}

// fleet starts Serin and a number of Envoys.
func (r *rig) fleet(ctx context.Context, envoys int, flags ...string) error {
	if err := r.serve(ctx, flags...); err != nil {
		return err
	}
	for i := range envoys {
		if _, err := r.envoy(ctx, fmt.Sprintf("edge-%d", i+1), r.xds, nil); err != nil {
			return err
		}
	}
	return nil
}
