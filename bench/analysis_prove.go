package main

import (
	"context"
	"fmt"

	"github.com/serin-mesh/serin/analysis"
	"github.com/serin-mesh/serin/api"
)

// proofConfig is a step `prove` by default.
var proofConfig = analysis.ProofConfig{MaxIncrease: 0.005, Beta: 0.05}

// proofs measures how soon a good canary is proved, and how often one at the edge
// is.
func (r *record) proofs(ctx context.Context, n studySizes) {
	t := r.sheet("Proved not to be worse", fmt.Sprintf("`prove: {maxIncrease: 0.005, confidence: 0.95}` at %g requests a second for %d minutes at most, "+
		"looked at each second. %s runs a row; canary requests are the mean of the runs that were proved.", mainRate, minutes, thousands(n.Prove)),
		"canary", "weight", "proved", "upper end", "canary requests")
	p := analysis.NewProof(proofConfig)
	good := 0.0
	for p.Verdict().Verdict != api.VerdictGood {
		good++
		p.Good(good)
	}
	r.atMost("prove, no errors, 0.005, beta 0.05: canary requests", good, 800)
	for i, c := range []struct {
		p0, p1, w float64
		incident  bool
	}{
		{0, 0, 0.2, false}, {0.001, 0.001, 0.1, false}, {0.005, 0.005, 0.1, false}, {0.01, 0.01, 0.1, false},
		{0.005, 0.01, 0.1, false}, {0.005, 0.01, 0.5, false}, {0.01, 0.015, 0.2, false}, {0, 0.005, 0.2, false}, {0.005, 0.01, 0.2, true},
	} {
		proved, requests := prove(ctx, c.p0, c.p1, c.w, c.incident, n.Prove, uint64(700+i))
		name := fmt.Sprintf("%s%% where stable has %s%%", points(c.p1), points(c.p0))
		if c.incident {
			name += ", a shared incident"
		}
		end := "–"
		if c.p1 > c.p0 {
			upper := r.promised(fmt.Sprintf("wrong proofs, %s, w = %s", name, short(c.w)), proved, n.Prove, 1_500, proofConfig.Beta)
			end = short(100*upper) + "%"
		}
		t.row(name, short(c.w), percentOf(proved, n.Prove), end, thousands(int(requests/float64(max(proved, 1)))))
	}
}

// prove plays runs to a proof, and gives how many it proved and after how many
// canary requests, in all.
func prove(ctx context.Context, p0, p1, w float64, incident bool, runs int, seed uint64) (proved int, requests float64) {
	draw := newTraffic(seed)
	for run := range runs {
		if ctx.Err() != nil {
			break
		}
		draw.begin(run)
		p, good, all := analysis.NewProof(proofConfig), 0.0, 0.0
		s := span{seconds: 1, rate: mainRate, weight: w}
		for second := range minutes * 60 {
			s.p = [2]float64{p0, p1}
			if incident && second >= 60 && second < 120 { // in both, and the canary as much worse
				s.p = [2]float64{0.3, 0.3 + p1 - p0}
			}
			r := draw.draw(&s, 1)
			draw.arrange(&r)
			for _, is := range r.arms {
				p.Failure(analysis.Failure{Canary: is, Weight: w})
			}
			good, all = good+r.requests[canaryArm]-r.failed[canaryArm], all+r.requests[canaryArm]
			if p.Good(good); p.Evidence() >= 1/proofConfig.Beta {
				proved++
				requests += all
				break
			}
		}
	}
	return proved, requests
}
