//go:build kube

package kubelab_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/serin-mesh/serin/internal/kubelab"
)

// TestGatewayCRDs: the standard channel installs, and its kinds can be used at
// once. The experimental one, which may not follow it, is there too.
func TestGatewayCRDs(t *testing.T) {
	p := newPlace(t, "gateway")
	dir, err := kubelab.GatewayCRDs(p.ctx, "standard")
	p.must(err)
	p.must(p.cluster.ApplyFolder(p.ctx, dir))
	experimental, err := kubelab.GatewayCRDs(p.ctx, "experimental")
	p.must(err)
	if _, err := os.Stat(filepath.Join(experimental, "gateway.networking.k8s.io_tcproutes.yaml")); err != nil {
		t.Error(err)
	}
	p.must(p.cluster.WaitCRD(p.ctx, "httproutes.gateway.networking.k8s.io"))
	p.apply(`
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop, namespace: $NS}
spec: {rules: [{backendRefs: [{name: shop, port: 80}]}]}
`)
	err = p.cluster.Apply(p.ctx, `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: wrong}
spec: {rules: [{backendRefs: [{name: shop, weight: -1}]}]}
`)
	if err == nil || !strings.Contains(err.Error(), `applying HTTPRoute "wrong"`) {
		t.Errorf("a route with a negative weight: %v", err)
	}
}

// TestApplyWaitsForCRDs: an object may follow its kind in one text.
func TestApplyWaitsForCRDs(t *testing.T) {
	p := newPlace(t, "crd")
	p.apply(`
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: birds.example.org}
spec:
  group: example.org
  names: {kind: Bird, plural: birds}
  scope: Namespaced
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
---
# A document may be empty.
---
{apiVersion: example.org/v1, kind: Bird, metadata: {name: serin}}
`)
	err := p.cluster.Apply(p.ctx, "{apiVersion: example.org/v1, kind: Fish, metadata: {name: cod}}")
	if err == nil || !strings.Contains(err.Error(), `no matches for kind "Fish"`) {
		t.Errorf("a kind that does not exist: %v", err)
	}
}
