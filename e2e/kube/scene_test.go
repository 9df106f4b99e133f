//go:build kube

package kube_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	core "k8s.io/api/core/v1"

	"github.com/serin-mesh/serin/internal/kubelab"
	"github.com/serin-mesh/serin/internal/lab"
	"github.com/serin-mesh/serin/internal/stage"
)

// program is the built Serin.
var program string

func TestMain(m *testing.M) { os.Exit(stage.Main(m, &program)) }

// objects are a Gateway, a route, a Service and a Rollout of five pods. The image
// of the pods says what they answer: with "bad" in it, status 500.
const objects = `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: serin}
spec: {controllerName: serin.dev/gateway}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: default}
spec:
  gatewayClassName: serin
  listeners: [{name: http, protocol: HTTP, port: PORT}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop, namespace: default}
spec:
  parentRefs: [{name: edge}]
  hostnames: [shop.example]
  rules: [{backendRefs: [{name: shop, port: 80}]}]
---
apiVersion: v1
kind: Service
metadata: {name: shop, namespace: default}
spec:
  selector: {app: shop}
  ports: [{name: http, port: 80, targetPort: 8080}]
---
apiVersion: serin.dev/v1alpha1
kind: Rollout
metadata: {name: shop, namespace: default}
spec:
  replicas: REPLICAS
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers: [{name: shop, image: "IMAGE", ports: [{containerPort: 8080}]}]
  strategy:
    canary:
      steps: STEPS
`

// scene is a cluster with Serin, an Envoy and a Rollout under load.
type scene struct {
	*testing.T
	ctx     context.Context
	cluster *kubelab.Cluster
	kubelet *kubelab.Kubelet
	kubectl func(args ...string) string
	envoy   *lab.Envoy
	load    *lab.Load
	endLoad func()

	port      int    // of the Gateway
	config    string // file that says how Serin reaches the API server
	xds, http string
	serin     *stage.Serin
	log       stage.Output
	flags     []string
}

// handler answers with the image of its pod.
func handler(pod *core.Pod) http.Handler {
	image := pod.Spec.Containers[0].Image
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(lab.VersionHeader, image)
		if strings.Contains(image, "bad") {
			w.WriteHeader(http.StatusInternalServerError)
		}
		fmt.Fprintln(w, image)
	})
}

// lingering has pods serve for a second after they were told to end, as a preStop
// hook does: endpoints are known to be gone a little later than their pods begin to
// go, with any proxy.
func lingering(b kubelab.Backend) kubelab.Backend {
	return kubelab.BackendFunc(func(pod *core.Pod, ip string) (func(time.Duration), error) {
		stop, err := b.Start(pod, ip)
		if err != nil {
			return nil, err
		}
		return func(grace time.Duration) {
			<-time.After(min(grace, time.Second))
			stop(grace)
		}, nil
	})
}

// newScene starts everything with the first version of five pods, under load.
func newScene(t *testing.T, steps string, flags ...string) *scene {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	t.Cleanup(cancel)
	ports, err := lab.FreePorts(3)
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{T: t, ctx: ctx, port: ports[0], flags: flags,
		xds: fmt.Sprintf("127.0.0.1:%d", ports[1]), http: fmt.Sprintf("127.0.0.1:%d", ports[2])}
	if s.cluster, err = kubelab.Start(ctx, kubelab.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, s.cluster.Close) })
	s.kubelet, err = kubelab.StartKubelet(ctx, s.cluster.Config(kubelab.Admin), kubelab.KubeletOptions{Nodes: []string{"node-1", "node-2"}, Backend: lingering(kubelab.HTTP(handler))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, s.kubelet.Close) })
	s.kubectl = tool(ctx, t, s.cluster, "kubectl")
	s.must(s.cluster.Define(ctx, "../../deploy/crds"))
	s.must(s.cluster.Apply(ctx, rights(t)...))
	account, err := s.cluster.ServiceAccountConfig(ctx, "serin-system", "serin")
	s.must(err)
	s.config = filepath.Join(t.TempDir(), "serin.kubeconfig")
	s.must(kubelab.WriteKubeconfig(s.config, account))
	s.apply("shop:1", steps)
	s.start()
	s.startEnvoy()
	s.until("the first version serves", func() bool { return s.status("{.status.phase}") == "Healthy" && s.answer() == "shop:1" })
	s.startLoad()
	return s
}

