package provider

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/api"
)

// kayentaDouble is a Kayenta server in memory.
type kayentaDouble struct {
	t       *testing.T
	configs string
	started string   // what it says to a new analysis
	looks   []string // what it says of it, in turn; the last one again and again
	asked   int
	request map[string]any
	at      []time.Time
}

func (k *kayentaDouble) answer(r *http.Request) (*http.Response, error) {
	query := r.URL.Query()
	switch {
	case r.Method == http.MethodGet && r.URL.Path == "/base/canaryConfig":
		if query.Get("application") != "shop" || query.Get("configurationAccountName") != "configs" {
			k.t.Errorf("looked up with %v", query)
		}
		return reply(200, k.configs), nil
	case r.Method == http.MethodPost && r.URL.Path == "/base/canary/id-1":
		if query.Get("metricsAccountName") != "metrics" || query.Get("storageAccountName") != "storage" {
			k.t.Errorf("started with %v", query)
		}
		if err := json.NewDecoder(r.Body).Decode(&k.request); err != nil {
			k.t.Error(err)
		}
		return reply(200, k.started), nil
	case r.Method == http.MethodGet && r.URL.Path == "/base/canary/run-7":
		k.at = append(k.at, time.Now())
		look := k.looks[min(k.asked, len(k.looks)-1)]
		k.asked++
		return reply(200, look), nil
	}
	k.t.Errorf("asked for %s %s", r.Method, r.URL)
	return reply(404, ""), nil
}

func kayentaMetric() api.Metric {
	return api.Metric{Name: "m", Interval: "10m", Provider: api.MetricProvider{Kayenta: &api.KayentaMetric{
		Address: "http://kayenta/base/", Application: "shop", CanaryConfigName: "my-config",
		MetricsAccountName: "metrics", ConfigurationAccountName: "configs", StorageAccountName: "storage",
		Threshold: api.KayentaThreshold{Pass: 90, Marginal: 75},
		Scopes: []api.KayentaScope{{
			Name:            "default",
			ControlScope:    api.KayentaScopeDetail{Scope: "stable", Region: "eu", Step: 60},
			ExperimentScope: api.KayentaScopeDetail{Scope: "canary", Region: "eu", Step: 60},
		}},
	}}}
}

const (
	twoConfigs = `[{"id": "id-0", "name": "other"}, {"id": "id-1", "name": "my-config"}]`
	running    = `{"complete": false}`
)

// over is what a server says of an analysis with a score.
func over(score string) string {
	return `{"complete": true, "status": "succeeded", "result": {"judgeResult": {"score": {"score": ` + score + `}}}}`
}

func TestKayenta(t *testing.T) {
	tests := []struct {
		name             string
		configs, started string
		looks            []string
		phase            api.AnalysisPhase
		text, err        string
	}{
		{"pass", twoConfigs, `{"canaryExecutionId": "run-7"}`, []string{running, over("95.5")}, api.AnalysisSuccessful, "95.5", ""},
		{"just", twoConfigs, `{"canaryExecutionId": "run-7"}`, []string{over("90")}, api.AnalysisSuccessful, "90", ""},
		{"marginal", twoConfigs, `{"canaryExecutionId": "run-7"}`, []string{over("89.99")}, api.AnalysisInconclusive, "89.99", ""},
		{"fail", twoConfigs, `{"canaryExecutionId": "run-7"}`, []string{over("0")}, api.AnalysisFailed, "0", ""},
		{"no such config", `[{"id": "id-0", "name": "other"}]`, "", nil, "", "", `looking up the canary config "my-config": it is not among the 1 of`},
		{"no list", `{"error": "x"}`, "", nil, "", "", "reading the answer"},
		{"not started", twoConfigs, `{}`, nil, "", "", "starting the analysis: the answer has no canaryExecutionId"},
		{"no state", twoConfigs, `{"canaryExecutionId": "run-7"}`, []string{`{}`}, "", "", `waiting for the analysis "run-7": the answer does not say`},
		{"no score", twoConfigs, `{"canaryExecutionId": "run-7"}`, []string{`{"complete": true, "status": "terminal", "exception": {"message": "no metrics"}}`}, "", "", `status "terminal", exception {"message": "no metrics"}`},
		{"never over", twoConfigs, `{"canaryExecutionId": "run-7"}`, []string{running}, "", "", "context deadline exceeded"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				double := &kayentaDouble{t: t, configs: tt.configs, started: tt.started, looks: tt.looks}
				begin := time.Now()
				v, err := inMemory(Options{}, double.answer).Measure(t.Context(), kayentaMetric(), Subject{})
				if !says(err, tt.err) || err == nil && (v.Phase != tt.phase || v.Text != tt.text) {
					t.Errorf("got %+v, %v; want %s, %q, %q", v, err, tt.phase, tt.text, tt.err)
				}
				if took := time.Since(begin); took > kayentaPatience {
					t.Errorf("it took %v", took)
				}
				if tt.looks != nil && v.Metadata[executionID] != "run-7" {
					t.Errorf("metadata %v", v.Metadata)
				}
			})
		})
	}
}

