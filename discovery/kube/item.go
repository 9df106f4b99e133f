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
	pod        pod           // of a Pod
	workload   *api.Template // of a workload
}

// pod is what is known of a pod.
type pod struct {
	uid  types.UID
	hash string
}

// key gives the key of the item's object.
func (i *item) key() api.Key { return api.Key{Namespace: i.Namespace, Name: i.Name} }

// read converts an object of the API.
func (w *watch) read(o any) (*item, error) {
	if p, ok := o.(*metav1.PartialObjectMetadata); ok {
		i := newItem(p)
		i.pod = pod{p.UID, p.Labels[api.LabelPodTemplateHash]}
		return i, nil
	}
	u, ok := o.(*unstructured.Unstructured)
	if !ok {
		return nil, fmt.Errorf("a %T is no object", o)
	}
	i := newItem(u)
	strip(u)
	switch w.resource.kind {
	case kindService:
		return i, i.typed(u, &corev1.Service{})
	case kindEndpointSlice:
		return i, i.slice(u)
	case kindSecret:
		return i, i.typed(u, &corev1.Secret{})
	case "Deployment", "ReplicaSet", "PodTemplate":
		i.workload = api.DecodeWorkload(u.Object)
		return i, nil
	case kindRollout:
		if w.resource.group == groupArgo && isBlueGreen(u) {
			i.ignored = true
			return i, nil
		}
		if n, found, err := unstructured.NestedInt64(u.Object, "status", "collisionCount"); found && err == nil {
			count := int32(n)
			i.collisions = &count
		}
	}
	i.doc, i.findings = api.DecodeObject(u.Object)
	return i, nil
}

// newItem gives an item of which only the names are filled in.
func newItem(o metav1.Object) *item {
	return &item{ObjectMeta: metav1.ObjectMeta{
		Namespace: o.GetNamespace(), Name: o.GetName(), ResourceVersion: o.GetResourceVersion(),
	}}
}

// typed fills the item from an object of one of Kubernetes' own types.
func (i *item) typed(u *unstructured.Unstructured, o metav1.Object) error {
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, o); err != nil {
		return err
	}
	stripTyped(o)
	i.doc, i.findings = api.DecodeTyped(u.GetAPIVersion(), u.GetKind(), o)
	return nil
}

// slice fills the item from an EndpointSlice; one that is not of a Service, or
// of host names, is left alone.
func (i *item) slice(u *unstructured.Unstructured) error {
	s := &discoveryv1.EndpointSlice{}
	if err := i.typed(u, s); err != nil {
		return err
	}
	_, ok := api.SliceService(s)
	i.ignored = !ok || s.AddressType == discoveryv1.AddressTypeFQDN
	return nil
}

// isBlueGreen reports whether a Rollout is not one that Serin runs.
func isBlueGreen(u *unstructured.Unstructured) bool {
	strategy, _, _ := unstructured.NestedMap(u.Object, "spec", "strategy")
	return strategy["blueGreen"] != nil
}
