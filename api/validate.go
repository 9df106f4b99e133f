package api

import (
	"fmt"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Validate gives what is wrong between the objects of docs, sorted by file and
// line. What is wrong with an object by itself comes from Decode. An object that
// Decode refused still counts as being there, so one mistake is one finding.
func Validate(docs []Document) []Finding {
	v := &validator{docs: docs, trees: treeCache{}, there: map[string]map[Key]*Document{}}
	v.index()
	for i := range docs {
		d := &docs[i]
		switch o := d.Object.(type) {
		case *Rollout:
			v.claim(d, o)
		case *HTTPRoute:
			v.route(d, o)
		}
	}
	for i := range docs {
		d := &docs[i]
		switch o := d.Object.(type) {
		case *EndpointSlice:
			v.slice(d, o)
		case *Rollout:
			v.rollout(d, v.workload(d, o))
			v.analyses(d, o)
		case *Experiment:
			v.experiment(d, o.Namespace, path{"spec"}, o.Spec.Analyses, true)
		case *AnalysisRun:
			v.run(d, o)
		case *Release:
			v.release(d, o)
		}
	}
	SortFindings(v.findings)
	return v.findings
}

// validator gathers findings between objects.
type validator struct {
	docs     []Document
	trees    treeCache
	findings []Finding

	there  map[string]map[Key]*Document // by kind and key
	owners map[Key]*Document            // the Rollout that divides a Service
	routed map[Key]bool                 // Services that an HTTPRoute names
	slices map[Key]map[string]bool      // versions with endpoints, by Service

	members map[Key]*Document // the Release that a Rollout is a member of

	// ask, where the objects are a cluster's, is told of every fact that a check
	// rests on. Then routed and members are kept by who sets it.
	ask func(fact)
}

// note adds a finding at a field of a document.
func (v *validator) note(d *Document, code Code, p path, service Key, format string, args ...any) {
	line, column := d.find(v.trees, p)
	v.findings = append(v.findings, Finding{
		File: d.File, Line: line, Column: column, Code: code, Path: p.String(),
		Message: fmt.Sprintf(format, args...), Kind: d.Kind, Key: d.Key, Service: service,
	})
}

// index finds what is there, and what is there twice.
func (v *validator) index() {
	v.owners, v.routed, v.slices = map[Key]*Document{}, map[Key]bool{}, map[Key]map[string]bool{}
	v.members = map[Key]*Document{}
	for i := range v.docs {
		d := &v.docs[i]
		group, _ := groupVersion(d.APIVersion)
		if _, runs := kinds[[2]string{group, d.Kind}]; !runs || d.Key.Name == "" {
			continue
		}
		byKey := v.there[d.Kind]
		if byKey == nil {
			byKey = map[Key]*Document{}
			v.there[d.Kind] = byKey
		}
		if first, twice := byKey[d.Key]; twice {
			v.note(d, CodeTwice, path{"metadata", "name"}, Key{}, "%s %s is already at %s:%d:%d; remove one of them",
				d.Kind, d.Key, first.File, first.Line, first.Column)
			continue
		}
		byKey[d.Key] = d
		if s, ok := d.Object.(*EndpointSlice); ok && len(s.Endpoints) > 0 {
			v.addSlice(s)
		}
	}
}

// addSlice remembers the version that a slice has endpoints of.
func (v *validator) addSlice(s *EndpointSlice) {
	service, ok := SliceService(s)
	if !ok {
		return
	}
	if v.slices[service] == nil {
		v.slices[service] = map[string]bool{}
	}
	v.slices[service][SliceVersion(s)] = true
}

// claim gives a Rollout its Services, which no other may have.
func (v *validator) claim(d *Document, r *Rollout) {
	stable := r.StableService()
	v.own(d, stable, canaryPath("stableService"))
	if canary, ok := r.CanaryService(); ok {
		if canary == stable {
			v.note(d, CodeSharedService, canaryPath("canaryService"), stable,
				"the Service %s is both the stable and the canary one; leave canaryService out", stable)
			return
		}
		v.own(d, canary, canaryPath("canaryService"))
	}
}

// own makes the Rollout the owner of a Service.
func (v *validator) own(d *Document, service Key, p path) {
	other, taken := v.owners[service]
	switch {
	case !taken:
		v.owners[service] = d
	case other.Key != d.Key: // the same Rollout twice has its own finding
		v.note(d, CodeSharedService, p, service, "the Service %s already belongs to Rollout %s at %s:%d:%d; "+
			"a Service has one Rollout", service, other.Key, other.File, other.Line, other.Column)
	}
}

// rollout notes what a Rollout lacks to be of use.
func (v *validator) rollout(d *Document, r *Rollout) {
	name, service := path{"metadata", "name"}, r.StableService()
	if v.get(kindService, service) == nil {
		v.note(d, CodeRolloutService, name, service,
			"there is no Service %s; add it, or name another in stableService", service)
		return
	}
	canary, _ := r.CanaryService()
	version := r.Version()
	if v.ask == nil && !v.slices[service][version] && !v.slices[canary][version] {
		v.note(d, CodeRolloutSlices, name, service, "version %s has no endpoints: add an EndpointSlice with the labels %s: %s and %s: %s",
			version, LabelService, service.Name, LabelVersion, version)
	}
	if !v.isRouted(service) {
		v.note(d, CodeRolloutRoute, name, service, "no HTTPRoute has a backendRef to Service %s, so it gets no traffic", service)
	}
}

// slice notes endpoints that nobody reaches.
func (v *validator) slice(d *Document, s *EndpointSlice) {
	labels := path{"metadata", "labels"}
	service, ok := SliceService(s)
	switch {
	case !ok:
		v.note(d, CodeSliceService, labels, Key{}, "the slice belongs to no Service; add the label %s", LabelService)
	case v.there[kindService][service] == nil:
		v.note(d, CodeSliceService, labels.with(LabelService), service, "there is no Service %s, so the endpoints get no traffic", service)
	case v.owners[service] != nil && SliceVersion(s) == "":
		v.note(d, CodeNoVersion, labels, service, "the endpoints get no traffic under Rollout %s; add the label %s",
			v.owners[service].Key, LabelVersion)
	}
}

// route checks what an HTTPRoute refers to.
func (v *validator) route(d *Document, h *HTTPRoute) {
	if len(h.Spec.ParentRefs) == 0 {
		v.note(d, CodeNoGateway, path{"spec", "parentRefs"}, Key{}, "the route hangs on no Gateway; add parentRefs")
	}
	for i := range h.Spec.ParentRefs {
		v.parent(d, &h.Spec.ParentRefs[i], path{"spec", "parentRefs", i})
	}
	for i := range h.Spec.Rules {
		rule, at := &h.Spec.Rules[i], path{"spec", "rules", i}
		for j := range rule.BackendRefs {
			b := &rule.BackendRefs[j].BackendObjectReference
			if v.ask == nil {
				v.routed[backendKey(b)] = true
			}
			v.backend(d, b, at.with("backendRefs", j))
		}
		for j := range rule.Filters {
			if m := rule.Filters[j].RequestMirror; m != nil {
				v.backend(d, &m.BackendRef, at.with("filters", j, "requestMirror", "backendRef"))
			}
		}
	}
}

// backendKey names the Service of a reference with its defaults filled in.
func backendKey(b *gatewayv1.BackendObjectReference) Key {
	return keyIn(string(*b.Namespace), string(b.Name))
}

// backend checks that the Service and its port are there.
func (v *validator) backend(d *Document, b *gatewayv1.BackendObjectReference, p path) {
	key := backendKey(b)
	target := v.get(kindService, key)
	if target == nil {
		v.note(d, CodeNoService, p.with("name"), key, "there is no Service %s; add it or correct the name", key)
		return
	}
	if key.Namespace != d.Key.Namespace {
		v.note(d, CodeIgnored, p.with("namespace"), key, "%s", v.elsewhere())
	}
	s, ok := target.Object.(*Service)
	if !ok {
		return // it has errors of its own
	}
	for _, port := range s.Spec.Ports {
		if port.Port == *b.Port {
			return
		}
	}
	v.note(d, CodeNoPort, p.with("port"), key, "the Service %s has no port %d", key, *b.Port)
}

// parent checks that the Gateway and its listener are there.
func (v *validator) parent(d *Document, p *gatewayv1.ParentReference, at path) {
	if *p.Group != groupGateway || *p.Kind != kindGateway {
		v.note(d, CodeNoGateway, at.with("kind"), Key{}, "Serin hangs routes on Gateways only; this reference is left aside")
		return
	}
	key := keyIn(string(*p.Namespace), string(p.Name))
	target := v.get(kindGateway, key)
	if target == nil {
		v.note(d, CodeNoGateway, at.with("name"), Key{}, "there is no Gateway %s; the route serves nothing there", key)
		return
	}
	g, ok := target.Object.(*Gateway)
	if !ok {
		return // it has errors of its own
	}
	for i := range g.Spec.Listeners {
		if matchesListener(p, &g.Spec.Listeners[i]) {
			return
		}
	}
	v.note(d, CodeNoGateway, at, Key{}, "no listener of Gateway %s has this sectionName and port", key)
}

// matchesListener reports whether a reference means the listener.
func matchesListener(p *gatewayv1.ParentReference, l *gatewayv1.Listener) bool {
	return (p.SectionName == nil || *p.SectionName == l.Name) && (p.Port == nil || *p.Port == l.Port)
}
