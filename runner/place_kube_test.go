//go:build kube

package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/serin-mesh/serin/analysis/run"
	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/internal/kubelab"
	"github.com/serin-mesh/serin/workload"
)

// patience bounds every wait of these tests; the machine may be busy.
const patience = 2 * time.Minute

const (
	ours  = "serin.dev"
	argos = "argoproj.io"
)

// shared gives the cluster of the tests, each of which has a namespace: with both
// groups of kinds, and a Serin that has the rights of the manifests.
var shared = sync.OnceValues(func() (*kubelab.Cluster, error) {
	crds := os.Getenv("SERIN_ARGO_CRDS")
	if crds == "" {
		return nil, errors.New("SERIN_ARGO_CRDS is not set: run `make test-kube`, or set it to what `scripts/argo.sh crds` prints")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := kubelab.Start(ctx, kubelab.Options{})
	if err != nil {
		return nil, err
	}
	atEnd = c.Close
	text, err := os.ReadFile("../deploy/install.yaml")
	if err != nil {
		return nil, err
	}
	wanted := regexp.MustCompile(`(?m)^kind: (Namespace|ServiceAccount|ClusterRole|ClusterRoleBinding)$`)
	for _, doc := range strings.Split(string(text), "\n---\n") {
		if wanted.MatchString(doc) {
			// The manifests are for Serin's own kinds; Argo's take a value of the chart.
			err = errors.Join(err, c.Apply(ctx, strings.ReplaceAll(doc, "apiGroups: [serin.dev]", "apiGroups: [serin.dev, argoproj.io]")))
		}
	}
	return c, errors.Join(err, c.ApplyFolder(ctx, "../deploy/crds"), c.ApplyFolder(ctx, crds))
})

var places atomic.Int64

// place is a namespace with a kubelet and a Runner.
type place struct {
	*testing.T
	ctx       context.Context
	cluster   *kubelab.Cluster
	client    kubernetes.Interface
	objects   dynamic.Interface
	namespace string
	kubelet   *kubelab.Kubelet

	runner *Runner
	stop   func()

	mu      sync.Mutex // guards what follows
	measure func(context.Context, Measurement) run.Result
	reports map[string]Report
	reads   []time.Duration
	version func() (workload.Version, error)
}

// newPlace starts a Runner whose measurements succeed.
func newPlace(t *testing.T) *place {
	t.Helper()
	c, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	p := &place{T: t, ctx: ctx, cluster: c, namespace: fmt.Sprintf("run-%d", places.Add(1)), reports: map[string]Report{}}
	p.measures(api.AnalysisSuccessful)
	p.client, err = kubernetes.NewForConfig(c.Config(kubelab.Admin))
	p.must(err)
	p.objects, err = dynamic.NewForConfig(c.Config(kubelab.Admin))
	p.must(err)
	p.apply("{apiVersion: v1, kind: Namespace, metadata: {name: $NS}}")
	p.kubelet, err = kubelab.StartKubelet(ctx, c.Config(kubelab.Admin), kubelab.KubeletOptions{Namespace: p.namespace, Nodes: []string{p.namespace + "-a"}})
	p.must(err)
	t.Cleanup(func() { _ = p.kubelet.Close() })
	p.start()
	return p
}

// measures has every measurement come out so.
func (p *place) measures(phase api.AnalysisPhase) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.measure = func(context.Context, Measurement) run.Result { return run.Result{Phase: phase, Value: "1"} }
}

// start runs a Runner, in place of the one before, with no rights but Serin's.
func (p *place) start() {
	p.Helper()
	if p.stop != nil {
		p.stop()
	}
	config, err := p.cluster.ServiceAccountConfig(p.ctx, "serin-system", "serin")
	p.must(err)
	r, err := New(config, Options{
		Namespaces: []string{p.namespace},
		Measure: func(ctx context.Context, m Measurement) run.Result {
			p.mu.Lock()
			measure := p.measure
			p.mu.Unlock()
			return measure(ctx, m)
		},
		Version: func(context.Context, *api.Rollout, string) (workload.Version, error) {
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.version()
		},
		Reads: func(_ api.Key, length time.Duration) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.reads = append(p.reads, length)
		},
		Report: func(r Report) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.reports[r.Name] = r
		},
	})
	p.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	p.runner = r
	r.Objects(&api.Objects{AnalysisTemplates: map[api.Key]*api.AnalysisTemplate{{Namespace: p.namespace, Name: "ok"}: {
		Spec: api.AnalysisTemplateSpec{Metrics: []api.Metric{{Name: "m", Provider: api.MetricProvider{Web: &api.WebMetric{URL: "http://x"}}}}}}}})
	var running sync.WaitGroup
	show := p.show(ctx, &running)
	show()
	running.Go(func() {
		if err := r.Run(ctx); err != nil {
			p.Error(err)
		}
	})
	p.stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	p.Cleanup(p.stop)
}

