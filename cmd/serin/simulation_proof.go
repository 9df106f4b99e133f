package main

import (
	"github.com/serin-mesh/serin/analysis"
	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/control"
	"github.com/serin-mesh/serin/rollout"
)

// simulatedProof is a prove step under way.
type simulatedProof struct {
	run  rollout.Run
	test *analysis.Proof
	beta float64
	good float64 // requests of the canary that ended well since it began
}

// prove begins the proof that the machine waits for, or ends the one that it
// does not.
func (s *simulation) prove() {
	runs := rollout.Runs(s.spec, s.state)
	if len(runs) == 0 {
		s.proof = nil
		return
	}
	if s.proof != nil && s.proof.run == runs[0].Run {
		return
	}
	terms := s.object.Steps()[runs[0].Step].Prove.Terms()
	beta := 1 - terms.Confidence
	s.proof = &simulatedProof{
		run: runs[0].Run, beta: beta,
		test: analysis.NewProof(analysis.ProofConfig{MaxIncrease: terms.MaxIncrease, Beta: beta}),
	}
}

// disprove gives a failure to the proof.
func (s *simulation) disprove(canary bool) {
	if s.proof != nil {
		s.proof.test.Failure(analysis.Failure{Canary: canary, Weight: s.history.Smallest(s.now.Add(-control.Slack), s.now)})
	}
}

// proved gives the proof a request of the canary that ended well, and tells the
// machine when that was enough.
func (s *simulation) proved() {
	p := s.proof
	if p == nil {
		return
	}
	p.good++
	p.test.Good(p.good)
	if p.test.Evidence()*p.beta < 1 {
		return
	}
	if result := p.test.Verdict(); result.Verdict == api.VerdictGood {
		s.play(rollout.Checked{Run: p.run, Outcome: rollout.Passed, Message: result.Message})
	}
}
