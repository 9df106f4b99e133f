package main

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestSummarize(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   summary
	}{
		{nil, summary{}},
		{[]float64{3}, summary{1, 3, 3, 3}},
		{[]float64{9, 1}, summary{2, 5, 1, 9}},
		{[]float64{5, -1, 2}, summary{3, 2, -1, 5}},
		{[]float64{4, 1, 3, 2}, summary{4, 2.5, 1, 4}},
	} {
		if diff := cmp.Diff(c.want, summarize(c.values)); diff != "" {
			t.Errorf("summarize(%v): -want +got\n%s", c.values, diff)
		}
	}
}

// TestSummarizeOrder: the order of runs does not matter, and the values of the
// caller stay where they are.
func TestSummarizeOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(-1e6, 1e6), 1, 20).Draw(t, "values")
		shuffled := rapid.Permutation(values).Draw(t, "shuffled")
		kept := append([]float64(nil), shuffled...)
		got, want := summarize(shuffled), summarize(values)
		if got != want {
			t.Fatalf("summarize(%v) = %v, and in another order %v", shuffled, got, want)
		}
		if !cmp.Equal(kept, shuffled) {
			t.Fatal("summarize changed its argument")
		}
		if got.Median < got.Min || got.Median > got.Max {
			t.Fatalf("the median is outside: %v", got)
		}
	})
}

func TestExponent(t *testing.T) {
	sizes := []float64{10, 1_000, 10_000}
	for _, want := range []float64{0, 0.1, 0.5, 1, 2} {
		var costs []float64
		for _, n := range sizes {
			costs = append(costs, 7*math.Pow(n, want))
		}
		if got := exponent(sizes, costs); math.Abs(got-want) > 1e-9 {
			t.Errorf("a cost of 7 n^%g grows with exponent %g", want, got)
		}
	}
	if got := exponent([]float64{10}, []float64{3}); got != 0 {
		t.Errorf("one size has exponent %g", got)
	}
}

// TestSeriesOfMixedRuns: a figure that some runs lack is summed up over those
// that have it.
func TestSeriesOfMixedRuns(t *testing.T) {
	s := &series{}
	s.add(figures{"seen_ms": 2, "wire_ms": 1})
	s.add(figures{"seen_ms": 4})
	s.add(figures{"bytes_sent": 300})
	want := map[string]summary{"seen_ms": {2, 3, 2, 4}, "wire_ms": {1, 1, 1, 1}, "bytes_sent": {1, 300, 300, 300}}
	if diff := cmp.Diff(want, s.summaries()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got := s.sum("seen_ms"); got != 6 {
		t.Errorf("sum: %g", got)
	}
	if got := s.median("none"); got != 0 {
		t.Errorf("the median of nothing: %g", got)
	}
}

func TestCompareAndGoals(t *testing.T) {
	r := newRecord("", nil)
	if got := r.compare("half", 1, 2); got != 0.5 {
		t.Errorf("1 over 2 is %g", got)
	}
	if got := r.compare("of nothing", 1, 0); got != 0 {
		t.Errorf("1 over 0 is %g", got) // infinity is no JSON
	}
	r.atMost("equal", 2, 2)
	r.atMost("above", 2.1, 2)
	want := []goal{{"equal", 2, 2, true}, {"above", 2.1, 2, false}}
	if diff := cmp.Diff(want, r.Goals); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestUnits(t *testing.T) {
	if ms(1500*time.Microsecond) != 1.5 || us(1500*time.Nanosecond) != 1.5 {
		t.Errorf("1.5 ms is %g, 1.5 us is %g", ms(1500*time.Microsecond), us(1500*time.Nanosecond))
	}
	for _, c := range []struct{ figure, label, unit string }{
		{"last_request_ms", "last request", " ms"},
		{"work_us", "work", " us"},
		{"memory_bytes", "memory", " bytes"},
		{"failed_responses", "failed responses", ""},
	} {
		if label, unit := split(c.figure); label != c.label || unit != c.unit {
			t.Errorf("split(%q) = %q, %q", c.figure, label, unit)
		}
	}
	for _, c := range []struct {
		v    float64
		want string
	}{{0, "0"}, {7, "7"}, {0.12345, "0.123"}, {12.345, "12.3"}, {123.45, "123.5"}, {12345.6, "12346"}, {-0.5, "-0.5"}} {
		if got := short(c.v); got != c.want {
			t.Errorf("short(%g) = %q, want %q", c.v, got, c.want)
		}
	}
}

// TestTable: a reader finds each figure, ratio and goal, and how many were
// missed.
func TestTable(t *testing.T) {
	r := newRecord("a race", nil)
	r.Name = "race"
	s := r.series("serin", "itself")
	s.add(figures{"took_ms": 2})
	r.compare("over the floor", 2, 1)
	r.atMost("took, ms", 2, 3)
	r.atMost("ratio", 2, 1.5)
	var out strings.Builder
	if err := table(&out, []*record{r}); err != nil {
		t.Fatal(err)
	}
	want := `
race: a race
  serin: took            2 ms  2 - 2  1 runs
  over the floor         2     2 / 1
  goal met: took, ms     2     at most 3
  goal missed: ratio     2     at most 1.5

1 goals missed
`
	if diff := cmp.Diff(squeeze(want), squeeze(out.String())); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// squeeze makes every run of blanks one: how wide columns are is no matter.
func squeeze(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return strings.Join(lines, "\n")
}
