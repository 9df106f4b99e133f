package kube

import (
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/serin-mesh/serin/api"
)

// strip takes out of an object what Serin never reads, and what changes without
// anything that it reads. The object is the watch's own.
func strip(u *unstructured.Unstructured) {
	unstructured.RemoveNestedField(u.Object, "metadata", "managedFields")
	unstructured.RemoveNestedField(u.Object, "metadata", "resourceVersion")
	unstructured.RemoveNestedField(u.Object, "metadata", "annotations", corev1.LastAppliedConfigAnnotation)
	if len(u.GetAnnotations()) == 0 {
		unstructured.RemoveNestedField(u.Object, "metadata", "annotations")
	}
}

// stripTyped leaves of an object of Kubernetes' own what Serin reads.
func stripTyped(o metav1.Object) {
	switch o := o.(type) {
	case *corev1.Service:
		stripService(o)
	case *discoveryv1.EndpointSlice:
		stripSlice(o)
	case *corev1.Secret:
		o.ObjectMeta, o.TypeMeta = names(o), metav1.TypeMeta{}
	}
}

// names gives metadata with the name alone.
func names(o metav1.Object) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: o.GetNamespace(), Name: o.GetName()}
}

// stripService leaves ports, selector and labels.
func stripService(s *corev1.Service) {
	meta := names(s)
	meta.Labels = s.Labels
	*s = corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{
		Type: s.Spec.Type, Ports: s.Spec.Ports, Selector: s.Spec.Selector, ExternalName: s.Spec.ExternalName,
	}}
}

// stripSlice leaves addresses, conditions, zone and pod of each endpoint. Of the
// labels only the Service's counts: Kubernetes copies the others from there, a
// version among them, whatever pods are behind it.
func stripSlice(s *discoveryv1.EndpointSlice) {
	meta := names(s)
	if service, ok := s.Labels[api.LabelService]; ok {
		meta.Labels = map[string]string{api.LabelService: service}
	}
	*s = discoveryv1.EndpointSlice{ObjectMeta: meta, AddressType: s.AddressType, Ports: s.Ports, Endpoints: s.Endpoints}
	for i := range s.Endpoints {
		e := &s.Endpoints[i]
		*e = discoveryv1.Endpoint{Addresses: e.Addresses, Conditions: e.Conditions, Zone: e.Zone, TargetRef: podRef(e.TargetRef)}
	}
}

// podRef leaves what names a pod.
func podRef(r *corev1.ObjectReference) *corev1.ObjectReference {
	if r == nil || r.Kind != kindPod {
		return nil
	}
	return &corev1.ObjectReference{Kind: kindPod, Namespace: r.Namespace, Name: r.Name, UID: r.UID}
}
