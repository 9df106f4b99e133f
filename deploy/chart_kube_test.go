//go:build kube

package deploy_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/serin-mesh/serin/internal/kubelab"
)

const chart = "chart/serin"

// installHead is what install.yaml begins with: Helm makes no namespace.
const installHead = `# Made by ` + "`make generate`" + ` from the chart in deploy/chart/serin; do not edit.
# Certificates come from cert-manager, which must be there. Nobody may act over
# HTTP until there is a token: docs/how-to/install-in-kubernetes.md.
apiVersion: v1
kind: Namespace
metadata:
  name: serin-system
  labels:
    pod-security.kubernetes.io/enforce: restricted
`

// template gives what Helm makes of the chart, with an empty Kubernetes around it.
func template(t *testing.T, values ...string) string {
	t.Helper()
	path, err := kubelab.Tool("SERIN_HELM", "scripts/helm.sh")
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"template", "serin", chart, "--namespace", "serin-system"}
	for _, v := range values {
		args = append(args, "--set", v)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "KUBECONFIG=/dev/null")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("helm template %v: %v\n%s", values, err, stderr.String())
	}
	return string(out)
}

// TestInstall proves that the plain manifests are those of the chart.
func TestInstall(t *testing.T) {
	text := template(t, "tls.source=certManager", "http.tokens.create=false")
	text = strings.ReplaceAll(text, "app.kubernetes.io/managed-by: Helm", "app.kubernetes.io/managed-by: kubectl")
	text = strings.ReplaceAll(text, "    helm.sh/resource-policy: keep\n", "    {}\n")
	fresh(t, "install.yaml", installHead+text)
}

// variants are sets of values that between them render every template and branch.
var variants = map[string][]string{
	"default": nil,
	"envoy":   {"envoy.enabled=true"},
	"plain":   {"tls.source=none", "envoy.enabled=true", "envoy.admin=", "http.tokens.create=false"},
	"own": {"tls.source=secret", "tls.serverSecret=a", "tls.envoySecret=b", "tls.caBundle=YQ==", "envoy.enabled=true", "webhook.enabled=true",
		"http.tokens.existingSecret=c", "image.digest=sha256:" + strings.Repeat("0", 64)},
	"cert-manager": {"tls.source=certManager", "webhook.enabled=true", "tls.certManager.issuerRef.kind=ClusterIssuer", "tls.certManager.issuerRef.name=x"},
	"few":          {"namespaces={default,kube-system}", "adoptArgo=true", "guardMode=observe", "prometheus=http://p:9090", "crds.keep=false", "rbac.secrets={token}"},
	"webhook":      {"webhook.enabled=true", "namespaces={default}"},
	"bare": {"crds.install=false", "rbac.create=false", "serviceAccount.create=false", "networkPolicy.enabled=false",
		"podDisruptionBudget.enabled=false"},
	"watched": {"rbac.secrets={*}", "serviceMonitor.enabled=true", "prometheusRule.enabled=true", "dashboard.enabled=true", "extraArgs={--drain=5s}",
		"podLabels.a=b", "podAnnotations.a=b", "nodeSelector.a=b", "priorityClassName=x", "imagePullSecrets[0].name=x",
		"extraEnv[0].name=A,extraEnv[0].value=b", "xds.service.annotations.a=b", "networkPolicy.xdsFrom[0].podSelector.matchLabels.a=b"},
}

// others are the kinds of other projects that the chart makes objects of; here
// they take anything.
var others = map[string][]string{
	"cert-manager.io":       {"Certificate", "Issuer"},
	"monitoring.coreos.com": {"ServiceMonitor", "PrometheusRule"},
}

// withOthers has the API server serve the kinds of others.
func (p *place) withOthers() {
	p.Helper()
	for group, kinds := range others {
		for _, kind := range kinds {
			plural := strings.ToLower(kind) + "s"
			err := p.cluster.Apply(p.ctx, "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: "+plural+"."+group+
				"}, spec: {group: "+group+", scope: Namespaced, names: {kind: "+kind+", plural: "+plural+"}, versions: [{name: v1, served: true, storage: true, "+
				"schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]}}")
			if err != nil {
				p.Fatal(err)
			}
		}
	}
}

