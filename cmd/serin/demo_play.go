package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/internal/lab"
)

// patience is how much longer than its pauses a rollout may take.
const patience = 30 * time.Second

// loadEvery is how often the clients' counts are shown.
const loadEvery = 250 * time.Millisecond

// player plays the demo on a stage.
type player struct {
	stage  *demoStage
	screen screen
	news   chan *api.Rollout // each state of the Rollout, in order
	now    *api.Rollout      // the last of them; nil before the first
}

// play plays the acts and gives what was measured.
func play(ctx context.Context, stage *demoStage, screen screen) (demoReport, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p := &player{stage: stage, screen: screen, news: make(chan *api.Rollout)}
	stop := start(ctx, p.follow)
	r, err := p.acts(ctx)
	return r, errors.Join(err, stop())
}

// follow hands on the states that the server tells of.
func (p *player) follow(ctx context.Context) error {
	return p.stage.client.follow(ctx, demoApp, func(r *api.Rollout) {
		select {
		case p.news <- r:
		case <-ctx.Done():
		}
	}, p.screen.say)
}

func (p *player) acts(ctx context.Context) (r demoReport, err error) {
	if err = p.begin(ctx); err != nil {
		return r, err
	}
	if r.good, err = p.good(ctx); err != nil {
		return r, err
	}
	if r.bad, err = p.bad(ctx); err != nil {
		return r, err
	}
	r.total = p.stage.load.Counts()
	return r, nil
}

// begin waits until both Envoys have the first version.
func (p *player) begin(ctx context.Context) error {
	err := p.until(ctx, readyWait, func(st api.RolloutStatus) bool {
		return st.Phase == api.PhaseHealthy && st.StableRS == stableOne && allAcked(st)
	})
	if err != nil {
		return fmt.Errorf("waiting for the first version: %w", err)
	}
	p.screen.say(fmt.Sprintf("%s is stable: %d Envoys serve it on port %d, and clients send %d requests a second.",
		stableOne, demoEnvoys, p.stage.port, demoRate))
	p.screen.say(fmt.Sprintf("Try it meanwhile: serin get rollout %s --server %s", demoApp, p.stage.client.base))
	return p.hold(ctx, p.stage.options.pause/5)
}

// good rolls the good version out to its promotion.
func (p *player) good(ctx context.Context) (a actReport, err error) {
	p.screen.say(fmt.Sprintf("Now the file asks for %s, a good version: 5%% of the requests, a pause, 30%%, a pause, then all.", goodOne))
	p.screen.say("Each weight goes to both Envoys at once, and a pause begins when both have acknowledged it.")
	before, began := p.stage.load.Counts(), time.Now()
	if err := p.stage.folder.SetVersion(demoApp, goodOne); err != nil {
		return a, err
	}
	err = p.until(ctx, 2*p.stage.options.pause+patience, func(st api.RolloutStatus) bool {
		return st.Abort || st.Phase == api.PhaseHealthy && st.StableRS == goodOne && allAcked(st)
	})
	a.took = time.Since(began)
	if err != nil {
		return a, fmt.Errorf("rolling %s out: %w", goodOne, err)
	}
	if !p.now.Status.Abort {
		p.screen.say(fmt.Sprintf("%s is promoted. The old version's cluster is removed once no request uses it.", goodOne))
	}
	// What goes wrong when the old version is removed belongs to this act.
	err = p.hold(ctx, p.stage.options.pause*2/5)
	a.status, a.counts = p.now.Status, p.stage.load.Counts().Sub(before)
	return a, err
}

// bad begins to roll a failing version out, until it is taken out.
func (p *player) bad(ctx context.Context) (a actReport, err error) {
	p.screen.say(fmt.Sprintf("Now the file asks for %s, which answers every request with 500.", badOne))
	p.screen.say("The Envoys stream each failure as it happens; the guard weighs whether the version is to blame.")
	service := p.stage.services[badOne]
	service.Set(lab.Fault{FailRatio: 1})
	before, began := p.stage.load.Counts(), time.Now()
	if err := p.stage.folder.SetVersion(demoApp, badOne); err != nil {
		return a, err
	}
	err = p.until(ctx, 2*p.stage.options.pause+patience, func(st api.RolloutStatus) bool {
		out := st.Abort && st.Canary.Weights.Canary.Weight == 0
		promoted := st.Phase == api.PhaseHealthy && st.StableRS == badOne
		return (out || promoted) && allAcked(st)
	})
	a.took = time.Since(began)
	if err != nil {
		return a, fmt.Errorf("taking %s out: %w", badOne, err)
	}
	if p.now.Status.Abort {
		p.screen.say(fmt.Sprintf("%s is out: no Envoy sends it requests any more.", badOne))
	}
	// A request that still reaches the version would show now.
	err = p.hold(ctx, p.stage.options.pause*2/5)
	a.status, a.counts = p.now.Status, p.stage.load.Counts().Sub(before)
	a.firstBad, a.lastRequest, a.failed = service.FirstBad(), service.LastRequest(), service.Failed()
	return a, err
}

// allAcked reports whether the whole fleet has the weights now wanted.
func allAcked(st api.RolloutStatus) bool {
	return st.Fleet.Connected == demoEnvoys && st.Fleet.Acked == demoEnvoys
}

// hold lets time pass and shows what happens.
func (p *player) hold(ctx context.Context, d time.Duration) error {
	err := p.until(ctx, d, func(api.RolloutStatus) bool { return false })
	if errors.Is(err, errTimeUp) {
		return nil
	}
	return err
}

// errTimeUp says that what was waited for did not happen.
var errTimeUp = errors.New("it did not happen in time")

// until shows what happens until a state of the Rollout is the one waited for.
// States from before the call do not count.
func (p *player) until(ctx context.Context, limit time.Duration, reached func(api.RolloutStatus) bool) error {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	ticker := time.NewTicker(loadEvery)
	defer ticker.Stop()
	for {
		select {
		case p.now = <-p.news:
			p.screen.rollout(p.now)
			if reached(p.now.Status) {
				return nil
			}
		case now := <-ticker.C:
			p.screen.load(p.stage.load.Counts(), now)
		case <-timer.C:
			return fmt.Errorf("%w (%s): %s", errTimeUp, limit, p.stands())
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// stands says where the Rollout is, for an error.
func (p *player) stands() string {
	if p.now == nil {
		return "the server told nothing of the Rollout"
	}
	return changeLine(p.now)
}
