package api

import "reflect"

// Collect gives the set of the objects in docs. Where before holds an equal
// object of the same kind and key, the set shares it; when the whole set is
// equal, Collect gives before itself. before may be nil. Of objects that are
// there twice the first counts; Validate reports the others.
func Collect(docs []Document, before *Objects) *Objects {
	set := &Objects{
		Gateways:       map[Key]*Gateway{},
		HTTPRoutes:     map[Key]*HTTPRoute{},
		Services:       map[Key]*Service{},
		EndpointSlices: map[Key]*EndpointSlice{},
		Rollouts:       map[Key]*Rollout{},

		AnalysisTemplates:        map[Key]*AnalysisTemplate{},
		ClusterAnalysisTemplates: map[Key]*ClusterAnalysisTemplate{},
		AnalysisRuns:             map[Key]*AnalysisRun{},
		Experiments:              map[Key]*Experiment{},
		Releases:                 map[Key]*Release{},
		Secrets:                  map[Key]*Secret{},
	}
	for i := range docs {
		object := docs[i].Object
		if r, ok := object.(*Rollout); ok {
			object, _ = r.withWorkload(docs)
		}
		set.add(object)
	}
	if before == nil {
		return set
	}
	same := share(set.Gateways, before.Gateways)
	same = share(set.HTTPRoutes, before.HTTPRoutes) && same
	same = share(set.Services, before.Services) && same
	same = share(set.EndpointSlices, before.EndpointSlices) && same
	same = share(set.Rollouts, before.Rollouts) && same
	same = share(set.AnalysisTemplates, before.AnalysisTemplates) && same
	same = share(set.ClusterAnalysisTemplates, before.ClusterAnalysisTemplates) && same
	same = share(set.AnalysisRuns, before.AnalysisRuns) && same
	same = share(set.Experiments, before.Experiments) && same
	same = share(set.Releases, before.Releases) && same
	same = share(set.Secrets, before.Secrets) && same
	if same {
		return before
	}
	return set
}

// add puts an object where its kind belongs.
func (s *Objects) add(object any) {
	switch o := object.(type) {
	case *Gateway:
		put(s.Gateways, o)
	case *HTTPRoute:
		put(s.HTTPRoutes, o)
	case *Service:
		put(s.Services, o)
	case *EndpointSlice:
		put(s.EndpointSlices, o)
	case *Rollout:
		put(s.Rollouts, o)
	case *AnalysisTemplate:
		put(s.AnalysisTemplates, o)
	case *ClusterAnalysisTemplate:
		put(s.ClusterAnalysisTemplates, o)
	case *AnalysisRun:
		put(s.AnalysisRuns, o)
	case *Experiment:
		put(s.Experiments, o)
	case *Release:
		put(s.Releases, o)
	case *Secret:
		put(s.Secrets, o)
	}
}

// put adds an object unless one with its key is there.
func put[T object](m map[Key]T, o T) {
	if _, there := m[KeyOf(o)]; !there {
		m[KeyOf(o)] = o
	}
}

// share replaces objects by equal ones from before, and reports whether the two
// maps are then the same.
func share[T comparable](now, before map[Key]T) bool {
	same := len(now) == len(before)
	for k, o := range now {
		old, there := before[k]
		switch {
		case there && o == old:
		case there && reflect.DeepEqual(o, old):
			now[k] = old
		default:
			same = false
		}
	}
	return same
}
