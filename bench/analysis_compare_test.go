package main

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEveryContenderFindsATotalFailure: and the guard is the first to do so.
func TestEveryContenderFindsATotalFailure(t *testing.T) {
	out := compare(t.Context(), excess(ambient, 1, 0), 20, 0.2, 10, 5)
	first := summarize(out[0].requests).Median
	if first > 12 {
		t.Errorf("the guard takes %g requests of the canary", first)
	}
	for i, c := range contenders() {
		o := out[i]
		if o.runs != 10 || o.stops != 10 || len(o.requests) != 10 {
			t.Errorf("%s stopped %d of %d", c.name, o.stops, o.runs)
		}
		if at := summarize(o.requests).Median; i > 0 && at <= first {
			t.Errorf("%s takes %g requests, less than the guard", c.name, at)
		}
		// Every request of the canary fails, so it has served as many as it had; the
		// guard's are counted one by one, and its requests estimated.
		if all := summarize(o.requests); i > 0 && math.Abs(o.served/10-mean(o.requests)) > 0.5 || o.served/10 < all.Min-1 {
			t.Errorf("%s: %g failed responses in %g requests", c.name, o.served/10, mean(o.requests))
		}
	}
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// TestAnotherJudgeChangesNothing: the guard's outcome is the same whoever looks
// at the stream beside it.
func TestAnotherJudgeChangesNothing(t *testing.T) {
	c := excess(ambient, 0.01, 0)
	spans := c.spans(20, 0.2)
	play := func(judges []contender) outcome {
		draw, out := newTraffic(9), make([]outcome, len(judges))
		for run := range 20 {
			draw.begin(run)
			trial := newTrial(judges, c.planned)
			for i := range spans {
				trial.see(draw, &spans[i], 1, out)
			}
		}
		return out[0]
	}
	alone, inCompany := play(contenders()[:1]), play(contenders())
	if diff := cmp.Diff(alone, inCompany, cmp.AllowUnexported(outcome{})); diff != "" || alone.stops == 0 {
		t.Errorf("%d stops: -alone +in company\n%s", alone.stops, diff)
	}
}

// TestStopInTheMiddle: a judge that looks at single failures is charged for what
// came until the one that decided.
func TestStopInTheMiddle(t *testing.T) {
	r := report(10, 80, 3, 20, 4)
	r.arms = []bool{true, false, true, true, false, true, false}
	o := outcome{}
	o.stop(&trial{requests: 100, served: 10}, r, 3)
	o.stop(&trial{requests: 100, served: 10}, r, 7)
	want := outcome{stops: 2, requests: []float64{100 + 20*3/8.0, 120}, served: 12 + 14}
	if diff := cmp.Diff(want, o, cmp.AllowUnexported(outcome{})); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestOutcomeCells(t *testing.T) {
	for want, o := range map[string]outcome{
		"0% / – / 12.5":     {runs: 4, served: 50},
		"50% / 1,500 / 2.5": {runs: 4, stops: 2, requests: []float64{1000, 2000}, served: 10},
	} {
		if got := o.cells(); got != want {
			t.Errorf("cells %q, want %q", got, want)
		}
	}
}

// TestColumns: a column for each contender, each with a name of its own.
func TestColumns(t *testing.T) {
	got := columns("first")
	sorted := slices.Clone(got)
	slices.Sort(sorted)
	if len(got) != len(contenders())+1 || got[0] != "first" || len(slices.Compact(sorted)) != len(got) {
		t.Errorf("columns %v", got)
	}
	for _, who := range []string{"guard", "Argo", "Flagger", "Kayenta", "z-test"} {
		if !strings.Contains(strings.Join(got, " "), who) {
			t.Errorf("nobody is %s in %v", who, got)
		}
	}
}

// TestPage: a reader finds each goal, whether it was met, the notes and each
// table.
func TestPage(t *testing.T) {
	r := newRecord("", nil)
	r.atMost("fast", 1, 2)
	r.atMost("small", 3, 2)
	r.note("about %d", 7)
	s := r.sheet("A table", "What it is.", "one", "two")
	s.row("a", "b")
	page := string(r.page())
	for _, want := range []string{
		"| fast | 1 | 2 | met |\n", "| small | 3 | 2 | **missed** |\n", "\n- about 7\n",
		"\n## A table\n\nWhat it is.\n\n| one | two |\n| --- | --- |\n| a | b |\n", "30 minutes each", "99.9% interval",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q:\n%s", want, page)
		}
	}
}

func TestWords(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 40_000: "40,000", 1_234_567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("thousands(%d) = %q, want %q", n, got, want)
		}
	}
	if a, b := percentOf(1, 8), percentOf(0, 0); a != "12.5%" || b != "–" {
		t.Errorf("1 of 8 is %q, 0 of 0 %q", a, b)
	}
	if a, b := points(0.005), points(0.0010000001); a != "0.5" || b != "0.1" {
		t.Errorf("points: %q, %q", a, b)
	}
}
