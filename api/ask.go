package api

import (
	"maps"
	"slices"
)

// get gives the object of a kind, nil where it is not there.
func (v *validator) get(kind string, key Key) *Document {
	v.rests(fact{kind, key})
	return v.there[kind][key]
}

// names gives the names of a kind in a namespace, sorted.
func (v *validator) names(kind, namespace string) []string {
	v.rests(fact{factNames + kind, Key{Namespace: namespace}})
	var names []string
	for key := range maps.Keys(v.there[kind]) {
		if key.Namespace == namespace {
			names = append(names, key.Name)
		}
	}
	slices.Sort(names)
	return names
}

// isRouted reports whether an HTTPRoute names a Service.
func (v *validator) isRouted(service Key) bool {
	v.rests(fact{factRouted, service})
	return v.routed[service]
}

// member gives the Release that has a Rollout, nil where none has.
func (v *validator) member(rollout Key) *Document {
	v.rests(fact{factMember, rollout})
	return v.members[rollout]
}

// rests tells who wants to know what a check rests on.
func (v *validator) rests(f fact) {
	if v.ask != nil {
		v.ask(f)
	}
}

// place says where the objects are, in messages.
func (v *validator) place() string {
	if v.ask != nil {
		return "the namespaces that Serin reads"
	}
	return "the files"
}

// elsewhere is what is said of a reference to another namespace.
func (v *validator) elsewhere() string {
	if v.ask != nil {
		return "the Service is in another namespace; a ReferenceGrant there must allow it, which Serin does not check"
	}
	return "files may refer to another namespace freely; in a cluster a ReferenceGrant there must allow it"
}
