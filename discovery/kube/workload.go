package kube

import (
	"github.com/serin-mesh/serin/api"
)

// workload is what a Rollout takes its template from.
type workload struct {
	users    map[api.Key]bool // the Rollouts that name it
	known    bool             // its watch has read it, or found that it is not there
	template *api.Template    // nil: it is not there
}

// workloadOf names the workload of a Rollout; the zero name where it has none,
// or one of a kind that has no template.
func workloadOf(r *api.Rollout) name {
	if r == nil || !r.WantsWorkload() {
		return name{}
	}
	ref := r.Spec.WorkloadRef
	of, ok := single[ref.Kind]
	if !ok || ref.Kind == kindSecret {
		return name{}
	}
	return name{of.group, of.kind, api.Key{Namespace: r.Key().Namespace, Name: ref.Name}}
}

// withTemplate gives a Rollout with its template and version; nil where it has
// none.
func (m *model) withTemplate(key api.Key, e *entry, r *api.Rollout) *api.Rollout {
	m.use(key, e, workloadOf(r))
	e.waiting, e.broken = false, nil
	if r == nil {
		return nil
	}
	if r.WantsWorkload() {
		w := m.workloads[e.names]
		if w == nil || w.template == nil {
			e.waiting = w != nil && !w.known
			return nil
		}
		r = r.WithTemplate(*w.template)
	}
	r = e.standing(r)
	out, err := withRevision(r, e.item().collisions, e.newest)
	e.broken = err
	return out
}

// use has a Rollout name a workload, and no other.
func (m *model) use(key api.Key, e *entry, n name) {
	if e.names == n {
		return
	}
	m.leave(key, e)
	if e.names = n; n == (name{}) {
		return
	}
	w := m.workloads[n]
	if w == nil {
		w = &workload{users: map[api.Key]bool{}}
		m.workloads[n], m.wanted = w, true
	}
	w.users[key] = true
}

// leave has a Rollout name no workload.
func (m *model) leave(key api.Key, e *entry) {
	w := m.workloads[e.names]
	if w == nil {
		return
	}
	if delete(w.users, key); len(w.users) == 0 {
		delete(m.workloads, e.names)
		m.wanted = true
	}
	e.names = name{}
}

// missing gives what is said of a Rollout without a template, or with one that
// is none.
func (m *model) missing(i *item, e *entry) []api.Finding {
	r, _ := i.doc.Object.(*api.Rollout)
	if r == nil || e.newest != nil || e.waiting {
		return nil
	}
	f := api.Finding{File: i.doc.File, Kind: i.doc.Kind, Key: i.doc.Key}
	if e.broken != nil {
		f.Code, f.Path, f.Message = api.CodeWrongType, "spec.template.spec", e.broken.Error()
		return []api.Finding{f}
	}
	ref := r.Spec.WorkloadRef
	f.Code, f.Path = api.CodeWorkload, "spec.workloadRef"
	f.Message = "there is no " + ref.Kind + " " + r.Key().Namespace + "/" + ref.Name + ", so no canary starts; create it or correct the name"
	return []api.Finding{f}
}

// seeWorkload takes the template of a workload, or that it is not there.
func (m *model) seeWorkload(n name, i *item) {
	w := m.workloads[n]
	w.template = nil
	if i != nil {
		w.template = i.workload
	}
	m.again(w)
}

// knowWorkload takes that a workload's watch has read it, if it is there.
func (m *model) knowWorkload(n name) {
	if w := m.workloads[n]; w != nil && !w.known {
		w.known = true
		m.again(w)
	}
}

// again has the Rollouts of a workload looked at.
func (m *model) again(w *workload) {
	for key := range w.users {
		m.dirty[api.Ref{Kind: kindRollout, Key: key}] = true
	}
}

// singles gives the objects that are to be watched by name.
func (m *model) singles() map[name]bool {
	out := map[name]bool{}
	for n := range m.workloads {
		out[n] = true
	}
	for n := range m.secrets {
		out[n] = true
	}
	return out
}

// nameSecrets reads anew which Secrets objects name.
func (m *model) nameSecrets() {
	clear(m.secrets)
	for _, key := range m.relations.Secrets() {
		m.secrets[name{"", kindSecret, key}] = true
	}
}
