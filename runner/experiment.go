package runner

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/serin-mesh/serin/analysis/experiment"
	"github.com/serin-mesh/serin/api"
)

// trial is an Experiment that is looked after. The mutex of Runner guards it, but for
// what belongs to the worker that has it.
type trial struct {
	uid     types.UID
	object  *api.Experiment // as it was seen last
	refused string          // why it cannot be run
	owner   api.Key         // the Rollout that it belongs to
	owned   bool
	ours    bool // a step of the Rollout made it

	status  api.ExperimentStatus
	epoch   int               // counts how often it was begun anew
	version string            // resource version of the status that was written last
	begun   map[string]string // by analysis: the name of its AnalysisRun
	broken  map[string]string // by analysis: why it cannot begin
	noted   map[string]bool   // AnalysisRuns that the written status names: only then are they made
	made    map[string]bool   // AnalysisRuns that were made
	taken   map[string]bool   // names of AnalysisRuns that are somebody else's
	lost    map[string]bool   // AnalysisRuns that somebody deleted

	templates map[string]*making // by name; what is in them belongs to the worker
	reported  string             // to the Rollout, as text; "": it is to be told again

	// What follows belongs to the worker.

	written string // the status, as text
	told    api.AnalysisPhase
}

// making is what is known of the making of one template's parts.
type making struct {
	collisions     int32
	failure, fatal string // why pods cannot be made now, or never
	service        string // that was made
}

// seeExperiment notes what was seen of an Experiment. A status that somebody has
// emptied, as the retry of Argo Rollouts' plugin does, begins it anew.
func (r *Runner) seeExperiment(i id, u *unstructured.Unstructured, gone bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.trials[i]
	if t != nil && (gone || t.uid != u.GetUID()) {
		delete(r.trials, i)
		if t.owned {
			r.queue.Add(id{kind: kindRollout, key: t.owner})
		}
		t = nil
	}
	if gone {
		return
	}
	status, text := statusOf[api.ExperimentStatus](u)
	switch {
	case t == nil:
		t = &trial{uid: u.GetUID(), status: status, written: string(text), told: status.Phase}
		owner, owned := controller(u, kindRollout)
		t.owner, t.owned, t.ours = owner.key, owned, u.GetLabels()[LabelManagedBy] == "serin"
		t.reset()
		for _, a := range status.AnalysisRuns {
			t.begun[a.Name], t.noted[a.AnalysisRun] = a.AnalysisRun, true
		}
		r.trials[i] = t
	case status.Phase == "" && t.status.Phase != "" && t.version != "" && newer(u.GetResourceVersion(), t.version):
		t.status, t.version = api.ExperimentStatus{}, ""
		t.epoch++
		t.reset()
	}
	var o *api.Experiment
	o, t.refused = decode[api.Experiment](u)
	if o == nil {
		o = &api.Experiment{ObjectMeta: metav1.ObjectMeta{Name: u.GetName(), Namespace: u.GetNamespace(), UID: u.GetUID(), OwnerReferences: u.GetOwnerReferences()}}
	}
	t.object = o
}

// reset forgets what was made.
func (t *trial) reset() {
	t.templates = map[string]*making{}
	t.begun, t.broken = map[string]string{}, map[string]string{}
	t.noted, t.made, t.taken, t.lost = map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
}

// moment is what a look at an Experiment rests on.
type moment struct {
	object *api.Experiment
	spec   api.ExperimentSpec
	status api.ExperimentStatus
	seen   experiment.Seen
	sets   []setOf
	epoch  int
	refuse string
	give   bool // it is to be terminated, and its object does not say so
}

// lookExperiment brings an Experiment a step on.
func (r *Runner) lookExperiment(ctx context.Context, i id) error {
	now := time.Now()
	r.mu.Lock()
	t := r.trials[i]
	var m moment
	ready := t != nil && t.object.DeletionTimestamp == nil && r.moment(i, t, &m)
	r.mu.Unlock()
	if !ready {
		return nil
	}
	if m.refuse != "" && !m.status.Phase.Completed() {
		m.status.Phase, m.status.Message = api.AnalysisError, m.refuse
	}
	next, plan := experiment.Next(&m.spec, m.status, m.seen, now)
	err := r.carryOut(ctx, i, t, &m, plan, next.Phase.Completed())
	if m.give {
		err = errors.Join(err, r.terminate(ctx, i, m.object))
	}
	next.ObservedGeneration = generation(i, m.object)
	next.Conditions = experiment.Conditions(next, next.ObservedGeneration, now)
	r.mu.Lock()
	current := t.epoch == m.epoch
	if current {
		t.status = next
	}
	r.mu.Unlock()
	if !current { // it was begun anew meanwhile, and is looked at for that
		return err
	}
	r.again(i, plan.Next, now)
	return errors.Join(err, r.publish(ctx, i, t, m.epoch, next))
}

