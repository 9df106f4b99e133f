package kayenta

import "math"

// Kayenta has a few measures that its NetflixACAJudge does not use. They are
// here for judges of one's own.

// KSigma marks the values that are more than k standard deviations away from
// the mean.
func KSigma(values []float64, k float64) []bool {
	s := Summarize(values)
	marked := make([]bool, len(values))
	for i, v := range values {
		marked[i] = math.Abs(v-s.Mean) > k*s.Std
	}
	return marked
}

// CohenD gives the distance of the means in pooled standard deviations (Cohen,
// 1988), positive where the experiment's is larger. It is NaN where a side has
// no values, and where neither side varies and the means are equal.
func CohenD(experiment, control []float64) float64 {
	e, c := Summarize(experiment), Summarize(control)
	if e.Count == 0 || c.Count == 0 {
		return math.NaN()
	}
	sum := squares(experiment, e.Mean) + squares(control, c.Mean)
	return (e.Mean - c.Mean) / math.Sqrt(sum/float64(e.Count+c.Count-2))
}

// MeanInequality classifies a metric by its means alone: any difference in a
// bad direction counts.
func MeanInequality(experiment, control Series, s Settings) Class {
	e, c := experiment.prepare(s), control.prepare(s)
	if len(e) == 0 || len(c) == 0 {
		return missing(s).Class
	}
	switch diff := mean(e) - mean(c); {
	case diff > 0 && s.badIncrease():
		return High
	case diff < 0 && s.badDecrease():
		return Low
	}
	return Pass
}