// TestVariants: the API server takes every object that the chart makes, strictly,
// and lets its pods run where the strictest of the pod security standards holds.
func TestVariants(t *testing.T) {
	p := newPlace(t, "serin-system")
	p.withOthers()
	p.kubectl("label", "namespace", "serin-system", "pod-security.kubernetes.io/enforce=restricted")
	p.kubectl("create", "serviceaccount", "serin")
	texts := map[string]string{"install.yaml": strings.Replace(read(t, "install.yaml"), installHead, "", 1)}
	for name, values := range variants {
		texts[name] = template(t, values...)
	}
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			q := *p
			q.T, q.namespace = t, ""
			if out, err := q.try(text, "kubectl", "apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "-f", "-"); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			for _, o := range documents(t, text) {
				if o.GetKind() == "Deployment" {
					q.mayRun(o)
				}
			}
		})
	}
}

// mayRun sees that a pod of a Deployment is admitted.
func (p *place) mayRun(deployment *unstructured.Unstructured) {
	p.Helper()
	pod, _, _ := unstructured.NestedMap(deployment.Object, "spec", "template")
	pod["apiVersion"], pod["kind"] = "v1", "Pod"
	_ = unstructured.SetNestedField(pod, "probe", "metadata", "name")
	_ = unstructured.SetNestedField(pod, "serin-system", "metadata", "namespace")
	_ = unstructured.SetNestedField(pod, "default", "spec", "serviceAccountName")
	unstructured.RemoveNestedField(pod, "spec", "priorityClassName")
	if out, err := p.try(marshal(p.T, pod), "kubectl", "create", "--dry-run=server", "-f", "-"); err != nil {
		p.Errorf("a pod of %s: %v\n%s", deployment.GetName(), err, out)
	}
}

// TestValuesAreKnown: a value that the chart does not have is refused, and so is
// one of another type.
func TestValuesAreKnown(t *testing.T) {
	p := newPlace(t, "values")
	for _, bad := range []string{"replica=3", "tls.source=magic", "replicas=many", "envoy.ports[0].prt=1", "webhook.failurePolicy=Maybe"} {
		if out, err := p.try("", "helm", "template", "serin", chart, "--set", bad); err == nil || !strings.Contains(out, "values don't meet the specifications") {
			t.Errorf("%s: %v %s", bad, err, out)
		}
	}
	p.helm("lint", "--strict", chart)
}

// TestUpgrade: an installation is upgraded with the kinds' definitions; what was
// made at random stays; and what is removed leaves the Rollouts.
func TestUpgrade(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := kubelab.Start(ctx, kubelab.Options{}) // without the kinds of the shared one
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	config, err := c.Kubeconfig(kubelab.Admin)
	if err != nil {
		t.Fatal(err)
	}
	p := &place{T: t, ctx: ctx, cluster: c, namespace: "serin-system", config: config}
	p.helm("install", "serin", older(t), "--create-namespace", "--set", "envoy.enabled=true,webhook.enabled=true")
	p.kubectlOn(`
apiVersion: serin.dev/v1alpha1
kind: Rollout
metadata: {name: shop}
spec: {template: {}, strategy: {canary: {}}}
`, "apply", "-f", "-")
	secrets := func() []string {
		return strings.Fields(p.kubectl("get", "secrets", "-o", "jsonpath={.items[?(@.type!='helm.sh/release.v1')].data}"))
	}
	before := secrets()
	if got := p.kubectl("get", "crd", "rollouts.serin.dev", "-o", "jsonpath={.spec.names.shortNames}"); got != `["older"]` {
		t.Fatalf("the older chart has %s", got)
	}
	p.helm("upgrade", "serin", chart, "--set", "envoy.enabled=true,webhook.enabled=true,replicas=3")
	if got := p.kubectl("get", "crd", "rollouts.serin.dev", "-o", "jsonpath={.spec.names.shortNames}"); got != `["sro"]` {
		t.Errorf("after the upgrade it has %s", got)
	}
	if diff := cmp.Diff(before, secrets()); diff != "" || len(before) == 0 {
		t.Error("the upgrade changed secrets")
	}
	p.certificates()
	p.helm("uninstall", "serin")
	if got := p.kubectl("get", "rollouts.serin.dev", "-o", "name"); got != "rollout.serin.dev/shop\n" {
		t.Errorf("what was removed leaves %q", got)
	}
	if got := p.kubectl("get", "all,secrets,clusterroles,validatingwebhookconfigurations", "-A", "-l", "app.kubernetes.io/instance=serin", "-o", "name"); got != "" {
		t.Errorf("what was removed left %s", got)
	}
}

