package main

import (
	"context"
	"fmt"
	"math"
)

// contender is a judge that is compared, by name.
type contender struct {
	name string
	make func(planned int) judge
}

// contenders are the judges that see the same streams.
func contenders() []contender {
	return []contender{
		{"guard", func(planned int) judge { return newGuard(guardConfig(metricAlpha, planned)) }},
		{"Argo, 95%", func(int) judge { return argo(0.95) }},
		{"Argo, 99%", func(int) judge { return argo(0.99) }},
		{"Flagger, 99%", func(int) judge { return flagger() }},
		{"Kayenta, each 5 min", func(int) judge { return newKayenta(300) }},
		{"Kayenta, at the end", func(int) judge { return newKayenta(minutes * 60) }},
		{"z-test, each min", func(int) judge { return newZTest(metricAlpha) }},
	}
}

// outcome is what one judge made of a canary, over runs.
type outcome struct {
	runs, stops int
	requests    []float64 // of the canary, until it was stopped
	served      float64   // its failed responses until then, or in all; of all runs
}

// compare plays a scenario's runs to every contender.
func compare(ctx context.Context, c scenario, rate, weight float64, runs int, seed uint64) []outcome {
	judges := contenders()
	out := make([]outcome, len(judges))
	draw, spans := newTraffic(seed), c.spans(rate, weight)
	for run := range runs {
		if ctx.Err() != nil {
			break
		}
		draw.begin(run)
		ratio := max(1+c.spread*draw.normal(), 0)
		trial := newTrial(judges, c.planned)
		for i := range spans {
			trial.see(draw, &spans[i], ratio, out)
		}
		for j := range out {
			out[j].runs++
			if trial.judges[j] != nil {
				out[j].served += trial.served
			}
		}
	}
	return out
}

// trial is one run: the judges that have not stopped it yet, and what the canary
// has served.
type trial struct {
	judges           []judge // nil: it stopped
	requests, served float64
}

func newTrial(from []contender, planned int) *trial {
	t := &trial{}
	for _, c := range from {
		t.judges = append(t.judges, c.make(planned))
	}
	return t
}

// see plays a span to every judge that is left.
func (t *trial) see(draw *traffic, s *span, ratio float64, out []outcome) {
	r := draw.draw(s, ratio)
	for j, one := range t.judges {
		if one == nil {
			continue
		}
		if _, ok := one.(ordered); ok && r.arms == nil {
			draw.arrange(&r)
		}
		if stopped, failures := one.see(&r); stopped {
			t.judges[j] = nil
			out[j].stop(t, &r, failures)
		}
	}
	t.requests += r.requests[canaryArm]
	t.served += r.failed[canaryArm]
}

// stop notes that a judge stopped the canary after some of a span's failures.
func (o *outcome) stop(t *trial, r *reported, failures int) {
	o.stops++
	part, bad := 1.0, r.failed[canaryArm]
	if all := r.failed[canaryArm] + r.failed[stableArm]; failures < int(all) {
		part, bad = float64(failures)/(all+1), 0
		for _, is := range r.arms[:failures] {
			if is {
				bad++
			}
		}
	}
	o.requests = append(o.requests, t.requests+max(part*r.requests[canaryArm], bad)) // each that failed was a request
	o.served += t.served + bad
}

// cells writes an outcome: how many were stopped, the median of the canary's
// requests until then, and its failed responses on average.
func (o *outcome) cells() string {
	if o.stops == 0 {
		return fmt.Sprintf("0%% / – / %s", short(o.served/float64(o.runs)))
	}
	return fmt.Sprintf("%s / %s / %s", percentOf(o.stops, o.runs), thousands(int(math.Round(summarize(o.requests).Median))),
		short(o.served/float64(o.runs)))
}

// columns names the contenders after what the rows are.
func columns(first ...string) []string {
	for _, c := range contenders() {
		first = append(first, c.name)
	}
	return first
}

