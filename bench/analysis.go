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
	Broken   int `json:"runs_a_broken_condition"`     // of a canary as good as stable
	Edge     int `json:"runs_broken_at_the_edge"`     // where it is close to alpha
	Cost     int `json:"failures_timed"`              //
}

// sizesFor chooses the sizes: with 1 the bench takes about a minute, with 2 up to
// ten.
func sizesFor(m *machine) studySizes {
	return []studySizes{
		{20, 5, 1000, 3, 1, 5_000, 3, 10, 3, 5, 5, 50_000},
		{5_000, 150, 100_000, 200, 10, 300_000, 500, 2_000, 1_500, 1_000, 4_000, 1_000_000},
		{100_000, 10_000, 100_000, 1_000, 100, 3_000_000, 2_000, 10_000, 3_000, 2_500, 40_000, 5_000_000},
	}[m.size]
}

// analysisBench compares the judges on simulated traffic, and writes the page.
func analysisBench(ctx context.Context, m *machine) (*record, error) {
	out, err := study(ctx, sizesFor(m))
	if err != nil {
		return nil, err
	}
	return out, out.publish(m.size)
}

// publish writes the page. A look is nothing to publish.
func (r *record) publish(size int) error {
	if size == 0 {
		return nil
	}
	if err := os.WriteFile(analysisPage, r.page(), 0o644); err != nil {
		return fmt.Errorf("writing the page of the analysis bench: %w", err)
	}
	return nil
}

// promised adds a goal: of n runs k went wrong, and the upper end of the interval
// shall be limit at most. With fewer runs than needed the goal is left out: it
// would be missed whatever the judge does. It gives the upper end.
func (r *record) promised(what string, k, n, needed int, limit float64) float64 {
	upper := upperEnd(k, n, sureness)
	if n >= needed {
		r.atMost(what+": upper end", upper, limit)
	}
	return upper
}

// study measures everything. The same sizes give the same figures, but for the
// times.
func study(ctx context.Context, n studySizes) (*record, error) {
	out := newRecord("the guard and other judges on the same simulated traffic", map[string]any{
		"sizes": n, "minutes": minutes, "rate": mainRate, "weight": mainWeight, "alpha": metricAlpha,
	})
	out.note("Goals on false stops need 40,000 runs at α 0.01 and 100,000 at 0.001 (arms that vary: 10,000): FULL=1 make bench. With fewer they are left out.")
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
