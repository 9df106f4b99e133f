package analysis

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/api"
)

// fail feeds n failures of the canary on a host, at weight 0.2.
func fail(e *ErrorRate, n int, host string) {
	for range n {
		e.Failure(Failure{Canary: true, Weight: 0.2, Host: host})
	}
}

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		name    string
		play    func(e *ErrorRate)
		verdict api.Verdict
		message string // part of it
	}{
		{"nothing seen", func(*ErrorRate) {}, api.VerdictInconclusive, "there is no request of either version that failed"},
		{"six failures", func(e *ErrorRate) { fail(e, 6, "a") }, api.VerdictInconclusive, "no proof of harm: 6 failures"},
		{"seven failures", func(e *ErrorRate) { fail(e, 7, "a") }, api.VerdictHarm, "the canary is worse: 7 failures of the canary against 0"},
		{"with requests", func(e *ErrorRate) {
			e.Requests(0, 0, true)
			fail(e, 1, "a") // the trouble begins
			e.Requests(70, 280, true)
			fail(e, 6, "a")
		}, api.VerdictHarm, "10% of its requests failed (7 of 70) against 0% of stable's (0 of 280), at weight 20%"},
		{"more failures than requests reported", func(e *ErrorRate) {
			e.Requests(2, 8, true)
			fail(e, 7, "a")
		}, api.VerdictHarm, "100% of its requests failed (7 of 7)"},
		{"below the tolerated excess", func(e *ErrorRate) {
			e.Requests(0, 0, true)
			fail(e, 1, "a") // the trouble begins
			e.Requests(1400, 5600, true)
			fail(e, 6, "a")
		}, api.VerdictInconclusive, "by no more than the 0.5% tolerated"},
		{"just above the tolerated excess", func(e *ErrorRate) {
			e.Requests(0, 0, true)
			fail(e, 1, "a") // the trouble begins
			e.Requests(1399, 5600, true)
			fail(e, 6, "a")
		}, api.VerdictHarm, "worse"},
		{"excess unknown", func(e *ErrorRate) {
			e.Requests(1e9, 1e9, false)
			fail(e, 7, "a")
		}, api.VerdictHarm, "worse"},
		{"one host of two", func(e *ErrorRate) {
			e.Hosts(2)
			fail(e, 50, "10.0.0.7:80")
		}, api.VerdictInconclusive, "it may be one of the canary's 2 hosts alone, 10.0.0.7:80, without which the evidence is 1 of 15"},
		{"the second host once", func(e *ErrorRate) {
			e.Hosts(2)
			fail(e, 50, "a")
			fail(e, 1, "b")
		}, api.VerdictInconclusive, "it may be one of the canary's 2 hosts alone, a"},
		{"the second host too", func(e *ErrorRate) {
			e.Hosts(2)
			fail(e, 50, "a")
			fail(e, 3, "b")
		}, api.VerdictHarm, "worse"},
		{"no host reached", func(e *ErrorRate) {
			e.Hosts(2)
			for range 7 {
				e.Failure(Failure{Canary: true, Weight: 0.2, Flag: "UH"})
			}
		}, api.VerdictHarm, "Envoy gave UH for 7 of the canary's failures"},
		{"no weight", func(e *ErrorRate) {
			for range 30 {
				e.Failure(Failure{Canary: true, Weight: 0})
			}
		}, api.VerdictCannotJudge, "all 30 failures came while one version had no traffic"},
		{"all the weight", func(e *ErrorRate) {
			for range 30 {
				e.Failure(Failure{Canary: true, Weight: 1})
			}
		}, api.VerdictCannotJudge, "nothing to compare"},
		{"both fail alike", func(e *ErrorRate) {
			for k := range 500 {
				e.Failure(Failure{Canary: k%5 == 0, Weight: 0.2})
			}
		}, api.VerdictInconclusive, "no proof"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := NewErrorRate(Config{Margin: 0.4, MaxIncrease: 0.005, PlannedSteps: 2})
			c.play(e)
			r := e.Verdict()
			if r.Verdict != c.verdict || !strings.Contains(r.Message, c.message) {
				t.Errorf("verdict %s: %s\nwant %s: …%s…", r.Verdict, r.Message, c.verdict, c.message)
			}
			if again := e.Verdict(); !cmp.Equal(r, again) {
				t.Errorf("the second look differs: %s", cmp.Diff(r, again))
			}
		})
	}
}

