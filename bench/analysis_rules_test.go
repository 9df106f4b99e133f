package main

import (
	"math"
	"testing"
)

// report makes what came to pass in some seconds.
func report(seconds, requests0, failed0, requests1, failed1 float64) *reported {
	return &reported{span: &span{seconds: seconds, weight: 0.2, most: 0.2},
		requests: [2]float64{requests0, requests1}, failed: [2]float64{failed0, failed1}}
}

// stopsAt plays the same report again and again, and gives after how many seconds
// the judge stops the canary; 0: not in half an hour.
func stopsAt(j judge, r *reported) float64 {
	for at := r.seconds; at <= minutes*60; at += r.seconds {
		if stopped, _ := j.see(r); stopped {
			return at
		}
	}
	return 0
}

// TestRulesWithSteadyTraffic: each rule stops when its definition says, whatever
// stable does.
func TestRulesWithSteadyTraffic(t *testing.T) {
	ok := report(10, 800, 4, 200, 1)   // 99.5%
	poor := report(10, 800, 4, 200, 4) // 98%
	bad := report(10, 800, 4, 200, 20) // 90%
	incident := report(10, 800, 80, 200, 20)
	idle := report(10, 1000, 5, 0, 0)
	for _, c := range []struct {
		name string
		make func() judge
		r    *reported
		want float64
	}{
		{"Argo 95, fine", func() judge { return argo(0.95) }, ok, 0},
		{"Argo 95, poor", func() judge { return argo(0.95) }, poor, 0},
		{"Argo 95, bad: the fourth minute", func() judge { return argo(0.95) }, bad, 240},
		{"Argo 99, poor: the fourth minute", func() judge { return argo(0.99) }, poor, 240},
		{"Argo 95, an incident of both", func() judge { return argo(0.95) }, incident, 240},
		{"Argo 95, no request", func() judge { return argo(0.95) }, idle, 0},
		{"Flagger, fine", func() judge { return flagger() }, ok, 0},
		{"Flagger, poor: the fifth check", func() judge { return flagger() }, poor, 50},
		{"Flagger, no request", func() judge { return flagger() }, idle, 0},
		{"z, fine", func() judge { return newZTest(metricAlpha) }, ok, 0},
		{"z, bad: the first minute", func() judge { return newZTest(metricAlpha) }, bad, 60},
		{"z, an incident of both", func() judge { return newZTest(metricAlpha) }, incident, 0},
		{"Kayenta, fine", func() judge { return newKayenta(300) }, ok, 0},
		{"Kayenta, bad: five minutes", func() judge { return newKayenta(300) }, bad, 300},
		{"Kayenta, bad, at the end", func() judge { return newKayenta(minutes * 60) }, bad, minutes * 60},
	} {
		if got := stopsAt(c.make(), c.r); got != c.want {
			t.Errorf("%s: stopped after %g s, want %g", c.name, got, c.want)
		}
	}
}

// TestFailedMeasurementsAddUp: three bad minutes, then good ones, and one more:
// they need not follow one another.
func TestFailedMeasurementsAddUp(t *testing.T) {
	a := argo(0.95)
	bad, ok := report(60, 800, 4, 200, 20), report(60, 800, 4, 200, 1)
	for i, r := range []*reported{bad, bad, bad, ok, ok, bad} {
		if stopped, _ := a.see(r); stopped != (i == 5) {
			t.Errorf("minute %d: stopped is %v", i+1, stopped)
		}
	}
}

// TestZByHand: 30 of 1,000 against 40 of 4,000 has z = 4.8147 when pooled.
func TestZByHand(t *testing.T) {
	r := report(60, 4000, 40, 1000, 30)
	for _, c := range []struct {
		limit float64
		stops bool
	}{{4.81, true}, {4.82, false}} {
		z := &zTest{clock: clock{every: 60}, limit: c.limit}
		if stopped, _ := z.see(r); stopped != c.stops {
			t.Errorf("limit %g: stopped is %v", c.limit, stopped)
		}
	}
	if z := newZTest(0.025).limit; math.Abs(z-1.959964) > 1e-6 {
		t.Errorf("the limit for 0.025 is %g", z)
	}
}

// TestWindow: the last minute, and no more, however it is cut.
func TestWindow(t *testing.T) {
	w := &window{}
	for i := range 20 {
		w.add(report(10, 100, 0, 10, float64(i)))
	}
	if got := w.share(canaryArm); got != float64(14+15+16+17+18+19)/60 {
		t.Errorf("share %g", got)
	}
	w.add(report(0.2, 0, 0, 0, 0))
	if len(w.spans) != 6 {
		t.Errorf("%d spans: a part of one reaches beyond the minute", len(w.spans))
	}
	if empty := (&window{}).share(stableArm); !math.IsNaN(empty) {
		t.Errorf("of nothing: %g", empty)
	}
}

func TestClock(t *testing.T) {
	c := clock{every: 60}
	var due []int
	for i := range 24 {
		seconds := 10.0
		if i%6 == 0 { // a minute in odd pieces
			c.due(0.2)
			seconds = 9.8
		}
		if c.due(seconds) {
			due = append(due, i)
		}
	}
	if len(due) != 4 || due[0] != 5 || due[3] != 23 {
		t.Errorf("due at %v", due)
	}
}
