package workload

import (
	"errors"
	"fmt"
	"sync"

	apps "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/serin-mesh/serin/api"
)

// errNotRead says that a Deployment was just begun to be watched: its Rollout is
// looked at again when it was read.
var errNotRead = errors.New("the Deployment that it refers to was not read yet")

// workloads watches the Deployments that Rollouts refer to, each by its name.
type workloads struct {
	client  kubernetes.Interface
	changed func(api.Key) // of the Rollout

	mu       sync.Mutex // guards all below
	watches  map[api.Key]*reference
	finished bool
}

// reference is the watch of the Deployment that a Rollout refers to.
type reference struct {
	name    string
	factory informers.SharedInformerFactory
	store   cache.Store
	synced  cache.InformerSynced
	stop    chan struct{}
}

func newWorkloads(client kubernetes.Interface, changed func(api.Key)) *workloads {
	return &workloads{client: client, changed: changed, watches: map[api.Key]*reference{}}
}

// source gives what the ReplicaSets of a Rollout are made from.
func (w *workloads) source(key api.Key, r *api.Rollout) (source, error) {
	ref := r.Spec.WorkloadRef
	if ref == nil {
		w.forget(key)
		t, err := PodTemplate(&r.Spec.Template)
		return source{template: t, selector: r.Spec.Selector}, err
	}
	if ref.Kind != "Deployment" {
		return source{}, fmt.Errorf("spec.workloadRef names a %s; in a cluster it may name a Deployment", ref.Kind)
	}
	d, err := w.deployment(key, ref.Name)
	if err != nil {
		return source{}, err
	}
	s := source{template: d.Spec.Template, selector: r.Spec.Selector}
	if s.selector == nil {
		s.selector = d.Spec.Selector
	}
	return s, nil
}

// deployment gives the Deployment that a Rollout refers to, and watches it.
func (w *workloads) deployment(key api.Key, name string) (*apps.Deployment, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ref := w.watches[key]
	if ref != nil && ref.name != name {
		w.end(key)
		ref = nil
	}
	if ref == nil && !w.finished {
		ref = w.begin(key, name)
		w.watches[key] = ref
	}
	if ref == nil || !ref.synced() {
		return nil, errNotRead
	}
	object, ok, _ := ref.store.GetByKey(key.Namespace + "/" + name)
	d, isOne := object.(*apps.Deployment)
	if !ok || !isOne {
		return nil, fmt.Errorf("there is no Deployment %q, which spec.workloadRef names", name)
	}
	return d, nil
}

// begin starts to watch a Deployment.
func (w *workloads) begin(key api.Key, name string) *reference {
	f := informers.NewSharedInformerFactoryWithOptions(w.client, 0, informers.WithNamespace(key.Namespace),
		informers.WithTransform(stripDeployment),
		informers.WithTweakListOptions(func(o *metav1.ListOptions) {
			o.FieldSelector = fields.OneTermEqualSelector("metadata.name", name).String()
		}))
	i := f.Apps().V1().Deployments().Informer()
	look := func(any) { w.changed(key) }
	h, _ := i.AddEventHandler(cache.ResourceEventHandlerFuncs{ // fails only once the informer runs
		AddFunc: look, UpdateFunc: func(_, now any) { look(now) }, DeleteFunc: look,
	})
	ref := &reference{name: name, factory: f, store: i.GetStore(), synced: h.HasSynced, stop: make(chan struct{})}
	f.Start(ref.stop)
	go func() { // one that does not exist gives no event
		cache.WaitForCacheSync(ref.stop, h.HasSynced)
		look(nil)
	}()
	return ref
}

// stripDeployment leaves out what nobody looks at.
func stripDeployment(object any) (any, error) {
	if d, ok := object.(*apps.Deployment); ok {
		d.ManagedFields, d.Annotations, d.Status = nil, nil, apps.DeploymentStatus{}
	}
	return object, nil
}

// forget ends the watch for a Rollout.
func (w *workloads) forget(key api.Key) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.end(key)
}

func (w *workloads) end(key api.Key) {
	if ref := w.watches[key]; ref != nil {
		close(ref.stop)
		delete(w.watches, key)
		go ref.factory.Shutdown()
	}
}

// close ends all watches and waits until they have.
func (w *workloads) close() {
	w.mu.Lock()
	w.finished = true
	var ended []*reference
	for key, ref := range w.watches {
		close(ref.stop)
		delete(w.watches, key)
		ended = append(ended, ref)
	}
	w.mu.Unlock()
	for _, ref := range ended {
		ref.factory.Shutdown()
	}
}
