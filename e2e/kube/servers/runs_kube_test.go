//go:build kube

package servers_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"

	"github.com/serin-mesh/serin/internal/kubelab"
	"github.com/serin-mesh/serin/internal/lab"
)

// analysed are the steps of a Rollout that asks a web address, and its template.
const analysed = `
      steps: [{setWeight: 10}, {analysis: {templates: [{templateName: web}]}}]
---
apiVersion: serin.dev/v1alpha1
kind: AnalysisTemplate
metadata: {name: web, namespace: $NS}
spec: {metrics: [{name: ok, successCondition: result == "fine", provider: {web: {url: "$URL", jsonPath: "{$.is}"}}}]}
`

// TestAnalysisRuns: what is analysed is there for kubectl, owned by the Rollout, and
// goes with it.
func TestAnalysisRuns(t *testing.T) {
	p := newPlace(t, "runs")
	k, err := kubelab.StartKubelet(p.ctx, p.cluster.Config(kubelab.Admin), kubelab.KubeletOptions{
		Namespace: p.namespace, Nodes: []string{p.namespace + "-a"},
		Backend: kubelab.HTTP(func(*core.Pod) http.Handler { return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}) }),
	})
	p.must(err)
	t.Cleanup(func() { p.must(k.Close()) })
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"is": "fine"}`) }))
	t.Cleanup(web.Close)
	port, err := lab.FreePort()
	p.must(err)
	head, _, _ := strings.Cut(shop, "\n      steps:")
	put := func(version string) {
		p.must(p.cluster.Apply(p.ctx, strings.NewReplacer("$NS", p.namespace, "$PORT", fmt.Sprint(port), "$VERSION", version, "$URL", web.URL).Replace(head+analysed)))
	}
	put("v1")
	s := p.serve()
	p.answers(s, "/readyz", http.StatusOK)
	p.envoy("e1", s.xds)
	p.reaches(s, "the first version", func(s status) bool { return s.Phase == "Healthy" })
	put("v2")
	p.until("a run that was successful", func(context.Context) (bool, error) {
		out, err := p.kubectl("", "get", "analysisruns.serin.dev", "-o",
			`jsonpath={range .items[*]}{.metadata.ownerReferences[0].kind}/{.metadata.ownerReferences[0].name} {.status.phase} {.status.metricResults[0].name}{"\n"}{end}`)
		if err == nil && out != "Rollout/shop Successful ok\n" {
			err = fmt.Errorf("there are %q", out)
		}
		return err == nil, err
	})
	if out, err := p.kubectl("", "delete", "rollouts.serin.dev", "shop"); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	p.until("it goes with its Rollout", func(context.Context) (bool, error) {
		out, err := p.kubectl("", "get", "analysisruns.serin.dev", "-o", "name")
		if err == nil && out != "" {
			err = fmt.Errorf("there are %q", out)
		}
		return err == nil, err
	})
}
