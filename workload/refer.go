package workload

import (
	"errors"
	"fmt"
	"sync"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/serin-mesh/serin/api"
)

// errNotRead says that a workload was just begun to be watched: its Rollout is looked
// at again when it was read.
var errNotRead = errors.New("the workload that it refers to was not read yet")

// workloads watches the workloads that Rollouts refer to, each by its name.
type workloads struct {
	client  kubernetes.Interface
	changed func(api.Key) // of the Rollout

	mu       sync.Mutex // guards all below
	watches  map[api.Key]*reference
	finished bool
}

// reference is the watch of the workload that a Rollout refers to.
type reference struct {
	kind, name string
	factory    informers.SharedInformerFactory
	store      cache.Store
	synced     cache.InformerSynced
	stop       chan struct{}
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
	object, err := w.workload(key, ref)
	if err != nil {
		return source{}, err
	}
	s := fromWorkload(object)
	if r.Spec.Selector != nil {
		s.selector = r.Spec.Selector
	}
	return s, nil
}

// fromWorkload gives what a workload's pods are made from, without the label by which a
// Deployment tells its ReplicaSets apart.
func fromWorkload(object any) (s source) {
	switch o := object.(type) {
	case *apps.Deployment:
		s = source{template: *o.Spec.Template.DeepCopy(), selector: o.Spec.Selector.DeepCopy()}
	case *apps.ReplicaSet:
		s = source{template: *o.Spec.Template.DeepCopy(), selector: o.Spec.Selector.DeepCopy()}
	case *core.PodTemplate:
		s = source{template: *o.Template.DeepCopy()}
	}
	delete(s.template.Labels, apps.DefaultDeploymentUniqueLabelKey)
	if s.selector != nil {
		delete(s.selector.MatchLabels, apps.DefaultDeploymentUniqueLabelKey)
	}
	return s
}

// workload gives the workload that a Rollout refers to, and watches it.
func (w *workloads) workload(key api.Key, of *api.WorkloadRef) (any, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ref := w.watches[key]
	if ref != nil && (ref.kind != of.Kind || ref.name != of.Name) {
		w.end(key)
		ref = nil
	}
	if ref == nil && !w.finished {
		if ref = w.begin(key, of); ref == nil {
			return nil, fmt.Errorf("spec.workloadRef names a %s; it may name a Deployment, ReplicaSet or PodTemplate", of.Kind)
		}
		w.watches[key] = ref
	}
	if ref == nil || !ref.synced() {
		return nil, errNotRead
	}
	object, ok, _ := ref.store.GetByKey(key.Namespace + "/" + of.Name)
	if !ok {
		return nil, fmt.Errorf("there is no %s %q, which spec.workloadRef names", of.Kind, of.Name)
	}
	return object, nil
}

// begin starts to watch a workload; nil where its kind is none.
func (w *workloads) begin(key api.Key, of *api.WorkloadRef) *reference {
	f := informers.NewSharedInformerFactoryWithOptions(w.client, 0, informers.WithNamespace(key.Namespace),
		informers.WithTransform(stripWorkload),
		informers.WithTweakListOptions(func(o *metav1.ListOptions) {
			o.FieldSelector = fields.OneTermEqualSelector("metadata.name", of.Name).String()
		}))
	var i cache.SharedIndexInformer
	switch of.Kind {
	case "Deployment":
		i = f.Apps().V1().Deployments().Informer()
	case "ReplicaSet":
		i = f.Apps().V1().ReplicaSets().Informer()
	case "PodTemplate":
		i = f.Core().V1().PodTemplates().Informer()
	default:
		return nil
	}
	look := func(any) { w.changed(key) }
	h, _ := i.AddEventHandler(cache.ResourceEventHandlerFuncs{ // fails only once the informer runs
		AddFunc: look, UpdateFunc: func(_, now any) { look(now) }, DeleteFunc: look,
	})
	ref := &reference{kind: of.Kind, name: of.Name, factory: f, store: i.GetStore(), synced: h.HasSynced, stop: make(chan struct{})}
	f.Start(ref.stop)
	go func() { // one that does not exist gives no event
		cache.WaitForCacheSync(ref.stop, h.HasSynced)
		look(nil)
	}()
	return ref
}

// stripWorkload leaves out what nobody looks at.
func stripWorkload(object any) (any, error) {
	switch o := object.(type) {
	case *apps.Deployment:
		o.ManagedFields, o.Annotations, o.Status = nil, nil, apps.DeploymentStatus{}
	case *apps.ReplicaSet:
		o.ManagedFields, o.Annotations, o.Status = nil, nil, apps.ReplicaSetStatus{}
	case *core.PodTemplate:
		o.ManagedFields, o.Annotations = nil, nil
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
