//go:build kube

package kube

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/discovery"
	"github.com/serin-mesh/serin/internal/kubelab"
)

// patience bounds every wait. It is long because the machine may be busy;
// nothing is measured by it.
const patience = 3 * time.Minute

// rights are all that a Source needs. Discovery and /readyz are everybody's by
// Kubernetes' default roles.
const rights = `
apiVersion: v1
kind: Namespace
metadata: {name: serin}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: serin, namespace: serin}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: serin-discovery}
rules:
- {apiGroups: [""], resources: [services, pods, secrets, podtemplates], verbs: [list, watch]}
- {apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [list, watch]}
- {apiGroups: [apps], resources: [deployments, replicasets], verbs: [list, watch]}
- {apiGroups: [gateway.networking.k8s.io], resources: [gateways, httproutes], verbs: [list, watch]}
- apiGroups: [serin.dev, argoproj.io]
  resources: [rollouts, analysistemplates, clusteranalysistemplates, experiments, releases]
  verbs: [list, watch]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: serin-discovery}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: serin-discovery}
subjects: [{kind: ServiceAccount, name: serin, namespace: serin}]
`

// crd writes the definition of a kind without a schema.
func crd(group, plural, kind string) string {
	return fmt.Sprintf(`apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: %[2]s.%[1]s}
spec:
  group: %[1]s
  scope: Namespaced
  names: {plural: %[2]s, singular: %[4]s, kind: %[3]s}
  versions:
  - name: v1alpha1
    served: true
    storage: true
    subresources: {status: {}}
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`, group, plural, kind, strings.ToLower(kind))
}

// lab is a real API server and a Source of it.
type lab struct {
	*testing.T
	ctx     context.Context
	cluster *kubelab.Cluster
	config  *rest.Config

	mu      sync.Mutex // guards what follows
	objects *api.Objects
	removed []api.Ref
	told    chan struct{}
}

func newLab(t *testing.T) *lab {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	t.Cleanup(cancel)
	c, err := kubelab.Start(ctx, kubelab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	l := &lab{T: t, ctx: ctx, cluster: c, told: make(chan struct{}, 1)}
	l.must(c.Apply(ctx, rights))
	l.config, err = c.ServiceAccountConfig(ctx, "serin", "serin")
	l.must(err)
	return l
}

func (l *lab) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

// run loads, and runs until the test ends.
func (l *lab) run(o Options) discovery.Result {
	l.Helper()
	s, err := New(l.config, o)
	l.must(err)
	first, err := s.Load(l.ctx)
	l.must(err)
	l.take(first)
	ctx, stop := context.WithCancel(l.ctx)
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, l.take) }()
	l.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			l.Error(err)
		}
	})
	return first
}

// take keeps the latest set and all that was ever removed.
func (l *lab) take(r discovery.Result) {
	l.mu.Lock()
	l.objects = r.Objects
	l.removed = append(l.removed, r.Removed...)
	l.mu.Unlock()
	select {
	case l.told <- struct{}{}:
	default:
	}
}

// until waits until a set holds what is wanted.
func (l *lab) until(what string, holds func(*api.Objects) bool) {
	l.Helper()
	for {
		l.mu.Lock()
		ok := holds(l.objects)
		l.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-l.told:
		case <-l.ctx.Done():
			l.Fatalf("waiting for %s: %v", what, l.ctx.Err())
		}
	}
}

// pods makes slices of so many pods each, which carry a version.
func (l *lab) pods(slices, each int, hash string) {
	l.Helper()
	config := rest.CopyConfig(l.cluster.Config(kubelab.Admin))
	config.QPS = -1
	client, err := dynamic.NewForConfig(config)
	l.must(err)
	g, ctx := errgroup.WithContext(l.ctx)
	g.SetLimit(16)
	for i := range slices {
		g.Go(func() error { return onePart(ctx, client, i, each, hash) })
	}
	l.must(g.Wait())
}

// onePart makes one slice and its pods.
func onePart(ctx context.Context, client dynamic.Interface, i, each int, hash string) error {
	var endpoints []any
	for j := range each {
		pod := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": "Pod",
			"metadata": map[string]any{"namespace": "shop", "name": fmt.Sprintf("s%d-%d", i, j),
				"labels":      map[string]any{api.LabelPodTemplateHash: hash, "app": "cart"},
				"annotations": map[string]any{"long": strings.Repeat("x", 500)}},
			"spec": map[string]any{"containers": []any{map[string]any{"name": "main", "image": "cart:1"}}},
		}}
		made, err := client.Resource(core[2].at("v1")).Namespace("shop").Create(ctx, pod, metav1.CreateOptions{})
		if err != nil {
			return err
		}
		endpoints = append(endpoints, map[string]any{
			"addresses":  []any{fmt.Sprintf("10.%d.%d.%d", i/250, i%250, j+1)},
			"conditions": map[string]any{"ready": true}, "zone": "a",
			"targetRef": map[string]any{"kind": "Pod", "namespace": "shop", "name": pod.GetName(), "uid": string(made.GetUID())},
		})
	}
	slice := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
		"metadata": map[string]any{"namespace": "shop", "name": fmt.Sprintf("s%d", i),
			"labels": map[string]any{api.LabelService: "cart"}},
		"ports":     []any{map[string]any{"name": "http", "port": int64(8080)}},
		"endpoints": endpoints,
	}}
	_, err := client.Resource(core[1].at("v1")).Namespace("shop").Create(ctx, slice, metav1.CreateOptions{})
	return err
}
