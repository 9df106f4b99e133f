package server_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/server"
)

// scrape gives the status and the lines of Serin's own metrics, without their
// descriptions.
func scrape(t *testing.T, f *fake) (int, []string) {
	t.Helper()
	w := httptest.NewRecorder()
	s := server.New(server.Options{Control: f, Version: "v1.2.3"})
	s.Handler(true).ServeHTTP(w, request(t, "GET", "/metrics", "", "Host: prometheus.example"))
	var own []string
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "serin_") && !strings.HasPrefix(line, "serin_build_info") {
			own = append(own, strings.TrimSpace(line))
		}
	}
	return w.Code, own
}

// TestMetrics proves the names, the labels and the values.
func TestMetrics(t *testing.T) {
	rollout := shop("prod")
	rollout.Status.Canary.Weights.Stable.Weight = 75
	rollout.Status.Canary.Weights.Additional = []api.WeightDestination{{Weight: 5, PodTemplateHash: "e1"}}
	f := &fake{
		rollouts: []*api.Rollout{rollout},
		envoys: []api.Envoy{
			{ID: "a", Gateway: "prod/edge", State: api.EnvoyConnected},
			{ID: "b", Gateway: "prod/edge", State: api.EnvoyConnected, Types: map[string]api.TypeStatus{
				"listeners": {Rejected: []string{"prod/edge/80"}, Message: "address in use"}, "routes": {Acked: "1"},
			}},
			{ID: "c", Gateway: "prod/edge", State: api.EnvoyAway},
		},
		findings: []api.Finding{{Code: "E102"}, {Code: "W421"}, {Code: "W422"}},
	}
	status, got := scrape(t, f)
	want := strings.Split(strings.TrimSpace(`
serin_config_findings{severity="error"} 1
serin_config_findings{severity="warning"} 2
serin_envoy_rejections{gateway="prod/edge"} 1
serin_envoys{gateway="prod/edge",state="away"} 1
serin_envoys{gateway="prod/edge",state="connected"} 2
serin_envoys{gateway="prod/edge",state="quarantined"} 0
serin_leader 1
serin_rollout_envoys{namespace="prod",rollout="shop",state="acked"} 2
serin_rollout_envoys{namespace="prod",rollout="shop",state="away"} 1
serin_rollout_envoys{namespace="prod",rollout="shop",state="connected"} 3
serin_rollout_envoys{namespace="prod",rollout="shop",state="quarantined"} 0
serin_rollout_envoys{namespace="prod",rollout="shop",state="rejected"} 0
serin_rollout_evidence{judge="guard",metric="error-rate",namespace="prod",rollout="shop"} 1.5
serin_rollout_evidence_threshold{judge="guard",metric="error-rate",namespace="prod",rollout="shop"} 2000
serin_rollout_phase{namespace="prod",phase="Degraded",rollout="shop"} 0
serin_rollout_phase{namespace="prod",phase="Healthy",rollout="shop"} 0
serin_rollout_phase{namespace="prod",phase="Paused",rollout="shop"} 1
serin_rollout_phase{namespace="prod",phase="Progressing",rollout="shop"} 0
serin_rollout_step{namespace="prod",rollout="shop"} 1
serin_rollout_step_errors{namespace="prod",rollout="shop",version="v1"} 1
serin_rollout_step_errors{namespace="prod",rollout="shop",version="v2"} 0
serin_rollout_step_requests{namespace="prod",rollout="shop",version="v1"} 80
serin_rollout_step_requests{namespace="prod",rollout="shop",version="v2"} 20
serin_rollout_steps{namespace="prod",rollout="shop"} 2
serin_rollout_weight{namespace="prod",role="additional",rollout="shop",version="e1"} 5
serin_rollout_weight{namespace="prod",role="canary",rollout="shop",version="v2"} 20
serin_rollout_weight{namespace="prod",role="stable",rollout="shop",version="v1"} 75`), "\n")
	if diff := cmp.Diff(want, got); diff != "" || status != 200 {
		t.Errorf("status %d, -want +got:\n%s", status, diff)
	}
}

// TestMetricsOfTheProgram proves that the build and the runtime are there.
func TestMetricsOfTheProgram(t *testing.T) {
	s := server.New(server.Options{Control: &fake{}, Version: "v1.2.3"})
	w := httptest.NewRecorder()
	s.Handler(true).ServeHTTP(w, request(t, "GET", "/metrics", ""))
	for _, want := range []string{`version="v1.2.3"`, "go_goroutines ", "serin_config_findings"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("no %s in the metrics", want)
		}
	}
}

// TestMetricsFail proves that a control that does not answer is a failed scrape
// and no old number.
func TestMetricsFail(t *testing.T) {
	status, got := scrape(t, &fake{err: errors.New("stopped")})
	if status != 500 || len(got) != 0 {
		t.Errorf("got %d with %v", status, got)
	}
}
