package snapshot

import (
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// route translates one match of a rule whose backends divide as set says, for
// a listener of the given port.
func (e *entry) route(in splits, set *weightedSet, port int32) *routev3.Route {
	r := e.rule
	out := &routev3.Route{
		Name:                    e.name,
		Match:                   e.match,
		RequestHeadersToAdd:     r.headers.request,
		RequestHeadersToRemove:  r.headers.requestRemove,
		ResponseHeadersToAdd:    r.headers.response,
		ResponseHeadersToRemove: r.headers.responseRemove,
	}
	switch {
	case !r.refused && r.redirect != nil:
		out.Action = &routev3.Route_Redirect{Redirect: redirectAction(r.redirect, e.path, port)}
	case r.refused || set == nil:
		// What the Gateway API asks of a rule without a backend that works.
		out.Action = &routev3.Route_DirectResponse{
			DirectResponse: &routev3.DirectResponseAction{Status: 500},
		}
	default:
		out.Action = &routev3.Route_Route{Route: r.action(in, set, e.path)}
		r.tells(in, out)
	}
	return out
}

// action sends requests to the set's clusters. The weights in it are those of
// canaries at 0: an Envoy with the runtime layer reads the wanted ones there.
func (r *rule) action(in splits, set *weightedSet, p pathMatch) *routev3.RouteAction {
	a := &routev3.RouteAction{
		ClusterNotFoundResponseCode: routev3.RouteAction_INTERNAL_SERVER_ERROR,
		RequestMirrorPolicies:       r.mirrorPolicies(in),
	}
	if r.timeout != nil {
		a.Timeout = durationpb.New(*r.timeout)
	}
	set.setClusters(a, nil, true)
	setRewrite(a, r, p)
	return a
}

// mirrorPolicies names the cluster of each mirror: a Service's stable version
// where it has a Rollout, as a mirror cannot be divided. A mirror to a Service
// that is not there is none: it must not change what the client sees.
func (r *rule) mirrorPolicies(in splits) []*routev3.RouteAction_RequestMirrorPolicy {
	var out []*routev3.RouteAction_RequestMirrorPolicy
	for i := range r.mirrors {
		m := &r.mirrors[i]
		key, s, ok := m.backend.target(in)
		if !ok {
			continue
		}
		policy := &routev3.RouteAction_RequestMirrorPolicy{Cluster: m.backend.alone(key, s)}
		if m.numerator < m.denominator {
			policy.RuntimeFraction = &corev3.RuntimeFractionalPercent{DefaultValue: fraction(m.numerator, m.denominator)}
		}
		out = append(out, policy)
	}
	return out
}

// fraction is numerator of denominator as a share of a million, Envoy's finest.
func fraction(numerator, denominator uint32) *typev3.FractionalPercent {
	return &typev3.FractionalPercent{
		Numerator:   uint32(uint64(numerator) * 1_000_000 / uint64(denominator)),
		Denominator: typev3.FractionalPercent_MILLION,
	}
}

// setClusters names the clusters of a route, with the weights that follow from
// the canaries', and with the runtime keys if keyed.
func (s *weightedSet) setClusters(a *routev3.RouteAction, canaries canaryWeights, keyed bool) {
	if len(s.clusters) == 1 {
		a.ClusterSpecifier = &routev3.RouteAction_Cluster{Cluster: s.clusters[0]}
		return
	}
	out := &routev3.WeightedCluster{Clusters: make([]*routev3.WeightedCluster_ClusterWeight, len(s.clusters))}
	for i, w := range s.weights(canaries) {
		out.Clusters[i] = &routev3.WeightedCluster_ClusterWeight{Name: s.clusters[i], Weight: wrapperspb.UInt32(w)}
	}
	if keyed {
		out.RuntimeKeyPrefix = s.prefix
	}
	a.ClusterSpecifier = &routev3.RouteAction_WeightedClusters{WeightedClusters: out}
}
