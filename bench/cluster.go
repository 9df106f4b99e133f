package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/serin-mesh/serin/internal/kubelab"
	"github.com/serin-mesh/serin/internal/lab"
)

// idleFor is how long a cluster in which nothing happens is watched.
const idleFor = time.Minute

// podsEach is how many pods each Rollout has.
const podsEach = 10

// auditPolicy has the API server write down each request of Serin's.
const auditPolicy = `
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: Metadata
  users: [serin]
- level: None
`

// clusterBench measures Serin in a cluster: Rollouts and pods at rest, and how soon
// a pod gets requests.
func clusterBench(ctx context.Context, m *machine) (r *record, err error) {
	n := m.pick(20, 1000, 1000)
	out := newRecord("Serin in a cluster: a real API server and controllers, pods that are played", map[string]any{
		"rollouts": n, "pods": n * podsEach, "idle_seconds": idleFor.Seconds(),
	})
	w, err := startBenchCluster(ctx, m)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	for i := range n {
		if err := w.cluster.Apply(ctx, clusterApp(fmt.Sprintf("app%04d", i), podsEach)); err != nil {
			return nil, err
		}
	}
	began := time.Now()
	if err := w.start(m); err != nil {
		return nil, err
	}
	if err := w.until(ctx, func() (bool, error) { return w.available(ctx, n) }); err != nil {
		return nil, err
	}
	s := out.series("at rest", "all Rollouts are healthy and all pods ready")
	s.add(figures{"start_all_s": time.Since(began).Seconds()})
	if err := w.idle(ctx, s); err != nil {
		return nil, err
	}
	if err := w.firstRequest(ctx, m, out); err != nil {
		return nil, err
	}
	out.atMost("memory with all Rollouts and pods, MB", s.median("memory_mb"), 300)
	out.atMost("CPU at rest, percent of a core", s.median("cpu_percent"), 2)
	out.atMost("requests to the API server a minute at rest, beside the lease", s.median("requests_a_minute"), 5)
	out.note("the API server writes down each request of Serin's own user; watches that are open count none.")
	return out, nil
}

// benchCluster is a cluster with Serin in it.
type benchCluster struct {
	dir, audit string
	cluster    *kubelab.Cluster
	kubelet    *kubelab.Kubelet
	client     dynamic.Interface
	serin      *exec.Cmd
	xds        string
	port       int

	firsts chan time.Time // the first request of each pod of the application probe
}

var rolloutsResource = schema.GroupVersionResource{Group: "serin.dev", Version: "v1alpha1", Resource: "rollouts"}

func startBenchCluster(ctx context.Context, m *machine) (w *benchCluster, err error) {
	w = &benchCluster{firsts: make(chan time.Time, 64)}
	if w.dir, err = m.folder(); err != nil {
		return nil, err
	}
	w.audit = filepath.Join(w.dir, "audit.log")
	policy := filepath.Join(w.dir, "policy.yaml")
	if err := os.WriteFile(policy, []byte(auditPolicy), 0o600); err != nil {
		return nil, err
	}
	w.cluster, err = kubelab.Start(ctx, kubelab.Options{Users: []kubelab.User{{Name: "serin", Groups: []string{"system:masters"}}},
		APIServerFlags: []string{"--audit-policy-file=" + policy, "--audit-log-path=" + w.audit}})
	if err != nil {
		return nil, err
	}
	w.kubelet, err = kubelab.StartKubelet(ctx, w.cluster.Config(kubelab.Admin), kubelab.KubeletOptions{Backend: kubelab.BackendFunc(w.backend)})
	if err == nil {
		w.client, err = dynamic.NewForConfig(w.cluster.Config(kubelab.Admin))
	}
	ports, portErr := lab.FreePorts(2)
	if err = errors.Join(err, portErr); err == nil {
		w.port, w.xds = ports[0], fmt.Sprintf("127.0.0.1:%d", ports[1])
		err = errors.Join(w.cluster.Define(ctx, filepath.Join("deploy", "crds")),
			w.cluster.Apply(ctx, fmt.Sprintf(clusterGateway, w.port)))
	}
	if err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

func (w *benchCluster) close() (err error) {
	if w.serin != nil && w.serin.Process != nil {
		_ = w.serin.Process.Signal(syscall.SIGTERM)
		_ = w.serin.Wait()
	}
	if w.kubelet != nil {
		err = w.kubelet.Close()
	}
	return errors.Join(err, w.cluster.Close())
}

// backend serves in the pods of the application probe alone: ten thousand servers
// would measure themselves.
func (w *benchCluster) backend(pod *corev1.Pod, ip string) (func(time.Duration), error) {
	if pod.Labels["app"] != "probe" {
		return func(time.Duration) {}, nil
	}
	var seen atomic.Bool
	return kubelab.HTTP(func(*corev1.Pod) http.Handler {
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			if !seen.Swap(true) {
				w.firsts <- time.Now()
			}
		})
	}).Start(pod, ip)
}

