package control

import (
	"fmt"
	"time"

	"github.com/serin-mesh/serin/analysis"
	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
	"github.com/serin-mesh/serin/stats"
)

// proof is the judge of a prove step, and how far what it was given goes.
type proof struct {
	Test *analysis.Proof `json:"test"`
	Good float64         `json:"good"` // given to the test

	// last is where the ledger stood when it was looked at last; it begins anew
	// in each life of the program.
	last float64
	// doubt says why the weights are not to be relied on; empty: they are.
	doubt string
}

// ensureProof begins the proof that is asked for before promotion, unless it
// has begun.
func (c *canary) ensureProof(l *loop) {
	if c.judge == nil {
		return
	}
	switch terms := c.object.Guard().Promotion; {
	case terms == nil:
		c.judge.Proof = nil
	case c.judge.Proof == nil:
		c.judge.Proof = c.beginProof(l, terms)
	}
}

// promotable is the answer to the question before promotion: all traffic may
// move over when it is proved, or where the guard only looks, or does not.
func (c *canary) promotable() (rollout.Outcome, string) {
	if mode := c.object.Guard().Mode; mode != api.GuardEnforce || c.judge == nil || c.judge.Proof == nil {
		return rollout.Passed, fmt.Sprintf("nothing is held for a proof: the guard's mode is %s", mode)
	}
	return c.judge.Proof.outcome()
}

// evidence is the proof's verdict for a status or a journal.
func (p *proof) evidence(judge string, at time.Time) api.Evidence {
	r := p.verdict()
	e := r.Record()
	e.Metric, e.Judge, e.At = "error-rate", judge, at
	return e
}

// beginProof begins a proof that counts from now.
func (c *canary) beginProof(l *loop, p *api.ProveTerms) *proof {
	return &proof{
		Test: analysis.NewProof(analysis.ProofConfig{MaxIncrease: p.MaxIncrease, Beta: 1 - p.Confidence}),
		last: l.ledger.Good(c.service, c.state.Version),
	}
}

// proofs lists the proofs that wait for evidence.
func (c *canary) proofs() []*proof {
	var out []*proof
	if c.judge != nil && c.judge.Proof != nil && c.state.Active() {
		out = append(out, c.judge.Proof)
	}
	for _, t := range c.trials {
		if t.Proof != nil && t.Outcome == "" {
			out = append(out, t.Proof)
		}
	}
	return out
}

// disprove gives a failure to the proofs. Other than for the guard each of the
// canary's counts, and what one lost connection of stable's took with it counts
// once: so it speaks against the canary, whatever it is.
func (c *canary) disprove(l *loop, isCanary bool, batch stats.Failures, f stats.Failure) {
	proofs := c.proofs()
	if len(proofs) == 0 || !isCanary && l.filter.SameConnection(batch.Node, f) {
		return
	}
	weight := c.history.Smallest(batch.Received.Add(-f.Duration-Slack), batch.Received)
	for _, p := range proofs {
		p.Test.Failure(analysis.Failure{Canary: isCanary, Weight: weight, Host: f.Host, Flag: f.Flags.Short()})
	}
	l.asking[c] = true
	c.changed(l)
}

// prove gives the proofs the canary's requests that have ended well. What was
// sent to the canary on purpose is not among them: it has a cluster of its own.
func (c *canary) prove(l *loop) {
	for _, p := range c.proofs() {
		good := l.ledger.Good(c.service, c.state.Version)
		if c.judge != nil && c.judge.Split != nil && c.judge.Split.Alarmed() {
			p.doubt = c.judge.Split.Verdict().Message
		}
		if good > p.last {
			p.Good += good - p.last
			p.Test.Good(p.Good)
			l.asking[c] = true
			c.changed(l)
		}
		p.last = good
	}
}

// outcome is Passed when it is proved. A proof never fails.
func (p *proof) outcome() (rollout.Outcome, string) {
	if r := p.verdict(); r.Verdict == api.VerdictGood {
		return rollout.Passed, r.Message
	}
	return "", ""
}

// verdict is the proof's, or that it cannot judge.
func (p *proof) verdict() analysis.Result {
	r := p.Test.Verdict()
	if p.doubt != "" {
		r.Verdict = api.VerdictCannotJudge
		r.Message = p.doubt + "; so this proves nothing: " + r.Message
	}
	return r
}
