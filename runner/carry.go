package runner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"

	apps "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/serin-mesh/serin/analysis/experiment"
	"github.com/serin-mesh/serin/analysis/run"
	"github.com/serin-mesh/serin/api"
)

// setOf is the ReplicaSet of a template, nil where there is none, and what is known of
// its making.
type setOf struct {
	set *apps.ReplicaSet
	*making
}

// carryOut does what is planned for an Experiment. What cannot be done keeps nothing
// else from being done.
func (r *Runner) carryOut(ctx context.Context, i id, t *trial, m *moment, plan experiment.Plan, ended bool) error {
	var errs []error
	for k := range m.spec.Templates {
		err := r.bring(ctx, i, m, k, plan.Replicas[k], ended)
		if s := m.sets[k]; err != nil {
			s.failure = err.Error()
			if taken := (errTaken{}); errors.As(err, &taken) || never(err) {
				s.fatal, err = err.Error(), nil
				r.queue.Add(i)
			}
		} else {
			s.failure = ""
		}
		errs = append(errs, err)
	}
	if plan.Analyse {
		for k := range m.spec.Analyses {
			if !m.seen.Analyses[k].Phase.Completed() {
				errs = append(errs, r.begin(ctx, i, t, m, &m.spec.Analyses[k]))
			}
		}
	}
	if plan.Stop {
		r.stop(i, m)
	}
	return errors.Join(errs...)
}

// bring brings the pods and the Service of a template in line with a number of pods.
func (r *Runner) bring(ctx context.Context, i id, m *moment, k int, replicas int32, ended bool) error {
	t, s := &m.spec.Templates[k], m.sets[k]
	switch {
	case s.set != nil:
		if err := r.scale(ctx, s.set, replicas); err != nil {
			return err
		}
	case !ended && s.fatal == "":
		var err error
		s.collisions, err = r.makeSet(ctx, i, m.object, t)
		return err // the watch leads to the rest
	}
	switch {
	case t.Service == nil:
		return nil
	case replicas > 0 && s.service == "" && s.set != nil && s.fatal == "":
		name, err := r.makeService(ctx, i, m.object, t, s.set)
		if err != nil {
			return err
		}
		s.service = name
		r.queue.Add(i)
	case replicas == 0 && s.service != "" && ended:
		if err := r.removeService(ctx, i, m.object, s.service); err != nil {
			return err
		}
		s.service = ""
		r.queue.Add(i)
	}
	return nil
}