// older gives a chart that has another short name.
func older(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(chart)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "templates/crds/serin.dev_rollouts.yaml")
	text := strings.Replace(read(t, file), "- sro\n", "- older\n", 1)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// secret gives the data of a Secret.
func (p *place) secret(name, key string) []byte {
	p.Helper()
	raw, err := base64.StdEncoding.DecodeString(p.kubectl("get", "secret", name, "-o", "jsonpath={.data."+strings.ReplaceAll(key, ".", `\.`)+"}"))
	if err != nil || len(raw) == 0 {
		p.Fatalf("the Secret %s has no %s: %v", name, key, err)
	}
	return raw
}

// certificates: those of the chart vouch for who uses them, and Envoy starts with
// them.
func (p *place) certificates() {
	p.Helper()
	bundle := p.kubectl("get", "validatingwebhookconfigurations", "-o", "jsonpath={.items[0].webhooks[0].clientConfig.caBundle}")
	if ca := p.secret("serin-server-tls", "ca.crt"); base64.StdEncoding.EncodeToString(ca) != bundle {
		p.Error("the webhook trusts another authority")
	}
	for name, uses := range map[string]x509.VerifyOptions{
		"serin-server-tls": {DNSName: "serin-webhook.serin-system.svc", KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}},
		"serin-envoy-tls":  {KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}},
	} {
		pair, err := tls.X509KeyPair(p.secret(name, "tls.crt"), p.secret(name, "tls.key"))
		if err != nil {
			p.Fatal(err)
		}
		uses.Roots = x509.NewCertPool()
		uses.Roots.AppendCertsFromPEM(p.secret("serin-server-tls", "ca.crt"))
		if _, err := pair.Leaf.Verify(uses); err != nil {
			p.Errorf("%s: %v", name, err)
		}
		if name == "serin-server-tls" && !slices.Contains(pair.Leaf.DNSNames, "serin-xds.serin-system.svc") {
			p.Errorf("the server is good for %v", pair.Leaf.DNSNames)
		}
	}
	p.envoyStarts()
}

// envoyStarts has a real Envoy read the bootstrap of the chart.
func (p *place) envoyStarts() {
	p.Helper()
	dir := p.TempDir()
	for _, key := range []string{"tls.crt", "tls.key", "ca.crt"} {
		if err := os.WriteFile(filepath.Join(dir, key), p.secret("serin-envoy-tls", key), 0o600); err != nil {
			p.Fatal(err)
		}
	}
	text := p.kubectl("get", "configmap", "serin-envoy", "-o", `jsonpath={.data.envoy\.yaml}`)
	if strings.Contains(text, "-here") || !strings.Contains(text, "cluster: serin-system/edge") || !strings.Contains(text, "port_value: 18000") {
		p.Errorf("the bootstrap has words that were not replaced:\n%s", text)
	}
	file := filepath.Join(dir, "envoy.yaml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, "/etc/serin/tls", dir)), 0o600); err != nil {
		p.Fatal(err)
	}
	envoy, err := kubelab.Tool("SERIN_ENVOY", "scripts/envoy.sh")
	if err != nil {
		p.Fatal(err)
	}
	if out, err := exec.CommandContext(p.ctx, envoy, "--mode", "validate", "-c", file).CombinedOutput(); err != nil {
		p.Errorf("Envoy refuses the bootstrap: %v\n%s", err, out)
	}
}
