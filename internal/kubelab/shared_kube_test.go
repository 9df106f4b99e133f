//go:build kube

package kubelab_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/serin-mesh/serin/internal/kubelab"
)

// patience bounds every wait of these tests. It is long because the machine may
// be busy; nothing is measured by it.
const patience = 2 * time.Minute

// shared gives the cluster of all tests, each of which has a namespace.
var shared = sync.OnceValues(func() (*kubelab.Cluster, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	began := time.Now()
	c, err := kubelab.Start(ctx, kubelab.Options{Users: []kubelab.User{{Name: "reader", Groups: []string{"readers"}}}})
	if err == nil {
		atEnd = c.Close
		fmt.Printf("the cluster was ready after %s\n", time.Since(began).Round(time.Millisecond))
	}
	return c, err
})

// place is a namespace of a test's own.
type place struct {
	*testing.T
	ctx       context.Context
	cluster   *kubelab.Cluster
	client    kubernetes.Interface
	namespace string
}

// places is the number of places so far: a test that runs again gets a new one.
var places atomic.Int64

// newPlace makes a namespace of the shared cluster, whose name begins as is said.
func newPlace(t *testing.T, prefix string) *place {
	t.Helper()
	namespace := fmt.Sprintf("%s-%d", prefix, places.Add(1))
	c, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	client, err := kubernetes.NewForConfig(c.Config(kubelab.Admin))
	if err != nil {
		t.Fatal(err)
	}
	p := &place{T: t, ctx: ctx, cluster: c, client: client, namespace: namespace}
	p.apply("{apiVersion: v1, kind: Namespace, metadata: {name: $NS}}")
	return p
}

func (p *place) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

// apply applies YAML in which $NS is the namespace.
func (p *place) apply(yaml string) {
	p.Helper()
	p.must(p.cluster.Apply(p.ctx, strings.ReplaceAll(yaml, "$NS", p.namespace)))
}

func (p *place) until(what string, holds func(context.Context) (bool, error)) {
	p.Helper()
	p.must(kubelab.Until(p.ctx, what, holds))
}

// kubelet plays two nodes for the pods of the place.
func (p *place) kubelet(o kubelab.KubeletOptions) *kubelab.Kubelet {
	p.Helper()
	o.Namespace = p.namespace
	o.Nodes = []string{p.namespace + "-a", p.namespace + "-b"}
	if o.Backend == nil {
		o.Backend = kubelab.HTTP(sayName)
	}
	k, err := kubelab.StartKubelet(p.ctx, p.cluster.Config(kubelab.Admin), o)
	p.must(err)
	p.Cleanup(func() {
		if err := k.Close(); err != nil {
			p.Error(err)
		}
	})
	return k
}

// sayName answers with the name of the pod.
func sayName(pod *core.Pod) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, pod.Name) })
}

// deploy applies a Deployment shop with a Service in front.
func (p *place) deploy(replicas int) {
	p.Helper()
	p.apply(fmt.Sprintf(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: $NS}
spec:
  replicas: %d
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers: [{name: shop, image: "shop:1", ports: [{name: http, containerPort: 8080}]}]
---
apiVersion: v1
kind: Service
metadata: {name: shop, namespace: $NS}
spec: {selector: {app: shop}, ports: [{name: http, port: 80, targetPort: http}]}
`, replicas))
}

// ready gives the addresses that the Service shop leads to, in order.
func (p *place) ready(ctx context.Context) ([]string, error) {
	list, err := p.client.DiscoveryV1().EndpointSlices(p.namespace).
		List(ctx, meta.ListOptions{LabelSelector: discovery.LabelServiceName + "=shop"})
	if err != nil {
		return nil, err
	}
	var found []string
	for _, s := range list.Items {
		for _, e := range s.Endpoints {
			if e.Conditions.Ready != nil && *e.Conditions.Ready {
				found = append(found, e.Addresses...)
			}
		}
	}
	slices.Sort(found)
	return found, nil
}

// untilReady waits until the Service leads to a number of addresses.
func (p *place) untilReady(n int) (addresses []string) {
	p.Helper()
	p.until(fmt.Sprintf("%d ready endpoints", n), func(ctx context.Context) (bool, error) {
		found, err := p.ready(ctx)
		if err == nil && len(found) != n {
			err = fmt.Errorf("ready are %v", found)
		}
		addresses = found
		return err == nil, err
	})
	return addresses
}
