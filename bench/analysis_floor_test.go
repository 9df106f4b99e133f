package main

import (
	"math"
	"testing"

	"github.com/serin-mesh/serin/analysis"
)

// few is enough for a mean of what varies little.
var few = studySizes{Floor: 100_000, FloorMax: 200}

// TestFollowATotalFailure: without background errors the same number of failures
// decides in every run, so the ratio is known.
func TestFollowATotalFailure(t *testing.T) {
	for _, c := range []struct {
		w    float64
		want int
	}{{0.05, 4}, {0.2, 7}, {0.5, 17}} {
		one := chase{config: guardConfig(metricAlpha, 3), p1: 1, w: c.w}
		p := one.follow(t.Context(), few, 1)
		floor := -math.Log(metricAlpha) / -math.Log(c.w*(1+margin)/(1+c.w*margin))
		if math.Abs(one.least()-floor) > 1e-9 {
			t.Errorf("w = %g: the floor is %g failures, want %g", c.w, one.least(), floor)
		}
		if want := float64(c.want) / floor; math.Abs(p.crossed-want) > 1e-9 || p.harmed != p.crossed || p.openCross+p.openIt > 0 {
			t.Errorf("w = %g: %+v, want %g times the floor", c.w, p, want)
		}
		if math.Abs(p.canary-float64(c.want)) > 1e-9 {
			t.Errorf("w = %g: %g canary requests, want %d", c.w, p.canary, c.want)
		}
	}
}

// TestFollowIsAboveTheFloor: no test can be better on average, beyond chance.
func TestFollowIsAboveTheFloor(t *testing.T) {
	for _, late := range []bool{false, true} {
		p := chase{config: guardConfig(metricAlpha, 3), p0: ambient, p1: 0.055, w: 0.1, late: late}.follow(t.Context(), few, 2)
		if p.crossed < 1 || p.crossed > 3 || p.harmed < p.crossed {
			t.Errorf("late %v: %+v", late, p)
		}
	}
}

// TestFollowGivesUp: a canary that is nearer to the margin than the grid is not
// found; its run ends, and counts with what it had.
func TestFollowGivesUp(t *testing.T) {
	p := chase{config: guardConfig(metricAlpha, 3), p0: 0.01, p1: 0.0143, w: 0.5}.follow(t.Context(), studySizes{Floor: 1_500_000, FloorMax: 1}, 3)
	if p.runs == 0 || p.openCross == 0 || p.crossed < 1 || p.crossed > givenUp+1 {
		t.Errorf("%+v", p)
	}
	if got := (&pursuit{crossed: 6, harmed: 6.004, openCross: 1, openIt: 1}).cell(); got != "≥ 6.00 / ≥ 6.00" {
		t.Errorf("cell %q", got)
	}
	if got := (&pursuit{crossed: 1.2, harmed: 2.345, openIt: 1}).cell(); got != "1.20 / ≥ 2.35" && got != "1.20 / ≥ 2.34" {
		t.Errorf("cell %q", got)
	}
}

// TestBefore: the good time has as much traffic as it says, and ends before the
// bad begins.
func TestBefore(t *testing.T) {
	draw := newTraffic(4)
	g := newGuard(guardConfig(metricAlpha, 3))
	requests := chase{p0: ambient, p1: 1, w: 0.1, late: true}.before(draw, g)
	if all := requests[canaryArm] + requests[stableArm]; math.Abs(all-goodBefore*mainRate) > 2000 || math.Abs(requests[canaryArm]/all-0.1) > 0.01 {
		t.Errorf("requests %v", requests)
	}
	if n := g.test.Verdict().Total; math.Abs(float64(n.CanaryFailures+n.StableFailures)-goodBefore*mainRate*ambient) > 150 {
		t.Errorf("failures %+v", n)
	}
	if requests := (chase{p0: ambient, p1: 1, w: 0.1}).before(draw, g); requests != [2]float64{} {
		t.Errorf("bad at once, and %v before", requests)
	}
}

// TestSilenceWithoutTraffic: where nothing was before, the evidence alone decides.
func TestSilenceWithoutTraffic(t *testing.T) {
	if crossed, harmed := silence(0, 0.2); crossed != 7 || harmed != 7 {
		t.Errorf("%d and %d failures decide, want 7", crossed, harmed)
	}
	if crossed, harmed := silence(1000, 0.2); crossed != 7 || harmed != 7 {
		t.Errorf("after silence %d and %d failures decide", crossed, harmed)
	}
}

// TestOver: the times are those that the page tells of.
func TestOver(t *testing.T) {
	for _, c := range []struct{ objective, median, sd, want float64 }{
		{50, 50, 0.5, 0.5},
		{50 * math.Exp(0.5*1.959964), 50, 0.5, 0.025},
		{50 * math.Exp(0.5*2.326348), 50, 0.5, 0.01},
		{50 * math.Exp(0.5*2.326348) * slowerTimes, 50, latencySD + math.Log(slowerTimes)/2.326348, 0.01}, // p99 +50%
	} {
		if got := over(c.objective, c.median, c.sd); math.Abs(got-c.want) > 1e-7 {
			t.Errorf("over(%g, %g, %g) = %g, want %g", c.objective, c.median, c.sd, got, c.want)
		}
	}
}

// TestProve: without errors the first look after the fewest requests proves it,
// and a canary at the edge is hardly ever proved.
func TestProve(t *testing.T) {
	least := analysis.ProofRequests(proofConfig)
	proved, requests := prove(t.Context(), 0, 0, 0.2, false, 20, 1)
	if each := requests / 20; proved != 20 || each < least || each > least+40 {
		t.Errorf("%d of 20 proved, after %g requests; the least is %g", proved, each, least)
	}
	if proved, _ := prove(t.Context(), 0.005, 0.03, 0.2, true, 10, 2); proved > 0 {
		t.Errorf("%d of 10 that are two and a half points worse are proved", proved)
	}
}
