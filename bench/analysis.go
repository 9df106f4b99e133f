package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// analysisPage is what the bench writes for people, from the root of the
// checkout.
var analysisPage = filepath.Join("docs", "explanation", "analysis-quality.md")

// The traffic that the judges are compared on.
const (
	mainRate   = 100.0 // requests a second, where one rate is shown
	mainWeight = 0.2   // the canary's weight, where one is shown
	// metricAlpha is the guard's part for errors, by default: half of 0.001.
	metricAlpha = 0.0005
	// sureness is that of the intervals, two-sided.
	sureness = 0.999
)

// The rates and weights of the grid.
var (
	gridRates   = []float64{2, 20, 100, 1000}
	gridWeights = []float64{0.05, 0.1, 0.2, 0.5}
)

// studySizes say how many runs each part of the analysis bench rests on.
type studySizes struct {
	Promise  int `json:"runs_a_good_canary"`          // the guard alone
	Uneven   int `json:"runs_with_uneven_arms"`       // of UnevenN failures each
	UnevenN  int `json:"failures_with_uneven_arms"`   //
	Compare  int `json:"runs_a_comparison"`           // all judges, on the same streams
	Grid     int `json:"runs_a_cell_of_the_grid"`     // the same, at each rate and weight
	Floor    int `json:"failures_a_floor_at_most"`    // in all runs of a row together
	FloorMax int `json:"runs_a_floor_at_most"`        //
	Power    int `json:"runs_for_the_power_at_2_rps"` //
	Prove    int `json:"runs_a_proof"`                //
	Broken   int `json:"runs_a_broken_condition"`     //
	Cost     int `json:"failures_timed"`              //
}

// sizesFor chooses the sizes: with 1 the bench takes about a minute, with 2 up to
// ten.
func sizesFor(m *machine) studySizes {
	return []studySizes{
		{50, 5, 1000, 5, 1, 20_000, 20, 20, 20, 20, 100_000},
		{4_000, 150, 100_000, 300, 20, 300_000, 500, 1_000, 500, 1_000, 1_000_000},
		{100_000, 12_000, 100_000, 2_000, 200, 6_000_000, 4_000, 10_000, 20_000, 10_000, 5_000_000},
	}[m.size]
}

// analysisBench compares the judges on simulated traffic, and writes the page.
func analysisBench(ctx context.Context, m *machine) (*record, error) {
	out, err := study(ctx, sizesFor(m))
	if err != nil || m.size == 0 {
		return out, err // a look is nothing to publish
	}
	if err := os.WriteFile(analysisPage, out.page(), 0o644); err != nil {
		return nil, fmt.Errorf("writing the page of the analysis bench: %w", err)
	}
	return out, nil
}

// study measures everything. The same sizes give the same figures, but for the
// times.
func study(ctx context.Context, n studySizes) (*record, error) {
	out := newRecord("the guard and other judges on the same simulated traffic", map[string]any{
		"sizes": n, "minutes": minutes, "rate": mainRate, "weight": mainWeight, "alpha": metricAlpha,
	})
	for _, part := range []func(*record, context.Context, studySizes){
		(*record).promises, (*record).floors, (*record).powers, (*record).comparisons, (*record).grids,
		(*record).proofs, (*record).slow, (*record).broken, (*record).costs,
	} {
		part(out, ctx, n)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return out, nil
}