// begin makes the AnalysisRun of an analysis. It has a name first, which the status
// says, and is made after that was written: whoever goes on from there knows it for the
// one, and no other is made, whether or not this one was. What its templates lack breaks
// it.
func (r *Runner) begin(ctx context.Context, i id, t *trial, m *moment, a *api.ExperimentAnalysis) error {
	r.mu.Lock()
	name := t.begun[a.Name]
	if name == "" {
		name = r.freeName(i, t, m.object.Name+"-"+a.Name)
		t.begun[a.Name] = name
		r.queue.Add(i)
	}
	of := id{group: i.group, kind: kindRun, key: api.Key{Namespace: i.key.Namespace, Name: name}}
	wait := t.epoch != m.epoch || !t.noted[name] || t.made[name] || t.lost[name] || r.runs[of] != nil
	r.mu.Unlock()
	if wait {
		return nil
	}
	o, err := r.runObject(i, m, a)
	if err != nil {
		r.broke(i, t, m, a.Name, err)
		return nil
	}
	o.Name = name
	_, err = r.create(ctx, of, o)
	taken := false
	if apierrors.IsAlreadyExists(err) {
		taken, err = r.taken(ctx, of, m.object)
	}
	switch {
	case err != nil && never(err):
		r.broke(i, t, m, a.Name, err)
		return nil
	case err != nil:
		return fmt.Errorf("making AnalysisRun %q: %w", name, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if t.epoch != m.epoch {
		return nil
	}
	if t.made[name] = !taken; taken {
		t.taken[name] = true
		delete(t.begun, a.Name)
	}
	r.queue.Add(i)
	return nil
}

// freeName gives a name for an AnalysisRun that no other is known to have.
func (r *Runner) freeName(i id, t *trial, base string) string {
	for n := 0; ; n++ {
		name := base
		if n > 0 {
			name += "-" + strconv.Itoa(n)
		}
		if r.runs[id{group: i.group, kind: kindRun, key: api.Key{Namespace: i.key.Namespace, Name: name}}] == nil && !t.taken[name] {
			return name
		}
	}
}

// taken says whether the AnalysisRun that has a name is not an Experiment's.
func (r *Runner) taken(ctx context.Context, i id, e *api.Experiment) (bool, error) {
	there, err := r.resource(i).Get(ctx, i.key.Name, metav1.GetOptions{})
	if err != nil {
		return false, err
	}
	return !metav1.IsControlledBy(there, e), nil
}

// broke notes that an analysis cannot begin.
func (r *Runner) broke(i id, t *trial, m *moment, analysis string, err error) {
	r.mu.Lock()
	if t.epoch == m.epoch {
		t.broken[analysis] = err.Error()
	}
	r.mu.Unlock()
	r.queue.Add(i)
}

// runObject gives the AnalysisRun of an analysis, without a name.
func (r *Runner) runObject(i id, m *moment, a *api.ExperimentAnalysis) (*api.AnalysisRun, error) {
	spec, err := r.runSpec(i, m, a)
	if err != nil {
		return nil, err
	}
	o := &api.AnalysisRun{
		TypeMeta: metav1.TypeMeta{APIVersion: apiVersion(i), Kind: kindRun},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: i.key.Namespace, Labels: map[string]string{},
			OwnerReferences: []metav1.OwnerReference{reference(apiVersion(i), kindExperiment, m.object)},
		},
		Spec: spec,
	}
	if data := m.spec.AnalysisRunMetadata; data != nil {
		maps.Copy(o.Labels, data.Labels)
		o.Annotations = data.Annotations
	}
	if name := m.object.Labels[labelRollout]; name != "" {
		o.Labels[labelRollout] = name
	}
	return o, nil
}

// runSpec makes what an AnalysisRun of an Experiment measures.
func (r *Runner) runSpec(i id, m *moment, a *api.ExperimentAnalysis) (api.AnalysisRunSpec, error) {
	r.mu.Lock()
	objects := r.objects
	r.mu.Unlock()
	templates, err := run.Flatten([]api.AnalysisTemplateRef{a.Ref()}, i.key.Namespace, objects.AnalysisTemplateSpec)
	if err != nil {
		return api.AnalysisRunSpec{}, err
	}
	of := map[string]experiment.Facts{}
	for k := range m.spec.Templates {
		if s := m.sets[k].set; s != nil {
			of[m.spec.Templates[k].Name] = experiment.Facts{Hash: m.seen.Templates[k].Hash, ReplicaSet: s.Name}
		}
	}
	return run.Merge(templates, experiment.Arguments(a.Args, of), m.spec.DryRun, m.spec.MeasurementRetention)
}

// stop ends the analyses of an Experiment that have not ended.
func (r *Runner) stop(i id, m *moment) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range m.seen.Analyses {
		of := id{group: i.group, kind: kindRun, key: api.Key{Namespace: i.key.Namespace, Name: a.Run}}
		if one := r.runs[of]; one != nil && !one.stop && !run.Ended(one.status) {
			one.stop = true
			r.queue.Add(of)
		}
	}
}

// terminate has the object say that it is to end.
func (r *Runner) terminate(ctx context.Context, i id, e *api.Experiment) error {
	patch := fmt.Appendf(nil, `{"metadata":{"uid":%q},"spec":{"terminate":true}}`, e.UID)
	_, err := r.resource(i).Patch(ctx, i.key.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: fieldManager})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("terminating Experiment %s: %w", i.key, err)
	}
	return nil
}
