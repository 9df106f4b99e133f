package provider

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/serin-mesh/serin/analysis/kayenta"
	"github.com/serin-mesh/serin/analysis/run"
	"github.com/serin-mesh/serin/api"
)

// seriesServer answers each query with the numbers of that name.
func seriesServer(t *testing.T, series map[string]string) string {
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, ok := series[r.URL.Path[1:]]
		if !ok {
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = io.WriteString(w, body)
	})
}

func TestCompare(t *testing.T) {
	address := seriesServer(t, map[string]string{
		"low": "[1, 2, 3, 4, 5, 6]", "alike": "[1.1, 1.9, 3.1, 3.9, 5.1, 5.9]", "high": "[11, 12, null, 13, 14, 15, 16]",
		"few": "[1, 2]", "none": "[]", "null": "null", "one": "7", "words": `["many"]`, "object": `{}`,
	})
	const ask = `{"strict": true, "metrics": [{"name": "errors", "groups": ["g"]}], "classifier": {"scoreThresholds": {"pass": 90, "marginal": 50}}}`
	const twice = `{"metrics": [{"name": "errors", "groups": ["g"]}, {"name": "other", "groups": ["g"]}], "classifier": {"scoreThresholds": {"pass": 90, "marginal": 50}}}`
	tests := []struct {
		name, config        string
		control, experiment string
		other               string // the experiment of the other metric
		phase               api.AnalysisPhase
		text, message, err  string
	}{
		{"alike", ask, "low", "alike", "", api.AnalysisSuccessful, "100", "", ""},
		{"higher, a value missing", ask, "low", "high", "", api.AnalysisFailed, "0", "", ""},
		{"half", twice, "low", "high", "alike", api.AnalysisInconclusive, "50", "", ""},
		{"one value, no judgement", ask, "one", "low", "", api.AnalysisInconclusive, "0", "cannot judge: metric \"errors\": under 5 values", ""},
		{"too few", ask, "low", "few", "", api.AnalysisInconclusive, "100", "cannot judge: ", ""},
		{"no data", ask, "low", "none", "", api.AnalysisFailed, "0", "half of the metrics", ""},
		{"null", ask, "low", "null", "", api.AnalysisFailed, "0", "half of the metrics", ""},
		{"a series that cannot be had", ask, "low", "gone", "", "", "", "", `getting the series: experiment of "errors": measuring`},
		{"words", ask, "words", "low", "", "", "", "", `control of "errors": element 0 is string, want a number`},
		{"an object", ask, "object", "low", "", "", "", "", "it is map[string]interface {}, want numbers"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			config, err := kayenta.ParseConfig([]byte(tt.config))
			if err != nil {
				t.Fatal(err)
			}
			sides := map[string]Sides{"errors": {webMetric(address+"/"+tt.control, ""), webMetric(address+"/"+tt.experiment, "")}}
			if tt.other != "" {
				sides["other"] = Sides{webMetric(address+"/"+tt.control, ""), webMetric(address+"/"+tt.other, "")}
			}
			v, err := newTestSet(t, Options{}).Compare(t.Context(), Comparison{Config: config, Sides: sides}, Subject{})
			if !says(err, tt.err) || v.Phase != tt.phase || v.Text != tt.text {
				t.Errorf("got %+v, %v; want %s, %s, %q", v, err, tt.phase, tt.text, tt.err)
			}
			if len(v.Message) < len(tt.message) || v.Message[:len(tt.message)] != tt.message {
				t.Errorf("message %q, want %q", v.Message, tt.message)
			}
		})
	}
}

// TestKayentaInProcess: a metric of kayenta with a config is judged here.
func TestKayentaInProcess(t *testing.T) {
	address := seriesServer(t, map[string]string{"low": "[1, 2, 3, 4, 5, 6]", "alike": "[1.1, 1.9, 3.1, 3.9, 5.1, 5.9]", "high": "[11, 12, 13, 14, 15, 16]", "few": "[1, 2]"})
	ratio := func(errors uint64) []Window {
		var all []Window
		for i := range uint64(6) {
			all = append(all, Window{Length: 1, Requests: 100, Errors: errors + i%2})
		}
		return all
	}
	const config = `{"metrics": [{"name": "errors", "groups": ["g"]}], "classifier": {"scoreThresholds": {"pass": 90, "marginal": 50}}}`
	web := func(path string) api.SeriesProvider {
		return api.SeriesProvider{Web: &api.WebMetric{URL: address + path}}
	}
	envoy := func(version string) api.SeriesProvider {
		return api.SeriesProvider{Envoy: &api.EnvoyMetric{Metric: api.EnvoyErrorRatio, Version: version, Step: "10s"}}
	}
	tests := []struct {
		name                string
		config              string
		strict              bool
		control, experiment api.SeriesProvider
		phase               api.AnalysisPhase
		value, says         string
	}{
		{"alike", config, true, web("/low"), web("/alike"), api.AnalysisSuccessful, "100", ""},
		{"higher", config, false, web("/low"), web("/high"), api.AnalysisFailed, "0", ""},
		{"too few", config, false, web("/low"), web("/few"), api.AnalysisSuccessful, "100", "warning: "},
		{"too few, strictly", config, true, web("/low"), web("/few"), api.AnalysisInconclusive, "100", "cannot judge: "},
		{"of proxies", config, true, envoy(api.EnvoyStable), envoy(api.EnvoyCanary), api.AnalysisFailed, "0", ""},
		{"another metric", `{"metrics": [{"name": "latency"}]}`, false, web("/low"), web("/low"), api.AnalysisError, "", `there are no series for the metric "latency" of the config`},
		{"no config", "", false, web("/low"), web("/low"), api.AnalysisError, "", "reading canary config"},
		{"no provider", config, false, web("/low"), api.SeriesProvider{}, api.AnalysisError, "", `experiment of "errors": measuring "errors": it has 0 providers`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set := newTestSet(t, Options{Envoy: versions{api.EnvoyStable: ratio(1), api.EnvoyCanary: ratio(40)}})
			m := api.Metric{Name: "m", Provider: api.MetricProvider{Kayenta: &api.KayentaMetric{
				Config: []byte(tt.config), Strict: tt.strict,
				Series: []api.KayentaSeries{{Name: "errors", Control: tt.control, Experiment: tt.experiment}},
			}}}
			r := set.Take(t.Context(), run.Task{Metric: m}, nil, noSecrets, Subject{})
			if r.Phase != tt.phase || r.Value != tt.value || !strings.Contains(r.Message, tt.says) {
				t.Errorf("got %+v, want %s, %s, %q", r, tt.phase, tt.value, tt.says)
			}
		})
	}
}

// versions is a Source that says the same of each version, whatever it is asked.
type versions map[string][]Window

func (v versions) Windows(_ context.Context, _ api.Key, version string, _ time.Duration, _ int) ([]Window, error) {
	return v[version], nil
}
