package workload

import (
	apps "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"github.com/serin-mesh/serin/api"
)

// byOwner is the index of ReplicaSets by the UID of their Rollout.
const byOwner = "owner"

// watch prepares the watches of ReplicaSets that carry a version.
func (w *Workload) watch() {
	namespaces := w.options.Namespaces
	if len(namespaces) == 0 {
		namespaces = []string{metav1.NamespaceAll}
	}
	for _, ns := range namespaces {
		f := informers.NewSharedInformerFactoryWithOptions(w.client, 0, informers.WithNamespace(ns), informers.WithTransform(strip),
			informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.LabelSelector = LabelHash + ",!" + LabelExperiment }))
		i := f.Apps().V1().ReplicaSets().Informer()
		// Both fail only once the informer runs.
		_ = i.AddIndexers(cache.Indexers{byOwner: ownerUID})
		_, _ = i.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    w.changed,
			UpdateFunc: func(_, now any) { w.changed(now) },
			DeleteFunc: w.gone,
		})
		w.factories, w.sets = append(w.factories, f), append(w.sets, i)
	}
}

// ownerUID indexes a ReplicaSet.
func ownerUID(object any) ([]string, error) {
	s, ok := object.(*apps.ReplicaSet)
	if !ok {
		return nil, nil
	}
	ref := metav1.GetControllerOfNoCopy(s)
	if ref == nil || ref.Kind != "Rollout" {
		return nil, nil
	}
	return []string{string(ref.UID)}, nil
}

// changed has the Rollout of a ReplicaSet looked at.
func (w *Workload) changed(object any) {
	s, ok := object.(*apps.ReplicaSet)
	if !ok {
		return
	}
	ref := metav1.GetControllerOfNoCopy(s)
	if ref == nil || ref.Kind != "Rollout" {
		return
	}
	key := api.Key{Namespace: s.Namespace, Name: ref.Name}
	w.mu.Lock()
	ours := w.entries[key] != nil
	w.mu.Unlock()
	if ours {
		w.queue.Add(key)
	}
}

func (w *Workload) gone(object any) {
	if d, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = d.Obj
	}
	if s, ok := object.(*apps.ReplicaSet); ok {
		w.written.forget(s.UID)
	}
	w.changed(object)
}

// own gives the ReplicaSets of a Rollout, the oldest first. They belong to the
// cache.
func (w *Workload) own(owner types.UID) []*apps.ReplicaSet {
	var cached []*apps.ReplicaSet
	for _, i := range w.sets {
		objects, _ := i.GetIndexer().ByIndex(byOwner, string(owner)) // the index is there
		for _, o := range objects {
			if s, ok := o.(*apps.ReplicaSet); ok {
				cached = append(cached, s)
			}
		}
	}
	return w.written.newest(cached, owner)
}
