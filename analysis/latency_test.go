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

// latencyEdges are those of the tests, in milliseconds.
var latencyEdges = []float64{5, 10, 25, 50, 75, 100, 150, 200, 300, 500, 1000, 2500, math.Inf(1)}

// answered draws the durations of n requests, log-normal around a median, and
// gives them as a histogram.
func answered(rng *rand.Rand, n int, median, spread float64) []analysis.Bucket {
	out := make([]analysis.Bucket, len(latencyEdges))
	for i, e := range latencyEdges {
		out[i].UpTo = e
	}
	for range n {
		took := median * math.Exp(spread*rng.NormFloat64())
		for i := range out {
			if took <= out[i].UpTo {
				out[i].Count++
			}
		}
	}
	return out
}

// slower plays seconds of traffic, a tenth of it to the canary, whose median is
// slower from a second on, and says after how many it was harm; 0: never.
func slower(rng *rand.Rand, l *analysis.Latency, seconds, rps int, factor float64, from int) int {
	for s := range seconds {
		median := 40.0
		if s >= from {
			median *= factor
		}
		canary := 0
		for range rps {
			if rng.Float64() < 0.1 {
				canary++
			}
		}
		l.Interval(answered(rng, canary, median, 0.5), answered(rng, rps-canary, 40, 0.5))
		if l.Verdict().Verdict == api.VerdictHarm {
			return s + 1
		}
	}
	return 0
}

var latencyDefaults = analysis.Config{Margin: 1, MaxIncrease: 0.01}

// TestSlowerCanaryIsFound: half as slow again is found in a minute or two at 100
// requests a second, also after ten good minutes; the edge that shows it best is
// named.
func TestSlowerCanaryIsFound(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, c := range []struct {
		factor     float64
		from, most int
	}{{1.5, 0, 180}, {1.5, 600, 1000}, {3, 0, 20}, {100, 0, 5}} {
		l := analysis.NewLatency(latencyDefaults)
		got := slower(rng, l, c.most, 100, c.factor, c.from)
		if got <= c.from {
			t.Errorf("%v times as slow from second %d: found after %d, want %d at most: %s", c.factor, c.from, got, c.most, l.Verdict().Message)
			continue
		}
		if r := l.Verdict(); !strings.Contains(r.Message, "the canary is slower: ") || !strings.Contains(r.Message, "of its requests took longer than ") || r.Record().Metric != "latency" {
			t.Errorf("it says %q", r.Message)
		}
	}
}

// TestGoodLatency: of canaries that are as fast as stable, and of those within
// the margin at every edge, none is stopped in 200 times half an hour. With
// alpha 0.0005 one would be chance at 1 in 10.
func TestGoodLatency(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for _, factor := range []float64{1, 1.05} {
		for run := range 100 {
			if s := slower(rng, analysis.NewLatency(latencyDefaults), 180, 10, factor, 0); s > 0 {
				t.Errorf("run %d at %v: stopped after %d s", run, factor, s)
			}
		}
	}
}

// TestLatencyByHand: one interval at one edge is one batch of the error test.
func TestLatencyByHand(t *testing.T) {
	l := analysis.NewLatency(analysis.Config{Alpha: 0.001, Margin: 1})
	l.Interval([]analysis.Bucket{{UpTo: 100, Count: 18}, {UpTo: math.Inf(1), Count: 20}},
		[]analysis.Bucket{{UpTo: 100, Count: 77}, {UpTo: math.Inf(1), Count: 80}})
	const w, d, k1, k0, spread = 0.2, 1.0, 2, 3, 560
	var want float64
	for j, mass := range masses {
		rho := (1 + d) * (1 + 0.062*math.Pow(49/0.062, float64(j)/13))
		c := (1 + w*d) / (1 + w*(rho-1))
		canary, stable := c*rho/(1+d), c
		if j == len(masses)-1 { // without limit
			canary, stable = (1+w*d)/(w*(1+d)), 0
		}
		held := (1 - starts[j]) * spread / (spread + k1 + k0)
		want += mass * ((1-held)*math.Pow(canary, k1)*math.Pow(stable, k0) + held)
	}
	if got := l.Evidence(); math.Abs(got/want-1) > 1e-12 {
		t.Errorf("evidence %v, want %v", got, want)
	}
}

func TestLatencyTakesOnlyWhatSaysSomething(t *testing.T) {
	l := analysis.NewLatency(latencyDefaults)
	if r := l.Verdict(); r.Message != "no response times of both versions yet" || r.Evidence != 1 {
		t.Errorf("nothing seen: %+v", r)
	}
	one := []analysis.Bucket{{UpTo: 100, Count: 5}, {UpTo: math.Inf(1), Count: 50}}
	l.Interval(one, nil)
	l.Interval(nil, one)
	l.Interval(one, []analysis.Bucket{{UpTo: 100}, {UpTo: math.Inf(1)}})
	l.Interval(one, one[:1])
	if l.Evidence() != 1 {
		t.Errorf("evidence %v", l.Evidence())
	}
	l.Interval(one, one)
	before := l.Evidence()
	l.Interval([]analysis.Bucket{{UpTo: 7, Count: 0}, {UpTo: math.Inf(1), Count: 500}}, []analysis.Bucket{{UpTo: 7, Count: 500}, {UpTo: math.Inf(1), Count: 500}})
	if l.Evidence() != before {
		t.Error("edges that were not there at first are evidence")
	}
}

// TestLittleExcessIsTolerated: ten times as many slow requests, of very few.
func TestLittleExcessIsTolerated(t *testing.T) {
	l := analysis.NewLatency(latencyDefaults)
	for range 200 {
		l.Interval([]analysis.Bucket{{UpTo: 100, Count: 1992}, {UpTo: math.Inf(1), Count: 2000}},
			[]analysis.Bucket{{UpTo: 100, Count: 7997}, {UpTo: math.Inf(1), Count: 8000}})
	}
	if r := l.Verdict(); r.Verdict != api.VerdictInconclusive || !strings.Contains(r.Message, "by no more than the 1% tolerated") || r.Evidence < r.Threshold {
		t.Errorf("%s: %s", r.Verdict, r.Message)
	}
}

func TestLatencyGoesOnAfterItsJSON(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	c := latencyDefaults
	c.PlannedSteps = 2
	a, b := analysis.NewLatency(c), analysis.NewLatency(c)
	for i := range 30 {
		if i == 0 || i == 12 {
			a.Step()
		}
		a.Interval(answered(rng, 20, 60, 0.5), answered(rng, 80, 40, 0.5))
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
	for _, bad := range []string{`{}`, `[]`, `{"format":1,"config":{"alpha":0.1},"edges":[1],"values":[[1]],"runs":[{}],"slow":[0]}`} {
		if json.Unmarshal([]byte(bad), b) == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}
