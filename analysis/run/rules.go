package run

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/serin-mesh/serin/api"
)

const (
	// retry is how long after an error a metric is measured again, whatever its
	// interval.
	retry = 10 * time.Second
	// kept is how many measurements of a metric are kept.
	kept = 10
	// errorsBorne is the default of consecutiveErrorLimit.
	errorsBorne = 4
	// unlimited as a limit switches it off.
	unlimited = -1
)

// rules are what a metric's texts say.
type rules struct {
	name         string
	interval     time.Duration
	delay        time.Duration
	count        int32 // 0: without end
	failures     int32 // the limits: unlimited, or how many are borne
	inconclusive int32
	errors       int32
	successes    int32 // in a row that are enough; 0: no number is
	dryRun       bool
	kept         int
}

// newRules reads the rules of a run's metrics, the arguments filled in.
func newRules(spec *api.AnalysisRunSpec) ([]rules, error) {
	metrics, err := resolveAll(spec)
	if err != nil {
		return nil, err
	}
	if len(metrics) == 0 {
		return nil, errors.New("there are no metrics")
	}
	if name, twice := repeated(metrics, func(m api.Metric) string { return m.Name }); twice {
		return nil, fmt.Errorf("two metrics have the name %q", name)
	}
	out := make([]rules, len(metrics))
	for i, m := range metrics {
		if out[i], err = readRules(m); err != nil {
			return nil, fmt.Errorf("metric %q: %w", m.Name, err)
		}
	}
	if err := setDryRun(out, spec.DryRun); err != nil {
		return nil, err
	}
	return out, setKept(out, spec.MeasurementRetention)
}

// readRules reads the rules of one metric.
func readRules(m api.Metric) (rules, error) {
	r := rules{name: m.Name, kept: kept}
	if kinds := m.Provider.Kinds(); len(kinds) != 1 {
		return r, fmt.Errorf("provider: there are %d of them, want one", len(kinds))
	}
	var err error
	if r.interval, err = m.Interval.Duration(); err != nil {
		return r, fmt.Errorf("interval: %w", err)
	}
	if r.delay, err = m.Delay(); err != nil {
		return r, err
	}
	for _, n := range []struct {
		name   string
		from   *intstr.IntOrString
		to     *int32
		absent int32
		least  int32
	}{
		{"count", m.Count, &r.count, 0, 0},
		{"failureLimit", m.FailureLimit, &r.failures, 0, unlimited},
		{"inconclusiveLimit", m.InconclusiveLimit, &r.inconclusive, 0, unlimited},
		{"consecutiveErrorLimit", m.ConsecutiveErrorLimit, &r.errors, errorsBorne, unlimited},
		{"consecutiveSuccessLimit", m.ConsecutiveSuccessLimit, &r.successes, 0, 0},
	} {
		if *n.to, err = number(n.from, n.absent, n.least); err != nil {
			return r, fmt.Errorf("%s: %w", n.name, err)
		}
	}
	return r, r.complete(m)
}

// complete finds rules that contradict each other, and sets the count of a
// metric that is measured once.
func (r *rules) complete(m api.Metric) error {
	switch {
	case r.interval < 0 || r.delay < 0:
		return errors.New("interval and initialDelay cannot be negative")
	case r.successes == 0 && r.failures == unlimited:
		return errors.New("failureLimit is off and there is no consecutiveSuccessLimit: nothing could end it badly")
	case r.count > 1 && m.Interval == "":
		return fmt.Errorf("count is %d and there is no interval", r.count)
	case r.count > 0 && r.count < max(r.failures, 0)+r.successes:
		return fmt.Errorf("count is %d, less than failureLimit and consecutiveSuccessLimit together (%d)", r.count, max(r.failures, 0)+r.successes)
	case r.count > 0 && r.count < r.inconclusive:
		return fmt.Errorf("count is %d, less than inconclusiveLimit (%d)", r.count, r.inconclusive)
	}
	if r.count == 0 && m.Interval == "" {
		r.count = 1
	}
	return nil
}

// number reads a number that may be written as text.
func number(n *intstr.IntOrString, absent, least int32) (int32, error) {
	if n == nil {
		return absent, nil
	}
	v := int64(n.IntVal)
	if n.Type == intstr.String {
		var err error
		if v, err = strconv.ParseInt(n.StrVal, 10, 32); err != nil {
			return 0, fmt.Errorf("%q is no number", n.StrVal)
		}
	}
	if v < int64(least) {
		return 0, fmt.Errorf("%d is less than %d", v, least)
	}
	return int32(v), nil
}

// setDryRun marks the metrics that do not count.
func setDryRun(all []rules, dryRun []api.DryRun) error {
	for i, d := range dryRun {
		if err := match(all, d.MetricName, func(r *rules) { r.dryRun = true }); err != nil {
			return fmt.Errorf("dryRun[%d]: %w", i, err)
		}
	}
	return nil
}

// setKept says of metrics how many measurements are kept. The last rule that
// names a metric holds.
func setKept(all []rules, retention []api.MeasurementRetention) error {
	for i, m := range retention {
		err := match(all, m.MetricName, func(r *rules) {
			r.kept = kept
			if m.Limit > 0 {
				r.kept = int(m.Limit)
			}
		})
		if err != nil {
			return fmt.Errorf("measurementRetention[%d]: %w", i, err)
		}
	}
	return nil
}

// match calls a function for each metric whose name a regular expression finds,
// anywhere in it. It is an error if there is none.
func match(all []rules, pattern string, found func(*rules)) error {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return fmt.Errorf("metricName: %w", err)
	}
	matches := 0
	for i := range all {
		if re.MatchString(all[i].name) {
			found(&all[i])
			matches++
		}
	}
	if matches == 0 {
		return fmt.Errorf("metricName %q is in the name of no metric", pattern)
	}
	return nil
}
