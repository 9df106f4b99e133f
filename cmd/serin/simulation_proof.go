package main

import (
	"github.com/serin-mesh/serin/analysis"
	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/control"
	"github.com/serin-mesh/serin/rollout"
)

// simulatedProof is a proof under way.
type simulatedProof struct {
	run  rollout.Run // that asks for it; of the one before promotion while its turn has not come: none
	test *analysis.Proof
	beta float64
	good float64 // requests of the canary that ended well since it began
}

// newSimulatedProof begins a proof.
func newSimulatedProof(run rollout.Run, terms *api.ProveTerms) *simulatedProof {
	beta := 1 - terms.Confidence
	return &simulatedProof{run: run, beta: beta,
		test: analysis.NewProof(analysis.ProofConfig{MaxIncrease: terms.MaxIncrease, Beta: beta})}
}

// prove begins the proof that the machine waits for, or ends the one that it
// does not. The one before promotion has begun with the canary.
func (s *simulation) prove() {
	runs := rollout.Runs(s.spec, s.state)
	if len(runs) == 0 {
		s.proof = nil
		return
	}
	run := runs[0].Run
	terms, whole := control.ProofOf(*s.spec.Steps[run.Step].Check)
	switch {
	case terms == nil || s.proof != nil && s.proof.run == run:
	case !whole:
		s.proof = newSimulatedProof(run, terms)
	case s.whole != nil && s.object.Guard().Mode == api.GuardEnforce:
		s.proof, s.whole.run = s.whole, run
		s.answer()
	default:
		s.play(rollout.Checked{Run: run, Outcome: rollout.Passed, Message: "nothing is held for a proof"})
	}
}

// proofs lists what a request is evidence for.
func (s *simulation) proofs() []*simulatedProof {
	var out []*simulatedProof
	if s.proof != nil {
		out = append(out, s.proof)
	}
	if s.whole != nil && s.whole != s.proof {
		out = append(out, s.whole)
	}
	return out
}

// disprove gives a failure to the proofs.
func (s *simulation) disprove(canary bool) {
	for _, p := range s.proofs() {
		p.test.Failure(analysis.Failure{Canary: canary, Weight: s.history.Smallest(s.now.Add(-control.Slack), s.now)})
	}
	if !canary {
		s.answer()
	}
}

// proved gives the proofs a request of the canary that ended well.
func (s *simulation) proved() {
	for _, p := range s.proofs() {
		p.good++
		p.test.Good(p.good)
	}
	s.answer()
}

// answer tells the machine that what it waits for is proved.
func (s *simulation) answer() {
	p := s.proof
	if p == nil || p.test.Evidence()*p.beta < 1 {
		return
	}
	if result := p.test.Verdict(); result.Verdict == api.VerdictGood {
		s.play(rollout.Checked{Run: p.run, Outcome: rollout.Passed, Message: result.Message})
	}
}
