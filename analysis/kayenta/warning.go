package kayenta

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Code names a kind of warning.
type Code string

// The known faults of the judge. A result that rests on one cannot be used
// where [Config.Strict] asks for more.
const (
	// AllErrors: no metric could be compared, and that scores 100.
	AllErrors Code = "allErrors"
	// FewValues: under 5 values on a side the class is noise.
	FewValues Code = "fewValues"
	// SolverDecides: the values are tied, and the class depends on how exactly
	// the limits are searched for.
	SolverDecides Code = "solverDecides"
	// NotMonotone: the sides differ beyond the confidence asked for, but the
	// test's band grows with the difference, so that a larger one can pass.
	NotMonotone Code = "notMonotone"
)

// What else is worth a look.
const (
	// NotCompared: this metric gave a numeric error, and does not count.
	NotCompared Code = "notCompared"
	// NoGroup: a metric in no group does not count.
	NoGroup Code = "noGroup"
	// NotInConfig: there are values of a metric that the config does not have.
	NotInConfig Code = "notInConfig"
	// DefaultThresholds: the config has no thresholds of the score.
	DefaultThresholds Code = "defaultThresholds"
	// OtherJudge: the config was written for another judge.
	OtherJudge Code = "otherJudge"
)

// enough is the number of values on a side from which a class means something.
const enough = 5

// Warning is something to know about a result.
type Warning struct {
	Code Code `json:"code"`
	// Metric is the one that it is about; "" for the whole.
	Metric  string `json:"metric,omitempty"`
	Message string `json:"message"`
}

// String gives the warning as a sentence.
func (w Warning) String() string {
	if w.Metric == "" {
		return w.Message
	}
	return fmt.Sprintf("metric %q: %s", w.Metric, w.Message)
}

// fault says whether the result rests on a known fault.
func (w Warning) fault() bool {
	switch w.Code {
	case AllErrors, FewValues, SolverDecides, NotMonotone:
		return true
	}
	return false
}

// faults lists the known faults among warnings; "" where there is none.
func faults(all []Warning) string {
	var said []string
	for _, w := range all {
		if w.fault() {
			said = append(said, w.String())
		}
	}
	return strings.Join(said, "; ")
}

// warnings gives all that is to know about a result.
func warnings(c *Config, data Data, r *Result) []Warning {
	out := aboutConfig(c, data)
	scored, errors := 0, 0
	for _, m := range c.Metrics {
		if m.Analysis.Canary.Muted {
			continue
		}
		scored++
		if r.Metrics[m.Name].Classification == Error {
			errors++
		}
		out = append(out, aboutMetric(m, data[m.Name], r.Metrics[m.Name])...)
	}
	if scored > 0 && errors == scored {
		out = append(out, Warning{Code: AllErrors, Message: "no metric could be compared, which counts as a perfect score"})
	}
	return out
}

// aboutConfig gives what is to know about the config.
func aboutConfig(c *Config, data Data) []Warning {
	var out []Warning
	if c.Judge.Name != "" && c.Judge.Name != Name {
		out = append(out, Warning{Code: OtherJudge, Message: fmt.Sprintf("the config asks for the judge %q; this is %s", c.Judge.Name, Name)})
	}
	if c.Classifier.ScoreThresholds == nil {
		t := c.thresholds()
		out = append(out, Warning{Code: DefaultThresholds,
			Message: fmt.Sprintf("the config has no classifier.scoreThresholds: pass is %v and marginal %v", t.Pass, t.Marginal)})
	}
	for _, name := range slices.Sorted(maps.Keys(data)) {
		if !slices.ContainsFunc(c.Metrics, func(m Metric) bool { return m.Name == name }) {
			out = append(out, Warning{Code: NotInConfig, Metric: name, Message: "the config does not have it: it is not judged"})
		}
	}
	return out
}

// aboutMetric gives what is to know about a metric that is scored.
func aboutMetric(m Metric, p Pair, r MetricResult) []Warning {
	var out []Warning
	say := func(code Code, format string, args ...any) {
		out = append(out, Warning{code, m.Name, fmt.Sprintf(format, args...)})
	}
	s := m.Analysis.Canary
	if len(m.Groups) == 0 {
		say(NoGroup, "it is in no group and does not count, unless it fails critically")
	}
	experiment, control := p.Experiment.prepare(s), p.Control.prepare(s)
	if few := min(len(experiment), len(control)); few > 0 && few < enough {
		say(FewValues, "under %d values on a side (%d) the class is noise", enough, few)
	}
	switch {
	case r.Classification == Error:
		say(NotCompared, "it could not be compared (%s) and does not count", r.Reason)
	case r.Reason != "" && r.Classification != High && r.Classification != Low:
		// Nothing was compared.
	case standard.exact(experiment, control, s) != r.Classification:
		say(SolverDecides, "the values are tied: with exact limits the class would not be %s", r.Classification)
	case r.Classification == Pass && standard.differ(experiment, control, s):
		say(NotMonotone, "the sides differ, but by less than the band around the estimate, which grows with it")
	}
	return out
}

// exact gives the class by limits that are searched for as far as numbers go.
// The parts of a billion that even that leaves are taken for 0.
func (t test) exact(experiment, control []float64, s Settings) Class {
	e, c := rankable(experiment, control)
	shifts := newShifts(e, c, 0)
	span := shifts.high.x - shifts.low.x
	shifts.tolerance = 1e-10 * span
	i := shifts.interval(t.confidence)
	for _, v := range []*float64{&i.Lower, &i.Upper, &i.Estimate} {
		if math.Abs(*v) <= 1e-9*span {
			*v = 0
		}
	}
	return t.decide(i, s.EffectSize.of(experiment, control), s).Class
}

// differ says whether the sides differ in a bad direction beyond the confidence
// asked for, whatever the band.
func (t test) differ(experiment, control []float64, s Settings) bool {
	t.band = 0
	class := t.classify(experiment, control, s).Class
	return class == High || class == Low
}
