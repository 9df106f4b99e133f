package main

import (
	"context"
	"fmt"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/serin-mesh/serin/analysis"
)

// upperEnd gives the upper end of the two-sided interval of Clopper and Pearson
// for the probability behind k of n, at the sureness given, such as 0.999.
func upperEnd(k, n int, sureness float64) float64 {
	if k >= n {
		return 1
	}
	return distuv.Beta{Alpha: float64(k + 1), Beta: float64(n - k)}.Quantile(1 - (1-sureness)/2)
}

// looseAlpha and tightAlpha are the promises that are tested.
const looseAlpha, tightAlpha = 0.01, 0.001

// kept counts what became of good canaries.
type kept struct{ runs, loose, tight, harm int }

// promises measures how often the guard stops a good canary. What counts for a
// goal is that the evidence reaches 1/alpha: the other conditions of harm can
// only make stops rarer.
func (r *record) promises(ctx context.Context, n studySizes) {
	t := r.sheet("Good canaries: the guard", fmt.Sprintf("At %g requests a second and weight %g (an incident at each step: weights %g, %g and %g), "+
		"0.5%% of all requests failing where nothing else is said. *Reached* is the evidence at 1/α at any moment of the run; *stopped* is harm, "+
		"with the tolerated increase and the rule of hosts, at α = 0.01. Arms that vary have another ratio in each run, and %s failures.",
		mainRate, mainWeight, mainWeight/4, mainWeight, 2.5*mainWeight, thousands(n.UnevenN)),
		"canary", "runs", "reached at α 0.01", "upper end", "reached at α 0.001", "upper end", "stopped at α 0.01")
	for i, c := range goodCanaries() {
		var k kept
		if c.spread > 0 {
			k = unevenArms(ctx, c.spread, n.Uneven, n.UnevenN)
		} else {
			k = keepPromise(ctx, c, n.Promise, uint64(100+i))
		}
		loose := r.promised("false stops at α 0.01, "+c.name, k.loose, k.runs, min(40_000, c.needed()), looseAlpha)
		tight := r.promised("false stops at α 0.001, "+c.name, k.tight, k.runs, c.needed(), tightAlpha)
		t.row(c.name, thousands(k.runs), percentOf(k.loose, k.runs), short(100*loose)+"%",
			percentOf(k.tight, k.runs), short(100*tight)+"%", percentOf(k.harm, k.runs))
	}
}

// needed gives how many runs it takes to show a promise of 0.001. Arms that
// vary stop next to nobody, which fewer runs show.
func (c scenario) needed() int {
	if c.spread > 0 {
		return 10_000
	}
	return 100_000
}

// keepPromise plays good canaries to one guard.
func keepPromise(ctx context.Context, c scenario, runs int, seed uint64) kept {
	draw, spans := newTraffic(seed), c.spans(mainRate, mainWeight)
	k := kept{}
	for run := range runs {
		if ctx.Err() != nil {
			return k
		}
		draw.begin(run)
		g := newGuard(guardConfig(looseAlpha, c.planned))
		stopped := false
		for i := range spans {
			r := draw.draw(&spans[i], 1)
			draw.arrange(&r)
			if stopped { // the evidence goes on, for the smaller alpha
				g.skip(&r)
			} else {
				stopped, _ = g.see(&r)
			}
		}
		k.note(g.highest, stopped)
	}
	return k
}

// skip takes failures without asking for a verdict.
func (g *guard) skip(r *reported) {
	if r.step {
		g.test.Step()
	}
	for _, is := range r.arms {
		g.take(is, r.most)
	}
}

// note adds a run by the highest evidence that it had.
func (k *kept) note(highest float64, stopped bool) {
	k.runs++
	if highest >= 1/looseAlpha {
		k.loose++
	}
	if highest >= 1/tightAlpha {
		k.tight++
	}
	if stopped {
		k.harm++
	}
}

// unevenArms plays failures of arms that differ in each run for another reason
// than the version. No requests are told: the guard must hold without.
func unevenArms(ctx context.Context, spread float64, runs, failures int) kept {
	draw := newTraffic(150)
	k := kept{}
	for run := range runs {
		if ctx.Err() != nil {
			return k
		}
		draw.begin(run)
		chance := odds(mainWeight, max(1+spread*draw.normal(), 0))
		g := &guard{test: analysis.NewErrorRate(guardConfig(looseAlpha, 0)), threshold: 1 / looseAlpha}
		stopped := false
		for range failures {
			if g.take(draw.order.Float64() < chance, mainWeight) && !stopped {
				stopped = g.harm()
			}
		}
		k.note(g.highest, stopped)
	}
	return k
}

// odds gives the chance that a failure is the canary's where it fails ratio
// times as often as stable.
func odds(w, ratio float64) float64 { return w * ratio / (1 - w + w*ratio) }
