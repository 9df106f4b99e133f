package main

import (
	"context"
	"fmt"

	"github.com/serin-mesh/serin/analysis"
	"github.com/serin-mesh/serin/api"
)

// brokenLength is how many failures a run has: as many as the main traffic's
// background makes in its time.
const brokenLength = 900

// breakage breaks one of the conditions that the guard's promise rests on. play
// plays a run of a good canary, with the rule against it or without, and gives
// the verdict that it came to.
type breakage struct {
	name, rule string
	config     analysis.Config
	play       func(draw *traffic, g *guard, rule bool) api.Verdict
	edge       bool // the canary is at the edge of the null: it takes more runs
	shown      bool // what the rule does not catch is shown, and is no goal
}

// breakages are all of them.
func breakages() []breakage {
	loose := guardConfig(looseAlpha, 0)
	late := slowConfig()
	late.Alpha = looseAlpha
	return []breakage{
		{"sticky users: 5 of 1,000 always fail", "the split is tested", loose, stickyUsers, false, true},
		{"sticky users: 5 of 1,000 always fail", "each user counts once", loose, usersOnce, false, false},
		{"sticky users: 20 heavy ones", "the split is tested", loose, heavyUsers, false, false},
		{"entries counted twice, at the edge", "a repeated entry is left out", loose, twice, true, false},
		{"batches of 30 sorted by version, at the edge", "a verdict for the whole batch only", loose, sortedBatches, true, false},
		{"0.2 s of a wrong weight in an incident", "the larger of the possible weights", loose, wrongMoment, false, false},
		{"half of the fleet at twice the weight, an incident", "the split is tested", loose, wrongFleet, false, false},
		{"one of three hosts dies, no other errors", "harm without any one host too", loose, dyingHost(0), false, false},
		{"one of three hosts dies, 0.5% other errors", "harm without any one host too", loose, dyingHost(ambient), false, false},
		{"one of three hosts hangs, nothing else is slow", "harm without any one host too", late, dyingHost(0), false, false},
		{"one of three hosts hangs, 1% else is slow", "harm without any one host too", late, dyingHost(0.01), false, false},
	}
}

// needed gives the runs that can show that alpha is kept.
func (b breakage) needed() int {
	if b.edge {
		return 40_000
	}
	return 1_000
}

// broken measures what the rules are for.
func (r *record) broken(ctx context.Context, n studySizes) {
	t := r.sheet("Broken conditions", fmt.Sprintf("Canaries that are as good as stable (at the edge: 1.4 times as bad), with a condition of the promise broken on purpose. "+
		"α = %g, w = %g, about %d failures of background, %s runs a row, %s with the rule at the edge. A verdict of *cannot judge* stops nobody. "+
		"Serin's routes keep no sessions, so there are no sticky users: the first row is what they would do, and that the split does not see a few of them; it is no goal. "+
		"The rule of hosts asks for evidence of %d without any one of them: what is followed are the two minutes after the host died.", looseAlpha, mainWeight, brokenLength, thousands(n.Broken), thousands(n.Edge), 15),
		"broken", "rule", "stopped without the rule", "stopped with it", "upper end", "cannot judge")
	for i, b := range breakages() {
		runs := n.Broken
		if b.edge {
			runs = n.Edge
		}
		without, _ := b.runs(ctx, n.Broken, false, uint64(900+i))
		with, cannot := b.runs(ctx, runs, true, uint64(900+i))
		upper := upperEnd(with, runs, sureness)
		if !b.shown {
			r.promised("false stops at α 0.01, "+b.name+" ("+b.rule+")", with, runs, b.needed(), looseAlpha)
		}
		t.row(b.name, b.rule, percentOf(without, n.Broken), percentOf(with, runs), short(100*upper)+"%", percentOf(cannot, runs))
	}
}

// runs counts the verdicts of runs.
func (b breakage) runs(ctx context.Context, n int, rule bool, seed uint64) (harm, cannot int) {
	draw := newTraffic(seed)
	for run := range n {
		if ctx.Err() != nil {
			break
		}
		draw.begin(run)
		g := newGuard(b.config)
		switch b.play(draw, g, rule) {
		case api.VerdictHarm:
			harm++
		case api.VerdictCannotJudge:
			cannot++
		}
	}
	return harm, cannot
}
