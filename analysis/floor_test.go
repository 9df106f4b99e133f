package analysis

import (
	"math"
	"testing"
)

// The canary requests that any test needs (alpha 0.001), and that one of
// failures with margin 0.25 needs (alpha 0.0005), at weight 0.1.
func TestFloorTable(t *testing.T) {
	for _, c := range []struct {
		p0, p1, limit, floor float64
	}{
		{0, 1, 2.1, 3.6},
		{0.005, 0.055, 108, 144},
		{0.005, 0.015, 1237, 2069},
		{0.001, 0.006, 1476, 2054},
	} {
		limit, floor := 0.1*Limit(0.001, 0.1, c.p0, c.p1), 0.1*Floor(0.0005, 0.1, 0.25, c.p0, c.p1)
		if math.Abs(limit/c.limit-1) > 0.02 || math.Abs(floor/c.floor-1) > 0.02 {
			t.Errorf("%v -> %v: limit %.1f and floor %.1f canary requests, want %v and %v", c.p0, c.p1, limit, floor, c.limit, c.floor)
		}
		if limit > floor {
			t.Errorf("%v -> %v: limit %v above floor %v", c.p0, c.p1, limit, floor)
		}
	}
}

func TestFloorWithoutHarm(t *testing.T) {
	for _, c := range []struct {
		name   string
		p0, p1 float64
	}{
		{"no failures", 0, 0},
		{"equal", 0.01, 0.01},
		{"better", 0.01, 0.001},
		{"at the margin", 0.01, 0.014},
	} {
		if got := Floor(0.001, 0.1, 0.4, c.p0, c.p1); !math.IsInf(got, 1) && got < 1e12 {
			t.Errorf("%s: floor %v, want +Inf", c.name, got)
		}
	}
	for _, p := range []float64{0, 0.01, 1} {
		if got := Limit(0.001, 0.1, p, p); got < 1e12 {
			t.Errorf("limit %v for equal versions at %v, want +Inf", got, p)
		}
	}
}
