//go:build kube

package servers_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/serin-mesh/serin/internal/lab"
)

// hook is the webhook of the chart, at an address.
const hook = `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: %s}
webhooks:
  - name: validate.serin.dev
    admissionReviewVersions: [v1]
    sideEffects: None
    failurePolicy: Fail
    matchPolicy: Equivalent
    clientConfig: {url: "https://%s/validate", caBundle: %s}
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %[1]s}}
    rules:
      - {apiGroups: [serin.dev], apiVersions: [v1alpha1], operations: [CREATE, UPDATE], scope: "*",
         resources: [rollouts, analysistemplates, clusteranalysistemplates, analysisruns, experiments, releases]}
`

// hooked is a Rollout with a strategy.
const hooked = `
apiVersion: serin.dev/v1alpha1
kind: Rollout
metadata: {name: shop}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: shop, image: "shop:1"}]}
  strategy: {canary: {%s}}
`

// TestWebhook: the API server refuses what a server finds wrong, kubectl shows its
// warnings, and a server that only waits to lead answers as well.
func TestWebhook(t *testing.T) {
	p := newPlace(t, "webhook")
	authority, err := lab.NewAuthority(t.TempDir())
	p.must(err)
	own, err := authority.Sign("webhook", "127.0.0.1")
	p.must(err)
	bundle, err := os.ReadFile(authority.CA())
	p.must(err)
	ports, err := lab.FreePorts(2)
	p.must(err)
	for i, port := range ports {
		s := p.serve("--webhook-listen", fmt.Sprintf("127.0.0.1:%d", port), "--webhook-cert", own.Cert, "--webhook-key", own.Key)
		if p.answers(s, "/healthz", 200); i == 0 {
			p.answers(s, "/readyz", 200)
		}
		p.must(p.cluster.Apply(p.ctx, fmt.Sprintf(hook, p.namespace, fmt.Sprintf("127.0.0.1:%d", port), base64.StdEncoding.EncodeToString(bundle))))
		p.judges()
	}
}

// judges checks the three answers. The API server takes a moment to ask.
func (p *place) judges() {
	p.Helper()
	try := func(strategy string) (string, error) {
		return p.kubectl(fmt.Sprintf(hooked, strategy), "create", "--dry-run=server", "-f", "-")
	}
	const bad = `steps: [{setHeaderRoute: {name: x, match: [{headerName: a, headerValue: {exact: b}}]}}]`
	var out string
	p.until("a bad Rollout is refused", func(context.Context) (bool, error) {
		var err error
		out, err = try(bad)
		return err != nil && strings.Contains(out, "E212 spec.strategy.canary"), nil
	})
	if !strings.Contains(out, `admission webhook "validate.serin.dev" denied the request: `) {
		p.Errorf("refused with %s", out)
	}
	if out, err := try("trafficRouting: {nginx: {stableIngress: x}}, steps: [{setWeight: 20}]"); err != nil || !strings.Contains(out, "Warning: W") {
		p.Errorf("a Rollout with a warning: %v %s", err, out)
	}
	if out, err := try("steps: [{setWeight: 20}]"); err != nil || strings.Contains(out, "Warning") {
		p.Errorf("a good Rollout: %v %s", err, out)
	}
}
