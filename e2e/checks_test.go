package e2e_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/internal/lab"
)

// rateTemplate asks a Prometheus which part of a version's requests did not
// fail, three times half a second apart.
const rateTemplate = `apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: rate}
spec:
  args: [{name: version}]
  metrics:
  - name: ok
    initialDelay: 3s
    interval: 500ms
    count: 3
    successCondition: result[0] >= 0.95
    provider:
      prometheus:
        address: %s
        query: |
          %s
`

// asks waits for a step that asks, by what its message says.
func (r *rig) asks(what string) api.RolloutStatus {
	r.t.Helper()
	return r.await(what+" runs", func(s api.RolloutStatus) bool { return strings.Contains(s.Message, what+" runs") })
}

// TestChecks: a canary is proved by its traffic, waits at a gate, is analysed by
// a real Prometheus that scrapes a real Envoy, goes on there after a kill, and a
// version that fails the analysis is taken out.
func TestChecks(t *testing.T) {
	var open atomic.Bool
	gate := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !open.Load() {
			http.Error(w, "not yet", http.StatusForbidden)
		}
	}))
	t.Cleanup(gate.Close)
	r := newRig(t, options{
		versions: []string{"v1", "v2", "v3"}, guard: `{mode: "off"}`, noSerin: true,
		steps: []string{"setWeight: 20", "prove: {}", fmt.Sprintf("gate: {web: {url: %q}, interval: 100ms}", gate.URL),
			"analysis: {templates: [{templateName: rate}], args: [{name: version, valueFrom: {podTemplateHashValue: Latest}}]}",
			"setWeight: 50", "pause: {}"},
	})
	query := strings.ReplaceAll(okRatio, "\n", "\n          ")
	put := func(address string) { r.must(r.folder.Put("rate.yaml", fmt.Sprintf(rateTemplate, address, query))) }
	put("http://nowhere.invalid")
	r.start()
	put(r.scraped())
	_, stop := r.load(400)

	r.want("v2")
	proved := r.asks("gate")
	if e := proved.Evidence; len(e) == 0 || e[0].Judge != "prove" || e[0].Verdict != api.VerdictGood || e[0].CanaryRequests < 600 {
		t.Errorf("it went past the proof with the evidence %+v", e)
	}
	r.kill()
	r.start()
	r.asks("gate")
	open.Store(true)
	done := r.await("paused at 50%", paused(50))
	if ref := done.Canary.CurrentStepAnalysisRunStatus; ref == nil || ref.Status != api.AnalysisSuccessful {
		t.Errorf("the analysis: %+v", ref)
	}
	r.does("promote", "shop")
	r.await("healthy on v2", healthy("v2"))
	if c := stop(); c.Failed != 0 {
		t.Errorf("%d of %d requests failed, last: %v", c.Failed, c.Requests, c.LastError)
	}

	// A tenth fails: it cannot be proved, and a person who goes past that is
	// told by the analysis.
	r.load(400)
	r.apps["v3"].Set(lab.Fault{FailRatio: 0.1})
	r.want("v3")
	r.asks("prove")
	r.does("promote", "shop")
	bad := r.await("aborted", degraded)
	if !strings.Contains(bad.Message, "analysis rate: Failed") {
		t.Errorf("aborted because of %q", bad.Message)
	}
	out := r.does("explain", "shop")
	if !strings.Contains(out, "analysis rate") {
		t.Errorf("explain says\n%s", out)
	}
}
