package analysis

import (
	"testing"

	"github.com/serin-mesh/serin/api"
)

// TestTotalFailureAfterAQuietTime: an hour without any error holds nothing up;
// failures of long ago, in both versions, do not hide it either.
func TestTotalFailureAfterAQuietTime(t *testing.T) {
	for before, most := range map[int]int{0: 8, 3: 12} { // each of stable's takes some to make up for
		e := NewErrorRate(Config{MaxIncrease: DefaultMaxIncrease, Margin: DefaultMargin})
		e.Requests(10, 40, true)
		for range before {
			e.Failure(Failure{Weight: 0.2})
		}
		canary, stable := 720_000.0, 2_880_000.0
		n := 0
		for ; e.Verdict().Verdict != api.VerdictHarm && n < 1000; n++ {
			e.Requests(canary+float64(n), stable+4*float64(n), true)
			e.Failure(Failure{Canary: true, Weight: 0.2})
		}
		if n > most {
			t.Errorf("%d failures of stable before: %d failures decide, want %d at most", before, n, most)
		}
	}
}
