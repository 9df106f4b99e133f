package e2e_test

import (
	"context"
	"errors"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/serin-mesh/serin/analysis/provider"
	analysis "github.com/serin-mesh/serin/analysis/run"
	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/internal/lab"
)

// scraped starts a Prometheus that scrapes an Envoy of the rig every 200 ms.
func (r *rig) scraped() string {
	r.t.Helper()
	// The script finds one as the finder does, or installs one for it.
	if out, err := exec.Command("../scripts/prometheus.sh").Output(); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			out = exit.Stderr
		}
		r.t.Fatalf("finding a Prometheus: %v\n%s", err, out)
	}
	var admin string
	r.envoy("edge-1", func(boot string) string {
		found := regexp.MustCompile(`(?s)^.*?\nadmin:.*?port_value: (\d+)`).FindStringSubmatch(boot)
		if found == nil {
			r.t.Fatalf("there is no admin listener in\n%s", boot)
		}
		admin = "127.0.0.1:" + found[1]
		return boot
	})
	p, err := lab.StartPrometheus(r.t.TempDir(), 200*time.Millisecond, admin)
	r.must(err)
	r.t.Cleanup(func() {
		if err := p.Close(); err != nil {
			r.t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	r.must(p.Ready(ctx))
	return p.URL()
}

// okRatio is the part of a version's requests that did not fail, as anybody
// would ask for it.
const okRatio = `sum(rate(envoy_cluster_upstream_rq_xx{envoy_cluster_name="default/shop/80/{{args.version}}",envoy_response_code_class!="5"}[5s]))
/ sum(rate(envoy_cluster_upstream_rq_xx{envoy_cluster_name="default/shop/80/{{args.version}}"}[5s]))`

// promMetric makes a metric of a query.
func promMetric(address, query, success string) api.Metric {
	return api.Metric{Name: "m", SuccessCondition: success, Provider: api.MetricProvider{
		Prometheus: &api.PrometheusMetric{Address: address, Query: query},
	}}
}

// analyse does a whole run in real time.
func analyse(t *testing.T, set *provider.Set, spec api.AnalysisRunSpec) api.AnalysisRunStatus {
	t.Helper()
	var status api.AnalysisRunStatus
	for {
		var tasks []analysis.Task
		var wake time.Time
		if status, tasks, wake = analysis.Next(&spec, status, time.Now()); analysis.Ended(status) {
			return status
		}
		for _, task := range tasks {
			result := set.Take(t.Context(), task, spec.Args, nil, provider.Subject{})
			status = analysis.Measured(&spec, status, task.Metric.Name, result, time.Now())
		}
		if len(tasks) == 0 {
			select {
			case <-time.After(time.Until(wake)):
			case <-t.Context().Done():
				t.Fatal("the run does not end")
			}
		}
	}
}

// TestPrometheus: a real Prometheus scrapes a real Envoy, and analyses that ask
// it tell a version that fails from one that does not.
func TestPrometheus(t *testing.T) {
	r := newRig(t, options{steps: []string{"setWeight: 50", "pause: {}"}, guard: `{mode: "off"}`})
	address := r.scraped()
	set := provider.New(provider.Options{PrometheusAddress: address})
	t.Cleanup(set.Close)
	r.load(200)
	r.want("v2")
	r.await("paused at 50%", paused(50))
	r.apps["v2"].Set(lab.Fault{FailRatio: 0.5})
	// Wait until the query has seen enough of both versions.
	version := func(v string) api.AnalysisRunSpec {
		m := promMetric("", okRatio, "result[0] >= 0.95")
		m.Interval = "500ms"
		return api.AnalysisRunSpec{Metrics: []api.Metric{m}, Args: []api.Argument{{Name: "version", Value: &v}}}
	}
	r.until("both versions are measured", func() bool {
		for _, v := range []string{"v1", "v2"} {
			query := strings.ReplaceAll(okRatio, "{{args.version}}", v)
			got, err := set.Measure(t.Context(), promMetric("", query, ""), provider.Subject{})
			r.must(err)
			values, ok := got.Result.([]float64)
			if !ok || len(values) != 1 || !(values[0] > 0) || v == "v2" && values[0] > 0.8 {
				return false
			}
		}
		return true
	})

	t.Run("a good version", func(t *testing.T) {
		spec := version("v1")
		three := intstr.FromInt32(3)
		spec.Metrics[0].Count = &three
		status := analyse(t, set, spec)
		if status.Phase != api.AnalysisSuccessful || status.MetricResults[0].Successful != 3 || status.MetricResults[0].Measurements[0].Value != "[1]" {
			t.Errorf("got %+v", status)
		}
		if query := status.MetricResults[0].Metadata["ResolvedPrometheusQuery"]; !strings.Contains(query, "default/shop/80/v1") {
			t.Errorf("the query is %q", query)
		}
	})
	t.Run("a bad version", func(t *testing.T) {
		status := analyse(t, set, version("v2"))
		if status.Phase != api.AnalysisFailed || status.MetricResults[0].Failed != 1 {
			t.Errorf("got %+v", status)
		}
	})
	t.Run("a version that is not there", func(t *testing.T) {
		if status := analyse(t, set, version("v3")); status.Phase != api.AnalysisInconclusive {
			t.Errorf("got %+v", status)
		}
	})
	t.Run("answers of all kinds", func(t *testing.T) { promAnswers(t, set) })
}

// promAnswers checks what the server's answers of each kind mean.
func promAnswers(t *testing.T, set *provider.Set) {
	five := &api.PrometheusRange{Start: `now() - duration("2s")`, End: "now()", Step: "500ms"}
	tests := []struct {
		name, query, success string
		over                 *api.PrometheusRange
		want                 api.AnalysisPhase
		message              string
	}{
		{"a scalar", "scalar(vector(3))", "result == 3", nil, api.AnalysisSuccessful, ""},
		{"a vector", "vector(3)", "result[0] > 5", nil, api.AnalysisFailed, ""},
		{"two series", `label_replace(vector(1), "a", "b", "", "") or vector(2)`, "len(result) == 2 && all(result, # >= 1)", nil, api.AnalysisSuccessful, ""},
		{"a range", "vector(2)", "len(result) == 5 && all(result, # == 2)", five, api.AnalysisSuccessful, ""},
		{"nothing", "nothing_of_this_name", "result[0] > 1", nil, api.AnalysisInconclusive, "no data"},
		{"nothing, as the author wants it", "nothing_of_this_name", "len(result) == 0 || result[0] > 1", nil, api.AnalysisSuccessful, ""},
		{"NaN", "vector(0) / vector(0)", "result[0] >= 0.95", nil, api.AnalysisFailed, ""},
		{"text", `"many"`, "result > 1", nil, api.AnalysisError, "string"},
		{"a bad query", "sum(", "result > 1", nil, api.AnalysisError, "parse error"},
		{"a query that takes too long", "", "result > 1", nil, api.AnalysisError, "deadline"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := promMetric("", tt.query, tt.success)
			m.Provider.Prometheus.RangeQuery = tt.over
			ctx := t.Context()
			if tt.query == "" {
				over, cancel := context.WithTimeout(ctx, time.Nanosecond)
				defer cancel()
				ctx, m.Provider.Prometheus.Query = over, "up"
			}
			got := set.Take(ctx, analysis.Task{Metric: m}, nil, nil, provider.Subject{})
			if got.Phase != tt.want || !strings.Contains(got.Message, tt.message) {
				t.Errorf("got %+v, want %s, %q", got, tt.want, tt.message)
			}
		})
	}
}
