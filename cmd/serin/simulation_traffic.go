package main

import (
	"context"
	"time"

	"github.com/serin-mesh/serin/analysis"
	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/control"
	"github.com/serin-mesh/serin/rollout"
)

// serve draws the requests up to a moment, and says whether it stopped early:
// a request decided something, or nobody waits for the outcome any more.
func (s *simulation) serve(ctx context.Context, until time.Time) bool {
	gap := float64(time.Second) / s.traffic.rps // +Inf where there is no traffic
	for {
		offset := float64(s.sent+1) * gap
		if !(offset <= float64(until.Sub(s.from))) {
			s.now = until
			return false
		}
		s.sent++
		s.requests++
		s.now = s.from.Add(time.Duration(offset))
		if s.request() || s.requests%(1<<20) == 0 && ctx.Err() != nil {
			return true
		}
	}
}

// request draws one request, and says whether it decided something.
func (s *simulation) request() bool {
	canary := s.random.Float64() < s.share
	errors, of := s.traffic.stable, &s.stable
	if canary {
		errors, of = s.traffic.canary, &s.canary
	}
	of.Requests++
	before := len(s.timeline)
	if s.random.Float64() < errors {
		of.Errors++
		s.disprove(canary)
		s.failure(canary)
	} else if canary {
		s.proved()
	}
	if canary && s.counts && s.state.Active() {
		s.play(rollout.Counted{Attempt: s.state.Attempt, Requests: s.canary.Requests})
	}
	return len(s.timeline) > before
}

// failure gives a failure to the guard, which may find harm.
func (s *simulation) failure(canary bool) {
	guard := s.object.Guard()
	if s.guard == nil || !s.state.Active() || s.now.Sub(s.attemptBegan) < guard.Warmup {
		return
	}
	s.guard.Requests(float64(s.canary.Requests), float64(s.stable.Requests), true)
	s.guard.Failure(analysis.Failure{Canary: canary, Weight: s.history.Largest(s.now.Add(-control.Slack), s.now)})
	// What is short of the threshold is no harm: the sentence of a verdict costs
	// more than all the rest.
	if guard.Mode != api.GuardEnforce || s.guard.Evidence()*s.guard.Config().Alpha < 1 {
		return
	}
	if result := s.guard.Verdict(); result.Verdict == api.VerdictHarm {
		s.play(rollout.HarmFound{Attempt: s.state.Attempt, Message: result.Message})
	}
}

// verdict is what the guard says now; none where it is off.
func (s *simulation) verdict() []api.Evidence {
	if s.guard == nil {
		return []api.Evidence{}
	}
	s.guard.Requests(float64(s.canary.Requests), float64(s.stable.Requests), true)
	e := s.guard.Verdict().Record()
	e.At = s.now
	out := []api.Evidence{e}
	if s.whole != nil {
		p := s.whole.test.Verdict().Record()
		p.Metric, p.Judge, p.At = "error-rate", "promotion", s.now
		out = append(out, p)
	}
	return out
}
