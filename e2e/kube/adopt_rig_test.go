//go:build kube

package kube_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	core "k8s.io/api/core/v1"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/internal/kubelab"
	"github.com/serin-mesh/serin/internal/lab"
	"github.com/serin-mesh/serin/internal/stage"
)

// adoption is a cluster with Argo's kinds, in which Serin runs the Rollouts of Argo
// behind a real Envoy.
type adoption struct {
	*testing.T
	ctx     context.Context
	cluster *kubelab.Cluster
	http    string
	log     stage.Output
	argo    func(args ...string) string
	kubectl func(args ...string) string
}

// newAdoption starts the cluster; Serin is started later.
func newAdoption(t *testing.T) *adoption {
	t.Helper()
	crds := os.Getenv("SERIN_ARGO_CRDS")
	if crds == "" {
		t.Fatal("SERIN_ARGO_CRDS is not set: run `make test-kube`, or set it to what `scripts/argo.sh crds` prints")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	t.Cleanup(cancel)
	c := start(ctx, t, kubelab.KubeletOptions{Backend: kubelab.HTTP(func(*core.Pod) http.Handler {
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	})})
	if err := c.Define(ctx, crds); err != nil {
		t.Fatal(err)
	}
	a := &adoption{T: t, ctx: ctx, cluster: c}
	a.argo, a.kubectl = tool(ctx, t, c, "argo"), tool(ctx, t, c, "kubectl")
	return a
}

// serve starts Serin, and an Envoy of the Gateway edge, which the Services of apps
// are behind.
func (a *adoption) serve(apps ...string) {
	a.Helper()
	ports, err := lab.FreePorts(3)
	if err != nil {
		a.Fatal(err)
	}
	a.apply(fmt.Sprintf(`
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: default}
spec: {gatewayClassName: serin, listeners: [{name: http, protocol: HTTP, port: %d}]}
`, ports[0]))
	for _, app := range apps {
		a.apply(strings.ReplaceAll(`
apiVersion: v1
kind: Service
metadata: {name: APP, namespace: default}
spec: {selector: {app: APP}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: APP, namespace: default}
spec: {parentRefs: [{name: edge}], hostnames: [APP.example], rules: [{backendRefs: [{name: APP, port: 80}]}]}
`, "APP", app))
	}
	config, err := a.cluster.Kubeconfig(kubelab.Admin)
	if err != nil {
		a.Fatal(err)
	}
	xds := fmt.Sprintf("127.0.0.1:%d", ports[1])
	a.http = fmt.Sprintf("127.0.0.1:%d", ports[2])
	serin := stage.Start(a.T, program, &a.log, "serve", "--kubernetes", "--kubeconfig", config, "--adopt-argo", "--guard-mode", "observe",
		"--leader-elect=false", "--drain", "1s", "--xds-listen", xds, "--http-listen", a.http)
	a.Cleanup(func() {
		if err := serin.End(os.Interrupt); err != nil {
			a.Errorf("serin ended: %v", err)
		}
		if strings.Contains(a.log.String(), "status cannot be written") {
			a.Error("a status was refused")
		}
	})
	a.until("serin is ready", func() bool { return stage.Ready(a.http) })
	if err := stage.Envoy(a.T, program, "edge-1", nil, "--gateway", "edge", "--xds", xds).Ready(a.ctx, 1); err != nil {
		a.Fatal(err)
	}
}

func (a *adoption) apply(yaml string) {
	a.Helper()
	if err := a.cluster.Apply(a.ctx, yaml); err != nil {
		a.Fatal(err)
	}
}

func (a *adoption) until(what string, holds func() bool) {
	a.Helper()
	err := kubelab.Until(a.ctx, what, func(context.Context) (bool, error) { return holds(), nil })
	if err != nil {
		a.Fatal(err)
	}
}

// field gives a field of a Rollout.
func (a *adoption) field(name, path string) string {
	a.Helper()
	return a.kubectl("get", "rollouts.argoproj.io", name, "-o", "jsonpath={"+path+"}")
}

// await waits until a Rollout's status is as asked for.
func (a *adoption) await(name, what string, yes func(s api.RolloutStatus) bool) (s api.RolloutStatus) {
	a.Helper()
	text, deadline := "", time.Now().Add(patience)
	for {
		text, s = a.field(name, ".status"), api.RolloutStatus{}
		if text != "" {
			if err := json.Unmarshal([]byte(text), &s); err != nil {
				a.Fatal(err)
			}
		}
		if yes(s) {
			return s
		}
		if time.Now().After(deadline) {
			a.Fatalf("waited in vain until %s %s; its status is %s", name, what, text)
		}
	}
}

// pausedAt waits until a Rollout is paused by a step, with a weight.
func (a *adoption) pausedAt(name string, step int, weight float64) api.RolloutStatus {
	a.Helper()
	return a.await(name, fmt.Sprintf("is paused at step %d", step), func(s api.RolloutStatus) bool {
		return s.Phase == api.PhasePaused && s.CurrentStepIndex == step && len(s.PauseConditions) == 1 && s.Canary.Weights.Canary.Weight == weight
	})
}

// healthy waits until a Rollout is healthy with a version stable that is, or is not,
// the one given.
func (a *adoption) healthy(name, version string, same bool) api.RolloutStatus {
	a.Helper()
	return a.await(name, "is healthy", func(s api.RolloutStatus) bool {
		return s.Phase == api.PhaseHealthy && s.StableRS != "" && s.StableRS == s.CurrentPodHash && (s.StableRS == version) == same
	})
}
