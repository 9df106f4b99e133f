//go:build kube

package kind_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/serin-mesh/serin/internal/kubelab"
)

// patience bounds the test. It is long because the machine may be busy.
const patience = 3 * time.Minute

// run runs a program as the cluster's admin; it is to succeed.
func run(ctx context.Context, t *testing.T, config, name string, args ...string) string {
	t.Helper()
	path, err := kubelab.Tool("SERIN_"+strings.ToUpper(name), "scripts/"+name+".sh")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+config, "HOME="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// TestManifests applies what run.sh applies, in its order, to a real API server,
// which is to know every field of it.
func TestManifests(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := kubelab.Start(ctx, kubelab.Options{NoControllers: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	config, err := c.Kubeconfig(kubelab.Admin)
	if err := errors.Join(err, c.Define(ctx)); err != nil {
		t.Fatal(err)
	}
	for _, word := range regexp.MustCompile(`helm --kube|[a-z0-9-]+\.yaml`).FindAllString(script(t, "say \"Gateway API\""), -1) {
		switch word {
		case "helm --kube":
			run(ctx, t, config, "helm", "install", "serin", "../../deploy/chart/serin", "--namespace", "serin-system",
				"--create-namespace", "--values", "values.yaml")
		case "values.yaml", "standard-install.yaml":
		default:
			run(ctx, t, config, "kubectl", "apply", "--server-side", "--validate=strict", "-f", word)
		}
	}
	if got := run(ctx, t, config, "kubectl", "-n", "shop", "get", "sro,gateway,httproute,deployment,service", "-o", "name"); strings.Count(got, "\n") != 5 {
		t.Errorf("there are %s", got)
	}
	got := run(ctx, t, config, "kubectl", "-n", "serin-system", "get", "configmap", "serin-envoy", "-o", `jsonpath={.data.envoy\.yaml}`)
	if !strings.Contains(got, "cluster: shop/edge\n") {
		t.Error("the fleet serves another Gateway")
	}
	if got := run(ctx, t, config, "kubectl", "-n", "serin-system", "get", "service", "serin-envoy", "-o", "jsonpath={.spec.ports[0].port}"); got != "80" {
		t.Errorf("the load goes to port 80, the fleet has %s", got)
	}
}

// script gives the text of run.sh from a line on.
func script(t *testing.T, from string) string {
	t.Helper()
	text, err := os.ReadFile("run.sh")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), from)
	if !found {
		t.Fatalf("run.sh has no %q", from)
	}
	return rest
}

// TestScript: the script is one, and uses every manifest that there is.
func TestScript(t *testing.T) {
	if out, err := exec.CommandContext(t.Context(), "bash", "-n", "run.sh").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := exec.CommandContext(t.Context(), "bash", "run.sh", "--help").CombinedOutput(); err == nil || !strings.Contains(string(out), "e2e/kind/run.sh [--keep]") {
		t.Errorf("its usage is %v\n%s", err, out)
	}
	used := regexp.MustCompile(`[a-z0-9-]+\.yaml`).FindAllString(script(t, "set -euo"), -1)
	files, err := filepath.Glob("*.yaml")
	if err != nil || len(files) < 7 {
		t.Fatalf("there are %q, %v", files, err)
	}
	for _, file := range files {
		if !slices.Contains(used, file) {
			t.Errorf("run.sh does not use %s", file)
		}
	}
}

// TestSample: a real Envoy takes the configuration of each version of the sample
// service, and versions differ in what they are to differ in.
func TestSample(t *testing.T) {
	envoy, err := kubelab.Tool("SERIN_ENVOY", "scripts/envoy.sh")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"rollout-1-first.yaml": "v1 200", "rollout-2-good.yaml": "v2 200", "rollout-3-bad.yaml": "v3 500",
	} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var r struct {
			Spec struct {
				Template struct {
					Spec struct {
						Containers []struct {
							Args []string
							Env  []struct{ Name, Value string }
						}
					}
				}
			}
		}
		if err := yaml.Unmarshal(text, &r); err != nil {
			t.Fatal(err)
		}
		c := r.Spec.Template.Spec.Containers[0]
		var values []string
		for i := range c.Args {
			for _, e := range c.Env {
				c.Args[i] = strings.ReplaceAll(c.Args[i], "$("+e.Name+")", e.Value)
			}
		}
		for _, e := range c.Env {
			values = append(values, e.Value)
		}
		if got := strings.Join(values, " "); got != want {
			t.Errorf("%s has %s, want %s", name, got, want)
		}
		if out, err := exec.CommandContext(t.Context(), envoy, append(c.Args, "--mode", "validate")...).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
