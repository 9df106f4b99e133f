package main

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/serin-mesh/serin/analysis"
	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/control"
	"github.com/serin-mesh/serin/rollout"
	"github.com/serin-mesh/serin/stats"
)

// ackDelay is how long the simulated Envoy takes to accept a weight.
const ackDelay = 10 * time.Millisecond

// maxRequests bounds what one simulation draws.
const maxRequests = 1e9

// simulation plays one Rollout in virtual time: the machine and the guard of a
// server, and one Envoy that accepts everything and draws the version of each
// request by the weight that it has accepted.
type simulation struct {
	object *api.Rollout
	spec   rollout.Spec
	counts bool    // some step waits for requests
	series []point // those to come
	random *rand.Rand

	began, now time.Time
	state      rollout.State
	ackAt      time.Time // when the Envoy accepts what it was sent; zero: nothing is under way

	traffic  point     // that holds now
	from     time.Time // since when
	sent     int       // requests since then
	share    float64   // the canary's at the Envoy
	requests int       // drawn in all

	history      stats.WeightHistory
	attemptBegan time.Time
	guard        *analysis.ErrorRate // nil: off, or no canary yet
	canary       tally
	stable       tally
	proof        *simulatedProof // of the current step; nil: it proves nothing
	whole        *simulatedProof // before promotion, from the beginning; nil: none is asked for

	timeline []moved
}

// tally is what one version served since the canary began.
type tally struct {
	Requests uint64 `json:"requests"`
	Errors   uint64 `json:"errors"`
}

// newSimulation has the machine see the stable version; then the Rollout's own
// version is wanted, and virtual time begins.
func newSimulation(object *api.Rollout, stable string, points []point, seed uint64) *simulation {
	epoch := time.Unix(0, 0).UTC()
	s := &simulation{
		object: object, spec: planOf(object), series: points,
		random: rand.New(rand.NewPCG(seed, seed)), //nolint:gosec // the same draws for the same seed
		began:  epoch, now: epoch, from: epoch,
	}
	wanted := s.spec.Version
	s.spec.Version = stable
	s.play(rollout.SpecSeen{})
	s.spec.Version, s.timeline = wanted, nil
	s.counts = countsRequests(s.spec)
	s.accept()
	s.play(rollout.SpecSeen{})
	return s
}

// run plays until the rollout has ended and nobody has anything left to do, or
// for the time given.
func (s *simulation) run(ctx context.Context, most time.Duration) error {
	end := s.began.Add(most)
	for !s.over() && s.now.Before(end) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if s.due() {
			s.arrive()
			continue
		}
		until := end
		for _, at := range []time.Time{s.ackAt, s.nextPoint(), rollout.Wake(s.spec, s.state)} {
			// What is over already waits for something else.
			if at.After(s.now) && at.Before(until) {
				until = at
			}
		}
		if !s.serve(ctx, until) {
			s.play(rollout.Ticked{})
		}
	}
	return nil
}

// due says whether the Envoy accepts something now, or the traffic changes.
func (s *simulation) due() bool {
	return !s.ackAt.IsZero() && !s.ackAt.After(s.now) || len(s.series) > 0 && !s.nextPoint().After(s.now)
}

// arrive plays what is due.
func (s *simulation) arrive() {
	if !s.ackAt.IsZero() && !s.ackAt.After(s.now) {
		s.accept()
	}
	if len(s.series) > 0 && !s.nextPoint().After(s.now) {
		s.traffic, s.from, s.sent = s.series[0], s.now, 0
		s.series = s.series[1:]
		if a := s.traffic.action; a != nil {
			s.play(rollout.Acted{Action: *a})
		}
	}
}

// nextPoint is when the traffic changes; zero: it stays.
func (s *simulation) nextPoint() time.Time {
	if len(s.series) == 0 {
		return time.Time{}
	}
	return s.began.Add(s.series[0].at)
}

// over says whether nothing can move the rollout any more.
func (s *simulation) over() bool {
	for _, p := range s.series {
		if p.action != nil {
			return false
		}
	}
	return !s.state.Active() && s.ackAt.IsZero()
}

// play plays an event on the machine and sends what comes out to the Envoy.
func (s *simulation) play(ev rollout.Event) {
	before := s.state
	next, effects, err := rollout.Step(s.spec, s.state, s.now, ev)
	if err != nil { // an action that does not apply now
		s.note("Refused", person, err.Error())
		return
	}
	s.state = next
	if next.Attempt != before.Attempt {
		s.begin()
	}
	for _, r := range effects.Records {
		s.note(string(r.Kind), r.Actor, r.Message)
	}
	if effects.Publish != nil {
		s.send(before.Split(), *effects.Publish)
	}
	s.prove()
	if next.Active() && !next.In.EndpointsKnown {
		s.play(rollout.EndpointsSeen{Canary: 1, Stable: 1})
	}
}

// begin starts the judgement of a new attempt.
func (s *simulation) begin() {
	s.attemptBegan, s.canary, s.stable = s.now, tally{}, tally{}
	s.history = stats.WeightHistory{}
	s.history.Set(0, s.now)
	s.guard = control.NewGuard(s.object, s.spec)
	s.proof, s.whole = nil, nil
	if terms := s.object.Guard().Promotion; terms != nil {
		s.whole = newSimulatedProof(rollout.Run{}, terms)
	}
}

// send puts a division on its way to the Envoy.
func (s *simulation) send(before, split rollout.Split) {
	s.ackAt = s.now.Add(ackDelay)
	s.history.Set(part(split.Weight), s.now)
	if s.guard != nil && before.Canary == split.Canary && split.Weight > before.Weight && before.Weight > 0 {
		s.guard.Step()
	}
}

// accept has the Envoy take what it was sent.
func (s *simulation) accept() {
	s.ackAt = time.Time{}
	s.share = part(s.state.Split().Weight)
	s.history.Acked(s.now)
	s.play(rollout.FleetSeen{Fleet: rollout.Fleet{
		Generation: s.state.Generation, Connected: 1, Acked: 1, Settled: true,
	}})
}

// part gives a weight as a part of one.
func part(w rollout.Weight) float64 { return float64(w) / float64(rollout.Total) }
