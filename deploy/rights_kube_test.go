//go:build kube

package deploy_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/serin-mesh/serin/internal/kubelab"
	"github.com/serin-mesh/serin/internal/stage"
)

// TestRights: with the rights of the chart, and no other, the program reads, scales
// and says what it does; nothing that it asks for is forbidden.
func TestRights(t *testing.T) {
	t.Run("everywhere", func(t *testing.T) { rights(t, "serin.dev", "rbac.secrets={token}") })
	t.Run("one namespace, and Argo's Rollouts", func(t *testing.T) {
		rights(t, "argoproj.io", "rbac.secrets={*}", "namespaces={default}", "adoptArgo=true", "guardMode=observe")
	})
}

// rights plays Rollouts of a group under the chart with some values.
func rights(t *testing.T, group string, values ...string) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := kubelab.Start(ctx, kubelab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	admin, err := c.Kubeconfig(kubelab.Admin)
	if err != nil {
		t.Fatal(err)
	}
	argo := os.Getenv("SERIN_ARGO_CRDS")
	if argo == "" {
		t.Fatal("SERIN_ARGO_CRDS is not set: run `make test-kube`, or set it to what `scripts/argo.sh crds` prints")
	}
	if err := c.Define(ctx, argo); err != nil {
		t.Fatal(err)
	}
	p := &place{T: t, ctx: ctx, cluster: c, namespace: "serin-system", config: admin}
	args := []string{"install", "serin", chart, "--create-namespace", "--set", "tls.source=none"}
	for _, v := range values {
		args = append(args, "--set", v)
	}
	p.helm(args...)
	log := p.serve()
	p.namespace = "default"
	p.kubectlOn(strings.ReplaceAll(inCluster, "serin.dev/", group+"/"), "apply", "-f", "-")
	some := func(got string) bool { return got != "" }
	for _, name := range []string{"shop", "cart"} {
		p.becomes(name+" stable", some, "get", "rollouts."+group, name, "-o", "jsonpath={.status.stableRS}")
	}
	p.kubectl("scale", "rollouts."+group+"/shop", "--replicas=2")
	p.becomes("two pods", func(got string) bool { return strings.Count(got, "\n") == 2 }, "get", "pods", "-l", "app=shop", "-o", "name")
	p.kubectl("patch", "rollouts."+group, "shop", "--type", "merge", "-p", `{"spec": {"restartAt": "2026-01-01T00:00:00Z",
		"template": {"spec": {"containers": [{"name": "shop", "image": "shop:2"}]}}}}`)
	p.becomes("two versions", func(got string) bool { return strings.Count(got, "\n") == 2 }, "get", "replicasets", "-l", "app=shop", "-o", "name")
	p.becomes("an Event", func(got string) bool { return strings.Contains(got, "CanaryStarted") },
		"get", "events", "-o", "jsonpath={.items[*].reason}")
	p.namespace = "serin-system"
	p.becomes("state", func(got string) bool {
		return strings.Contains(got, "configmap/serin-rollout-") && strings.Contains(got, "lease")
	}, "get", "configmaps,leases", "-o", "name")
	if text := log.String(); strings.Contains(text, "forbidden") {
		t.Errorf("something is forbidden:\n%s", text)
	}
}

// inCluster are a Rollout of each form, and what they refer to.
const inCluster = `
apiVersion: serin.dev/v1alpha1
kind: Rollout
metadata: {name: shop}
spec:
  selector: {matchLabels: {app: shop}}
  template: {metadata: {labels: {app: shop}}, spec: {containers: [{name: shop, image: "shop:1"}]}}
  strategy:
    canary:
      steps: [{setWeight: 20}, {analysis: {templates: [{templateName: rate}]}}]
---
apiVersion: serin.dev/v1alpha1
kind: AnalysisTemplate
metadata: {name: rate}
spec:
  args: [{name: token, valueFrom: {secretKeyRef: {name: token, key: token}}}]
  metrics: [{name: rate, successCondition: "result < 1", provider: {web: {url: "http://127.0.0.1:1/{{args.token}}"}}}]
---
apiVersion: v1
kind: Secret
metadata: {name: token}
stringData: {token: abc}
---
apiVersion: serin.dev/v1alpha1
kind: Rollout
metadata: {name: cart}
spec:
  workloadRef: {apiVersion: apps/v1, kind: Deployment, name: cart, scaleDown: onsuccess}
  strategy: {canary: {}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart}
spec:
  selector: {matchLabels: {app: cart}}
  template: {metadata: {labels: {app: cart}}, spec: {containers: [{name: cart, image: "cart:1"}]}}
---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {selector: {app: shop}, ports: [{port: 80}]}
`

// serve runs the program as the chart's ServiceAccount, with the chart's flags as
// far as they mean something outside of a pod, until the test ends.
func (p *place) serve() *stage.Output {
	p.Helper()
	dir := p.TempDir()
	binary := filepath.Join(dir, "serin")
	if out, err := exec.CommandContext(p.ctx, "go", "build", "-o", binary, "../cmd/serin").CombinedOutput(); err != nil {
		p.Fatalf("building serin: %v\n%s", err, out)
	}
	config, err := p.cluster.ServiceAccountConfig(p.ctx, "serin-system", "serin")
	if err != nil {
		p.Fatal(err)
	}
	kubeconfig := filepath.Join(dir, "kubeconfig")
	if err := kubelab.WriteKubeconfig(kubeconfig, config); err != nil {
		p.Fatal(err)
	}
	args := strings.Fields(p.kubectl("get", "deployment", "serin", "-o", "jsonpath={.spec.template.spec.containers[0].args[*]}"))
	for i := range args {
		switch name, _, _ := strings.Cut(args[i], "="); name {
		case "--xds-listen", "--http-listen":
			args[i] = name + "=127.0.0.1:0"
		case "--token-file":
			args[i] = name + "=" + filepath.Join(dir, "tokens")
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "tokens"), p.secret("serin-tokens", "tokens"), 0o600); err != nil {
		p.Fatal(err)
	}
	log := &stage.Output{}
	cmd := exec.Command(binary, append(args, "--kubeconfig", kubeconfig)...) // the test's end tells it to end
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	if err := cmd.Start(); err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			p.Errorf("serin ended with %v", err)
		}
		if p.Failed() {
			p.Logf("serin said:\n%s", log)
		}
	})
	return log
}

// becomes waits until what kubectl prints is as it is to be.
func (p *place) becomes(what string, holds func(string) bool, args ...string) {
	p.Helper()
	err := kubelab.Until(p.ctx, what, func(context.Context) (bool, error) {
		out, err := p.try("", "kubectl", args...)
		return err == nil && holds(out), err
	})
	if err != nil {
		p.Fatal(err)
	}
}
