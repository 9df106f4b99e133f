package api

import (
	"maps"
	"slices"
)

// fact is something about the objects that a check asks: what is the kind of an
// object that is there or not, or one of the words below.
type fact struct {
	what string
	key  Key
}

// What a fact can be about besides an object. They are no kinds.
const (
	factNames  = "names of "  // and a kind: which there are in a namespace
	factRouted = "routed"     // whether an HTTPRoute names a Service
	factMember = "membership" // which Release has a Rollout
)

// Relations says what is wrong between the objects of a cluster, which come,
// change and go one by one. Its findings are those of Validate but for what
// only concerns files; a change costs what rests on it and nothing else.
//
// Which Rollout has a Service, and two objects of one name in two groups, are
// decided by who calls: what is set here is what runs. A Relations belongs to
// one goroutine.
type Relations struct {
	v       *validator
	related map[Ref]*relation
	askers  map[fact]map[Ref]bool
	routes  map[Key]int          // how many references lead to a Service
	claims  map[Key]map[Key]bool // the Releases that name a Rollout
	dirty   map[Ref]bool

	secretsChanged bool
}

// relation is what is known of an object that has checks.
type relation struct {
	doc      *Document
	asked    map[fact]bool
	findings []Finding
}

// NewRelations gives the relations of no objects.
func NewRelations() *Relations {
	x := &Relations{
		related: map[Ref]*relation{}, askers: map[fact]map[Ref]bool{},
		routes: map[Key]int{}, claims: map[Key]map[Key]bool{}, dirty: map[Ref]bool{},
	}
	x.v = &validator{there: map[string]map[Key]*Document{}, trees: treeCache{}, ask: func(fact) {}}
	x.v.routed, x.v.members = map[Key]bool{}, map[Key]*Document{}
	return x
}

// Set says that an object is there, new or changed. A document without an
// Object is there, but has errors of its own.
func (x *Relations) Set(d Document) {
	ref := Ref{d.Kind, d.Key}
	byKey := x.v.there[d.Kind]
	if byKey == nil {
		byKey = map[Key]*Document{}
		x.v.there[d.Kind] = byKey
	}
	before := byKey[d.Key]
	byKey[d.Key] = &d
	x.changed(ref, before, &d)
	if hasChecks(d.Kind) {
		r := x.related[ref]
		if r == nil {
			r = &relation{}
			x.related[ref] = r
		}
		r.doc, x.dirty[ref] = &d, true
	}
}

// Remove says that an object is gone.
func (x *Relations) Remove(ref Ref) {
	before := x.v.there[ref.Kind][ref.Key]
	if before == nil {
		return
	}
	delete(x.v.there[ref.Kind], ref.Key)
	x.changed(ref, before, nil)
	if r := x.related[ref]; r != nil {
		x.unask(ref, r)
		if len(r.findings) > 0 {
			x.dirty[ref] = true // its findings go
		}
		r.doc = nil
	}
	if !x.dirty[ref] {
		delete(x.related, ref)
	}
}

// Check looks again at what changed and at what rests on it. It gives the
// objects whose findings changed, sorted, and whether Secrets did.
func (x *Relations) Check() (changed []Ref, secrets bool) {
	refs := slices.SortedFunc(maps.Keys(x.dirty), Ref.Compare)
	x.dirty = map[Ref]bool{} // a map that once was large is slow to clear
	for _, ref := range refs {
		r := x.related[ref]
		before := r.findings
		r.findings = nil
		if r.doc == nil {
			delete(x.related, ref)
		} else {
			x.check(ref, r)
		}
		if !slices.Equal(before, r.findings) {
			changed = append(changed, ref)
		}
	}
	secrets, x.secretsChanged = x.secretsChanged, false
	return changed, secrets
}

// Findings gives what is wrong between an object and others, as of the last
// Check.
func (x *Relations) Findings(ref Ref) []Finding {
	if r := x.related[ref]; r != nil {
		return r.findings
	}
	return nil
}

// All gives what Findings gives of every object, in no order.
func (x *Relations) All() []Finding {
	var out []Finding
	for _, r := range x.related {
		out = append(out, r.findings...)
	}
	return out
}

// Secrets gives the keys of all Secrets that objects name, be they there or
// not, in no order.
func (x *Relations) Secrets() []Key {
	var out []Key
	for f := range x.askers {
		if f.what == kindSecret {
			out = append(out, f.key)
		}
	}
	return out
}