// Failures at a weight that says nothing do not move the evidence, also in
// the middle of others.
func TestVerdictIgnoresWeightsWithoutSplit(t *testing.T) {
	e := NewErrorRate(Config{Margin: 0.4})
	fail(e, 3, "a")
	before := e.Evidence()
	for _, w := range []float64{0, 1, -1, 2, math.NaN(), math.Inf(1), math.Inf(-1)} {
		e.Failure(Failure{Canary: true, Weight: w})
		e.Failure(Failure{Weight: w})
	}
	r := e.Verdict()
	if r.Evidence != before || r.Ignored != 14 {
		t.Errorf("evidence %v and %d ignored, want %v and 14", r.Evidence, r.Ignored, before)
	}
	if r.Total.CanaryFailures != 10 || r.Total.StableFailures != 7 {
		t.Errorf("counted %d and %d failures, want 10 and 7", r.Total.CanaryFailures, r.Total.StableFailures)
	}
}

// After a long good time the excess is taken since the trouble began: over the
// whole rollout it would drown.
func TestVerdictSinceOnset(t *testing.T) {
	e := NewErrorRate(Config{Margin: 0.4, MaxIncrease: 0.005})
	e.Hosts(2)
	for k := range 500 {
		n := float64(k + 1)
		e.Requests(40*n, 160*n, true)
		e.Failure(Failure{Canary: k%5 == 0, Weight: 0.2, Host: "b"})
	}
	for k := range 20 {
		n := float64(k)
		e.Requests(20_000+n, 80_000+4*n, true)
		e.Failure(Failure{Canary: true, Weight: 0.2, Host: "a"})
	}
	r := e.Verdict()
	if want := (Counts{CanaryFailures: 20, CanaryRequests: 19, StableRequests: 76, Known: true}); r.Since != want {
		t.Errorf("since the onset %+v, want %+v", r.Since, want)
	}
	if r.P1 != 1 || r.P0 != 0 || r.Ratio < 50 {
		t.Errorf("shares %v and %v, ratio %v, want 1, 0 and above 50", r.P1, r.P0, r.Ratio)
	}
	// Host b failed before the trouble only.
	if r.Verdict != api.VerdictInconclusive || !strings.Contains(r.Message, "one of the canary's 2 hosts alone, a,") {
		t.Errorf("verdict %s: %s; want one host to be named", r.Verdict, r.Message)
	}
	fail(e, 10, "b")
	if r := e.Verdict(); r.Verdict != api.VerdictHarm {
		t.Errorf("verdict %s: %s; want harm with the second host", r.Verdict, r.Message)
	}
}

// Requests that were not known at the onset are not known since.
func TestVerdictOnsetWithoutRequests(t *testing.T) {
	e := NewErrorRate(Config{Margin: 0.4, MaxIncrease: 0.005})
	for k := range 500 {
		e.Failure(Failure{Canary: k%5 == 0, Weight: 0.2})
	}
	fail(e, 20, "a")
	e.Requests(1e6, 4e6, true)
	if r := e.Verdict(); r.Verdict != api.VerdictHarm || r.Since.Known || r.P1 != 0 {
		t.Errorf("verdict %s, requests known %t, share %v; want harm on unknown requests", r.Verdict, r.Since.Known, r.P1)
	}
}

// Requests that are corrected downwards make no negative counts.
func TestVerdictRequestsFall(t *testing.T) {
	e := NewErrorRate(Config{Margin: 0.4})
	e.Requests(math.NaN(), -5, true)
	if r := e.Verdict(); r.Total.CanaryRequests != 0 || r.Total.StableRequests != 0 {
		t.Errorf("requests %+v, want none", r.Total)
	}
	a, b := Counts{CanaryRequests: 5, Known: true}, Counts{CanaryRequests: 9, Known: true}
	if got := a.since(b); got != (Counts{Known: true}) {
		t.Errorf("since gives %+v, want no requests", got)
	}
}

