package main

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTrafficIsWhatTheSpanSays: counts have the mean and the variance of Poisson
// numbers with the span's rates.
func TestTrafficIsWhatTheSpanSays(t *testing.T) {
	const runs = 4000
	s := span{seconds: 10, rate: 100, weight: 0.2, p: [2]float64{0.01, 0.02}}
	draw := newTraffic(1)
	var sum, square [4]float64
	for run := range runs {
		draw.begin(run)
		r := draw.draw(&s, 1.5)
		for i, v := range []float64{r.requests[stableArm], r.requests[canaryArm], r.failed[stableArm], r.failed[canaryArm]} {
			sum[i] += v
			square[i] += v * v
		}
	}
	for i, want := range []float64{800, 200, 8, 6} {
		mean := sum[i] / runs
		if math.Abs(mean-want) > 5*math.Sqrt(want/runs) {
			t.Errorf("count %d has the mean %g, want %g", i, mean, want)
		}
		if v := square[i]/runs - mean*mean; math.Abs(v/want-1) > 0.15 {
			t.Errorf("count %d has the variance %g, want %g", i, v, want)
		}
	}
}

// TestArrangeKeepsTheCounts: the order has as many of each as were counted, and
// the canary's are nowhere more often than elsewhere.
func TestArrangeKeepsTheCounts(t *testing.T) {
	draw := newTraffic(2)
	var at [5]int
	const runs = 20_000
	for range runs {
		r := reported{failed: [2]float64{stableArm: 3, canaryArm: 2}}
		draw.arrange(&r)
		with := 0
		for i, is := range r.arms {
			if is {
				with++
				at[i]++
			}
		}
		if len(r.arms) != 5 || with != 2 {
			t.Fatalf("%v for 3 failures of stable and 2 of the canary", r.arms)
		}
	}
	for i, n := range at {
		if p := float64(n) / runs; math.Abs(p-0.4) > 0.02 {
			t.Errorf("place %d is the canary's with %g, want 0.4", i, p)
		}
	}
}

// TestStreamsAreTheSame: a run's counts depend neither on the runs before nor on
// whether somebody asks for the order.
func TestStreamsAreTheSame(t *testing.T) {
	spans := goodCanaries()[0].spans(50, 0.1)
	stream := func(draw *traffic, run int, ordered bool) (out [][2]float64) {
		draw.begin(run)
		for i := range spans {
			r := draw.draw(&spans[i], 1)
			if ordered {
				draw.arrange(&r)
			}
			out = append(out, r.requests, r.failed)
		}
		return out
	}
	draw := newTraffic(3)
	first := stream(draw, 7, true)
	stream(draw, 8, true)
	if diff := cmp.Diff(first, stream(draw, 7, false)); diff != "" {
		t.Errorf("run 7 again: -first +again\n%s", diff)
	}
	if cmp.Equal(first, stream(draw, 8, false)) || cmp.Equal(first, stream(newTraffic(4), 7, false)) {
		t.Error("another run or seed has the same stream")
	}
}

// TestSpans: every scenario lasts as long, and what it says of its canary holds.
func TestSpans(t *testing.T) {
	for _, c := range slices.Concat(goodCanaries(), badCanaries()) {
		spans := c.spans(100, 0.2)
		seconds, steps := 0.0, 0
		for _, s := range spans {
			seconds += s.seconds
			if s.step {
				steps++
			}
			if s.weight > s.most || s.weight < s.least || s.rate <= 0 {
				t.Errorf("%s: %+v", c.name, s)
			}
			edge := s.p[canaryArm] / s.p[stableArm]
			if good := slices.ContainsFunc(goodCanaries(), func(g scenario) bool { return g.name == c.name }); good && edge > 1+margin+1e-9 {
				t.Errorf("%s: a good canary fails %g times as often", c.name, edge)
			}
			if strings.HasPrefix(c.name, "edge") && math.Abs(edge-1-margin) > 1e-9 {
				t.Errorf("%s: it fails %g times as often", c.name, edge)
			}
		}
		if math.Abs(seconds-minutes*60) > 1e-6 || steps != c.planned {
			t.Errorf("%s: %g seconds, %d steps of %d", c.name, seconds, steps, c.planned)
		}
	}
}

// TestStepsAreInDoubt: just after a push the old weight is in force, and the
// larger of the two is what is told.
func TestStepsAreInDoubt(t *testing.T) {
	for _, c := range goodCanaries() {
		if !c.steps {
			continue
		}
		last := 0.0
		for _, s := range c.spans(100, 0.2) {
			if s.step && (s.seconds != doubt || s.weight != last || s.most <= last || s.least != last) {
				t.Errorf("%s: after weight %g: %+v", c.name, last, s)
			}
			if !s.step && (s.weight != s.most || s.weight != s.least) {
				t.Errorf("%s: in doubt without a step: %+v", c.name, s)
			}
			last = s.weight
		}
	}
}

func TestExcess(t *testing.T) {
	c5 := 0.05 // not a constant: 0.06 is another number
	for _, c := range []struct {
		p0, more, from float64
		name           string
		before, after  [2]float64
	}{
		{0.005, 0.01, 0, "+1 points over 0.5%", [2]float64{0.005, 0.015}, [2]float64{0.005, 0.015}},
		{0.001, 0.001, 0, "+0.1 points over 0.1%", [2]float64{0.001, 0.002}, [2]float64{0.001, 0.002}},
		{0.01, 0.05, 900, "+5 points over 1% after 15 min", [2]float64{0.01, 0.01}, [2]float64{0.01, 0.01 + c5}},
		{0.005, 1, 0, "total failure over 0.5%", [2]float64{0.005, 1}, [2]float64{0.005, 1}},
	} {
		s := excess(c.p0, c.more, c.from)
		spans := s.spans(10, 0.5)
		if s.name != c.name {
			t.Errorf("name %q, want %q", s.name, c.name)
		}
		if diff := cmp.Diff([][2]float64{c.before, c.after}, [][2]float64{spans[0].p, spans[len(spans)-1].p}); diff != "" {
			t.Errorf("%s: -want +got\n%s", c.name, diff)
		}
	}
}
