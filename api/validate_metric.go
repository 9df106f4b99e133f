package api

import (
	"cmp"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// metric checks a metric of a template once its arguments are known.
func (u *usage) metric(m *Metric, template string, args map[string]Argument) {
	data, err := json.Marshal(m)
	if err != nil {
		return // what came from JSON goes back to JSON
	}
	values, literal := map[string]string{}, true
	names := placeholders(string(data))
	for _, name := range names {
		arg, declared := args[strings.TrimPrefix(name, "args.")]
		if !declared || !strings.HasPrefix(name, "args.") {
			u.note(CodeArgMissing, u.at, "metric %q of template %s wants {{%s}}, which is no argument of it; add it to args",
				shorten(m.Name), template, shorten(name))
			return
		}
		if literal = literal && arg.Value != nil && !strings.Contains(*arg.Value, "{{"); literal {
			values[name] = *arg.Value
		}
	}
	if len(names) > 0 {
		if !literal {
			return // what it says is known only when it runs
		}
		if m = filled(data, values); m == nil {
			u.note(CodeArgument, u.at, "metric %q of template %s cannot be read once its arguments are in", shorten(string(data)), template)
			return
		}
		u.own(m, template)
	}
	u.endless(m, template)
}

// filled gives a metric with values for its placeholders, nil where that gives
// no metric.
func filled(data []byte, values map[string]string) *Metric {
	for name, value := range values {
		text, err := json.Marshal(value)
		if err != nil {
			return nil
		}
		values[name] = string(text[1 : len(text)-1])
	}
	text, ok := fillIn(string(data), values)
	m := &Metric{}
	if !ok || json.Unmarshal([]byte(text), m) != nil {
		return nil
	}
	return m
}

// own notes what is wrong with a metric by itself once its arguments are in.
func (u *usage) own(m *Metric, template string) {
	c := checker{notes: &notes{}, root: &node{}}
	c.metric(m, nil)
	for _, i := range c.issues {
		if Finding.IsError(Finding{Code: i.code}) {
			u.note(i.code, u.at, "with these arguments, %s of metric %q of template %s: %s", i.path, shorten(m.Name), template, i.message)
		}
	}
}

// endless notes a metric that would hold its step for good.
func (u *usage) endless(m *Metric, template string) {
	if u.ends || m.Interval == "" {
		return
	}
	count, c := (&checker{notes: &notes{}, root: &node{}}).limit(m.Count, 0, nil)
	successes, s := (&checker{notes: &notes{}, root: &node{}}).limit(m.ConsecutiveSuccessLimit, 0, nil)
	if c && s && cmp.Or(count, successes) == 0 {
		u.note(CodeEndless, u.at, "metric %q of template %s has an interval and no count, so the step never ends; "+
			"add count, or run it beside the steps", shorten(m.Name), template)
	}
}

// unmatched notes rules that choose none of the metrics, which Argo takes for an
// error of the run.
func (u *usage) unmatched(metrics map[string]string) {
	names := slices.Sorted(maps.Keys(metrics))
	check := func(expr string, p path, format string, args ...any) {
		re, err := regexp.Compile(expr)
		if err == nil && !slices.ContainsFunc(names, re.MatchString) {
			u.note(CodeRule, p, format, args...)
		}
	}
	for i, d := range u.rules.DryRun {
		check(d.MetricName, u.at.with("dryRun", i, "metricName"), "no metric has a name that %q matches", shorten(d.MetricName))
	}
	for i, m := range u.rules.MeasurementRetention {
		check(m.MetricName, u.at.with("measurementRetention", i, "metricName"), "no metric has a name that %q matches", shorten(m.MetricName))
	}
	for i, spec := range u.specs {
		for _, d := range spec.DryRun {
			check(d.MetricName, u.at, "no metric has a name that %q matches, which dryRun of template %s says", shorten(d.MetricName), u.names[i])
		}
		for _, m := range spec.MeasurementRetention {
			check(m.MetricName, u.at, "no metric has a name that %q matches, which measurementRetention of template %s says",
				shorten(m.MetricName), u.names[i])
		}
	}
}
