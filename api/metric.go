package api

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/intstr"
)

// DurationText is a length of time in Go's form, such as 30s or 1h30m. In a
// template it may hold {{args.x}}; then it is none before the arguments are in.
type DurationText string

// Duration gives the length of time; "" is none, 0.
func (d DurationText) Duration() (time.Duration, error) {
	if d == "" {
		return 0, nil
	}
	length, err := time.ParseDuration(string(d))
	if err != nil {
		return 0, fmt.Errorf("%q is no duration: write one such as 30s, 5m or 1h", shorten(string(d)))
	}
	return length, nil
}

// Open reports whether the text still holds {{...}}.
func (d DurationText) Open() bool { return strings.Contains(string(d), "{{") }

// CompatArgo is the value of Metric.Compat that restores what Argo does where
// Serin does better on purpose: no data counts as success under a
// failureCondition alone.
const CompatArgo = "argo"

// Metric is one thing to measure in an analysis, and what its values mean. The
// limits and the count are whole numbers, or text with {{args.x}} that becomes
// one; a limit of -1 is none. Source: Argo's CRD, but for Compat.
type Metric struct {
	Name string `json:"name"`
	// Interval is how often it is measured; "" measures once.
	Interval DurationText `json:"interval,omitempty"`
	// InitialDelay is how long after the start it is first measured; Delay gives
	// it.
	InitialDelay DurationText `json:"initialDelay,omitempty"`
	// Count is how many measurements are taken; 0 and nil: one without an
	// interval, else as many as there is time for.
	Count *intstr.IntOrString `json:"count,omitempty"`
	// SuccessCondition and FailureCondition are expressions of expr-lang over
	// `result` that give a bool.
	SuccessCondition string `json:"successCondition,omitempty"`
	FailureCondition string `json:"failureCondition,omitempty"`
	// FailureLimit is how many failed measurements are borne; nil is 0.
	FailureLimit *intstr.IntOrString `json:"failureLimit,omitempty"`
	// InconclusiveLimit is how many inconclusive ones are borne; nil is 0.
	InconclusiveLimit *intstr.IntOrString `json:"inconclusiveLimit,omitempty"`
	// ConsecutiveErrorLimit is how many errors in a row are borne; nil is 4.
	ConsecutiveErrorLimit *intstr.IntOrString `json:"consecutiveErrorLimit,omitempty"`
	// ConsecutiveSuccessLimit is how many successes in a row end the metric as
	// successful; nil or 0: none do.
	ConsecutiveSuccessLimit *intstr.IntOrString `json:"consecutiveSuccessLimit,omitempty"`
	Provider                MetricProvider      `json:"provider"`
	// Compat is "" or CompatArgo. Serin's own.
	Compat string `json:"compat,omitempty"`
}

// Delay gives how long after the start of the analysis it is first measured: the
// InitialDelay, or where none is written, the longest window of what it reads of
// the proxies' reports, which would else be judged by the few requests of the
// first instant.
func (m *Metric) Delay() (time.Duration, error) {
	if m.InitialDelay == "" {
		return LongestWindow(m.EnvoyMetrics())
	}
	delay, err := m.InitialDelay.Duration()
	if err != nil {
		return 0, fmt.Errorf("initialDelay: %w", err)
	}
	return delay, nil
}

// EnvoyMetrics gives what the metric reads of the proxies' reports: of itself, or
// of its series.
func (m *Metric) EnvoyMetrics() []*EnvoyMetric {
	if m.Provider.Envoy != nil {
		return []*EnvoyMetric{m.Provider.Envoy}
	}
	if m.Provider.Kayenta == nil {
		return nil
	}
	var out []*EnvoyMetric
	for i := range m.Provider.Kayenta.Series {
		s := &m.Provider.Kayenta.Series[i]
		for _, e := range []*EnvoyMetric{s.Control.Envoy, s.Experiment.Envoy} {
			if e != nil {
				out = append(out, e)
			}
		}
	}
	return out
}

// AnalysisTemplateSpec says what is measured, with which arguments.
type AnalysisTemplateSpec struct {
	Metrics              []Metric               `json:"metrics,omitempty"`
	Args                 []Argument             `json:"args,omitempty"`
	DryRun               []DryRun               `json:"dryRun,omitempty"`
	MeasurementRetention []MeasurementRetention `json:"measurementRetention,omitempty"`
	// Templates are others whose metrics and arguments belong to this one.
	Templates []AnalysisTemplateRef `json:"templates,omitempty"`
}

// AnalysisTemplateRef names an AnalysisTemplate of the same namespace, or a
// ClusterAnalysisTemplate.
type AnalysisTemplateRef struct {
	TemplateName string `json:"templateName"`
	ClusterScope bool   `json:"clusterScope,omitempty"`
}

// Key gives the key of the template that is meant from a namespace: that of a
// ClusterAnalysisTemplate, which has no namespace, or of an AnalysisTemplate.
func (r AnalysisTemplateRef) Key(namespace string) Key {
	if r.ClusterScope {
		return Key{Name: r.TemplateName}
	}
	return keyIn(namespace, r.TemplateName)
}

// DryRun names metrics that are measured and do not count.
type DryRun struct {
	MetricName string `json:"metricName"` // regular expression, not anchored
}

// MeasurementRetention says how many measurements of some metrics are kept.
type MeasurementRetention struct {
	MetricName string `json:"metricName"` // regular expression, not anchored
	Limit      int32  `json:"limit"`      // 1 or more
}

// Argument is a named text that stands for {{args.NAME}} in metrics. At most one
// of Value and ValueFrom is set; in a template neither asks whoever uses the
// template for a value.
type Argument struct {
	Name      string     `json:"name"`
	Value     *string    `json:"value,omitempty"`
	ValueFrom *ValueFrom `json:"valueFrom,omitempty"`
}

// ValueFrom says where the value of an argument comes from; exactly one field is
// set.
type ValueFrom struct {
	// SecretKeyRef names a key of a Secret of the same namespace.
	SecretKeyRef *SecretKeyRef `json:"secretKeyRef,omitempty"`
	// PodTemplateHashValue is HashStable or HashLatest: the version of the
	// Rollout that is analysed.
	PodTemplateHashValue *string `json:"podTemplateHashValue,omitempty"`
	// FieldRef names a field of the Rollout that is analysed.
	FieldRef *FieldRef `json:"fieldRef,omitempty"`
}

// The values of ValueFrom.PodTemplateHashValue: which version is meant.
const (
	HashStable = "Stable"
	HashLatest = "Latest"
)

// SecretKeyRef names a key of a Secret.
type SecretKeyRef struct {
	Name string `json:"name"`
	Key  string `json:"key"`
}

// FieldRef names a field of an object by its path, such as metadata.labels['a'].
type FieldRef struct {
	FieldPath string `json:"fieldPath"`
}
