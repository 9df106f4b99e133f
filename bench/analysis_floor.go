package main

import (
	"context"
	"fmt"
	"math"

	"github.com/serin-mesh/serin/analysis"
)

// givenUp is after how many floors a run is given up.
const givenUp = 6

// goodBefore is how long, in seconds, a canary is good that goes bad late.
const goodBefore = 900

// chase is a canary that is followed until it is stopped, however long it takes.
type chase struct {
	config    analysis.Config
	p0, p1, w float64
	late      bool // it goes bad after fifteen good minutes at the main rate
}

// least gives the floor in failures of both versions.
func (c chase) least() float64 {
	return analysis.Floor(c.config.Alpha, c.w, c.config.Margin, c.p0, c.p1) * c.mean()
}

// mean is which part of all requests fails.
func (c chase) mean() float64 { return c.w*c.p1 + (1-c.w)*c.p0 }

// pursuit is what became of the runs: means over the floor of the failures, and
// so of the requests, until the evidence crossed and until harm. Runs that were
// given up count with what they had, so these are the least then.
type pursuit struct {
	runs              int
	crossed, harmed   float64
	openCross, openIt int // given up
	canary            float64
}

// follow plays runs.
func (c chase) follow(ctx context.Context, n studySizes, seed uint64) pursuit {
	out := pursuit{}
	least := c.least()
	runs := min(n.FloorMax, max(int(float64(n.Floor)/(2*least)), 10))
	draw := newTraffic(seed)
	limit := min(int(givenUp*least)+10, n.Floor)
	for run := range runs {
		if ctx.Err() != nil {
			return out
		}
		draw.begin(run)
		crossed, harmed := c.once(draw, limit)
		out.runs++
		if crossed == limit {
			out.openCross++
		}
		if harmed == limit {
			out.openIt++
		}
		out.crossed += float64(crossed)
		out.harmed += float64(harmed)
	}
	out.canary = out.crossed / float64(runs) / c.mean() * c.w
	out.crossed /= least * float64(runs)
	out.harmed /= least * float64(runs)
	return out
}

// once plays one run: how many failures until the evidence crossed, and until
// harm, at most limit.
func (c chase) once(draw *traffic, limit int) (crossed, harmed int) {
	g := newGuard(c.config)
	requests := c.before(draw, g)
	bad := odds(c.w, c.p1/c.p0)
	if c.p0 == 0 {
		bad = 1
	}
	crossed = limit
	for n := 1; n < limit; n++ {
		// The requests that end well until the next failure.
		gap := draw.order.ExpFloat64() / c.mean()
		requests[canaryArm] += draw.poisson(gap * c.w * (1 - c.p1))
		requests[stableArm] += draw.poisson(gap * (1 - c.w) * (1 - c.p0))
		is := draw.order.Float64() < bad
		requests[map[bool]int{true: canaryArm, false: stableArm}[is]]++
		g.test.Requests(requests[canaryArm], requests[stableArm], true)
		if !g.take(is, c.w) {
			continue
		}
		crossed = min(crossed, n)
		if g.harm() {
			return crossed, n
		}
	}
	return crossed, limit
}

// before plays the good time.
func (c chase) before(draw *traffic, g *guard) (requests [2]float64) {
	if !c.late {
		return requests
	}
	s := span{seconds: goodBefore, rate: mainRate, weight: c.w, most: c.w, p: [2]float64{c.p0, c.p0}}
	r := draw.draw(&s, 1)
	draw.arrange(&r)
	g.see(&r)
	return g.seen
}

// cell writes the ratios; with a sign where runs were given up.
func (p *pursuit) cell() string {
	sign := func(open int) string {
		if open > 0 {
			return "≥ "
		}
		return ""
	}
	return fmt.Sprintf("%s%.2f / %s%.2f", sign(p.openCross), p.crossed, sign(p.openIt), p.harmed)
}

