package kube

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/serin-mesh/serin/api"
)

// item is what is kept of an object of the API. It is immutable. Of its own
// metadata it has names and resource version only, for the reflector.
type item struct {
	metav1.ObjectMeta

	ignored  bool // Serin leaves the object alone
	doc      api.Document
	findings []api.Finding

	collisions *int32        // of a Rollout: status.collisionCount
	before     before        // of a Rollout: how it stands
	pod        pod           // of a Pod
	workload   *api.Template // of a workload
}

// pod is what is known of a pod.
type pod struct {
	uid  types.UID
	hash string
}

// keyOf gives the key of an object of the API, which has no default namespace.
func keyOf(o metav1.Object) api.Key { return api.Key{Namespace: o.GetNamespace(), Name: o.GetName()} }

// read converts an object of the API.
func (w *watch) read(o any) (*item, error) {
	if p, ok := o.(*metav1.PartialObjectMetadata); ok {
		i := newItem(p)
		i.pod = pod{p.UID, p.Labels[api.LabelPodTemplateHash]}
		i.ignored = i.pod.hash == ""
		return i, nil
	}
	u, ok := o.(*unstructured.Unstructured)
	if !ok {
		return nil, fmt.Errorf("a %T is no object", o)
	}
	i := newItem(u)
	if i.ignored = w.single != "" && i.Name != w.single; i.ignored {
		return i, nil
	}
	if w.resource.kind == kindRollout {
		if i.ignored = w.resource.group == groupArgo && isBlueGreen(u); i.ignored {
			return i, nil
		}
	}
	w.show(u)
	strip(u)
	switch w.resource.kind {
	case kindService:
		i.typed(u, &corev1.Service{})
		return i, nil
	case kindEndpointSlice:
		i.slice(u)
		return i, nil
	case kindSecret:
		i.typed(u, &corev1.Secret{})
		return i, nil
	case "Deployment", "ReplicaSet", "PodTemplate":
		i.workload = api.DecodeWorkload(u.Object)
		return i, nil
	case kindRollout:
		if n, found, err := unstructured.NestedInt64(u.Object, "status", "collisionCount"); found && err == nil {
			count := int32(n)
			i.collisions = &count
		}
		i.before = beforeOf(u)
	}
	if w.resource.kind == kindExperiment || w.resource.kind == kindAnalysisRun {
		unstructured.RemoveNestedField(u.Object, "status") // what came of it is whose who runs it
	}
	i.doc, i.findings = api.DecodeObject(u.Object)
	if r, ok := i.doc.Object.(*api.Rollout); ok && w.resource.group == groupArgo {
		adopt(r, w.opts.GuardMode)
	}
	return i, nil
}

// newItem gives an item of which only the names are filled in.
func newItem(o metav1.Object) *item {
	return &item{ObjectMeta: metav1.ObjectMeta{
		Namespace: o.GetNamespace(), Name: o.GetName(), ResourceVersion: o.GetResourceVersion(),
	}}
}

// typed fills the item from an object of one of Kubernetes' own types.
func (i *item) typed(u *unstructured.Unstructured, o metav1.Object) {
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, o); err != nil {
		i.doc = api.Document{APIVersion: u.GetAPIVersion(), Kind: u.GetKind(), Key: keyOf(u)}
		i.doc.File = api.Place(i.doc.APIVersion, i.doc.Kind, i.doc.Key)
		i.findings = []api.Finding{{
			File: i.doc.File, Code: api.CodeWrongType, Kind: i.doc.Kind, Key: i.doc.Key,
			Message: "a field has a value of another type than Serin knows; it is not shown",
		}}
		return
	}
	stripTyped(o)
	i.doc, i.findings = api.DecodeTyped(u.GetAPIVersion(), u.GetKind(), o)
}

// slice fills the item from an EndpointSlice; one that is not of a Service, or
// of host names, is left alone.
func (i *item) slice(u *unstructured.Unstructured) {
	s := &discoveryv1.EndpointSlice{}
	i.typed(u, s)
	_, ok := api.SliceService(s)
	i.ignored = len(i.findings) == 0 && !ok || s.AddressType == discoveryv1.AddressTypeFQDN
}

// isBlueGreen reports whether a Rollout is not one that Serin runs.
func isBlueGreen(u *unstructured.Unstructured) bool {
	strategy, _, _ := unstructured.NestedMap(u.Object, "spec", "strategy")
	return strategy["blueGreen"] != nil
}
