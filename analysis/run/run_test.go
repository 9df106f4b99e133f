package run

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/serin-mesh/serin/api"
)

// zero is when runs of tests begin.
var zero = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

func num(n int) *intstr.IntOrString { v := intstr.FromInt32(int32(n)); return &v }

// results are the letters of scripts.
var results = map[rune]Result{
	's': {Phase: api.AnalysisSuccessful, Value: "1"},
	'f': {Phase: api.AnalysisFailed, Value: "0", Message: "too few"},
	'i': {Phase: api.AnalysisInconclusive, Message: "no data"},
	'e': {Phase: api.AnalysisError, Message: "refused"},
	'u': {Phase: api.AnalysisError, Message: "no value", Unusable: true},
}

// play runs metrics to their end: each measurement takes no time and gives the
// next letter of the metric's script. It gives the status and, for each
// measurement, the seconds since the start and the letter. A metric whose script
// is over is never measured; then the run is stopped.
func play(t *testing.T, spec api.AnalysisRunSpec, scripts map[string]string) (api.AnalysisRunStatus, map[string]string) {
	t.Helper()
	var status api.AnalysisRunStatus
	now, taken, said := zero, map[string]int{}, map[string][]string{}
	for range 1000 {
		var tasks []Task
		var wake time.Time
		status, tasks, wake = Next(&spec, status, now)
		if Ended(status) {
			break
		}
		for _, task := range tasks {
			if Ended(status) {
				break
			}
			name := task.Metric.Name
			script := []rune(scripts[name])
			if taken[name] == len(script) {
				status = Stop(&spec, status, now)
				break
			}
			letter := script[taken[name]]
			taken[name]++
			if task.Number != taken[name] {
				t.Errorf("%s: number %d, want %d", name, task.Number, taken[name])
			}
			said[name] = append(said[name], fmt.Sprintf("%v%c", now.Sub(zero).Seconds(), letter))
			status = Measured(&spec, status, name, results[letter], now)
		}
		if len(tasks) == 0 {
			if wake.IsZero() {
				t.Fatalf("nothing comes, and the run is %s", status.Phase)
			}
			now = wake
		}
	}
	out := map[string]string{}
	for name, all := range said {
		out[name] = strings.Join(all, " ")
	}
	return status, out
}

// measured makes a metric with an interval of 60 s.
func measured(name string, change func(*api.Metric)) api.Metric {
	m := template(name).Metrics[0]
	m.Interval = "60s"
	if change != nil {
		change(&m)
	}
	return m
}

func TestOneMetric(t *testing.T) {
	tests := []struct {
		rule   string
		change func(*api.Metric)
		script string
		taken  string
		phase  api.AnalysisPhase
		why    string
	}{
		{"no interval and no count: once", func(m *api.Metric) { m.Interval = "" }, "s", "0s", api.AnalysisSuccessful, ""},
		{"a count of 0 is none", func(m *api.Metric) { m.Interval, m.Count = "", num(0) }, "s", "0s", api.AnalysisSuccessful, ""},
		{"interval without count: until stopped, then Successful", nil, "sss", "0s 60s 120s", api.AnalysisSuccessful, "Run Terminated"},
		{"count", func(m *api.Metric) { m.Count = num(3) }, "ssss", "0s 60s 120s", api.AnalysisSuccessful, ""},
		{"count as text", func(m *api.Metric) { m.Count = text("{{args.n}}") }, "sss", "0s 60s", api.AnalysisSuccessful, ""},
		{"initialDelay", func(m *api.Metric) { m.InitialDelay, m.Count = "90s", num(2) }, "ss", "90s 150s", api.AnalysisSuccessful, ""},
		{"failureLimit is 0", func(m *api.Metric) { m.Count = num(3) }, "sf", "0s 60f", api.AnalysisFailed, "failed (1) > failureLimit (0)"},
		{"failureLimit: 3 fails on the 4th", func(m *api.Metric) { m.FailureLimit = num(3) }, "fsffsf", "0f 60s 120f 180f 240s 300f", api.AnalysisFailed, "failed (4) > failureLimit (3)"},
		{"failures that are borne", func(m *api.Metric) { m.FailureLimit, m.Count = num(2), num(3) }, "ffs", "0f 60f 120s", api.AnalysisSuccessful, ""},
		{"inconclusiveLimit is 0", nil, "i", "0i", api.AnalysisInconclusive, "inconclusive (1) > inconclusiveLimit (0)"},
		{"inconclusiveLimit: 1", func(m *api.Metric) { m.InconclusiveLimit = num(1) }, "isi", "0i 60s 120i", api.AnalysisInconclusive, "inconclusive (2) > inconclusiveLimit (1)"},
		{"inconclusiveLimit: -1 is off", func(m *api.Metric) { m.InconclusiveLimit, m.Count = num(-1), num(4) }, "iiii", "0i 60i 120i 180i", api.AnalysisSuccessful, ""},
		{"an error is retried after 10 s and not counted", func(m *api.Metric) { m.Count = num(2) }, "sees", "0s 60e 70e 80s", api.AnalysisSuccessful, ""},
		{"an error of a metric that is measured once", func(m *api.Metric) { m.Interval = "" }, "es", "0e 10s", api.AnalysisSuccessful, ""},
		{"consecutiveErrorLimit: 4 errs on the 5th in a row", nil, "eeeeseeeee", "0e 10e 20e 30e 40s 100e 110e 120e 130e 140e", api.AnalysisError, "consecutiveErrors (5) > consecutiveErrorLimit (4)"},
		{"a failure between errors", func(m *api.Metric) { m.ConsecutiveErrorLimit, m.FailureLimit = num(1), num(1) }, "efee", "0e 10f 70e 80e", api.AnalysisError, "consecutiveErrors (2)"},
		{"consecutiveErrorLimit: 0", func(m *api.Metric) { m.ConsecutiveErrorLimit = num(0) }, "e", "0e", api.AnalysisError, "consecutiveErrors (1) > consecutiveErrorLimit (0)"},
		{"consecutiveErrorLimit: -1 is off", func(m *api.Metric) { m.ConsecutiveErrorLimit, m.Count = num(-1), num(1) }, "eeeeeeeees", "0e 10e 20e 30e 40e 50e 60e 70e 80e 90s", api.AnalysisSuccessful, ""},
		{
			"consecutiveSuccessLimit ends it", func(m *api.Metric) { m.ConsecutiveSuccessLimit, m.FailureLimit = num(2), num(5) },
			"sfss", "0s 60f 120s 180s", api.AnalysisSuccessful, "",
		},
		{
			"consecutiveSuccessLimit, an error breaks the row", func(m *api.Metric) { m.ConsecutiveSuccessLimit = num(2) },
			"sess", "0s 60e 70s 130s", api.AnalysisSuccessful, "",
		},
		{
			"neither limit reached in count", func(m *api.Metric) { m.ConsecutiveSuccessLimit, m.FailureLimit, m.Count = num(2), num(2), num(4) },
			"sfsf", "0s 60f 120s 180f", api.AnalysisInconclusive, "neither consecutiveSuccessLimit (2) nor failureLimit (2) reached in count (4)",
		},
		{
			"failureLimit: -1, and the successes not reached", func(m *api.Metric) { m.ConsecutiveSuccessLimit, m.FailureLimit, m.Count = num(2), num(-1), num(3) },
			"sfs", "0s 60f 120s", api.AnalysisFailed, "consecutiveSuccessLimit (2) not reached in count (3)",
		},
		{
			"failureLimit: -1, and the successes reached", func(m *api.Metric) { m.ConsecutiveSuccessLimit, m.FailureLimit = num(2), num(-1) },
			"ffffss", "0f 60f 120f 180f 240s 300s", api.AnalysisSuccessful, "",
		},
		{"an argument without a value ends the run at once", nil, "su", "0s 60u", api.AnalysisError, "unable to resolve metric arguments: no value"},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			spec := api.AnalysisRunSpec{Metrics: []api.Metric{measured("m", tt.change)}, Args: []api.Argument{arg("n", "2")}}
			status, taken := play(t, spec, map[string]string{"m": tt.script})
			if status.Phase != tt.phase || taken["m"] != tt.taken {
				t.Errorf("%s after %s; want %s after %s", status.Phase, taken["m"], tt.phase, tt.taken)
			}
			if !strings.Contains(status.Message, tt.why) || tt.why == "" && status.Message != "" {
				t.Errorf("message %q, want %q", status.Message, tt.why)
			}
			if status.CompletedAt == nil || status.StartedAt == nil {
				t.Error("it has no start or no end")
			}
		})
	}
}

