package kube

import (
	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/discovery"
)

// set makes the sets of objects that are given out.
type set struct {
	gateways  *table[api.Gateway]
	routes    *table[api.HTTPRoute]
	services  *table[api.Service]
	slices    *table[api.EndpointSlice]
	rollouts  *table[api.Rollout]
	templates *table[api.AnalysisTemplate]
	clusters  *table[api.ClusterAnalysisTemplate]
	trials    *table[api.Experiment]
	runs      *table[api.AnalysisRun]
	releases  *table[api.Release]
	secrets   *table[api.Secret]

	last *api.Objects
}

func newSet() *set {
	return &set{
		gateways:  newTable[api.Gateway]("Gateway", false),
		routes:    newTable[api.HTTPRoute]("HTTPRoute", false),
		services:  newTable[api.Service](kindService, false),
		slices:    newTable[api.EndpointSlice](kindEndpointSlice, true),
		rollouts:  newTable[api.Rollout](kindRollout, false),
		templates: newTable[api.AnalysisTemplate]("AnalysisTemplate", false),
		clusters:  newTable[api.ClusterAnalysisTemplate]("ClusterAnalysisTemplate", false),
		trials:    newTable[api.Experiment](kindExperiment, false),
		runs:      newTable[api.AnalysisRun](kindAnalysisRun, false),
		releases:  newTable[api.Release]("Release", false),
		secrets:   newTable[api.Secret](kindSecret, false),
	}
}

// put has an object in the next set.
func (s *set) put(key api.Key, object any) {
	switch o := object.(type) {
	case *api.Gateway:
		s.gateways.put(key, o)
	case *api.HTTPRoute:
		s.routes.put(key, o)
	case *api.Service:
		s.services.put(key, o)
	case *api.EndpointSlice:
		s.slices.put(key, o)
	case *api.Rollout:
		s.rollouts.put(key, o)
	case *api.AnalysisTemplate:
		s.templates.put(key, o)
	case *api.ClusterAnalysisTemplate:
		s.clusters.put(key, o)
	case *api.Experiment:
		s.trials.put(key, o)
	case *api.AnalysisRun:
		s.runs.put(key, o)
	case *api.Release:
		s.releases.put(key, o)
	case *api.Secret:
		s.secrets.put(key, o)
	}
}

// drop takes an object out of the next set.
func (s *set) drop(ref api.Ref) {
	switch ref.Kind {
	case "Gateway":
		s.gateways.put(ref.Key, nil)
	case "HTTPRoute":
		s.routes.put(ref.Key, nil)
	case kindService:
		s.services.put(ref.Key, nil)
	case kindEndpointSlice:
		s.slices.put(ref.Key, nil)
	case kindRollout:
		s.rollouts.put(ref.Key, nil)
	case "AnalysisTemplate":
		s.templates.put(ref.Key, nil)
	case "ClusterAnalysisTemplate":
		s.clusters.put(ref.Key, nil)
	case kindExperiment:
		s.trials.put(ref.Key, nil)
	case kindAnalysisRun:
		s.runs.put(ref.Key, nil)
	case "Release":
		s.releases.put(ref.Key, nil)
	case kindSecret:
		s.secrets.put(ref.Key, nil)
	}
}

// commit gives the next set, and how it differs from the last one.
func (s *set) commit() discovery.Result {
	r := discovery.Result{Changed: []api.Ref{}, Removed: []api.Ref{}}
	o := &api.Objects{
		Gateways: s.gateways.commit(&r), HTTPRoutes: s.routes.commit(&r), Services: s.services.commit(&r),
		EndpointSlices: s.slices.commit(&r), Rollouts: s.rollouts.commit(&r),
		AnalysisTemplates: s.templates.commit(&r), ClusterAnalysisTemplates: s.clusters.commit(&r),
		AnalysisRuns: s.runs.commit(&r), Experiments: s.trials.commit(&r),
		Releases: s.releases.commit(&r), Secrets: s.secrets.commit(&r),
	}
	if s.last == nil || len(r.Changed)+len(r.Removed) > 0 {
		s.last = o
	}
	r.Objects = s.last
	sortRefs(r.Changed)
	sortRefs(r.Removed)
	return r
}
