package api_test

import (
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/serin-mesh/serin/api"
)

func contains(text, part string) bool { return strings.Contains(text, part) }

// content reads one YAML document as the Kubernetes API would give it.
func content(t *testing.T, text string) map[string]any {
	t.Helper()
	var out map[string]any
	if err := yaml.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

const inCluster = `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: cart, namespace: shop, uid: u, generation: 3, creationTimestamp: "2026-01-01T00:00:00Z"}
spec:
  replicas: 3
  template: {metadata: {creationTimestamp: null, labels: {app: cart}}, spec: {containers: [{name: c, image: "i:1"}]}}
  strategy:
    canary: {maxSurge: 25%, trafficRouting: {nginx: {stableIngress: x}}, steps: [STEP]}
status: {phase: Healthy, somethingNew: true}
`

// TestDecodeObject: an object of a cluster gets the findings of one in a file,
// with another place, and without those about pods that files do not have.
func TestDecodeObject(t *testing.T) {
	d, findings := api.DecodeObject(content(t, strings.Replace(inCluster, "STEP", "{setWeight: 20, unknown: 1}, {setWeight: 120}", 1)))
	want := []string{
		"rollout.argoproj.io shop/cart: E102 spec.strategy.canary.steps[0].unknown: unknown field; remove it",
	}
	if d.Object != nil || d.Key.String() != "shop/cart" || d.File != "rollout.argoproj.io shop/cart" {
		t.Errorf("document %+v", d)
	}
	if got := texts(findings); got != strings.Join(want, "\n") {
		t.Errorf("found\n%s", got)
	}
	d, findings = api.DecodeObject(content(t, strings.Replace(inCluster, "STEP", "{setWeight: 20}, {pause: {}}", 1)))
	r, ok := d.Object.(*api.Rollout)
	if !ok || r.Generation != 3 || r.Status.Phase != "" {
		t.Fatalf("object %+v", d.Object)
	}
	if got := texts(findings); !strings.HasPrefix(got, "rollout.argoproj.io shop/cart: W221 spec.strategy.canary.trafficRouting.nginx: ") || contains(got, "W222") {
		t.Errorf("found\n%s", got)
	}
}

// texts writes findings, one a line.
func texts(findings []api.Finding) string {
	var out []string
	for _, f := range findings {
		out = append(out, f.String())
	}
	return strings.Join(out, "\n")
}

// TestAsFromFiles: whatever a file and a cluster give, the object is the same.
func TestAsFromFiles(t *testing.T) {
	for _, text := range []string{
		strings.Replace(inCluster, "STEP", "{setWeight: 20}, {pause: {duration: 10}}", 1),
		"apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: web, namespace: shop}\nspec: {rules: [{backendRefs: [{name: cart, port: 80}]}]}\n",
		"apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: edge}\nspec: {gatewayClassName: s, listeners: [{name: a, port: 1, protocol: HTTP}]}\n",
	} {
		docs, _ := api.Decode("f.yaml", []byte(text))
		d, _ := api.DecodeObject(content(t, text))
		if a, b := marshal(t, docs[0].Object), marshal(t, d.Object); a != b {
			t.Errorf("a file gives\n%s\nand a cluster\n%s", a, b)
		}
	}
}

// marshal writes an object as YAML.
func marshal(t *testing.T, o any) string {
	t.Helper()
	data, err := yaml.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
