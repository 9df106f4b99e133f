package api

import (
	"math"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/intstr"
)

// templateSpec checks an AnalysisTemplate by itself. What its arguments are is
// known only where a Rollout uses it.
func (c *checker) templateSpec(s *AnalysisTemplateSpec) {
	at := path{"spec"}
	if len(s.Metrics)+len(s.Templates) == 0 {
		c.at(CodeDoubtful, at.with("metrics"), "the template measures nothing, which is an error to whoever runs it; add metrics")
	}
	c.metrics(s.Metrics, at.with("metrics"))
	c.arguments(s.Args, at.with("args"))
	c.templateRefs(s.Templates, at.with("templates"))
	c.metricRules(s.DryRun, s.MeasurementRetention, at)
}

// metrics checks the metrics of one template.
func (c *checker) metrics(metrics []Metric, p path) {
	seen := map[string]bool{}
	for i := range metrics {
		m, at := &metrics[i], p.with(i)
		switch {
		case m.Name == "":
			c.at(CodeMissing, at.with("name"), "the metric has no name; add one")
		case seen[m.Name]:
			c.at(CodeMetricTwice, at.with("name"), "two metrics have the name %q; rename one", shorten(m.Name))
		}
		seen[m.Name] = true
		c.metric(m, at)
	}
}

// metric checks one metric.
func (c *checker) metric(m *Metric, p path) {
	c.duration(m.Interval, p.with("interval"))
	c.duration(m.InitialDelay, p.with("initialDelay"))
	c.limits(m, p)
	c.condition(m.SuccessCondition, p.with("successCondition"))
	c.condition(m.FailureCondition, p.with("failureCondition"))
	switch m.Compat {
	case CompatArgo:
	case "":
		if m.FailureCondition != "" && m.SuccessCondition == "" {
			c.at(CodeNoData, p.with("failureCondition"), "where there is no data, Argo takes this metric for successful "+
				"and Serin for inconclusive; add a successCondition, or compat: %s", CompatArgo)
		}
	default:
		c.at(CodeValue, p.with("compat"), "unknown compatibility %q; write %s or nothing", shorten(m.Compat), CompatArgo)
	}
	c.provider(&m.Provider, p.with("provider"))
}

// duration checks a length of time that needs no argument.
func (c *checker) duration(d DurationText, p path) {
	if d.Open() {
		return
	}
	switch length, err := d.Duration(); {
	case err != nil:
		c.at(CodeMetricNumber, p, "%v", err)
	case length < 0:
		c.at(CodeMetricNumber, p, "the duration %s is negative", d)
	}
}

// condition checks a condition that needs no argument.
func (c *checker) condition(text string, p path) {
	if text == "" || strings.Contains(text, "{{") {
		return
	}
	if err := CheckCondition(text); err != nil {
		c.at(CodeCondition, p, "the condition %q does not compile: %v", shorten(text), err)
	}
}

// limits checks the numbers of a metric. Which go together is Argo's rule: a
// limit that the count cannot reach would never do anything.
func (c *checker) limits(m *Metric, p path) {
	count, counted := c.limit(m.Count, 0, p.with("count"))
	failures, f := c.limit(m.FailureLimit, -1, p.with("failureLimit"))
	inconclusive, i := c.limit(m.InconclusiveLimit, -1, p.with("inconclusiveLimit"))
	c.limit(m.ConsecutiveErrorLimit, -1, p.with("consecutiveErrorLimit"))
	successes, s := c.limit(m.ConsecutiveSuccessLimit, 0, p.with("consecutiveSuccessLimit"))
	if counted && count > 1 && m.Interval == "" {
		c.at(CodeMetricNumber, p.with("count"), "a count of %d needs an interval; add interval", count)
	}
	switch {
	case f && s && failures == -1 && successes == 0:
		c.at(CodeMetricNumber, p.with("failureLimit"),
			"without a failureLimit the metric can only end by a consecutiveSuccessLimit; add one")
	case !counted || count == 0:
	case f && s && count < max(failures, 0)+successes:
		c.at(CodeMetricNumber, p.with("count"),
			"the count %d is below failureLimit and consecutiveSuccessLimit together, %d; raise it", count, max(failures, 0)+successes)
	case i && count < inconclusive:
		c.at(CodeMetricNumber, p.with("count"), "the count %d is below inconclusiveLimit, %d; raise it", count, inconclusive)
	}
}

// limit checks a number that may be text, and gives it; false where it needs an
// argument or is none.
func (c *checker) limit(v *intstr.IntOrString, least int, p path) (int, bool) {
	if v == nil {
		return 0, true
	}
	n := int(v.IntVal)
	if v.Type == intstr.String {
		if strings.Contains(v.StrVal, "{{") {
			return 0, false
		}
		var err error
		if n, err = strconv.Atoi(v.StrVal); err != nil || n > math.MaxInt32 {
			c.at(CodeMetricNumber, p, "%q is no whole number; write one, or {{args.NAME}}", shorten(v.StrVal))
			return 0, false
		}
	}
	if n < least {
		c.at(CodeMetricNumber, p, "the number must be %d or more, not %d", least, n)
		return 0, false
	}
	return n, true
}
