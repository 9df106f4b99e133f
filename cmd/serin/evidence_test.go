package main

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/serin-mesh/serin/api"
)

// TestEvidencePart proves that the scale is logarithmic and ends at both ends.
func TestEvidencePart(t *testing.T) {
	tests := []struct{ evidence, threshold, want float64 }{
		{0, 1000, 0}, {0.1, 1000, 0}, {1, 1000, 0}, {10, 1000, 1. / 3}, {100, 1000, 2. / 3}, {1000, 1000, 1},
		{1e9, 1000, 1}, {math.Inf(1), 1000, 1}, {math.NaN(), 1000, 0}, {5, 0, 0}, {5, 1, 0},
	}
	for _, tt := range tests {
		got := evidencePart(api.Evidence{Evidence: tt.evidence, Threshold: tt.threshold})
		if math.Abs(got-tt.want) > 1e-9 {
			t.Errorf("%v of %v: got %v, want %v", tt.evidence, tt.threshold, got, tt.want)
		}
	}
}

// TestBar proves that a bar 1. has its width, 2. is empty only for nothing and
// full only for all, 3. never shrinks when the part grows.
func TestBar(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(2, 200).Draw(t, "width")
		part := rapid.Float64Range(0, 1).Draw(t, "part")
		more := rapid.Float64Range(part, 1).Draw(t, "more")
		text := bar(part, width)
		full := strings.Count(text, "█")
		switch {
		case utf8.RuneCountInString(text) != width:
			t.Errorf("%q is not %d wide", text, width)
		case (full == 0) != (part == 0), (full == width) != (part == 1):
			t.Errorf("%v of all is drawn as %q", part, text)
		case strings.Count(bar(more, width), "█") < full:
			t.Errorf("%v is shorter than %v", more, part)
		}
	})
}

// TestNumbers shows how numbers and lengths of time are written.
func TestNumbers(t *testing.T) {
	for x, want := range map[float64]string{
		0: "0", 0.12345: "0.123", 1: "1", 44.71: "44.7", 3167.4: "3167", 2000: "2000", 1.5e7: "1.5e+07",
	} {
		if got := numberText(x); got != want {
			t.Errorf("%v: got %s, want %s", x, got, want)
		}
	}
	for p, want := range map[float64]string{0: "0%", 100: "100%", 12.5: "12.5%", 19.794: "19.79%", 33.3333: "33.33%"} {
		if got := percentText(p); got != want {
			t.Errorf("%v: got %s, want %s", p, got, want)
		}
	}
}

// TestEvidenceByConditions: of what conditions judge there are no numbers that
// grow, and it is no guard's.
func TestEvidenceByConditions(t *testing.T) {
	e := api.Evidence{Metric: "success", Judge: "analysis", Verdict: api.VerdictGood, Message: "Successful after 3 measurements"}
	r := &api.Rollout{}
	r.Status.Evidence = []api.Evidence{e}
	shown := renderRolloutAt(r, 80, time.Now())
	told := renderExplanation(api.Explanation{Evidence: r.Status.Evidence}, 80, time.Now())
	for _, text := range []string{shown, told} {
		if !strings.Contains(text, "Successful after 3 measurements") || strings.Contains(text, " 0 of 0\n") || strings.Contains(text, "Guard") || strings.Contains(text, "0 failures") {
			t.Errorf("shown as\n%s", text)
		}
	}
}
