package kube

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/serin-mesh/serin/api"
)

// The API groups, as the API names them.
const (
	groupGateway   = "gateway.networking.k8s.io"
	groupDiscovery = "discovery.k8s.io"
	groupApps      = "apps"
	groupSerin     = "serin.dev"
	groupArgo      = "argoproj.io"
)

// The kinds that are not treated like any other.
const (
	kindRollout       = "Rollout"
	kindExperiment    = "Experiment"
	kindAnalysisRun   = "AnalysisRun"
	kindEndpointSlice = "EndpointSlice"
	kindPod           = "Pod"
	kindSecret        = "Secret"
	kindService       = "Service"
)

// resource is one kind of the API.
type resource struct {
	group    string
	versions []string // the first one that is served is read
	plural   string
	kind     string
	cluster  bool // it has no namespace
}

// at gives the resource in a version.
func (r resource) at(version string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: r.group, Version: version, Resource: r.plural}
}

// core are the kinds that every API server serves.
var core = []resource{
	{"", []string{"v1"}, "services", kindService, false},
	{groupDiscovery, []string{"v1"}, "endpointslices", kindEndpointSlice, false},
	{"", []string{"v1"}, "pods", kindPod, false},
}

// custom gives the kinds that may be installed or not.
func custom(adoptArgo bool) []resource {
	gateway, alpha := []string{"v1", "v1beta1"}, []string{"v1alpha1"}
	out := []resource{
		{groupGateway, gateway, "gateways", "Gateway", false},
		{groupGateway, gateway, "httproutes", "HTTPRoute", false},
		{groupSerin, alpha, "releases", "Release", false},
	}
	groups := []string{groupSerin}
	if adoptArgo {
		groups = append(groups, groupArgo)
	}
	for _, group := range groups {
		out = append(out,
			resource{group, alpha, "rollouts", kindRollout, false},
			resource{group, alpha, "analysistemplates", "AnalysisTemplate", false},
			resource{group, alpha, "clusteranalysistemplates", "ClusterAnalysisTemplate", true},
			resource{group, alpha, "experiments", kindExperiment, false},
			resource{group, alpha, "analysisruns", kindAnalysisRun, false})
	}
	return out
}

// single are the kinds that are watched by name, for those who name one.
var single = map[string]resource{
	kindSecret:    {"", []string{"v1"}, "secrets", kindSecret, false},
	"Deployment":  {groupApps, []string{"v1"}, "deployments", "Deployment", false},
	"ReplicaSet":  {groupApps, []string{"v1"}, "replicasets", "ReplicaSet", false},
	"PodTemplate": {"", []string{"v1"}, "podtemplates", "PodTemplate", false},
}

// name names an object of any kind in any group.
type name struct {
	group, kind string
	key         api.Key
}

// ref gives the name as others know it, without the group.
func (n name) ref() api.Ref { return api.Ref{Kind: n.kind, Key: n.key} }
