package main

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/serin-mesh/serin/analysis"
)

// Stable's response times are lognormal: half are under 50 ms, and 1% over 160.
const (
	medianMs    = 50.0
	latencySD   = 0.5
	slowerTimes = 1.5
)

// objectivesMs are the objectives that are tried.
var objectivesMs = []float64{100, 150, 200, 250, 300, 400, 500}

// over gives which part takes longer than an objective.
func over(objective, median, sd float64) float64 {
	return distuv.UnitNormal.Survival(math.Log(objective/median) / sd)
}

// slow measures the judge of requests that outlast the objective.
func (r *record) slow(ctx context.Context, n studySizes) {
	c := slowConfig()
	t := r.sheet("Latency, by objective", fmt.Sprintf("A request is bad when it outlasts the objective. Lognormal times, half of stable's under %g ms and 1%% over %.0f. "+
		"Margin %g, α = %g, w = %g; requests over the floor until the evidence crosses 1/α / until harm, which asks for an observed excess over %s points too. "+
		"Up to %s runs a row.", medianMs, medianMs*math.Exp(2.326*latencySD), c.Margin, c.Alpha, mainWeight, points(c.MaxIncrease), thousands(n.FloorMax)),
		"canary", "objective, ms", "stable over it", "canary over it", "floor, canary requests", "canary requests", "over the floor")
	wider := latencySD + math.Log(slowerTimes)/2.326 // the median stays, the 99th percentile is 1.5 times
	best := math.Inf(1)
	for i, kind := range []struct {
		name string
		p1   func(objective float64) float64
	}{
		{"p99 +50%, the median as before", func(o float64) float64 { return over(o, medianMs, wider) }},
		{"all latency x 1.5", func(o float64) float64 { return over(o, medianMs*slowerTimes, latencySD) }},
	} {
		least, ratio := math.Inf(1), 0.0
		for j, objective := range objectivesMs {
			p0, p1 := over(objective, medianMs, latencySD), kind.p1(objective)
			floor := analysis.Floor(c.Alpha, mainWeight, c.Margin, p0, p1)
			cells := []string{kind.name, short(objective), points(p0) + "%", points(p1) + "%"}
			if math.IsInf(floor, 1) {
				t.row(append(cells, "within the margin", "–", "–")...)
				continue
			}
			p := chase{config: c, p0: p0, p1: p1, w: mainWeight}.follow(ctx, n, uint64(800+10*i+j))
			t.row(append(cells, thousands(int(floor*mainWeight)), thousands(int(p.canary)), p.cell())...)
			if p.openIt == 0 && floor < least { // the best edge that can be harm at all
				least, ratio = floor, p.harmed
			}
		}
		if i == 0 {
			best = ratio
		}
	}
	r.atMost("p99 latency +50%, w = 0.2, at the best objective: requests over the floor until harm", best, 2)
}
