package provider

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/serin-mesh/serin/analysis/run"
	"github.com/serin-mesh/serin/api"
)

// digits is how many of a value are shown.
const digits = 6

// Source gives what the proxies report.
type Source interface {
	// Windows gives what was reported of a version of a Rollout, api.EnvoyCanary
	// api.EnvoyStable or one by its name, over the time given until now: in so many parts of the
	// same length, one or more, the oldest first. A version that does not exist
	// now is an error; one of which nothing was reported is not.
	Windows(ctx context.Context, rollout api.Key, version string, window time.Duration, parts int) ([]Window, error)
}

// Window is what the proxies reported of a version over some time.
type Window struct {
	// Length is the time that the reports cover, at most what was asked for; 0:
	// nothing was reported.
	Length time.Duration
	// Requests that ended, and of them Errors as the guard counts them.
	Requests, Errors uint64
	// Latency is a histogram: counts of requests by buckets that rise.
	Latency []Bucket
	// Overflow counts the requests that a full circuit breaker refused, and
	// Connections are those open now; nil where it is not reported.
	Overflow, Connections *uint64
}

// Bucket is one bucket of a histogram.
type Bucket struct {
	// UpTo is the upper edge in seconds, included. The first bucket begins at 0,
	// the last may be without end.
	UpTo float64
	// Count is the number of requests in this bucket alone.
	Count uint64
}

// envoy reads what the proxies report.
type envoy struct {
	source Source
}

// measure reads one quantity, a float64; with a step, those of the parts, a
// []float64. Without reports, and for a ratio or a quantile without requests,
// there is no data: NaN in a part.
func (e *envoy) measure(ctx context.Context, m api.Metric, s Subject) (run.Value, error) {
	if e.source == nil {
		return run.Value{}, errors.New("there are no proxies that report to this process")
	}
	q := m.Provider.Envoy
	length, parts, err := span(q)
	if err != nil {
		return run.Value{}, err
	}
	version := q.Version
	if version == "" {
		version = api.EnvoyCanary
	}
	windows, err := e.source.Windows(ctx, s.Rollout, version, length, max(parts, 1))
	if err != nil {
		return run.Value{}, err
	}
	values, some := make([]float64, len(windows)), false
	for i := range windows {
		value, ok, err := windows[i].read(q)
		if err != nil {
			return run.Value{}, err
		}
		values[i] = math.NaN()
		if ok {
			values[i], some = value, true
		}
	}
	switch {
	case !some:
		return run.Value{}, nil
	case parts == 0:
		return run.Value{Result: values[0], Text: short(values[0])}, nil
	}
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = short(v)
	}
	return run.Value{Result: values, Text: "[" + strings.Join(texts, ",") + "]"}, nil
}

// span gives how far back a metric looks, and into how many parts that is
// divided; 0: it is not. What is not a whole part is left out.
func span(q *api.EnvoyMetric) (length time.Duration, parts int, err error) {
	if length, err = q.Length(); err != nil {
		return 0, 0, err
	}
	if q.Step == "" {
		return length, 0, nil
	}
	step, err := q.Step.Duration()
	switch {
	case err != nil:
		return 0, 0, fmt.Errorf("step: %w", err)
	case step <= 0 || step > length || length/step > api.MostEnvoySteps:
		return 0, 0, fmt.Errorf("step: %s does not divide a window of %s into 1 to %d parts", step, length, api.MostEnvoySteps)
	}
	parts = int(length / step)
	return time.Duration(parts) * step, parts, nil
}

// short writes a number as it is shown.
func short(value float64) string { return strconv.FormatFloat(value, 'g', digits, 64) }

// read gives a quantity; false where it is not there.
func (w *Window) read(q *api.EnvoyMetric) (float64, bool, error) {
	switch q.Metric {
	case api.EnvoyErrorRatio:
		if w.Requests == 0 {
			return 0, false, nil
		}
		return min(float64(w.Errors)/float64(w.Requests), 1), true, nil
	case api.EnvoyRequestRate:
		if w.Length <= 0 {
			return 0, false, nil
		}
		return float64(w.Requests) / w.Length.Seconds(), true, nil
	case api.EnvoyLatencyQuantile:
		if q.Quantile == nil || !(*q.Quantile > 0 && *q.Quantile < 1) {
			return 0, false, errors.New("quantile: want a number between 0 and 1")
		}
		value, ok := quantile(w.Latency, *q.Quantile)
		return value, ok, nil
	case api.EnvoyOverflow:
		return gauge(w.Overflow)
	case api.EnvoyConnections:
		return gauge(w.Connections)
	}
	return 0, false, fmt.Errorf("metric: there is no %q", q.Metric)
}

// gauge gives a number that may not be reported.
func gauge(n *uint64) (float64, bool, error) {
	if n == nil {
		return 0, false, nil
	}
	return float64(*n), true, nil
}

// quantile gives a quantile of a histogram by linear interpolation within its
// bucket, in seconds, as Prometheus does; false where the histogram is empty.
func quantile(buckets []Bucket, q float64) (float64, bool) {
	total := uint64(0)
	for _, b := range buckets {
		total += b.Count
	}
	rank, below, from := q*float64(total), uint64(0), 0.0
	for _, b := range buckets {
		if b.Count > 0 && float64(below+b.Count) >= rank {
			if math.IsInf(b.UpTo, 1) {
				return from, true // all that is known of the last bucket
			}
			return from + (b.UpTo-from)*(rank-float64(below))/float64(b.Count), true
		}
		below, from = below+b.Count, b.UpTo
	}
	return 0, false
}
