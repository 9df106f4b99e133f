package kayenta

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
	"pgregory.net/rapid"
)

// values draws a side: either distinct numbers or many ties.
func values(t *rapid.T, label string) []float64 {
	of := rapid.Float64Range(-100, 100)
	if rapid.Bool().Draw(t, label+" tied") {
		of = rapid.Map(rapid.IntRange(-4, 4), func(i int) float64 { return float64(i) / 2 })
	}
	return rapid.SliceOfN(of, 1, 40).Draw(t, label)
}

// generic draws a side whose values have nothing to do with each other: no two
// differences are equal, also not by rounding.
func generic(t *rapid.T, label string, least, most int) []float64 {
	n := rapid.IntRange(least, most).Draw(t, label)
	source := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, label+" seed"), uint64(n)))
	out := make([]float64, n)
	for i := range out {
		out[i] = 50 + 20*source.NormFloat64()
	}
	return out
}

func TestQuantileIsGonums(t *testing.T) {
	for p := 0.001; p < 1; p += 0.001 {
		if got, want := quantile(p), distuv.UnitNormal.Quantile(p); math.Abs(got-want) > 1e-9 {
			t.Fatalf("quantile(%v) = %v, want %v", p, got, want)
		}
	}
}

func TestSummaryIsGonums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := append(values(t, "values"), 1)
		s := Summarize(v)
		mean, std := stat.MeanStdDev(v, nil)
		if math.Abs(s.Mean-mean) > 1e-9 || math.Abs(s.Std-std) > 1e-9 {
			t.Fatalf("mean %v, std %v; want %v, %v", s.Mean, s.Std, mean, std)
		}
	})
}

// A percentile is never outside of the values, and never falls as p grows.
func TestPercentileIsMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := values(t, "values")
		last := slices.Min(v)
		if got := Percentile(v, 0); got != last {
			t.Fatalf("the 0th is %v, want the least, %v", got, last)
		}
		for p := 0.0; p <= 100; p += 2.5 {
			got := Percentile(v, p)
			if got < last-1e-12 {
				t.Fatalf("the %vth is %v, the one before %v", p, got, last)
			}
			last = got
		}
		if last != slices.Max(v) {
			t.Fatalf("the 100th is %v, want the largest, %v", last, slices.Max(v))
		}
	})
}

func TestNothingHasNoPercentile(t *testing.T) {
	if got := Percentile(nil, 50); !math.IsNaN(got) {
		t.Errorf("got %v, want NaN", got)
	}
}

// The count of pairs, one by one.
func TestCLESIsTheShareOfPairs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e, c := values(t, "experiment"), values(t, "control")
		sum := 0.0
		for _, x := range e {
			for _, y := range c {
				switch {
				case x > y:
					sum++
				case x == y:
					sum += 0.5
				}
			}
		}
		want := sum / float64(len(e)*len(c))
		if got := CLES(e, c); math.Abs(got-want) > 1e-12 {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

// The rank sum is the count of pairs that the experiment wins: m*n times CLES.
func TestRankSumCountsPairs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e, c := values(t, "experiment"), values(t, "control")
		sum, _ := newShifts(e, c, tolerance).rankSum(0)
		m := float64(len(e))
		want := CLES(e, c) * m * float64(len(c))
		if got := sum - m*(m+1)/2; math.Abs(got-want) > 1e-9 {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

// The Hodges-Lehmann estimate is the median of all differences, found here by
// sorting them. The continuity correction makes the statistic 0 one difference
// to either side too, so the estimate may be anywhere among them.
func TestEstimateIsTheMedianDifference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e, c := generic(t, "experiment", 2, 20), generic(t, "control", 2, 20)
		var differences []float64
		for _, x := range e {
			for _, y := range c {
				differences = append(differences, x-y)
			}
		}
		slices.Sort(differences)
		last := len(differences) - 1
		low, high := differences[max(last/2-1, 0)], differences[min((last+1)/2+1, last)]
		i, err := MannWhitney(e, c, 0.98)
		if err != nil {
			t.Fatal(err)
		}
		if i.Estimate < low-tolerance || i.Estimate > high+tolerance {
			t.Fatalf("the estimate is %v, the median difference %v to %v", i.Estimate, low, high)
		}
		if i.Lower > i.Estimate+tolerance || i.Upper < i.Estimate-tolerance {
			t.Fatalf("%+v is out of order", i)
		}
	})
}