func TestRecord(t *testing.T) {
	e := NewErrorRate(Config{Margin: 0.4, MaxIncrease: 0.005})
	e.Requests(70.4, 280.6, true)
	fail(e, 7, "a")
	r := e.Verdict()
	want := api.Evidence{
		Metric: "error-rate", Judge: "guard", Verdict: api.VerdictHarm, Message: r.Message,
		Evidence: r.Evidence, Threshold: 2000, Weight: 20,
		CanaryFailures: 7, CanaryRequests: 70, StableRequests: 281,
	}
	if diff := cmp.Diff(want, r.Record()); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

func TestConfigSane(t *testing.T) {
	for _, c := range []struct{ in, want Config }{
		{Config{}, Config{Alpha: DefaultAlpha}},
		{Config{Alpha: 1, Margin: -1, MaxIncrease: 2, PlannedSteps: -3}, Config{Alpha: DefaultAlpha, MaxIncrease: 1}},
		{Config{Alpha: math.NaN(), Margin: math.NaN(), MaxIncrease: math.NaN()}, Config{Alpha: DefaultAlpha}},
		{Config{Alpha: 0.01, Margin: 1, MaxIncrease: 0.1, PlannedSteps: 4}, Config{Alpha: 0.01, Margin: 1, MaxIncrease: 0.1, PlannedSteps: 4}},
	} {
		if got := NewErrorRate(c.in).Config(); got != c.want {
			t.Errorf("%+v becomes %+v, want %+v", c.in, got, c.want)
		}
	}
}

func BenchmarkFailure(b *testing.B) {
	e := NewErrorRate(Config{Margin: 0.4, PlannedSteps: 3})
	b.ReportAllocs()
	for k := 0; b.Loop(); k++ {
		e.Failure(Failure{Canary: k%5 == 0, Weight: 0.2, Host: "10.0.0.1:80", Flag: "UF"})
	}
}

func TestFailureDoesNotAllocate(t *testing.T) {
	e := NewErrorRate(Config{Margin: 0.4, PlannedSteps: 3})
	k := 0
	if n := testing.AllocsPerRun(1000, func() {
		k++
		e.Failure(Failure{Canary: k%5 == 0, Weight: 0.1 + float64(k%7)/10, Host: "a", Flag: "UF"})
	}); n != 0 {
		t.Errorf("%v allocations a failure, want none", n)
	}
}

// TestVerdictOnSlowRequests: what is counted and how it is called is the
// configuration's, and so is the verdict on a lone host.
func TestVerdictOnSlowRequests(t *testing.T) {
	e := NewErrorRate(Config{Metric: "latency", Bad: "took longer than 200ms", LoneHost: api.VerdictCannotJudge})
	e.Hosts(2)
	if r := e.Verdict(); r.Message != "no proof of harm: there is no request of either version that took longer than 200ms" {
		t.Errorf("nothing seen: %s", r.Message)
	}
	for range 30 {
		e.Failure(Failure{Canary: true, Weight: 0.2, Host: "a"})
	}
	r := e.Verdict()
	if r.Verdict != api.VerdictCannotJudge || r.Record().Metric != "latency" || r.Record().Verdict != api.VerdictCannotJudge {
		t.Errorf("one host: %+v", r)
	}
	fail(e, 3, "b")
	if r = e.Verdict(); r.Verdict != api.VerdictHarm || !strings.Contains(r.Message, "33 of the canary's requests took longer than 200ms against 0 of stable's") {
		t.Errorf("two hosts: %s: %s", r.Verdict, r.Message)
	}
	e.Requests(40, 1000, true)
	if r = e.Verdict(); !strings.Contains(r.Message, "of its requests took longer than 200ms (33 of 40) against") {
		t.Errorf("with requests: %s", r.Message)
	}
}
