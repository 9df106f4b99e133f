package main

import (
	"context"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestUpperEndByTheBinomial: at the upper end, so few are exactly as improbable
// as the interval says, which is summed up here from the definition.
func TestUpperEndByTheBinomial(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 2000).Draw(t, "n")
		k := rapid.IntRange(0, n-1).Draw(t, "k")
		sure := rapid.SampledFrom([]float64{0.9, 0.99, 0.999}).Draw(t, "sureness")
		p := upperEnd(k, n, sure)
		if p <= float64(k)/float64(n) || p >= 1 {
			t.Fatalf("%g for %d of %d", p, k, n)
		}
		at := func(i int) float64 {
			a, _ := math.Lgamma(float64(n + 1))
			b, _ := math.Lgamma(float64(i + 1))
			c, _ := math.Lgamma(float64(n - i + 1))
			return math.Exp(a - b - c + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
		}
		sum := 0.0
		for i := range k + 1 {
			sum += at(i)
		}
		if want := (1 - sure) / 2; math.Abs(sum-want) > 1e-6*want+1e-12 {
			t.Fatalf("%d of %d or fewer have probability %g at %g, want %g", k, n, sum, p, want)
		}
	})
}

// TestUpperEndOfNone has a closed form.
func TestUpperEndOfNone(t *testing.T) {
	for _, n := range []int{1, 10, 1000, 100_000} {
		if got, want := upperEnd(0, n, 0.999), 1-math.Pow(0.0005, 1/float64(n)); math.Abs(got/want-1) > 1e-9 {
			t.Errorf("0 of %d: %g, want %g", n, got, want)
		}
		if got := upperEnd(n, n, 0.999); got != 1 {
			t.Errorf("all of %d: %g", n, got)
		}
	}
}

// TestKeepPromiseSeesStops: what is counted can happen. A canary that is much
// worse reaches both thresholds in every run, and is stopped.
func TestKeepPromiseSeesStops(t *testing.T) {
	bad := keepPromise(t.Context(), excess(ambient, 0.05, 0), 20, 1)
	if diff := cmp.Diff(kept{20, 20, 20, 20}, bad, cmp.AllowUnexported(kept{})); diff != "" {
		t.Errorf("five points worse: -want +got\n%s", diff)
	}
	good := keepPromise(t.Context(), goodCanaries()[0], 100, 2)
	if good.runs != 100 || good.loose > 5 {
		t.Errorf("a flat canary: %+v", good)
	}
}

// TestUnevenArms: arms that vary by a tenth are no harm; by as much as the margin
// some are.
func TestUnevenArms(t *testing.T) {
	if k := unevenArms(t.Context(), 0.1, 10, 5000); k.runs != 10 || k.tight > 0 {
		t.Errorf("a tenth: %+v", k)
	}
	if k := unevenArms(t.Context(), 1.5, 40, 5000); k.tight < 5 || k.harm < k.tight {
		t.Errorf("one and a half: %+v", k)
	}
}

func TestOdds(t *testing.T) {
	for _, c := range []struct{ w, ratio, want float64 }{
		{0.2, 1, 0.2}, {0.2, 1.4, 0.28 / 1.08}, {0.5, 3, 0.75}, {0.2, 0, 0}, {0.2, math.Inf(1), math.NaN()},
	} {
		if got := odds(c.w, c.ratio); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("odds(%g, %g) = %g, want %g", c.w, c.ratio, got, c.want)
		}
	}
}

// TestInterruptedRunsAreCounted: shares are of the runs that there were.
func TestInterruptedRunsAreCounted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if k := keepPromise(ctx, goodCanaries()[0], 50, 3); k.runs != 0 {
		t.Errorf("%d runs", k.runs)
	}
	if o := compare(ctx, goodCanaries()[0], 10, 0.1, 50, 3); o[0].runs != 0 {
		t.Errorf("%d runs", o[0].runs)
	}
}
