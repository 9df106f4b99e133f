package main

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/serin-mesh/serin/rollout"
)

// coreRounds is how often the machine and its floor take turns.
const coreRounds = 9

// coreBench measures the state machine by itself, and the loop with many
// rollouts under way.
func coreBench(ctx context.Context, m *machine) (*record, error) {
	rollouts, each := m.pick(500, 10_000, 10_000), m.pick(50, 400, 2_000)
	out := newRecord("events through the state machine; many rollouts under way in one process", map[string]any{
		"rollouts_through_the_machine": each, "rounds": coreRounds, "rollouts_under_way": rollouts,
		"reports_a_second_for_each": 1, "gateways": runningGateways,
	})
	out.events(each)
	if err := running(ctx, m, rollouts, out); err != nil {
		return nil, fmt.Errorf("%d rollouts: %w", rollouts, err)
	}
	return out, nil
}

// events measures rollout.Step on the events of whole rollouts.
func (r *record) events(each int) {
	machine := r.series("machine", "rollout.Step, whole rollouts with what comes in between")
	floor := r.series("machine, floor", "the same events, and a function that copies the state and does nothing with them")
	for range coreRounds {
		machine.add(measureEvents(each, rollout.Step))
		floor.add(measureEvents(each, copyState))
	}
	ns := machine.median("event_ns")
	r.compare("an event through the machine over a copy of the state", ns, floor.median("event_ns"))
	r.atMost("an event through the machine, ns", ns, 2_000)
	r.note("%.0f events a second go through the machine on one core: of 100 events %d are reports and acknowledgements that "+
		"change nothing, as in a rollout with a report a second and pauses of minutes.", 1e9/ns, 100-100*eventsThatMove/(eventsThatMove+eventsBetween))
}

// stepper is rollout.Step, or what stands for it.
type stepper func(rollout.Spec, rollout.State, time.Time, rollout.Event) (rollout.State, rollout.Effects, error)

//go:noinline
func copyState(_ rollout.Spec, s rollout.State, _ time.Time, _ rollout.Event) (rollout.State, rollout.Effects, error) {
	return s, rollout.Effects{}, nil
}

// Of the events of one rollout, about so many move it and so many do not.
const (
	eventsThatMove = 14
	eventsBetween  = 4 * 24
)

// measureEvents plays rollouts one after the other.
func measureEvents(rollouts int, step stepper) figures {
	p := &player{step: step, now: time.Unix(1_800_000_000, 0)}
	p.play(rollout.SpecSeen{}) // the first version
	var before, after runtime.MemStats
	p.events = 0
	runtime.ReadMemStats(&before)
	began := time.Now()
	for range rollouts {
		p.rollout()
	}
	took := time.Since(began)
	runtime.ReadMemStats(&after)
	n := float64(p.events)
	return figures{
		"event_ns": float64(took) / n, "events": n,
		"allocations_an_event": float64(after.Mallocs-before.Mallocs) / n,
		"allocated_bytes":      float64(after.TotalAlloc-before.TotalAlloc) / n,
	}
}

// player plays one Rollout's events.
type player struct {
	step     stepper
	spec     rollout.Spec
	state    rollout.State
	now      time.Time
	versions int
	events   int
	requests uint64
}

// play plays an event a millisecond after the one before.
func (p *player) play(ev rollout.Event) {
	if p.spec.Steps == nil {
		p.spec = rollout.Spec{Version: "v0", Steps: coreSteps(), Deadline: 10 * time.Minute}
	}
	p.events++
	p.now = p.now.Add(time.Millisecond)
	next, _, err := p.step(p.spec, p.state, p.now, ev)
	if err != nil { // an action that does not apply, where nothing is played
		next = p.state
	}
	p.state = next
}

// coreSteps are four weights, each with a pause that time ends but for the last,
// which a person does.
func coreSteps() []rollout.StepSpec {
	var out []rollout.StepSpec
	for i, percent := range []rollout.Weight{5, 20, 50, 80} {
		w, p := percent*rollout.Total/100, &rollout.PauseSpec{Duration: time.Minute}
		if i == 3 {
			p = &rollout.PauseSpec{}
		}
		out = append(out, rollout.StepSpec{SetWeight: &w}, rollout.StepSpec{Pause: p})
	}
	return out
}

// rollout plays a canary from its first event to its promotion.
func (p *player) rollout() {
	p.versions++
	p.spec.Version = fmt.Sprintf("v%d", p.versions%8)
	p.play(rollout.SpecSeen{})
	p.play(rollout.EndpointsSeen{Canary: 3, Stable: 3})
	p.acked() // the clusters and the route
	for range 4 {
		p.acked() // the weight
		for range eventsBetween / 4 / 2 {
			p.requests += 40
			p.play(rollout.Counted{Attempt: p.state.Attempt, Requests: p.requests})
			p.play(rollout.FleetSeen{Fleet: p.fleet(3)})
		}
		p.now = p.now.Add(time.Minute)
		p.play(rollout.Ticked{})
	}
	p.play(rollout.Acted{Action: rollout.Action{Verb: rollout.Promote, Actor: "bench"}})
	p.acked() // everything
	p.acked() // the plain route
}

// acked tells that one Envoy after the other has what is wanted.
func (p *player) acked() { p.play(rollout.FleetSeen{Fleet: p.fleet(3)}) }

// fleet is three Envoys of which some have acked.
func (p *player) fleet(acked int) rollout.Fleet {
	return rollout.Fleet{Generation: p.state.Generation, Connected: 3, Acked: acked, Waiting: 3 - acked, Settled: acked == 3}
}
