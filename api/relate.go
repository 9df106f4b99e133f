package api

import (
	"slices"
)

// hasChecks reports whether objects of a kind refer to others.
func hasChecks(kind string) bool {
	switch kind {
	case kindGateway, kindHTTPRoute, kindRollout, kindExperiment, kindAnalysisRun, kindRelease:
		return true
	}
	return false
}

// check runs the checks of an object, and notes what they ask.
func (x *Relations) check(ref Ref, r *relation) {
	x.unask(ref, r)
	r.asked = map[fact]bool{}
	x.v.findings, x.v.ask = nil, func(f fact) { r.asked[f] = true }
	switch o := r.doc.Object.(type) {
	case *Gateway:
		x.v.certificates(o)
	case *HTTPRoute:
		x.v.route(r.doc, o)
	case *Rollout:
		x.v.rollout(r.doc, o)
		x.v.analyses(r.doc, o)
	case *Experiment:
		x.v.experiment(r.doc, o.Namespace, path{"spec"}, o.Spec.Analyses, true)
	case *AnalysisRun:
		x.v.run(r.doc, o)
	case *Release:
		x.v.release(r.doc, o)
	}
	SortFindings(x.v.findings)
	r.findings = slices.Clip(x.v.findings)
	for f := range r.asked {
		if x.askers[f] == nil {
			x.askers[f] = map[Ref]bool{}
			x.secretsChanged = x.secretsChanged || f.what == kindSecret
		}
		x.askers[f][ref] = true
	}
}

// unask forgets what an object asked.
func (x *Relations) unask(ref Ref, r *relation) {
	for f := range r.asked {
		delete(x.askers[f], ref)
		if len(x.askers[f]) == 0 {
			delete(x.askers, f)
			x.secretsChanged = x.secretsChanged || f.what == kindSecret
		}
	}
	r.asked = nil
}

// touch has everything looked at again that asked for a fact.
func (x *Relations) touch(f fact) {
	for ref := range x.askers[f] {
		x.dirty[ref] = true
	}
}

// changed touches the facts that an object makes, which may be nil before or
// now.
func (x *Relations) changed(ref Ref, before, now *Document) {
	x.touch(fact{ref.Kind, ref.Key})
	if before == nil || now == nil {
		x.touch(fact{factNames + ref.Kind, Key{Namespace: ref.Key.Namespace}})
	}
	switch ref.Kind {
	case kindHTTPRoute:
		for _, service := range servicesOf(now) {
			x.route(service, 1)
		}
		for _, service := range servicesOf(before) {
			x.route(service, -1)
		}
	case kindRelease:
		x.join(ref.Key, before, now)
	}
}

// servicesOf lists the Services that the rules of an HTTPRoute lead to.
func servicesOf(d *Document) (out []Key) {
	if d == nil {
		return nil
	}
	h, ok := d.Object.(*HTTPRoute)
	if !ok {
		return nil
	}
	for i := range h.Spec.Rules {
		for j := range h.Spec.Rules[i].BackendRefs {
			out = append(out, backendKey(&h.Spec.Rules[i].BackendRefs[j].BackendObjectReference))
		}
	}
	return out
}

// route counts the references to a Service.
func (x *Relations) route(service Key, by int) {
	x.routes[service] += by
	routed := x.routes[service] > 0
	if !routed {
		delete(x.routes, service)
	}
	if routed == x.v.routed[service] {
		return
	}
	if routed {
		x.v.routed[service] = true
	} else {
		delete(x.v.routed, service)
	}
	x.touch(fact{factRouted, service})
}

// join notes which Rollouts a Release names. Of several Releases the first by
// name has a Rollout.
func (x *Relations) join(release Key, before, now *Document) {
	for _, d := range []*Document{before, now} {
		for _, key := range membersOf(d) {
			if x.claims[key] == nil {
				x.claims[key] = map[Key]bool{}
			}
			delete(x.claims[key], release)
			if d == now {
				x.claims[key][release] = true
			}
		}
	}
	for _, key := range append(membersOf(before), membersOf(now)...) {
		delete(x.v.members, key)
		for other := range x.claims[key] {
			if m := x.v.members[key]; m == nil || other.Compare(m.Key) < 0 {
				x.v.members[key] = x.v.there[kindRelease][other]
			}
		}
		if len(x.claims[key]) == 0 {
			delete(x.claims, key)
		}
		x.touch(fact{factMember, key})
	}
}

// membersOf lists the Rollouts that a Release names.
func membersOf(d *Document) []Key {
	if d == nil {
		return nil
	}
	if r, ok := d.Object.(*Release); ok {
		return r.Members()
	}
	return nil
}