func (s *scene) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// apply applies the objects with an image and steps.
func (s *scene) apply(image, steps string) {
	s.Helper()
	s.must(s.cluster.Apply(s.ctx, strings.NewReplacer("PORT", fmt.Sprint(s.port), "IMAGE", image, "REPLICAS", "5", "STEPS", steps).Replace(objects)))
}

// start starts Serin.
func (s *scene) start() {
	s.Helper()
	s.serin = s.run()
	s.until("Serin is ready", func() bool { return stage.Ready(s.http) })
}

// run starts a process of Serin, with no other rights than the chart gives it.
func (s *scene) run() *stage.Serin {
	s.Helper()
	args := append([]string{"serve", "--kubernetes", "--kubeconfig", s.config, "--lease-namespace", "serin-system",
		"--xds-listen", s.xds, "--http-listen", s.http, "--drain", "1s"}, s.flags...)
	return stage.Start(s.T, program, &s.log, args...)
}

// rights gives the plain manifests that say what Serin may do.
func rights(t *testing.T) (out []string) {
	t.Helper()
	text, err := os.ReadFile("../../deploy/install.yaml")
	if err != nil {
		t.Fatal(err)
	}
	kinds := regexp.MustCompile(`(?m)^kind: (Namespace|ServiceAccount|ClusterRole|ClusterRoleBinding|Role|RoleBinding)$`)
	for _, doc := range strings.Split(string(text), "\n---\n") {
		if kinds.MatchString(doc) {
			out = append(out, doc)
		}
	}
	if len(out) < 6 {
		t.Fatalf("the manifests have %d documents on rights, want 6", len(out))
	}
	return out
}

// startEnvoy starts an Envoy of the Gateway.
func (s *scene) startEnvoy() {
	s.Helper()
	s.envoy = stage.Envoy(s.T, program, "e1", nil, "--gateway", "edge", "--xds", s.xds)
}

// startLoad sends requests until the test ends or the load is ended.
func (s *scene) startLoad() {
	s.Helper()
	s.load, s.endLoad = stage.Load(s.T, lab.LoadOptions{Targets: []string{fmt.Sprintf("127.0.0.1:%d", s.port)}, Host: "shop.example", Rate: 100})
}

// answer gives which image answers a request through the Envoy; empty: none.
func (s *scene) answer() string {
	r, err := http.NewRequestWithContext(s.ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/", s.port), nil)
	s.must(err)
	r.Host = "shop.example"
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		return ""
	}
	_ = got.Body.Close()
	return got.Header.Get(lab.VersionHeader)
}

// status reads the Rollout by a JSONPath.
func (s *scene) status(path string) string {
	s.Helper()
	return s.kubectl("get", "rollouts.serin.dev", "shop", "-o", "jsonpath="+path)
}

// act has Serin do something.
func (s *scene) act(args ...string) {
	s.Helper()
	out, err := exec.CommandContext(s.ctx, program, append(args, "--server", s.http)...).CombinedOutput()
	if err != nil {
		s.Fatalf("%v: %v\n%s", args, err, out)
	}
}

// setImage wants another version.
func (s *scene) setImage(image string) {
	s.Helper()
	s.kubectl("patch", "rollouts.serin.dev", "shop", "--type=json",
		"-p", fmt.Sprintf(`[{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": %q}]`, image))
}

// pods counts the pods of an image that are not going away.
func (s *scene) pods(image string) int {
	s.Helper()
	out := s.kubectl("get", "pods", "-o", `jsonpath={range .items[*]}{.spec.containers[0].image} {.metadata.deletionTimestamp}{"\n"}{end}`)
	n := 0
	for line := range strings.Lines(out) {
		if strings.TrimSpace(line) == image {
			n++
		}
	}
	return n
}

// until waits for something to become true.
func (s *scene) until(what string, is func() bool) {
	s.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-deadline.C:
			s.Fatalf("%s: not within %s\nstatus: %s\nserin:\n%s", what, patience, s.status("{.status}"), &s.log)
		}
	}
}

// noneFailed checks that no request failed since the counts before.
func (s *scene) noneFailed(before lab.Counts) {
	s.Helper()
	if d := s.load.Counts().Sub(before); d.Failed > 0 || d.Requests == 0 {
		s.Errorf("%d of %d requests failed: %+v", d.Failed, d.Requests, d)
	}
}
