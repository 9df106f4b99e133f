package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/internal/lab"
)

// This file proves metrics of envoy: rollouts whose analyses ask nobody but the
// real Envoys that they run on. The guard is off, so that nothing else decides.

// ownMetrics is a template of all that can be read, for a canary with 100
// requests a second.
const ownMetrics = `apiVersion: serin.dev/v1alpha1
kind: AnalysisTemplate
metadata: {name: own}
spec:
  metrics:
  - {name: errors, initialDelay: 4s, interval: 500ms, count: 3, inconclusiveLimit: 2, successCondition: result < 0.05, provider: {envoy: {metric: errorRatio, window: 2s}}}
  - {name: slow, initialDelay: 4s, interval: 500ms, count: 3, inconclusiveLimit: 2, successCondition: result < 0.1, provider: {envoy: {metric: latencyQuantile, quantile: 0.5, window: 2s}}}
  - {name: rate, initialDelay: 4s, interval: 500ms, count: 3, inconclusiveLimit: 2, successCondition: result > 50 && result < 150, provider: {envoy: {metric: requestRate, window: 2s}}}
  - {name: both, initialDelay: 4s, interval: 500ms, count: 3, inconclusiveLimit: 2, successCondition: result > 50 && result < 150, provider: {envoy: {metric: requestRate, version: stable, window: 2s}}}
  - {name: open, initialDelay: 4s, interval: 500ms, count: 3, inconclusiveLimit: 2, successCondition: result >= 1 && result <= 32, provider: {envoy: {metric: connections, window: 2s}}}
`

// puts copies ready-made templates into the folder.
func (r *rig) puts(templates ...string) {
	r.t.Helper()
	for _, name := range templates {
		text, err := os.ReadFile(filepath.Join(templatesDir, name+".yaml"))
		r.must(err)
		r.must(r.folder.Put(name+".yaml", string(text)))
	}
}

// failedBy rolls a version out, waits until it is aborted, and checks that it is
// because of one metric.
func (r *rig) failedBy(version, metric string) {
	r.t.Helper()
	r.want(version)
	bad := r.await(version+" aborted", func(s api.RolloutStatus) bool { return degraded(s) && s.CurrentPodHash == version })
	if want := fmt.Sprintf("Metric %q assessed Failed", metric); !strings.Contains(bad.Message, want) {
		r.t.Errorf("aborted because of %q, want %s", bad.Message, want)
	}
}

func TestEnvoyMetrics(t *testing.T) {
	r := newRig(t, options{
		versions: []string{"v1", "v2", "v3", "v4", "v5"}, guard: `{mode: "off"}`, noSerin: true,
		steps: []string{"setWeight: 50", "analysis: {templates: [{templateName: own}, {templateName: overflow}], " +
			"args: [{name: window, value: 2s}, {name: interval, value: 500ms}, {name: count, value: \"3\"}]}", "setWeight: 80", "pause: {}"},
	})
	r.must(r.folder.Put("own.yaml", ownMetrics))
	r.puts("overflow")
	r.start()
	// v5 has a circuit breaker that takes one request at a time.
	r.envoy("edge-1", func(boot string) string {
		const layers = "layered_runtime:\n  layers:\n"
		if !strings.Contains(boot, layers) {
			t.Fatalf("there are no layers in\n%s", boot)
		}
		return strings.Replace(boot, layers, layers+"  - name: test\n    static_layer: {\"circuit_breakers.default/shop/80/v5.default.max_requests\": 1}\n", 1)
	})
	r.load(200)

	began := time.Now()
	r.want("v2")
	st := r.await("paused at 80%", paused(80))
	if took := time.Since(began); took < 5*time.Second {
		t.Errorf("the analysis took %s, less than its delay and two intervals", took)
	}
	for _, e := range st.Evidence {
		if e.Judge != "analysis" || e.Verdict != api.VerdictGood {
			t.Errorf("evidence %+v", e)
		}
	}
	if len(st.Evidence) != 6 {
		t.Errorf("%d metrics have a verdict, want 6", len(st.Evidence))
	}
	r.does("promote", "shop")
	r.await("healthy on v2", healthy("v2"))

	r.apps["v3"].Set(lab.Fault{FailRatio: 0.2})
	r.failedBy("v3", "errors")
	r.apps["v4"].Set(lab.Fault{Delay: 150 * time.Millisecond})
	r.failedBy("v4", "slow")
	r.apps["v5"].Set(lab.Fault{Delay: 20 * time.Millisecond})
	r.failedBy("v5", "overflow")
}

// TestCompareTemplate: Kayenta's judge compares the versions by what an Envoy
// reports of them.
func TestCompareTemplate(t *testing.T) {
	r := newRig(t, options{
		versions: []string{"v1", "v2", "v3", "v4"}, guard: `{mode: "off"}`, noSerin: true,
		steps: []string{"setWeight: 50", "analysis: {templates: [{templateName: compare}], " +
			"args: [{name: window, value: 12s}, {name: step, value: 1s}]}", "setWeight: 80", "pause: {}"},
	})
	r.puts("compare")
	r.start()
	r.envoy("edge-1", nil)
	r.load(400)
	r.want("v2")
	r.await("paused at 80%", paused(80))
	r.does("promote", "shop")
	r.await("healthy on v2", healthy("v2"))
	r.apps["v3"].Set(lab.Fault{FailRatio: 0.2})
	r.failedBy("v3", "compare")
	r.apps["v4"].Set(lab.Fault{Delay: 60 * time.Millisecond})
	r.want("v4") // slower, and that is for a person to decide
	slow := r.await("paused at 50%", paused(50))
	if !strings.Contains(slow.Message, "InconclusiveAnalysisRun") {
		t.Errorf("paused because of %q", slow.Message)
	}
}
