package kayenta

import (
	"fmt"
	"math"
	"slices"
)

// What the judge asks of a difference.
const (
	confidence = 0.98
	// band is the part of the estimated shift by which the limit of the shift
	// must differ from 0.
	band = 0.25
	// noise is the standard deviation, relative to the value, that two
	// different constants are given so that they can be ranked.
	noise = 1e-5
)

// Class says how a metric's experiment compares with its control.
type Class string

// The classes of a metric. High, Low and NodataFailMetric count against the
// canary, Pass for it, and the others not at all.
const (
	Pass             Class = "Pass"
	High             Class = "High"
	Low              Class = "Low"
	Nodata           Class = "Nodata"
	NodataFailMetric Class = "NodataFailMetric"
	Error            Class = "Error"
)

// Classification is the judgement of one metric.
type Classification struct {
	Class Class
	// Reason says why, where the class does not say it.
	Reason string
	// Ratio is the effect size: the experiment's mean over the control's (NaN
	// where one of them is 0), or for the measure "cles" a share of pairs. It is
	// 1 where nothing was compared.
	Ratio float64
	// Critical says that this metric alone fails the canary.
	Critical bool
}

// test is what a comparison is made with. Kayenta's judge always has the same,
// its published tests have others.
type test struct{ band, confidence, tolerance float64 }

var standard = test{band: band, confidence: confidence, tolerance: tolerance}

// Classify compares one metric's values on both sides.
func Classify(p Pair, s Settings) Classification {
	return standard.classify(p.Experiment.prepare(s), p.Control.prepare(s), s)
}

// classify compares values that are all there.
func (t test) classify(experiment, control []float64, s Settings) Classification {
	if len(experiment) == 0 || len(control) == 0 {
		return missing(s)
	}
	if reason := same(experiment, control); reason != "" {
		return Classification{Class: Pass, Reason: reason, Ratio: 1}
	}
	interval, err := t.interval(experiment, control)
	effect := s.EffectSize.of(experiment, control)
	if err == nil && math.IsInf(effect, 0) {
		err = fmt.Errorf("the effect size is %v", effect)
	}
	if err != nil {
		return Classification{Class: Error, Reason: err.Error(), Ratio: 1}
	}
	c := t.decide(interval, effect, s)
	c.Ratio = effect
	return c
}

// missing is the class of a metric with no values on a side.
func missing(s Settings) Classification {
	switch {
	case s.replaceNaN():
		return Classification{Class: Pass, Reason: "a side has no values: they count as 0", Ratio: 1}
	case s.MustHaveData && !s.Critical:
		return Classification{Class: NodataFailMetric, Reason: "a side has no values, and it must have some", Ratio: 1}
	}
	return Classification{Class: Nodata, Reason: "a side has no values", Ratio: 1, Critical: s.Critical}
}

// same says why there is nothing to compare, or "".
func same(experiment, control []float64) string {
	e, c := slices.Sorted(slices.Values(experiment)), slices.Sorted(slices.Values(control))
	if slices.Equal(e, c) {
		return "both sides have the same values"
	}
	if constant(e) && constant(c) && e[0] == c[0] {
		return "there is only one value"
	}
	return ""
}

// interval gives the shift between the sides.
func (t test) interval(experiment, control []float64) (Interval, error) {
	experiment, control = rankable(experiment, control)
	return mannWhitney(experiment, control, t.confidence, t.tolerance)
}

// rankable gives values that can be ranked: two constants are blurred.
func rankable(experiment, control []float64) (e, c []float64) {
	if constant(experiment) && constant(control) {
		return blur(experiment), blur(control)
	}
	return experiment, control
}

func constant(values []float64) bool {
	return slices.Min(values) == slices.Max(values)
}

// blur gives each value a part of a normal distribution around it. Kayenta
// draws them at random; here they are the quantiles, so that the same values
// give the same verdict.
func blur(values []float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = v + noise*v*quantile((float64(i)+0.5)/float64(len(values)))
	}
	return out
}

// of gives the effect size of the metric's measure.
func (e EffectSize) of(experiment, control []float64) float64 {
	if e.cles() {
		return CLES(experiment, control)
	}
	return MeanRatio(experiment, control)
}

// decide classifies a metric by its shift and its effect. An effect that does
// not exist is as large as any threshold.
func (t test) decide(i Interval, effect float64, s Settings) Classification {
	bound := t.band * math.Abs(i.Estimate)
	allowed, critical := s.EffectSize.thresholds()
	none := math.IsNaN(effect)
	switch {
	case s.badIncrease() && i.Lower > bound && (none || effect >= allowed.increase):
		return Classification{
			Class:    High,
			Reason:   "the experiment's values are higher",
			Critical: s.Critical && (none || effect >= critical.increase),
		}
	case s.badDecrease() && i.Upper < -bound && (none || effect <= allowed.decrease):
		return Classification{
			Class:    Low,
			Reason:   "the experiment's values are lower",
			Critical: s.Critical && (none || effect <= critical.decrease),
		}
	}
	return Classification{Class: Pass}
}

func (s Settings) badIncrease() bool { return s.Direction != "decrease" }
func (s Settings) badDecrease() bool { return s.Direction != "increase" }
