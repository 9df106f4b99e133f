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
	}
	for i := range docs {
		switch o := docs[i].Object.(type) {
		case *Gateway:
			put(set.Gateways, o)
		case *HTTPRoute:
			put(set.HTTPRoutes, o)
		case *Service:
			put(set.Services, o)
		case *EndpointSlice:
			put(set.EndpointSlices, o)
		case *Rollout:
			put(set.Rollouts, o)
		}
	}
	if before == nil {
		return set
	}
	same := share(set.Gateways, before.Gateways)
	same = share(set.HTTPRoutes, before.HTTPRoutes) && same
	same = share(set.Services, before.Services) && same
	same = share(set.EndpointSlices, before.EndpointSlices) && same
	same = share(set.Rollouts, before.Rollouts) && same
	if same {
		return before
	}
	return set
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
