package main

import (
	"github.com/serin-mesh/serin/analysis"
	"github.com/serin-mesh/serin/api"
)

// margin is the guard's by default.
const margin = analysis.DefaultMargin

// judge looks at a stream as it comes.
type judge interface {
	// see takes a span. If it stops the canary, it says how many of the span's
	// failures it had seen by then, of those that it looks at one by one, or all.
	see(r *reported) (stopped bool, failures int)
}

// ordered is what looks at failures one by one.
type ordered interface{ ordered() }

// hostNames are those of the canary.
var hostNames = [...]string{"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"}

// guardConfig is what a rollout has by default.
func guardConfig(alpha float64, planned int) analysis.Config {
	return analysis.Config{Alpha: alpha, Margin: margin, MaxIncrease: analysis.DefaultMaxIncrease, PlannedSteps: planned}
}

// slowConfig is what the guard has for requests beyond the objective.
func slowConfig() analysis.Config {
	return analysis.Config{Alpha: metricAlpha, Margin: 1, MaxIncrease: 0.01, PlannedSteps: 3,
		Metric: "latency", Bad: "took longer", LoneHost: api.VerdictCannotJudge}
}

// guard is the error-rate test, fed as the control loop does.
type guard struct {
	test      *analysis.ErrorRate
	threshold float64
	seen      [2]float64 // requests before this span
	turn      int        // whose host is next
	highest   float64    // evidence
}

// newGuard makes a guard of a canary with three hosts.
func newGuard(c analysis.Config) *guard {
	g := &guard{test: analysis.NewErrorRate(c), threshold: 1 / c.Alpha}
	g.test.Hosts(len(hostNames))
	return g
}

func (g *guard) ordered() {}

// see takes a span's failures one by one. Requests are known from reports, and
// between them from the rate.
func (g *guard) see(r *reported) (bool, int) {
	if r.step {
		g.test.Step()
	}
	for i, is := range r.arms {
		part := float64(i+1) / float64(len(r.arms)+1)
		g.test.Requests(g.seen[canaryArm]+part*r.requests[canaryArm], g.seen[stableArm]+part*r.requests[stableArm], true)
		if g.take(is, r.most) && g.harm() {
			return true, i + 1
		}
	}
	g.seen[canaryArm] += r.requests[canaryArm]
	g.seen[stableArm] += r.requests[stableArm]
	return false, 0
}

// take takes one failure and says whether the evidence has crossed its threshold.
func (g *guard) take(is bool, weight float64) bool {
	f := analysis.Failure{Canary: is, Weight: weight}
	if is {
		g.turn++
		f.Host = hostNames[g.turn%len(hostNames)]
	}
	return g.feed(f)
}

// feed is take, of a failure with all that is known.
func (g *guard) feed(f analysis.Failure) bool {
	g.test.Failure(f)
	e := g.test.Evidence()
	g.highest = max(g.highest, e)
	return e >= g.threshold
}

func (g *guard) harm() bool { return g.test.Verdict().Verdict == api.VerdictHarm }
