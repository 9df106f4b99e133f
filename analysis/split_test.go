package analysis_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/analysis"
	"github.com/serin-mesh/serin/api"
)

// draw gives a split n intervals of m requests each, at a share and a weight.
func draw(rng *rand.Rand, s *analysis.Split, n, m int, share, weight float64) (alarmedAfter int) {
	for i := range n {
		canary := 0
		for range m {
			if rng.Float64() < share {
				canary++
			}
		}
		if s.Interval(float64(canary), float64(m-canary), weight); s.Alarmed() {
			return (i + 1) * m
		}
	}
	return 0
}

// TestSplitThatIsReal does not alarm: at the weight, and at the edge of the
// band, over two million requests each.
func TestSplitThatIsReal(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, w := range []float64{0.01, 0.2, 0.5, 0.9} {
		for _, edge := range []float64{1, 1.05, 0.95} {
			s := analysis.NewSplit()
			if n := draw(rng, s, 2000, 1000, min(w*edge, 1), w); n > 0 {
				t.Errorf("weight %v, share %v: alarm after %d requests", w, w*edge, n)
			}
		}
	}
}

// TestFalseAlarmsOfTheSplit: over 3,000 short streams at the edge there is none;
// more than two would be chance at 1 in 300.
func TestFalseAlarmsOfTheSplit(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	alarms := 0
	for range 3000 {
		if draw(rng, analysis.NewSplit(), 50, 20, 0.21, 0.2) > 0 {
			alarms++
		}
	}
	if alarms > 2 {
		t.Errorf("%d alarms", alarms)
	}
}

// TestSplitThatIsNot alarms soon, and says in which direction.
func TestSplitThatIsNot(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	for _, c := range []struct {
		share, weight float64
		most          int
		more          bool
	}{
		{0.4, 0.2, 300, true},     // an Envoy with twice the weight
		{0.25, 0.2, 4000, true},   // one of four with twice
		{0.0, 0.2, 200, false},    // nobody goes there
		{0.16, 0.2, 6000, false},  // one of five has none
		{0.5, 0.05, 50, true},     // half sticks to it
		{1, 0.5, 50, true},        // everything goes there
		{0.05, 0.05, 0, false},    // as it should be
		{0.98, 0.9, 20000, true},  // near the top
		{0.03, 0.02, 20000, true}, // few requests
	} {
		s := analysis.NewSplit()
		got := draw(rng, s, 4000, 10, c.share, c.weight)
		if (got > 0) != (c.most > 0) || got > c.most || s.More() != (c.more && c.most > 0) {
			t.Errorf("share %v, weight %v: alarm after %d requests, more %v; want %d at most, more %v", c.share, c.weight, got, s.More(), c.most, c.more)
		}
	}
}

func TestSplitVerdict(t *testing.T) {
	s := analysis.NewSplit()
	check := func(verdict api.Verdict, message string) {
		t.Helper()
		if r := s.Verdict(); r.Verdict != verdict || !strings.Contains(r.Message, message) || r.Record().Metric != "split" {
			t.Errorf("%s: %s, want %s: %s", r.Verdict, r.Message, verdict, message)
		}
	}
	check(api.VerdictInconclusive, "no report of requests yet")
	s.Interval(20, 80, 0.2)
	check(api.VerdictInconclusive, "is where it was put: the canary has had 20% of the requests where its weight says 20% (20 of 100)")
	s.Interval(900, 100, 0.2)
	check(api.VerdictCannotJudge, "is not where it was put: the canary has had 83.6% of the requests")
	s.Interval(0, 1e6, 0.2) // it stays so
	check(api.VerdictCannotJudge, "is not where it was put")
	if !s.More() {
		t.Error("the canary had more than it should when it alarmed")
	}
}

// TestSplitTakesOnlyWhatSaysSomething: without a choice there is nothing to see.
func TestSplitTakesOnlyWhatSaysSomething(t *testing.T) {
	s := analysis.NewSplit()
	for _, w := range []float64{0, 1, -1, 2, math.NaN()} {
		s.Interval(1000, 1, w)
	}
	s.Interval(-1, 5, 0.5)
	s.Interval(0, 0, 0.5)
	s.Interval(math.Inf(1), 0, 0.5)
	if s.Evidence() != 1 || s.Alarmed() {
		t.Errorf("evidence %v", s.Evidence())
	}
	s.Interval(99, 1, 0.97) // the band reaches beyond 1: more cannot be told
	if s.Alarmed() {
		t.Error("alarm at a weight near 1")
	}
}

func TestSplitGoesOnAfterItsJSON(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	a, b := analysis.NewSplit(), analysis.NewSplit()
	for range 100 {
		a.Interval(float64(rng.IntN(30)), float64(rng.IntN(100)), 0.2)
		raw, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, b); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(a.Verdict(), b.Verdict()); d != "" {
			t.Fatalf("(-stored +loaded)\n%s", d)
		}
		a, b = b, a
	}
	for _, bad := range []string{`{}`, `[]`, `{"format":1,"above":[0],"below":[0]}`,
		`{"format":1,"above":[0,0,0,0,0],"below":[0,0,0,0,0],"canary":2,"all":1}`} {
		if json.Unmarshal([]byte(bad), b) == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}
