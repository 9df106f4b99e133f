package main

import (
	"fmt"
	"math"
)

// scenario is a kind of canary and the time it runs in.
type scenario struct {
	name    string
	planned int     // weights after the first
	spread  float64 // standard deviation of the canary's ratio to what the spans say, over runs
	shape   func(s *span, at float64)
	steps   bool // the weight is a quarter of what is asked for, then all, then 2.5 times
}

// doubt is for how long, in seconds, two weights are possible after a push.
const doubt = 0.2

// spans gives the course of a run at a rate and a weight.
func (c scenario) spans(rate, weight float64) []span {
	var out []span
	add := func(at float64, s span) {
		s.rate = rate
		s.p = [2]float64{ambient, ambient}
		if c.shape != nil {
			c.shape(&s, at)
		}
		out = append(out, s)
	}
	last := 0.0
	for at := 0.0; at < minutes*60; at += spanSeconds {
		w := weight
		if c.steps {
			w = [...]float64{weight / 4, weight, min(2.5*weight, 0.9)}[int(at/(minutes*60)*3)]
		}
		s := span{seconds: spanSeconds, weight: w, most: w, least: w, step: last > 0 && w != last}
		if s.step { // pushed, and not yet in force
			add(at, span{seconds: doubt, weight: last, most: w, least: last, step: true})
			s.seconds, s.step = spanSeconds-doubt, false
		}
		add(at, s)
		last = w
	}
	return out
}

// ambient is how often either version fails where nothing else is said.
const ambient = 0.005

// goodCanaries are as good as stable, or within the margin.
func goodCanaries() []scenario {
	incident := func(from, seconds, p float64) func(*span, float64) {
		return func(s *span, at float64) {
			if at >= from && at < from+seconds {
				s.p = [2]float64{p, p}
			}
		}
	}
	atSteps := func(s *span, at float64) {
		if at == 600 || at == 1200 {
			s.p = [2]float64{0.5, 0.5}
		}
	}
	edge := func(s *span) { s.p[canaryArm] = min(s.p[stableArm]*(1+margin), 1) }
	return []scenario{
		{name: "flat (p1 = p0)"},
		{name: "a shared incident", shape: incident(600, 60, 0.3)},
		{name: "diurnal", shape: func(s *span, at float64) {
			tide := math.Sin(2 * math.Pi * at / (minutes * 60))
			s.rate *= 1 + 0.8*tide
			s.p = [2]float64{ambient * (1 - 0.7*tide), ambient * (1 - 0.7*tide)}
		}},
		{name: "an incident at each step", steps: true, planned: 2, shape: atSteps},
		{name: "edge of the null", shape: func(s *span, _ float64) { edge(s) }},
		{name: "edge, incident at each step", steps: true, planned: 2, shape: func(s *span, at float64) {
			if atSteps(s, at); s.p[stableArm] > ambient {
				s.p = [2]float64{0.3, 0.3}
			}
			edge(s)
		}},
		{name: "arms that vary by 10%", spread: 0.1},
	}
}

// excess gives a canary that fails more often from some second on.
func excess(p0, more, from float64) scenario {
	name := fmt.Sprintf("+%s points over %s%%", points(more), points(p0))
	if p0+more >= 1 {
		name = fmt.Sprintf("total failure over %s%%", points(p0))
	}
	if from > 0 {
		name += " after 15 min"
	}
	return scenario{name: name, shape: func(s *span, at float64) {
		s.p = [2]float64{p0, p0}
		if at >= from {
			s.p[canaryArm] = min(p0+more, 1)
		}
	}}
}

// points writes a share in percent without the sign.
func points(x float64) string { return short(math.Round(x*1e6) / 1e4) }

// badCanaries are worse by something that somebody would want to know.
func badCanaries() []scenario {
	var out []scenario
	for _, p0 := range []float64{0.001, 0.005, 0.01} {
		for _, more := range []float64{0.001, 0.005, 0.01, 0.05} {
			out = append(out, excess(p0, more, 0))
		}
	}
	return append(out, excess(ambient, 0.01, 900), excess(ambient, 0.05, 900),
		scenario{name: "slow leak to +2 points over 0.5%", shape: func(s *span, at float64) {
			s.p[canaryArm] += 0.02 * at / (minutes * 60)
		}},
		excess(ambient, 1, 0),
	)
}