// The looks at an analysis are 1 s apart at first, and at most 15 s.
func TestKayentaLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		double := &kayentaDouble{t: t, configs: twoConfigs, started: `{"canaryExecutionId": "run-7"}`, looks: []string{running, running, running, running, running, running, over("1")}}
		begin := time.Now()
		if _, err := inMemory(Options{}, double.answer).Measure(t.Context(), kayentaMetric(), Subject{}); err != nil {
			t.Fatal(err)
		}
		var got []float64
		for _, at := range double.at {
			got = append(got, at.Sub(begin).Seconds())
		}
		if diff := cmp.Diff([]float64{1, 3, 7, 15, 30, 45, 60}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestKayentaRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		double := &kayentaDouble{t: t, configs: twoConfigs, started: `{"canaryExecutionId": "run-7"}`, looks: []string{over("1")}}
		m := kayentaMetric()
		m.Provider.Kayenta.Lookback = true
		now := time.Now()
		if _, err := inMemory(Options{}, double.answer).Measure(t.Context(), m, Subject{StartedAt: now.Add(-time.Hour)}); err != nil {
			t.Fatal(err)
		}
		side := func(scope string) map[string]any {
			return map[string]any{
				"scope": scope, "location": "eu", "step": 60.0,
				"start": now.Add(-time.Hour).UTC().Format(time.RFC3339), "end": now.UTC().Format(time.RFC3339),
			}
		}
		want := map[string]any{
			"scopes":     map[string]any{"default": map[string]any{"controlScope": side("stable"), "experimentScope": side("canary")}},
			"thresholds": map[string]any{"pass": 90.0, "marginal": 75.0},
		}
		if diff := cmp.Diff(want, double.request); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestKayentaScopes(t *testing.T) {
	now := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	m := kayentaMetric()
	got, err := newScopes(m, Subject{StartedAt: now.Add(-time.Hour)}, now)
	if err != nil {
		t.Fatal(err)
	}
	if s := got["default"].Control; s.Start != "2030-01-01T11:50:00Z" || s.End != "2030-01-01T12:00:00Z" {
		t.Errorf("without lookback it is %+v, want one interval", s)
	}
	scope := &m.Provider.Kayenta.Scopes[0]
	scope.ControlScope.Start, scope.ExperimentScope.Start = "a", "b"
	if got, err = newScopes(m, Subject{}, now); err != nil || got["default"].Experiment.Start != "b" || got["default"].Experiment.End != "2030-01-01T12:00:00Z" {
		t.Errorf("with times of its own it is %+v, %v", got, err)
	}
	scope.ExperimentScope.Start = ""
	if _, err := newScopes(m, Subject{}, now); !says(err, `scope "default": both sides`) {
		t.Errorf("one side with a start: %v", err)
	}
	m.Interval = "x"
	if _, err := newScopes(m, Subject{}, now); !says(err, "interval: ") {
		t.Errorf("a bad interval: %v", err)
	}
}

func TestKayentaServerTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := inMemory(Options{}, func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") })
		if _, err := set.Measure(t.Context(), kayentaMetric(), Subject{}); !says(err, "no route") {
			t.Errorf("got %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		double := &kayentaDouble{t: t, configs: twoConfigs, started: `{"canaryExecutionId": "run-7"}`, looks: []string{running}}
		time.AfterFunc(100*time.Second, cancel)
		begin := time.Now()
		if _, err := inMemory(Options{}, double.answer).Measure(ctx, kayentaMetric(), Subject{}); !errors.Is(err, context.Canceled) || time.Since(begin) != 100*time.Second {
			t.Errorf("got %v after %v, want the end of the context", err, time.Since(begin))
		}
	})
}

// Whatever a server says of an analysis, it is read or an error.
func FuzzKayentaAnswer(f *testing.F) {
	f.Add(over("95"))
	f.Add(running)
	f.Add(`{"complete": true, "exception": "x"}`)
	f.Fuzz(func(t *testing.T, text string) {
		var a kayentaAnswer
		if json.Unmarshal([]byte(text), &a) != nil {
			return
		}
		if done, score, err := a.score(); done && err != nil || !done && score != 0 {
			t.Errorf("%v, %v, %v", done, score, err)
		}
		if _, _, err := a.score(); err != nil && strings.TrimSpace(err.Error()) == "" {
			t.Error("an error without a word")
		}
	})
}
