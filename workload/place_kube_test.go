//go:build kube

package workload

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	apps "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/internal/kubelab"
	"github.com/serin-mesh/serin/rollout"
)

// patience bounds every wait of these tests; the machine may be busy.
const patience = 2 * time.Minute

var rolloutKind = schema.GroupVersionResource{Group: "serin.dev", Version: "v1alpha1", Resource: "rollouts"}

// shared gives the cluster of the tests, each of which has a namespace.
var shared = sync.OnceValues(func() (*kubelab.Cluster, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := kubelab.Start(ctx, kubelab.Options{Users: []kubelab.User{{Name: "worker"}}})
	if err != nil {
		return nil, err
	}
	atEnd = func() error { return errors.Join(c.Close(), unused()) }
	return c, c.ApplyFolder(ctx, "testdata")
})

var places atomic.Int64

// place is a namespace with a Rollout shop, a kubelet and a Workload.
type place struct {
	*testing.T
	ctx       context.Context
	cluster   *kubelab.Cluster
	client    kubernetes.Interface
	objects   dynamic.Interface
	namespace string
	kubelet   *kubelab.Kubelet

	asked    atomic.Int64 // requests of the Workload
	workload *Workload
	stop     func()
	mu       sync.Mutex // guards last
	last     Report
}

func newPlace(t *testing.T, o kubelab.KubeletOptions) *place {
	t.Helper()
	c, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	p := &place{T: t, ctx: ctx, cluster: c, namespace: fmt.Sprintf("work-%d", places.Add(1))}
	p.client, err = kubernetes.NewForConfig(c.Config(kubelab.Admin))
	p.must(err)
	p.objects, err = dynamic.NewForConfig(c.Config(kubelab.Admin))
	p.must(err)
	p.apply("{apiVersion: v1, kind: Namespace, metadata: {name: $NS}}")
	o.Namespace, o.Nodes = p.namespace, []string{p.namespace + "-a", p.namespace + "-b"}
	p.kubelet, err = kubelab.StartKubelet(ctx, c.Config(kubelab.Admin), o)
	p.must(err)
	t.Cleanup(func() { _ = p.kubelet.Close() })
	p.start()
	return p
}

// start runs a Workload, in place of the one before.
func (p *place) start() {
	p.Helper()
	if p.stop != nil {
		p.stop()
	}
	p.workload, p.stop = p.another(func(r Report) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.last = r
	})
}

// another runs one more Workload, until stop is called or the test ends.
func (p *place) another(report func(Report)) (w *Workload, stop func()) {
	p.Helper()
	w, err := New(p.config(), Options{Namespaces: []string{p.namespace}, Report: report})
	p.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			p.Error(err)
		}
	})
	p.Cleanup(stop)
	return w, stop
}

// config is how a Workload reaches the server: with its rights, and counted.
func (p *place) config() *rest.Config {
	c := p.cluster.Config("worker")
	c.Wrap(func(next http.RoundTripper) http.RoundTripper { return &counter{next: next, asked: &p.asked} })
	return c
}

// counter counts the requests that pass, but for watches, and notes their rights.
type counter struct {
	next  http.RoundTripper
	asked *atomic.Int64
}

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	verb := note(r)
	if verb != "watch" {
		c.asked.Add(1)
	}
	return c.next.RoundTrip(r)
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

// rollout applies a Rollout shop of an image and gives it as it is read back.
func (p *place) rollout(image string, replicas int, canary string) *api.Rollout {
	p.Helper()
	p.apply(fmt.Sprintf(`
apiVersion: serin.dev/v1alpha1
kind: Rollout
metadata: {name: shop, namespace: $NS}
spec:
  replicas: %d
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: shop, image: %q, ports: [{name: http, containerPort: 8080}]}]
  strategy: {canary: {%s}}
`, replicas, image, canary))
	return p.read()
}

func (p *place) read() *api.Rollout {
	p.Helper()
	o, err := p.objects.Resource(rolloutKind).Namespace(p.namespace).Get(p.ctx, "shop", metav1.GetOptions{})
	p.must(err)
	data, err := o.MarshalJSON()
	p.must(err)
	r := &api.Rollout{}
	p.must(json.Unmarshal(data, r))
	return r
}

// version has the wanted version of the present object named.
func (p *place) version(w Wanted) string {
	p.Helper()
	w.Rollout = p.read()
	p.workload.Want(w)
	return p.until("a version", func(r Report) bool { return r.Version != "" && r.Generation == w.Rollout.Generation }).Version
}

// until waits for a report.
func (p *place) until(what string, holds func(Report) bool) (found Report) {
	p.Helper()
	p.must(kubelab.Until(p.ctx, what, func(context.Context) (bool, error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if found = p.last; !holds(found) {
			return false, fmt.Errorf("last report: %+v", found)
		}
		return true, nil
	}))
	return found
}

func (p *place) set(version string) *apps.ReplicaSet {
	p.Helper()
	s, err := p.client.AppsV1().ReplicaSets(p.namespace).Get(p.ctx, "shop-"+version, metav1.GetOptions{})
	p.must(err)
	return s
}

// untilSize waits until a version has a number of available pods, and no others.
func (p *place) untilSize(version string, n int32) {
	p.Helper()
	p.must(kubelab.Until(p.ctx, fmt.Sprintf("%d pods of %s", n, version), func(ctx context.Context) (bool, error) {
		s, err := p.client.AppsV1().ReplicaSets(p.namespace).Get(ctx, "shop-"+version, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		if *s.Spec.Replicas != n || s.Status.Replicas != n || s.Status.AvailableReplicas != n {
			return false, errors.New(s.String())
		}
		return true, nil
	}))
}

// need is a canary's need.
func need(version string, percent uint32) rollout.Need {
	return rollout.Need{Version: version, Weight: rollout.Weight(percent) * rollout.Total / 100}
}