// comparisons shows all judges on all kinds of canaries, at one rate and weight.
func (r *record) comparisons(ctx context.Context, n studySizes) {
	where := fmt.Sprintf("%s runs a row at %g requests a second and weight %g, the same streams for every judge. The guard and the z-test have α = %g; "+
		"Argo's condition is looked at each minute and fails with the fourth failed measurement, Flagger's each 10 s over the last minute and with the fifth; "+
		"Kayenta compares the error rates of all minutes so far, with its defaults.", thousands(n.Compare), mainRate, mainWeight, metricAlpha)
	good := r.sheet("Good canaries: all judges", "False stops. At the *edge* a canary fails 1.4 times as often as stable, which the guard's margin "+
		"tolerates and the others were not told to. "+where, columns("canary")...)
	for i, c := range goodCanaries() {
		cells := []string{c.name}
		for _, o := range compare(ctx, c, mainRate, mainWeight, n.Compare, uint64(200+i)) {
			cells = append(cells, percentOf(o.stops, o.runs))
		}
		good.row(cells...)
	}
	bad := r.sheet("Bad canaries: all judges", "Stopped / canary requests until then (median of those stopped) / failed responses of the canary until then, "+
		"or in all 30 minutes (mean). "+where, columns("canary")...)
	for i, c := range badCanaries() {
		cells := []string{c.name}
		for _, o := range compare(ctx, c, mainRate, mainWeight, n.Compare, uint64(300+i)) {
			cells = append(cells, o.cells())
		}
		bad.row(cells...)
	}
}

// grids shows the judges at every rate and weight.
func (r *record) grids(ctx context.Context, n studySizes) {
	for i, c := range []scenario{goodCanaries()[0], excess(ambient, 0.01, 0), excess(ambient, 0.05, 0), excess(ambient, 1, 0)} {
		t := r.sheet("By rate and weight: "+c.name, fmt.Sprintf("Stopped / canary requests until then (median) / failed responses of the canary (mean). "+
			"%s runs a cell.", thousands(n.Grid)), columns("requests a second", "weight")...)
		for _, rate := range gridRates {
			for j, weight := range gridWeights {
				cells := []string{short(rate), short(weight)}
				for _, o := range compare(ctx, c, rate, weight, n.Grid, uint64(1000+100*i+j)+uint64(rate)<<20) {
					cells = append(cells, o.cells())
				}
				t.row(cells...)
			}
		}
	}
}

// powers shows the guard where there is little traffic.
func (r *record) powers(ctx context.Context, n studySizes) {
	t := r.sheet("Power at 2 requests a second", fmt.Sprintf("The guard, %s runs a cell.", thousands(n.Power)),
		"canary", "w = 0.05", "w = 0.1", "w = 0.2", "w = 0.5")
	for i, more := range []float64{0.01, 0.05, 1} {
		c := excess(ambient, more, 0)
		cells := []string{c.name}
		for j, w := range gridWeights {
			k := guardAlone(ctx, c, 2, w, n.Power, uint64(400+10*i+j))
			cells = append(cells, percentOf(k, n.Power))
			if w == mainWeight && more == 0.05 {
				r.atMost("power at 2 requests a second, "+c.name+", w = 0.2: not stopped, %", 100-100*float64(k)/float64(n.Power), 1)
			}
		}
		t.row(cells...)
	}
}

// guardAlone counts the runs that the guard stops.
func guardAlone(ctx context.Context, c scenario, rate, weight float64, runs int, seed uint64) int {
	draw, spans, stops := newTraffic(seed), c.spans(rate, weight), 0
	for run := range runs {
		if ctx.Err() != nil {
			break
		}
		draw.begin(run)
		g := newGuard(guardConfig(metricAlpha, c.planned))
		for i := range spans {
			r := draw.draw(&spans[i], 1)
			draw.arrange(&r)
			if stopped, _ := g.see(&r); stopped {
				stops++
				break
			}
		}
	}
	return stops
}
