//go:build kube

package kube_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/serin-mesh/serin/internal/kubelab"
)

// argoRollout is a Rollout of Argo's.
const argoRollout = `
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: shop, namespace: default}
spec:
  replicas: 1
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: shop, image: "shop:1"}]}
  strategy: {canary: {steps: [{setWeight: 20}, {pause: {}}]}}
`

// TestArgoTools: Argo's kinds can be installed, and its plugin reads and changes
// Rollouts, whoever runs them.
func TestArgoTools(t *testing.T) {
	crds := os.Getenv("SERIN_ARGO_CRDS")
	if crds == "" {
		t.Fatal("SERIN_ARGO_CRDS is not set: run `make test-kube`, or set it to what `scripts/argo.sh crds` prints")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := start(ctx, t, kubelab.KubeletOptions{})
	if err := c.ApplyFolder(ctx, crds); err != nil {
		t.Fatal(err)
	}
	if err := c.Apply(ctx, argoRollout); err != nil {
		t.Fatal(err)
	}
	argo, kubectl := tool(ctx, t, c, "argo"), tool(ctx, t, c, "kubectl")
	if got := argo("get", "rollout", "shop"); !strings.Contains(got, "Strategy:        Canary") {
		t.Errorf("the plugin shows %s", got)
	}
	argo("set", "image", "shop", "shop=shop:2")
	argo("pause", "shop")
	got := kubectl("get", "rollout", "shop", "-o", "jsonpath={.spec.paused} {.spec.template.spec.containers[0].image}")
	if got != "true shop:2" {
		t.Errorf("the Rollout has %s", got)
	}
}
