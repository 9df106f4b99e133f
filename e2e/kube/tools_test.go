//go:build kube

package kube_test

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	core "k8s.io/api/core/v1"

	"github.com/serin-mesh/serin/internal/kubelab"
)

// patience bounds every wait of these tests. It is long because the machine may
// be busy; nothing is measured by it.
const patience = 3 * time.Minute

// chart is a Helm chart of one Deployment.
var chart = map[string]string{
	"Chart.yaml":  "{apiVersion: v2, name: shop, version: 0.1.0}",
	"values.yaml": "replicas: 2",
	"templates/shop.yaml": `
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: shop, image: "shop:1"}]}
`,
}

// TestTools: kubectl and Helm work with the cluster as with any other.
func TestTools(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := start(ctx, t, kubelab.KubeletOptions{
		Backend: kubelab.HTTP(func(*core.Pod) http.Handler { return http.NotFoundHandler() }),
	})
	kubectl, helm := tool(ctx, t, c, "kubectl"), tool(ctx, t, c, "helm")
	dir := t.TempDir()
	for name, text := range chart {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	helm("install", "shop", dir, "--wait", "--timeout", "2m")
	if got := kubectl("rollout", "status", "deployment/shop"); !strings.Contains(got, "successfully rolled out") {
		t.Errorf("the status is %s", got)
	}
	kubectl("wait", "--for=condition=Available", "deployment/shop", "--timeout=2m")
	helm("upgrade", "shop", dir, "--set", "replicas=3", "--wait", "--timeout", "2m")
	if got := kubectl("get", "deployment", "shop", "-o", "jsonpath={.status.readyReplicas}"); got != "3" {
		t.Errorf("ready are %s", got)
	}
	helm("uninstall", "shop", "--wait", "--timeout", "2m")
	if got := kubectl("get", "nodes", "-o", "name"); got != "node/node-1\n" {
		t.Errorf("the nodes are %s", got)
	}
}

// start starts a cluster with a kubelet, both until the test ends.
func start(ctx context.Context, t *testing.T, o kubelab.KubeletOptions) *kubelab.Cluster {
	t.Helper()
	c, err := kubelab.Start(ctx, kubelab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, c.Close) })
	k, err := kubelab.StartKubelet(ctx, c.Config(kubelab.Admin), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, k.Close) })
	return c
}

func closed(t *testing.T, end func() error) {
	if err := end(); err != nil {
		t.Error(err)
	}
}

// tool gives a function that runs a program as the cluster's admin, and gives what
// it prints.
func tool(ctx context.Context, t *testing.T, c *kubelab.Cluster, name string) func(args ...string) string {
	t.Helper()
	path, err := kubelab.Tool("SERIN_"+strings.ToUpper(name), "scripts/"+name+".sh")
	if err != nil {
		t.Fatal(err)
	}
	config, err := c.Kubeconfig(kubelab.Admin)
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir() // neither reads nor leaves anything in ours
	return func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(ctx, path, args...)
		cmd.Env = append(os.Environ(), "KUBECONFIG="+config, "HOME="+home)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
		return string(out)
	}
}