func TestSeveralMetrics(t *testing.T) {
	counted := func(n int) func(*api.Metric) { return func(m *api.Metric) { m.Count = num(n) } }
	metrics := []api.Metric{measured("a", counted(2)), measured("b", counted(3))}
	tests := []struct {
		rule   string
		a, b   string
		dryRun string
		taken  string
		phase  api.AnalysisPhase
		run    api.RunSummary
		dry    api.RunSummary
	}{
		{"all are waited for", "ss", "sss", "", "0s 60s / 0s 60s 120s", api.AnalysisSuccessful, api.RunSummary{Count: 2, Successful: 2}, api.RunSummary{}},
		{"the first bad one ends it", "ss", "sf", "", "0s 60s / 0s 60f", api.AnalysisFailed, api.RunSummary{Count: 2, Successful: 1, Failed: 1}, api.RunSummary{}},
		{"others that are open end well", "f", "sss", "", "0f / ", api.AnalysisFailed, api.RunSummary{Count: 2, Successful: 1, Failed: 1}, api.RunSummary{}},
		{"inconclusive", "si", "sss", "", "0s 60i / 0s", api.AnalysisInconclusive, api.RunSummary{Count: 2, Inconclusive: 1, Successful: 1}, api.RunSummary{}},
		{"a dry run does not count", "f", "sss", "a", "0f / 0s 60s 120s", api.AnalysisSuccessful, api.RunSummary{Count: 1, Successful: 1}, api.RunSummary{Count: 1, Failed: 1}},
		{"nor are all, by an unanchored expression", "f", "i", ".", "0f / 0i", api.AnalysisSuccessful, api.RunSummary{}, api.RunSummary{Count: 2, Failed: 1, Inconclusive: 1}},
		{"a dry run is waited for", "ss", "sss", "b", "0s 60s / 0s 60s 120s", api.AnalysisSuccessful, api.RunSummary{Count: 1, Successful: 1}, api.RunSummary{Count: 1, Successful: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			spec := api.AnalysisRunSpec{Metrics: metrics}
			if tt.dryRun != "" {
				spec.DryRun = []api.DryRun{{MetricName: tt.dryRun}}
			}
			status, taken := play(t, spec, map[string]string{"a": tt.a, "b": tt.b})
			if got := taken["a"] + " / " + taken["b"]; got != tt.taken {
				t.Errorf("taken %q, want %q", got, tt.taken)
			}
			if status.Phase != tt.phase {
				t.Errorf("%s, want %s", status.Phase, tt.phase)
			}
			if diff := cmp.Diff(tt.dry, *status.DryRunSummary); diff != "" {
				t.Errorf("dry runs (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.run, status.RunSummary); diff != "" {
				t.Errorf("runs (-want +got):\n%s", diff)
			}
		})
	}
}
