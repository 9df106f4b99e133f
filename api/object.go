package api

import (
	"cmp"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Labels that tie endpoints and revisions to a Service and a version.
const (
	// LabelService is the label of an EndpointSlice that names its Service.
	LabelService = discoveryv1.LabelServiceName
	// LabelVersion is the label that names a version: on an EndpointSlice, and
	// in spec.template.metadata.labels of a Rollout.
	LabelVersion = "app.kubernetes.io/version"
	// LabelPodTemplateHash is the label of a pod in a cluster that names the
	// revision it is of. It is Argo Rollouts', so that pods stay what they are
	// when Serin takes a Rollout over.
	LabelPodTemplateHash = "rollouts-pod-template-hash"
	// DefaultNamespace is where an object without a namespace lives.
	DefaultNamespace = "default"
)

// Gateway has the listeners that Envoys open. Source: Gateway API.
type Gateway = gatewayv1.Gateway

// HTTPRoute says which requests go to which Service. Source: Gateway API.
type HTTPRoute = gatewayv1.HTTPRoute

// Service is what a route points at. Source: Kubernetes core.
type Service = corev1.Service

// EndpointSlice has addresses of one version of a Service. Source: Kubernetes
// discovery.
type EndpointSlice = discoveryv1.EndpointSlice

// Secret has what must not be seen: decoding merges its stringData into its
// data. Source: Kubernetes core.
type Secret = corev1.Secret

// Key names an object of a known kind. The namespace is "" for kinds that have
// none.
type Key struct {
	Namespace, Name string
}

// String gives NAMESPACE/NAME, or NAME where there is no namespace.
func (k Key) String() string {
	if k.Namespace == "" {
		return k.Name
	}
	return k.Namespace + "/" + k.Name
}

// Compare orders keys by namespace, then name.
func (k Key) Compare(o Key) int {
	if k.Namespace != o.Namespace {
		if k.Namespace < o.Namespace {
			return -1
		}
		return 1
	}
	switch {
	case k.Name < o.Name:
		return -1
	case k.Name > o.Name:
		return 1
	}
	return 0
}

// Ref names an object of any kind.
type Ref struct {
	Kind string // such as Rollout
	Key  Key
}

// Compare orders refs by kind, then key.
func (r Ref) Compare(o Ref) int {
	return cmp.Or(cmp.Compare(r.Kind, o.Kind), r.Key.Compare(o.Key))
}

// Objects is one consistent set of objects, by kind. A set and the objects in
// it are immutable once published: a change makes a new set that shares every
// object that did not change, so comparing pointers tells what did.
type Objects struct {
	Gateways       map[Key]*Gateway
	HTTPRoutes     map[Key]*HTTPRoute
	Services       map[Key]*Service
	EndpointSlices map[Key]*EndpointSlice
	Rollouts       map[Key]*Rollout

	AnalysisTemplates        map[Key]*AnalysisTemplate
	ClusterAnalysisTemplates map[Key]*ClusterAnalysisTemplate // Key.Namespace is ""
	AnalysisRuns             map[Key]*AnalysisRun
	Experiments              map[Key]*Experiment
	Releases                 map[Key]*Release
	Secrets                  map[Key]*Secret
}