// Moving one side moves the limits by as much.
func TestLimitsMoveWithTheValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e, c := generic(t, "experiment", 5, 30), generic(t, "control", 5, 30)
		by := rapid.Float64Range(-50, 50).Draw(t, "by")
		moved := slices.Clone(e)
		for i := range moved {
			moved[i] += by
		}
		before, err := MannWhitney(e, c, 0.9)
		if err != nil {
			t.Fatal(err)
		}
		after, err := MannWhitney(moved, c, 0.9)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(after.Lower-before.Lower-by) > 3*tolerance || math.Abs(after.Upper-before.Upper-by) > 3*tolerance {
			t.Fatalf("%+v moved by %v is %+v", before, by, after)
		}
	})
}

func TestNoLimits(t *testing.T) {
	tests := []struct {
		name                string
		experiment, control []float64
	}{
		{"nothing", nil, []float64{1}},
		{"one value each", []float64{1}, []float64{2}},
		{"constants", []float64{1, 1}, []float64{2, 2}},
		{"too large", []float64{1e308, 1.1e308}, []float64{-1e308, -1.1e308}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if i, err := MannWhitney(tt.experiment, tt.control, 0.98); err == nil {
				t.Errorf("got %+v, want an error", i)
			}
		})
	}
}

func TestRootOfSmoothFunctions(t *testing.T) {
	tests := []struct {
		name string
		f    func(float64) float64
		a, b float64
		want float64
	}{
		{"line", func(x float64) float64 { return 3 - x }, 0, 10, 3},
		{"cube", func(x float64) float64 { return x*x*x - 2 }, 0, 2, math.Cbrt(2)},
		{"cosine", func(x float64) float64 { return math.Cos(x) - x }, 0, 1, 0.7390851332151607},
		{"steep", func(x float64) float64 { return math.Exp(20*x) - math.Exp(18) }, -5, 1, 0.9},
		{"at an end", func(x float64) float64 { return x }, 0, 1, 0},
		{"a triple root", func(x float64) float64 { return (x - 0.3) * (x - 0.3) * (x - 0.3) }, -4, 4.0 / 3, 0.3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			calls := 0
			f := func(x float64) float64 { calls++; return tt.f(x) }
			got := root(f, point{tt.a, tt.f(tt.a)}, point{tt.b, tt.f(tt.b)}, 1e-9)
			if math.Abs(got-tt.want) > 1e-9 {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if calls > 150 {
				t.Errorf("it took %d looks", calls)
			}
		})
	}
}

// The jump of a step function is found to the tolerance, wherever it is.
func TestRootOfAStep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.Float64Range(-9, 9).Draw(t, "at")
		high := rapid.Float64Range(0.001, 10).Draw(t, "high")
		low := rapid.Float64Range(-10, -0.001).Draw(t, "low")
		f := func(x float64) float64 {
			if x < at {
				return high
			}
			return low
		}
		if got := root(f, point{-10, high}, point{10, low}, tolerance); math.Abs(got-at) > 1.01*tolerance {
			t.Fatalf("got %v, want %v", got, at)
		}
	})
}

// Few values never differ enough: then the limits are the extreme shifts.
func TestLimitsOfFewValues(t *testing.T) {
	got, err := MannWhitney([]float64{1, 2, 3.5}, []float64{0.5, 1.25, 2.75}, 0.98)
	if err != nil {
		t.Fatal(err)
	}
	if got.Lower != 1-2.75 || got.Upper != 3.5-0.5 {
		t.Errorf("got %+v, want -1.75 to 3", got)
	}
}
