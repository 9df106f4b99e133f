package provider

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/serin-mesh/serin/analysis/run"
	"github.com/serin-mesh/serin/api"
)

// source is what a control loop says.
type source struct {
	Window
	err     error
	rollout api.Key
	version string
	length  time.Duration
	parts   int
	earlier []Window // before the last part
}

func (s *source) Windows(_ context.Context, rollout api.Key, version string, length time.Duration, parts int) ([]Window, error) {
	s.rollout, s.version, s.length, s.parts = rollout, version, length, parts
	return append(slices.Clone(s.earlier), s.Window), s.err
}

func envoyMetric(q api.EnvoyMetric) api.Metric {
	return api.Metric{Name: "m", SuccessCondition: "result < 0.5", Provider: api.MetricProvider{Envoy: &q}}
}

func TestEnvoy(t *testing.T) {
	count := func(n uint64) *uint64 { return &n }
	number := func(n float64) *float64 { return &n }
	full := Window{
		Length: 20 * time.Second, Requests: 200, Errors: 3, Overflow: count(4), Connections: count(0),
		Latency: []Bucket{{0.1, 50}, {0.2, 100}, {math.Inf(1), 50}},
	}
	tests := []struct {
		name   string
		q      api.EnvoyMetric
		w      Window
		want   any
		text   string
		phase  api.AnalysisPhase
		reason string
	}{
		{"error ratio", api.EnvoyMetric{Metric: api.EnvoyErrorRatio}, full, 0.015, "0.015", api.AnalysisSuccessful, ""},
		{"more errors than requests: the reports come apart", api.EnvoyMetric{Metric: api.EnvoyErrorRatio}, Window{Length: 1, Requests: 2, Errors: 3}, 1.0, "1", api.AnalysisFailed, ""},
		{"a ratio of nothing", api.EnvoyMetric{Metric: api.EnvoyErrorRatio}, Window{Length: time.Second}, nil, "", api.AnalysisInconclusive, "no data"},
		{"rate", api.EnvoyMetric{Metric: api.EnvoyRequestRate}, full, 10.0, "10", api.AnalysisFailed, ""},
		{"a rate of none is 0", api.EnvoyMetric{Metric: api.EnvoyRequestRate}, Window{Length: time.Second}, 0.0, "0", api.AnalysisSuccessful, ""},
		{"without reports", api.EnvoyMetric{Metric: api.EnvoyRequestRate}, Window{}, nil, "", api.AnalysisInconclusive, "no data"},
		{"quantile", api.EnvoyMetric{Metric: api.EnvoyLatencyQuantile, Quantile: number(0.5)}, full, 0.15, "0.15", api.AnalysisSuccessful, ""},
		{"quantile in the first bucket", api.EnvoyMetric{Metric: api.EnvoyLatencyQuantile, Quantile: number(0.125)}, full, 0.05, "0.05", api.AnalysisSuccessful, ""},
		{"quantile beyond the last edge", api.EnvoyMetric{Metric: api.EnvoyLatencyQuantile, Quantile: number(0.99)}, full, 0.2, "0.2", api.AnalysisSuccessful, ""},
		{"a quantile of nothing", api.EnvoyMetric{Metric: api.EnvoyLatencyQuantile, Quantile: number(0.5)}, Window{}, nil, "", api.AnalysisInconclusive, "no data"},
		{"a quantile of 1", api.EnvoyMetric{Metric: api.EnvoyLatencyQuantile, Quantile: number(1)}, full, nil, "", api.AnalysisError, `measuring "m" by envoy: quantile: want a number between 0 and 1`},
		{"which quantile", api.EnvoyMetric{Metric: api.EnvoyLatencyQuantile}, full, nil, "", api.AnalysisError, `measuring "m" by envoy: quantile: want a number between 0 and 1`},
		{"overflow", api.EnvoyMetric{Metric: api.EnvoyOverflow}, full, 4.0, "4", api.AnalysisFailed, ""},
		{"overflow that is not reported", api.EnvoyMetric{Metric: api.EnvoyOverflow}, Window{Length: 1}, nil, "", api.AnalysisInconclusive, "no data"},
		{"connections", api.EnvoyMetric{Metric: api.EnvoyConnections}, full, 0.0, "0", api.AnalysisSuccessful, ""},
		{"no such metric", api.EnvoyMetric{Metric: "speed"}, full, nil, "", api.AnalysisError, `measuring "m" by envoy: metric: there is no "speed"`},
		{"no such window", api.EnvoyMetric{Metric: api.EnvoyOverflow, Window: "x"}, full, nil, "", api.AnalysisError, `measuring "m" by envoy: window: "x" is no duration: write one such as 30s, 5m or 1h`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &source{Window: tt.w}
			set := newTestSet(t, Options{Envoy: s})
			if v, _ := set.Measure(t.Context(), envoyMetric(tt.q), Subject{}); !near(v.Result, tt.want) || v.Text != tt.text {
				t.Errorf("result %v, %q; want %v, %q", v.Result, v.Text, tt.want, tt.text)
			}
			r := set.Take(t.Context(), run.Task{Metric: envoyMetric(tt.q)}, nil, noSecrets, Subject{})
			if r.Phase != tt.phase || r.Message != tt.reason {
				t.Errorf("got %s, %q; want %s, %q", r.Phase, r.Message, tt.phase, tt.reason)
			}
		})
	}
}

