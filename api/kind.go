package api

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The kinds that this version runs.
const (
	kindGateway       = "Gateway"
	kindHTTPRoute     = "HTTPRoute"
	kindService       = "Service"
	kindEndpointSlice = "EndpointSlice"
	kindRollout       = "Rollout"

	kindAnalysisTemplate        = "AnalysisTemplate"
	kindClusterAnalysisTemplate = "ClusterAnalysisTemplate"
	kindAnalysisRun             = "AnalysisRun"
	kindExperiment              = "Experiment"
	kindRelease                 = "Release"
	kindSecret                  = "Secret"
)

// The API groups whose kinds Serin knows; the core group has no name.
const (
	groupCore      = ""
	groupGateway   = "gateway.networking.k8s.io"
	groupDiscovery = "discovery.k8s.io"
	groupSerin     = "serin.dev"
	groupArgo      = "argoproj.io"
)

// object is what every kind that Serin runs is.
type object interface {
	metav1.Object
}

// kindType says how one kind is read.
type kindType struct {
	versions []string // of its group, that share one form
	empty    func() object
}

// alpha reads a kind of Serin's own or of Argo Rollouts'.
func alpha[T any, P interface {
	*T
	object
}]() kindType {
	return kindType{[]string{"v1alpha1"}, func() object { return P(new(T)) }}
}

// kinds holds the kinds that this version runs, by group and kind.
var kinds = map[[2]string]kindType{
	{groupGateway, kindGateway}:               {[]string{"v1", "v1beta1"}, func() object { return new(Gateway) }},
	{groupGateway, kindHTTPRoute}:             {[]string{"v1", "v1beta1"}, func() object { return new(HTTPRoute) }},
	{groupCore, kindService}:                  {[]string{"v1"}, func() object { return new(Service) }},
	{groupDiscovery, kindEndpointSlice}:       {[]string{"v1"}, func() object { return new(EndpointSlice) }},
	{groupCore, kindSecret}:                   {[]string{"v1"}, func() object { return new(Secret) }},
	{groupSerin, kindRollout}:                 alpha[Rollout](),
	{groupArgo, kindRollout}:                  alpha[Rollout](),
	{groupSerin, kindAnalysisTemplate}:        alpha[AnalysisTemplate](),
	{groupArgo, kindAnalysisTemplate}:         alpha[AnalysisTemplate](),
	{groupSerin, kindClusterAnalysisTemplate}: alpha[ClusterAnalysisTemplate](),
	{groupArgo, kindClusterAnalysisTemplate}:  alpha[ClusterAnalysisTemplate](),
	{groupSerin, kindAnalysisRun}:             alpha[AnalysisRun](),
	{groupArgo, kindAnalysisRun}:              alpha[AnalysisRun](),
	{groupSerin, kindExperiment}:              alpha[Experiment](),
	{groupArgo, kindExperiment}:               alpha[Experiment](),
	{groupSerin, kindRelease}:                 alpha[Release](),
}

// unused holds the kinds of Serin's model that this version reads but does not
// use, by group.
var unused = map[string][]string{
	groupGateway: {"GRPCRoute", "ReferenceGrant"},
}

// foreign holds the kinds that people keep beside Serin's objects, in groups
// where every other kind is taken for a slip of the pen. In a group that is not
// here every kind is foreign.
var foreign = map[string][]string{
	groupGateway: {"GatewayClass", "TCPRoute", "TLSRoute", "UDPRoute", "ListenerSet", "BackendTLSPolicy"},
	groupCore: {"ConfigMap", "Namespace", "Pod", "PodTemplate", "ReplicationController", "ServiceAccount", "Endpoints",
		"PersistentVolume", "PersistentVolumeClaim", "ResourceQuota", "LimitRange", "Node", "Event"},
	groupDiscovery: {},
	groupSerin:     {},
}

// kindsRead lists the kinds that Serin runs, for messages.
const kindsRead = "Serin reads Gateway and HTTPRoute (gateway.networking.k8s.io/v1), Service and Secret (v1), " +
	"EndpointSlice (discovery.k8s.io/v1), Release (serin.dev/v1alpha1), and Rollout, AnalysisTemplate, " +
	"ClusterAnalysisTemplate, AnalysisRun and Experiment (serin.dev/v1alpha1 or argoproj.io/v1alpha1)"

// groupVersion cuts an apiVersion; the core group's has no slash.
func groupVersion(apiVersion string) (group, version string) {
	if g, v, ok := strings.Cut(apiVersion, "/"); ok {
		return g, v
	}
	return groupCore, apiVersion
}

// lookup gives the kind's type, or notes why there is none.
func lookup(root *node, r *notes) (kindType, bool) {
	apiVersion, kind := root.str("apiVersion"), root.str("kind")
	group, version := groupVersion(apiVersion)
	at := root.find(path{"kind"})
	if t, ok := kinds[[2]string{group, kind}]; ok {
		if slices.Contains(t.versions, version) {
			return t, true
		}
		v := root.find(path{"apiVersion"})
		r.add(CodeUnknownKind, v.line, v.column, path{"apiVersion"},
			"%s has no version %q that Serin reads; write %s", kind, version, prefixed(group, t.versions[0]))
		return kindType{}, false
	}
	others, checked := foreign[group]
	switch {
	case slices.Contains(unused[group], kind):
		r.add(CodeUnusedKind, at.line, at.column, path{"kind"}, "%s is read but not used by this version", kind)
	case !checked || slices.Contains(others, kind):
		r.add(CodeForeignKind, at.line, at.column, path{"kind"},
			"%s of %s is not Serin's and is left alone", shorten(kind), shorten(apiVersion))
	default:
		r.add(CodeUnknownKind, at.line, at.column, path{"kind"}, "unknown kind %q in %s; %s",
			shorten(kind), shorten(apiVersion), kindsRead)
	}
	return kindType{}, false
}

// prefixed joins a group and a version to an apiVersion.
func prefixed(group, version string) string {
	if group == groupCore {
		return version
	}
	return group + "/" + version
}

// read decodes a document into its Go type; nil if the text does not fit it,
// which it notes.
func (t kindType) read(root *node, r *notes) object {
	// What a controller says of an object is not the user's to write; a file
	// taken from a cluster has it, in the form of whichever controller ran there.
	root = root.without("status")
	o := t.empty()
	before := len(r.issues)
	matchType(root, reflect.TypeOf(o), nil, r)
	if _, secret := o.(*Secret); secret {
		hide(r.issues[before:])
	}
	if len(r.issues) > before {
		return nil
	}
	if err := json.Unmarshal(root.appendJSON(nil), o); err != nil {
		r.add(CodeWrongType, root.line, root.column, nil, "%v", err)
		return nil
	}
	return o
}

// hide takes the values of a Secret out of what is said of them.
func hide(issues []issue) {
	for i := range issues {
		if issues[i].code == CodeWrongType {
			issues[i].message = "the value is of another type than the field's, and is not shown; texts go in quotes"
		}
	}
}
