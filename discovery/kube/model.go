package kube

import (
	"github.com/serin-mesh/serin/api"
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
	m.dirty = map[api.Ref]bool{} // a map that once was large is slow to clear
	m.settleRollouts(rollouts)
	for key := range m.remake {
		m.divide(key)
	}
	m.remake = map[api.Key]bool{}
	changed, secrets := m.relations.Check()
	m.stale = m.stale || len(changed) > 0
	m.wanted = m.wanted || secrets
	if secrets {
		m.nameSecrets()
	}
}

// drop forgets an object that is not watched any more.
func (m *model) drop(n name) {
	if n.kind == kindSecret {
		m.seeObject(n, nil)
	}
}
