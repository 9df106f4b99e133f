package kube

import (
	"reflect"
	"slices"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/discovery"
)

// model makes sets of what the API has. Its owner first tells it of events, then
// has it settle, and then takes the Result.
type model struct {
	set       *set
	relations *api.Relations
	entries   map[api.Ref]*entry
	dirty     map[api.Ref]bool // entries to settle

	claims    map[api.Key]map[api.Key]bool // by Service: the Rollouts that want it
	workloads map[name]*workload           // that Rollouts name
	slices    map[api.Key]*slice           // as the API has them
	pods      map[api.Key]pod              // with a version
	onPod     map[api.Key][]api.Key        // by pod: the slices that have it
	remake    map[api.Key]bool             // slices to divide anew
	findings  map[api.Ref][]api.Finding    // of each object by itself
	flat      []api.Finding                // all, sorted
	stale     bool                         // flat is not up to date
	wanted    bool                         // what is watched by name may have changed
	secrets   map[name]bool                // that objects name
}

// entry is an object by its kind and name.
type entry struct {
	own, adopted *item // of serin.dev or Kubernetes, and of argoproj.io
	accepted     any   // what is in the set, nil for nothing

	// Of a Rollout:

	newest  *api.Rollout // without errors of its own, with template and version
	claim   *api.Rollout // what wants Services: newest, else what is in the set
	names   name         // its workload, if it has one
	waiting bool         // its workload is not known yet
	broken  error        // why its template is none
	stands  standing     // how it stood when it was first read
}

// item gives what counts, nil for nothing.
func (e *entry) item() *item {
	if e.own != nil {
		return e.own
	}
	return e.adopted
}

func newModel() *model {
	return &model{
		set: newSet(), relations: api.NewRelations(),
		entries: map[api.Ref]*entry{}, dirty: map[api.Ref]bool{},
		claims: map[api.Key]map[api.Key]bool{}, workloads: map[name]*workload{},
		slices: map[api.Key]*slice{}, pods: map[api.Key]pod{}, onPod: map[api.Key][]api.Key{},
		remake: map[api.Key]bool{}, findings: map[api.Ref][]api.Finding{}, secrets: map[name]bool{},
	}
}

// see takes an event; a nil item means that the object is gone.
func (m *model) see(n name, i *item) {
	switch {
	case n.kind == kindPod:
		m.seePod(n.key, i)
	case n.kind == kindEndpointSlice:
		m.seeSlice(n, i)
	case m.workloads[n] != nil:
		m.seeWorkload(n, i)
	case n.group == groupApps: // nobody names it any more
	default:
		m.seeObject(n, i)
	}
}

// seeObject takes an event of an object that is in the set as it is.
func (m *model) seeObject(n name, i *item) {
	e := m.entries[n.ref()]
	if e == nil {
		e = &entry{}
		m.entries[n.ref()] = e
	}
	if n.group == groupArgo {
		e.adopted = i
	} else {
		e.own = i
	}
	m.dirty[n.ref()] = true
}

// settle brings the next set in line with what was seen.
func (m *model) settle() {
	var rollouts []api.Key
	for ref := range m.dirty {
		if ref.Kind == kindRollout {
			rollouts = append(rollouts, ref.Key)
			continue
		}
		m.settleObject(ref)
	}
	clear(m.dirty)
	m.settleRollouts(rollouts)
	for key := range m.remake {
		m.divide(key)
	}
	clear(m.remake)
	changed, secrets := m.relations.Check()
	m.stale = m.stale || len(changed) > 0
	m.wanted = m.wanted || secrets
	if secrets {
		m.nameSecrets()
	}
}

// settleObject accepts an object, or keeps the one accepted before.
func (m *model) settleObject(ref api.Ref) {
	e := m.entries[ref]
	i := e.item()
	if i == nil {
		m.forget(ref)
		return
	}
	m.find(ref, e.findings())
	if i.doc.Object != nil {
		m.accept(ref, e, i.doc.Object)
		i.doc.Object = e.accepted // an equal one is kept once
	}
	m.relate(i.doc, e)
}

// accept has an object in the set, unless an equal one is.
func (m *model) accept(ref api.Ref, e *entry, object any) {
	if reflect.DeepEqual(e.accepted, object) {
		return
	}
	e.accepted = object
	m.set.put(ref.Key, object)
}

// relate has the relations of an object looked at, as it is in the set.
func (m *model) relate(d api.Document, e *entry) {
	d.Object = e.accepted
	m.relations.Set(d)
}

// forget takes an object out of everything.
func (m *model) forget(ref api.Ref) {
	delete(m.entries, ref)
	m.set.drop(ref)
	m.relations.Remove(ref)
	m.find(ref, nil)
}

// findings gives what is wrong with the object by itself.
func (e *entry) findings() []api.Finding {
	out := e.item().findings
	if e.own != nil && e.adopted != nil {
		d := e.adopted.doc
		out = append(slices.Clip(out), api.Finding{
			File: d.File, Code: api.CodeTwice, Path: "metadata.name", Kind: d.Kind, Key: d.Key,
			Message: d.Kind + " " + d.Key.String() + " is already there as " + e.own.doc.File + ", which counts; remove one of them",
		})
	}
	return out
}

// find notes what is wrong with an object by itself.
func (m *model) find(ref api.Ref, found []api.Finding) {
	if slices.Equal(m.findings[ref], found) {
		return
	}
	m.stale = true
	if len(found) == 0 {
		delete(m.findings, ref)
	} else {
		m.findings[ref] = found
	}
}

// result gives the next set, and whether it says anything new.
func (m *model) result() (discovery.Result, bool) {
	news := m.set.last == nil || m.stale
	if m.stale {
		m.flat, m.stale = m.list(), false
	}
	r := m.set.commit()
	r.Findings = m.flat
	return r, news || len(r.Changed)+len(r.Removed) > 0
}

// list gives all findings, sorted.
func (m *model) list() []api.Finding {
	var out []api.Finding
	for _, found := range m.findings {
		out = append(out, found...)
	}
	out = append(out, m.relations.All()...)
	api.SortFindings(out)
	return out
}

// drop forgets an object that is not watched any more.
func (m *model) drop(n name) {
	if n.kind == kindSecret {
		m.seeObject(n, nil)
	}
}