const clusterGateway = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: default}
spec:
  gatewayClassName: serin
  listeners: [{name: http, protocol: HTTP, port: %d}]
`

// clusterApp gives a Service with a route and a Rollout.
func clusterApp(name string, replicas int) string {
	return strings.NewReplacer("NAME", name, "REPLICAS", strconv.Itoa(replicas)).Replace(`
apiVersion: v1
kind: Service
metadata: {name: NAME, namespace: default}
spec: {selector: {app: NAME}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: NAME, namespace: default}
spec:
  parentRefs: [{name: edge}]
  hostnames: [NAME.example]
  rules: [{backendRefs: [{name: NAME, port: 80}]}]
---
apiVersion: serin.dev/v1alpha1
kind: Rollout
metadata: {name: NAME, namespace: default}
spec:
  replicas: REPLICAS
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}}
    spec: {containers: [{name: app, image: "app:1", ports: [{containerPort: 8080}]}]}
  strategy: {canary: {steps: [{setWeight: 20}, {pause: {}}]}}
`)
}

// start starts Serin as its own user.
func (w *benchCluster) start(m *machine) error {
	config, err := w.cluster.Kubeconfig("serin")
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(w.dir, "serin.log"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	w.serin = exec.Command(m.serin, "serve", "--kubernetes", "--kubeconfig", config, "--xds-listen", w.xds, "--http-listen", "127.0.0.1:0")
	w.serin.Stdout, w.serin.Stderr = log, log
	return w.serin.Start()
}

// available says whether every Rollout has all its pods.
func (w *benchCluster) available(ctx context.Context, n int) (bool, error) {
	list, err := w.client.Resource(rolloutsResource).Namespace("default").List(ctx, metav1.ListOptions{})
	if err != nil {
		return false, err
	}
	ready := 0
	for i := range list.Items {
		status, _ := list.Items[i].Object["status"].(map[string]any)
		if status["availableReplicas"] == int64(podsEach) && status["phase"] == "Healthy" {
			ready++
		}
	}
	return ready >= n, nil
}

// until asks again and again.
func (w *benchCluster) until(ctx context.Context, is func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Minute)
	defer cancel()
	for {
		if ok, err := is(); ok || err != nil {
			return err
		}
		select {
		case <-time.After(2 * time.Second):
		case <-ctx.Done():
			log, _ := os.ReadFile(filepath.Join(w.dir, "serin.log")) // the end of it says more
			return fmt.Errorf("waiting for the cluster: %w\n%s", ctx.Err(), log[max(len(log)-2000, 0):])
		}
	}
}

// idle measures a minute in which nothing happens.
func (w *benchCluster) idle(ctx context.Context, s *series) error {
	settle := time.After(20 * time.Second) // statuses of which only counts changed are written by then
	select {
	case <-settle:
	case <-ctx.Done():
		return ctx.Err()
	}
	requests, lease, err := w.requests()
	if err != nil {
		return err
	}
	used, err := processCPU(w.serin.Process.Pid)
	if err != nil {
		return err
	}
	select {
	case <-time.After(idleFor):
	case <-ctx.Done():
		return ctx.Err()
	}
	after, leaseAfter, err := w.requests()
	if err != nil {
		return err
	}
	usedAfter, err := processCPU(w.serin.Process.Pid)
	if err != nil {
		return err
	}
	memory, err := processMemory(w.serin.Process.Pid)
	s.add(figures{
		"memory_mb": memory, "cpu_percent": 100 * (usedAfter - used).Seconds() / idleFor.Seconds(),
		"requests_a_minute": float64(after - requests), "lease_requests_a_minute": float64(leaseAfter - lease),
	})
	return err
}

// requests counts what Serin has asked the API server, and of that what is about the
// lease.
func (w *benchCluster) requests() (others, lease int, err error) {
	f, err := os.Open(w.audit)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		switch text := lines.Text(); {
		case strings.Contains(text, `"verb":"watch"`): // one that ended
		case strings.Contains(text, `"resource":"leases"`):
			lease++
		default:
			others++
		}
	}
	return others, lease, lines.Err()
}

// processCPU gives what a process has used of its cores.
func processCPU(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, err := strconv.ParseInt(fields[11], 10, 64)
	system, systemErr := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond, errors.Join(err, systemErr)
}

// processMemory gives the resident memory of a process, in MB.
func processMemory(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1000, err
		}
	}
	return 0, errors.New("the process has no memory")
}

// firstRequest measures from when a pod becomes ready until it has a request, with a
// real Envoy. The floor is when the API server has it in an EndpointSlice.
func (w *benchCluster) firstRequest(ctx context.Context, m *machine, out *record) (err error) {
	s := out.series("a pod becomes ready", "until its first request through a real Envoy, among all the others")
	floor := out.series("a pod becomes ready, floor", "until it is ready in an EndpointSlice")
	if err := w.cluster.Apply(ctx, clusterApp("probe", 1)); err != nil {
		return err
	}
	load, stop, err := w.probe(ctx, m)
	if err != nil {
		return err
	}
	defer func() { stop() }()
	select {
	case <-w.firsts:
	case <-time.After(5 * time.Minute):
		return fmt.Errorf("no request reached the probe: %+v", load.Counts())
	case <-ctx.Done():
		return ctx.Err()
	}
	for i := range m.pick(3, 10, 20) {
		if err := w.onePod(ctx, i+2, s, floor); err != nil {
			return err
		}
	}
	out.compare("a pod's first request over its EndpointSlice", s.median("ms"), floor.median("ms"))
	return nil
}

// probe starts an Envoy and requests to the application probe.
func (w *benchCluster) probe(ctx context.Context, m *machine) (*lab.Load, func(), error) {
	bootstrap, err := exec.CommandContext(ctx, m.serin, "bootstrap", "--gateway", "edge", "--node-id", "e1", "--xds", w.xds).Output()
	if err != nil {
		return nil, nil, err
	}
	envoy, err := lab.StartEnvoy(lab.EnvoyOptions{Name: "e1", Dir: w.dir, Bootstrap: bootstrap, Path: m.envoy})
	if err != nil {
		return nil, nil, err
	}
	load, err := lab.NewLoad(lab.LoadOptions{Targets: []string{fmt.Sprintf("127.0.0.1:%d", w.port)}, Host: "probe.example", Rate: 2000})
	if err != nil {
		return nil, nil, errors.Join(err, envoy.Close())
	}
	inner, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); _ = load.Run(inner) }()
	return load, func() { cancel(); <-done; _ = envoy.Close() }, nil
}

// onePod adds a pod that is held unready, then lets it be ready.
func (w *benchCluster) onePod(ctx context.Context, replicas int, s, floor *series) error {
	w.kubelet.Hold(func(p *corev1.Pod) bool { return p.Labels["app"] == "probe" && !isReady(p) })
	scale := fmt.Sprintf(`{"spec": {"replicas": %d}}`, replicas)
	if _, err := w.client.Resource(rolloutsResource).Namespace("default").Patch(ctx, "probe", "application/merge-patch+json", []byte(scale), metav1.PatchOptions{}); err != nil {
		return err
	}
	slices := w.client.Resource(schema.GroupVersionResource{Group: "discovery.k8s.io", Version: "v1", Resource: "endpointslices"}).Namespace("default")
	watch, err := slices.Watch(ctx, metav1.ListOptions{LabelSelector: "kubernetes.io/service-name=probe"})
	if err != nil {
		return err
	}
	defer watch.Stop()
	pods := w.client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "pods"}).Namespace("default")
	if err := w.until(ctx, func() (bool, error) { // it runs, and waits to be ready
		list, err := pods.List(ctx, metav1.ListOptions{LabelSelector: "app=probe", FieldSelector: "status.phase=Running"})
		return err == nil && len(list.Items) == replicas, err
	}); err != nil {
		return err
	}
	began := time.Now()
	w.kubelet.Hold(nil)
	var inSlice time.Duration
	for {
		select {
		case e := <-watch.ResultChan():
			if inSlice == 0 && strings.Count(fmt.Sprint(e.Object), "ready:true") >= replicas {
				inSlice = time.Since(began)
			}
		case at := <-w.firsts:
			s.add(figures{"ms": ms(at.Sub(began))})
			if inSlice > 0 {
				floor.add(figures{"ms": ms(inSlice)})
			}
			return nil
		case <-time.After(time.Minute):
			return errors.New("a pod that is ready got no request within a minute")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// isReady says whether a pod is.
func isReady(p *corev1.Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}
