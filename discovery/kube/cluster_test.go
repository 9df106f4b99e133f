package kube

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	metadatafake "k8s.io/client-go/metadata/fake"

	"github.com/serin-mesh/serin/discovery"
)

// served is a discovery of the kinds that a test says are served.
type served struct {
	mu     sync.Mutex
	groups map[string][]string // plurals by group and version
	err    error
}

func (s *served) ServerResourcesForGroupVersion(gv string) (*metav1.APIResourceList, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, s.err
	}
	plurals, ok := s.groups[gv]
	if !ok {
		return nil, apierrors.NewNotFound(schema.GroupResource{}, gv)
	}
	list := &metav1.APIResourceList{GroupVersion: gv}
	for _, p := range plurals {
		list.APIResources = append(list.APIResources, metav1.APIResource{Name: p})
	}
	return list, nil
}

func (s *served) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *served) serve(gv string, plurals ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groups[gv] = plurals
}

// cluster is a played API server and the Source that reads from it.
type cluster struct {
	t        *testing.T
	dynamic  *dynamicfake.FakeDynamicClient
	metadata *metadatafake.FakeMetadataClient
	served   *served
	source   *Source
	first    discovery.Result

	mu      sync.Mutex         // guards what follows
	results []discovery.Result // of Run
	stop    context.CancelFunc
	done    chan error
}

func newCluster(t *testing.T, o Options, text string) *cluster {
	t.Helper()
	lists := map[schema.GroupVersionResource]string{}
	kinds := append(append([]resource{}, core...), custom(true)...)
	for _, r := range single {
		kinds = append(kinds, r)
	}
	for _, r := range kinds {
		for _, v := range r.versions {
			lists[r.at(v)] = r.kind + "List"
		}
	}
	c := &cluster{t: t, done: make(chan error, 1), served: &served{groups: map[string][]string{
		"gateway.networking.k8s.io/v1": {"gateways", "httproutes"},
		"serin.dev/v1alpha1":           {"rollouts", "analysistemplates", "clusteranalysistemplates", "experiments", "releases"},
	}}}
	c.dynamic = dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), lists)
	scheme := metadatafake.NewTestScheme()
	if err := metav1.AddMetaToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	c.metadata = metadatafake.NewSimpleMetadataClient(scheme)
	c.create(text)
	c.source = newSource(clients{c.dynamic, c.metadata, c.served, func(context.Context) error { return nil }}, o)
	return c
}

// at gives the resource of an object.
func at(u *unstructured.Unstructured) schema.GroupVersionResource {
	gvk := u.GroupVersionKind()
	return gvk.GroupVersion().WithResource(strings.ToLower(gvk.Kind) + "s")
}

// create adds objects.
func (c *cluster) create(text string) {
	c.t.Helper()
	for _, u := range objects(c.t, text) {
		u.SetResourceVersion("1")
		if u.GetKind() == kindPod {
			p := &metav1.PartialObjectMetadata{
				TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: kindPod},
				ObjectMeta: metav1.ObjectMeta{Namespace: u.GetNamespace(), Name: u.GetName(),
					UID: u.GetUID(), Labels: u.GetLabels(), ResourceVersion: "1"},
			}
			c.must(c.metadata.Tracker().Create(at(u), p, u.GetNamespace()))
			continue
		}
		c.must(c.dynamic.Tracker().Create(at(u), u, u.GetNamespace()))
	}
}

// update changes objects; their resource version becomes rv.
func (c *cluster) update(rv, text string) {
	c.t.Helper()
	for _, u := range objects(c.t, text) {
		u.SetResourceVersion(rv)
		c.must(c.dynamic.Tracker().Update(at(u), u, u.GetNamespace()))
	}
}

// remove deletes an object.
func (c *cluster) remove(text string) {
	c.t.Helper()
	for _, u := range objects(c.t, text) {
		c.must(c.dynamic.Tracker().Delete(at(u), u.GetNamespace(), u.GetName()))
	}
}

func (c *cluster) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// run loads, and runs until close.
func (c *cluster) run() {
	c.t.Helper()
	var err error
	c.first, err = c.source.Load(c.t.Context())
	c.must(err)
	ctx, stop := context.WithCancel(c.t.Context())
	c.stop = stop
	go func() {
		c.done <- c.source.Run(ctx, func(r discovery.Result) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.results = append(c.results, r)
		})
	}()
	synctest.Wait()
}

// close ends Run.
func (c *cluster) close() {
	c.t.Helper()
	c.stop()
	c.must(<-c.done)
}

// next gives the changes since it was asked last, as text: "findings" where only
// those are new.
func (c *cluster) next() string {
	c.t.Helper()
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for _, r := range c.results {
		text := strings.TrimSuffix(refs(r.Changed)+" - "+refs(r.Removed), " - ")
		if text == "" {
			text = "findings"
		}
		out = append(out, text)
	}
	c.results = nil
	return strings.Join(out, "; ")
}