// TestEnvoyInParts: the values of the parts are a list, in which a part without
// data has none.
func TestEnvoyInParts(t *testing.T) {
	s := &source{Window: Window{Length: time.Second, Requests: 10, Errors: 1}, earlier: []Window{{}, {Length: time.Second, Requests: 4}}}
	set := newTestSet(t, Options{Envoy: s})
	q := api.EnvoyMetric{Metric: api.EnvoyErrorRatio, Window: "20s", Step: "6s"}
	m := envoyMetric(q)
	m.SuccessCondition = "len(result) == 3 && result[2] == 0.1"
	if r := set.Take(t.Context(), run.Task{Metric: m}, nil, noSecrets, Subject{}); r.Phase != api.AnalysisSuccessful || r.Value != "[NaN,0,0.1]" {
		t.Errorf("got %+v", r)
	}
	if s.parts != 3 || s.length != 18*time.Second {
		t.Errorf("asked for %d parts of %s, want 3 whole ones of 6 s", s.parts, s.length)
	}
	s.Window, s.earlier = Window{}, []Window{{}}
	if r := set.Take(t.Context(), run.Task{Metric: m}, nil, noSecrets, Subject{}); r.Phase != api.AnalysisInconclusive || r.Message != "no data" {
		t.Errorf("without data: %+v", r)
	}
	for _, step := range []api.DurationText{"0s", "21s", "100ms", "x"} {
		q.Step = step
		if _, err := set.Measure(t.Context(), envoyMetric(q), Subject{}); !says(err, "step: ") {
			t.Errorf("a step of %s: %v", step, err)
		}
	}
}

// near compares results: both nothing, or nearly the same number.
func near(got, want any) bool {
	g, ok1 := got.(float64)
	w, ok2 := want.(float64)
	return ok1 == ok2 && math.Abs(g-w) < 1e-12
}

func TestEnvoyAsksFor(t *testing.T) {
	s := &source{}
	set := newTestSet(t, Options{Envoy: s})
	about := Subject{Rollout: api.Key{Namespace: "ns", Name: "shop"}}
	q := api.EnvoyMetric{Metric: api.EnvoyRequestRate}
	if _, err := set.Measure(t.Context(), envoyMetric(q), about); err != nil || s.version != api.EnvoyCanary || s.length != time.Minute || s.parts != 1 || s.rollout != about.Rollout {
		t.Errorf("asked for %s of %v over %v, %v", s.version, s.rollout, s.length, err)
	}
	q.Version, q.Window = api.EnvoyStable, "5s"
	if _, err := set.Measure(t.Context(), envoyMetric(q), about); err != nil || s.version != api.EnvoyStable || s.length != 5*time.Second {
		t.Errorf("asked for %s over %v, %v", s.version, s.length, err)
	}
	s.err = errors.New("there is no canary")
	if _, err := set.Measure(t.Context(), envoyMetric(q), about); !errors.Is(err, s.err) {
		t.Errorf("got %v", err)
	}
	if _, err := newTestSet(t, Options{}).Measure(t.Context(), envoyMetric(q), about); !says(err, "there are no proxies") {
		t.Errorf("got %v", err)
	}
}

// A quantile is within its bucket, and the share below it is q.
func TestQuantile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var buckets []Bucket
		edge, total := 0.0, uint64(0)
		for range rapid.IntRange(1, 10).Draw(t, "buckets") {
			edge += rapid.Float64Range(0.01, 1).Draw(t, "width")
			n := rapid.Uint64Range(0, 50).Draw(t, "count")
			buckets = append(buckets, Bucket{edge, n})
			total += n
		}
		q := rapid.Float64Range(0.01, 0.99).Draw(t, "q")
		got, ok := quantile(buckets, q)
		if ok != (total > 0) {
			t.Fatalf("there is one: %v, of %d", ok, total)
		}
		if !ok {
			return
		}
		below, from := 0.0, 0.0
		for _, b := range buckets {
			below += float64(b.Count) * min(max((got-from)/(b.UpTo-from), 0), 1)
			from = b.UpTo
		}
		if math.Abs(below-q*float64(total)) > 1e-6*float64(total) {
			t.Fatalf("below %v are %v of %d, want the part %v", got, below, total, q)
		}
	})
}
