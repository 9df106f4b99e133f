package main

import (
	"testing"

	"github.com/serin-mesh/serin/analysis"
)

// TestBreakages: each condition matters, that is, without its rule good canaries
// are stopped; and what each rule makes of it.
func TestBreakages(t *testing.T) {
	const runs = 40
	type of struct{ without, with, cannot bool } // that some runs end so
	want := map[string]of{
		"sticky users: 5 of 1,000 always fail, the split is tested":                        {true, true, true},
		"sticky users: 5 of 1,000 always fail, each user counts once":                      {true, false, false},
		"sticky users: 20 heavy ones, the split is tested":                                 {true, false, true},
		"entries counted twice, at the edge, a repeated entry is left out":                 {true, false, false},
		"batches of 30 sorted by version, at the edge, a verdict for the whole batch only": {true, false, false},
		"0.2 s of a wrong weight in an incident, the larger of the possible weights":       {true, false, false},
		"half of the fleet at twice the weight, an incident, the split is tested":          {true, false, true},
		"one of three hosts dies, no other errors, harm without any one host too":          {true, false, false},
		"one of three hosts dies, 0.5% other errors, harm without any one host too":        {true, false, false},
		"one of three hosts hangs, nothing else is slow, harm without any one host too":    {true, false, true},
		"one of three hosts hangs, 1% else is slow, harm without any one host too":         {true, false, true},
	}
	for i, b := range breakages() {
		without, _ := b.runs(t.Context(), runs, false, uint64(900+i))
		with, cannot := b.runs(t.Context(), runs, true, uint64(900+i))
		name := b.name + ", " + b.rule
		// One stop may be chance: at the edge it has a probability of nearly 0.01.
		got := of{without > 0, with > 2, cannot > 2}
		if w, ok := want[name]; !ok || got != w {
			t.Errorf("%s: %d stopped without, %d with, %d cannot judge; want %+v", name, without, with, cannot, w)
		}
	}
}

// TestStick: users go to the versions as the weight says, on average.
func TestStick(t *testing.T) {
	draw, share, failing := newTraffic(6), 0.0, 0
	const runs = 400
	for run := range runs {
		draw.begin(run)
		c := stick(draw, 1000)
		share += c.share
		for _, is := range c.failing {
			if is {
				failing++
			}
		}
		if len(c.failing) != 5 {
			t.Fatalf("%d users fail", len(c.failing))
		}
	}
	if s := share / runs; s < 0.198 || s > 0.202 {
		t.Errorf("the canary has %g of the users", s)
	}
	if f := float64(failing) / (5 * runs); f < 0.16 || f > 0.24 {
		t.Errorf("the canary has %g of those that fail", f)
	}
}

// TestGuardIsFedInOrder: the guard stops at the failure that decides, with the
// requests until then, and not at the end of the span.
func TestGuardIsFedInOrder(t *testing.T) {
	r := report(10, 800, 0, 200, 200)
	for range 200 {
		r.arms = append(r.arms, true)
	}
	g := newGuard(guardConfig(metricAlpha, 3))
	stopped, failures := g.see(r)
	if !stopped || failures != 7 {
		t.Errorf("stopped %v after %d failures, want 7", stopped, failures)
	}
	if v := g.test.Verdict().Total; v.CanaryRequests > 8 || v.CanaryRequests < 6 {
		t.Errorf("by then the canary had %g requests", v.CanaryRequests)
	}
}

// TestGuardTakesTheLargerWeight: in doubt a failure of the canary says less.
func TestGuardTakesTheLargerWeight(t *testing.T) {
	doubtful := report(0.2, 8, 0, 2, 2)
	doubtful.arms = []bool{true, true}
	doubtful.most = 0.5
	sure := *doubtful
	sure.span = &span{weight: 0.2, most: 0.2}
	a, b := newGuard(guardConfig(metricAlpha, 3)), newGuard(guardConfig(metricAlpha, 3))
	a.see(doubtful)
	b.see(&sure)
	if a.highest >= b.highest || a.highest <= 1 {
		t.Errorf("evidence %g in doubt, %g without", a.highest, b.highest)
	}
}

// TestGuardStepsOnce: a span that begins with a later planned weight says so.
func TestGuardStepsOnce(t *testing.T) {
	r := report(10, 80, 0, 20, 0)
	r.step = true
	g, by := newGuard(guardConfig(metricAlpha, 1)), analysis.NewErrorRate(guardConfig(metricAlpha, 1))
	g.see(r)
	by.Step()
	g.take(true, 0.2)
	by.Failure(analysis.Failure{Canary: true, Weight: 0.2})
	if g.test.Evidence() != by.Evidence() {
		t.Errorf("evidence %g, want %g", g.test.Evidence(), by.Evidence())
	}
}

// TestCosts: something was measured, of everything that the page tells of.
func TestCosts(t *testing.T) {
	if ns := guardCost(5000); ns <= 0 {
		t.Errorf("a failure takes %g ns", ns)
	}
	if ns := reportCost(500); ns <= 0 {
		t.Errorf("a report takes %g ns", ns)
	}
	if ms := manyCost(t.Context(), 20); ms <= 0 {
		t.Errorf("a second of 20 rollouts takes %g ms", ms)
	}
	for _, c := range contenders() {
		if ns := contenderCost(c, 1); ns <= 0 {
			t.Errorf("%s: %g ns", c.name, ns)
		}
	}
}