// show shows the Runner the objects of its kinds, as discovery does: those that there
// are before it returns.
func (p *place) show(ctx context.Context, running *sync.WaitGroup) func() {
	r := p.runner
	return func() {
		p.Helper()
		f := dynamicinformer.NewFilteredDynamicSharedInformerFactory(p.objects, 0, p.namespace, nil)
		running.Go(func() { <-ctx.Done(); f.Shutdown() })
		for _, group := range []string{ours, argos} {
			for _, kind := range []string{kindExperiment, kindRun} {
				i := f.ForResource(kindsOf(group, kind)).Informer()
				see := func(gone bool) func(any) {
					return func(o any) {
						if d, ok := o.(cache.DeletedFinalStateUnknown); ok {
							o = d.Obj
						}
						if u, ok := o.(*unstructured.Unstructured); ok {
							r.See(u, gone)
						}
					}
				}
				h, err := i.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: see(false), UpdateFunc: func(_, now any) { see(false)(now) }, DeleteFunc: see(true)})
				p.must(err)
				f.Start(ctx.Done())
				if !cache.WaitForCacheSync(ctx.Done(), h.HasSynced) {
					p.Fatal("the objects are not read")
				}
			}
		}
	}
}

func (p *place) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

func (p *place) apply(yaml string) {
	p.Helper()
	p.must(p.cluster.Apply(p.ctx, strings.ReplaceAll(yaml, "$NS", p.namespace)))
}

// experiment makes an Experiment of one pod, with more of its spec in YAML's flow.
func (p *place) experiment(group, name, more string) {
	p.Helper()
	p.apply(fmt.Sprintf(`
apiVersion: %s/v1alpha1
kind: Experiment
metadata: {name: %s, namespace: $NS}
spec:
  scaleDownDelaySeconds: 0
  templates: [{name: a, service: {}, selector: {matchLabels: {app: %s}}, template: {metadata: {labels: {app: %s}}, spec: {containers: [{name: c, image: "i:1", ports: [{containerPort: 80}]}]}}}]
  %s
`, group, name, name, name, more))
}

// get reads an object; nil: there is none.
func (p *place) get(group, kind, name string) *unstructured.Unstructured {
	p.Helper()
	o, err := p.objects.Resource(kindsOf(group, kind)).Namespace(p.namespace).Get(p.ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil
	}
	return o
}

// of gives the status of an Experiment.
func (p *place) of(group, name string) (s api.ExperimentStatus) {
	p.Helper()
	return statusIn[api.ExperimentStatus](p, p.get(group, kindExperiment, name))
}

// runOf gives the status of an AnalysisRun.
func (p *place) runOf(group, name string) (s api.AnalysisRunStatus) {
	p.Helper()
	return statusIn[api.AnalysisRunStatus](p, p.get(group, kindRun, name))
}

func statusIn[T any](p *place, o *unstructured.Unstructured) (s T) {
	p.Helper()
	if o == nil {
		return s
	}
	text, err := json.Marshal(o.Object["status"])
	p.must(err)
	p.must(json.Unmarshal(text, &s))
	return s
}

// patch merges a patch into an object.
func (p *place) patch(group, kind, name, patch string) {
	p.Helper()
	_, err := p.objects.Resource(kindsOf(group, kind)).Namespace(p.namespace).Patch(p.ctx, name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	p.must(err)
}

// until waits for something to become true.
func (p *place) until(what string, is func() bool) {
	p.Helper()
	if err := kubelab.Until(p.ctx, what, func(context.Context) (bool, error) { return is(), nil }); err != nil {
		p.Fatal(err)
	}
}

// ends waits for the end of an Experiment, and for that of its pods.
func (p *place) ends(group, name string, phase api.AnalysisPhase, message string) api.ExperimentStatus {
	p.Helper()
	p.until(name+" has ended", func() bool { return p.of(group, name).Phase.Completed() })
	s := p.of(group, name)
	if s.Phase != phase || !strings.Contains(s.Message, message) {
		p.Fatalf("%s ended %s: %s, want %s: %s", name, s.Phase, s.Message, phase, message)
	}
	p.until("its pods are gone", func() bool { return p.pods(name) == 0 })
	return s
}

// pods counts the pods of an Experiment.
func (p *place) pods(name string) int {
	p.Helper()
	list, err := p.client.CoreV1().Pods(p.namespace).List(p.ctx, metav1.ListOptions{LabelSelector: "app=" + name})
	p.must(err)
	return len(list.Items)
}

// report gives what a Rollout was told last of an Experiment.
func (p *place) report(name string) Report {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reports[name]
}

// shop is a version of a Rollout.
func shop() workload.Version {
	return workload.Version{
		Template: core.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "shop"}},
			Spec: core.PodSpec{Containers: []core.Container{{Name: "c", Image: "shop:1"}}}},
		Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "shop"}},
	}
}