// generation is that of an object, where a status that is written does not change it.
func generation(i id, o *api.Experiment) int64 {
	if len(api.StatusSubresource(i.group)) == 0 {
		return 0
	}
	return o.Generation
}

// moment gathers what there is; false: it is not known yet whether it is wanted.
func (r *Runner) moment(i id, t *trial, m *moment) bool {
	*m = moment{object: t.object, spec: t.object.Spec, status: t.status, epoch: t.epoch, refuse: t.refused}
	var busy []string
	if t.owned {
		w := r.rollouts[t.owner]
		if w == nil || !metav1.IsControlledBy(t.object, w.Rollout) {
			return false
		}
		busy = w.Busy
		if !w.runs(i.key.Name) {
			m.give = !m.spec.Terminate && !t.status.Phase.Completed()
			m.spec.Terminate = true
		}
	}
	for k := range m.spec.Templates {
		name := m.spec.Templates[k].Name
		s := setOf{set: r.sets[t.uid][name], making: t.of(name)}
		of := templateOf(s.set)
		of.Collisions, of.Service, of.Error = s.collisions, s.service, s.fatal
		if of.Failure == "" {
			of.Failure = s.failure
		}
		of.Held = slices.Contains(busy, of.Hash)
		m.sets, m.seen.Templates = append(m.sets, s), append(m.seen.Templates, of)
	}
	for k := range m.spec.Analyses {
		m.seen.Analyses = append(m.seen.Analyses, r.analysisOf(i, t, &m.spec.Analyses[k]))
	}
	return true
}

// of gives what is known of the making of a template's parts.
func (t *trial) of(template string) *making {
	m := t.templates[template]
	if m == nil {
		m = &making{}
		for _, s := range t.status.TemplateStatuses { // of who was here before
			if s.Name == template {
				m.service = s.ServiceName
			}
		}
		t.templates[template] = m
	}
	return m
}

// analysisOf says where an analysis of an Experiment stands.
func (r *Runner) analysisOf(i id, t *trial, a *api.ExperimentAnalysis) experiment.Analysis {
	out := experiment.Analysis{Name: a.Name, Required: a.RequiredForCompletion, Run: t.begun[a.Name]}
	if why := t.broken[a.Name]; why != "" {
		out.Phase, out.Message = api.AnalysisError, why
		return out
	}
	if out.Run == "" {
		return out
	}
	out.Phase = api.AnalysisPending
	of := r.runs[id{group: i.group, kind: kindRun, key: api.Key{Namespace: i.key.Namespace, Name: out.Run}}]
	if of != nil && of.status.Phase != "" {
		out.Phase, out.Message = of.status.Phase, of.status.Message
		return out
	}
	for _, before := range t.status.AnalysisRuns {
		if before.AnalysisRun == out.Run && before.Phase.Completed() { // its object may be gone by now
			out.Phase, out.Message = before.Phase, before.Message
			return out
		}
	}
	if t.lost[out.Run] {
		out.Phase, out.Message = api.AnalysisError, "somebody deleted its AnalysisRun"
	}
	return out
}

// publish writes the status of an Experiment and tells its Rollout, where they differ
// from what was written and told.
func (r *Runner) publish(ctx context.Context, i id, t *trial, epoch int, status api.ExperimentStatus) error {
	text, err := json.Marshal(status)
	if err != nil {
		return err
	}
	r.report(i, t, status)
	if string(text) == t.written {
		return nil
	}
	version, err := r.status(ctx, i, t.uid, text)
	if err != nil {
		return err
	}
	if status.Phase != t.told {
		r.became(i, t.uid, status.Phase, status.Message)
	}
	t.written, t.told = string(text), status.Phase
	r.mu.Lock()
	if t.epoch == epoch {
		if newer(version, t.version) {
			t.version = version
		}
		for _, a := range status.AnalysisRuns {
			if !t.noted[a.AnalysisRun] {
				t.noted[a.AnalysisRun] = true
				r.queue.Add(i) // it can be made
			}
		}
	}
	r.mu.Unlock()
	if t.owned && over(status) { // it may be one that is not kept
		r.queue.Add(id{kind: kindRollout, key: t.owner})
	}
	return nil
}