// floors measures what the guard needs, over the least that is possible.
func (r *record) floors(ctx context.Context, n studySizes) {
	g := guardConfig(metricAlpha, 3)
	weights := make([]string, 0, len(gridWeights))
	for _, w := range gridWeights {
		weights = append(weights, "w = "+short(w))
	}
	for k, kind := range []struct {
		when    string
		planned int
	}{{"at once", 3}, {"after 15 good minutes", 3}, {"after 15 good minutes, no later weight planned", 0}} {
		g.PlannedSteps = kind.planned
		t := r.sheet("Requests over the floor: bad "+kind.when, fmt.Sprintf("Mean number of requests over the floor: until the evidence crosses 1/α / until harm, which asks for an observed "+
			"excess over %s points too. α = %g, margin %g, %d later weights planned and none taken. Up to %s runs a cell, at least so many as the column says; "+
			"≥: some runs were given up after %d floors.", points(g.MaxIncrease), g.Alpha, g.Margin, kind.planned, thousands(n.FloorMax), givenUp),
			append([]string{"canary", "runs"}, weights...)...)
		for i, bad := range floorCases() {
			r.floorRow(ctx, n, t, chase{config: g, p0: bad[0], p1: bad[1], late: k > 0}, kind.when, uint64(5000+1000*k+10*i))
		}
	}
	r.note("The excess that a row of +0.5 points has is the one that maxIncrease tolerates, so it is harm only where chance adds to it: " +
		"its goal is for the evidence alone.")
	r.sevenFailures()
	r.afterSilence()
}

// floorCases are pairs of how often stable and the canary fail.
func floorCases() [][2]float64 {
	out := [][2]float64{{0, 1}}
	for _, p0 := range []float64{0.001, 0.005, 0.01} {
		for _, more := range []float64{0.005, 0.01, 0.05} {
			out = append(out, [2]float64{p0, p0 + more})
		}
		out = append(out, [2]float64{p0, 1})
	}
	return out
}

// floorRow measures one canary at every weight. The goals are for the worst.
func (r *record) floorRow(ctx context.Context, n studySizes, t *sheet, c chase, when string, seed uint64) {
	name := excess(c.p0, c.p1-c.p0, 0).name
	cells, runs, crossed, harmed := []string{name, ""}, math.MaxInt, 0.0, 0.0
	for i, w := range gridWeights {
		c.w = w
		p := c.follow(ctx, n, seed+uint64(i))
		cells = append(cells, p.cell())
		runs, crossed, harmed = min(runs, p.runs), max(crossed, p.crossed), max(harmed, p.harmed)
	}
	cells[1] = thousands(runs)
	t.row(cells...)
	limit := map[bool]float64{false: 1.35, true: 2.2}[c.late]
	if c.p1 == 1 {
		limit = map[bool]float64{false: 1.5, true: 2.5}[c.late]
	}
	r.atMost(fmt.Sprintf("requests over the floor, %s %s, the worst weight: evidence", name, when), crossed, limit)
	if c.p1-c.p0 > c.config.MaxIncrease*1.001 { // else it is tolerated
		r.atMost(fmt.Sprintf("requests over the floor, %s %s, the worst weight: harm", name, when), harmed, limit)
	}
}

// afterSilence shows what decides when everything fails after a time in which
// nothing did: the excess is taken over the requests since the likeliest onset,
// which is not before the first failure.
func (r *record) afterSilence() {
	t := r.sheet("Total failure after 15 minutes without any error", "Failed responses until the evidence crosses 1/α / until harm. The observed excess is "+
		"taken over the requests since the likeliest onset, and an onset since which nothing failed moves on: so the quiet requests do not count against harm.",
		"requests a second", "w = 0.05", "w = 0.1", "w = 0.2", "w = 0.5")
	for _, rate := range gridRates {
		cells := []string{short(rate)}
		for _, w := range gridWeights {
			crossed, harmed := silence(rate, w)
			cells = append(cells, thousands(crossed)+" / "+thousands(harmed))
		}
		t.row(cells...)
	}
}

// silence counts the failures of a canary that fails from now on, after a good
// time without any.
func silence(rate, w float64) (crossed, harmed int) {
	g := newGuard(guardConfig(metricAlpha, 3))
	requests := [2]float64{stableArm: goodBefore * rate * (1 - w), canaryArm: goodBefore * rate * w}
	for n := 1; ; n++ {
		requests[canaryArm]++
		requests[stableArm] += (1 - w) / w
		g.test.Requests(requests[canaryArm], requests[stableArm], true)
		if !g.take(true, w) {
			continue
		}
		if crossed == 0 {
			crossed = n
		}
		if g.harm() {
			return crossed, n
		}
	}
}

// sevenFailures counts what decides when everything fails and stable never does.
func (r *record) sevenFailures() {
	g, n := newGuard(guardConfig(metricAlpha, 3)), 1
	for ; !g.take(true, mainWeight) || !g.harm(); n++ {
	}
	r.atMost("total failure, w = 0.2, no background errors: failed responses that decide", float64(n), 7)
}
