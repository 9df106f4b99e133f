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
			if a := m.seen.Analyses[k]; a.Run == "" && !a.Phase.Completed() {
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

// begin makes the AnalysisRun of an analysis. What its templates lack breaks it.
func (r *Runner) begin(ctx context.Context, i id, t *trial, m *moment, a *api.ExperimentAnalysis) error {
	spec, err := r.runSpec(i, m, a)
	if err != nil {
		r.broke(i, t, m, a.Name, err)
		return nil
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
	for n := range maxNames {
		o.Name = m.object.Name + "-" + a.Name
		if n > 0 {
			o.Name += "-" + strconv.Itoa(n)
		}
		of := id{group: i.group, kind: kindRun, key: api.Key{Namespace: i.key.Namespace, Name: o.Name}}
		_, err := r.create(ctx, of, o)
		if apierrors.IsAlreadyExists(err) {
			var takes bool
			if takes, err = r.takes(ctx, of, m.object); err == nil && !takes {
				continue
			}
		}
		if err != nil && never(err) {
			r.broke(i, t, m, a.Name, err)
			return nil
		}
		if err != nil {
			return fmt.Errorf("making AnalysisRun %q: %w", o.Name, err)
		}
		r.mu.Lock()
		if t.epoch == m.epoch {
			t.begun[a.Name] = o.Name
		}
		r.mu.Unlock()
		r.queue.Add(i)
		return nil
	}
	r.broke(i, t, m, a.Name, fmt.Errorf("%d names from %q on are taken", maxNames, m.object.Name+"-"+a.Name))
	return nil
}

// takes says whether an AnalysisRun of an Experiment was made for what it does now: one
// that has ended was made before. The watch may not have told of it yet.
func (r *Runner) takes(ctx context.Context, i id, e *api.Experiment) (bool, error) {
	there, err := r.resource(i).Get(ctx, i.key.Name, metav1.GetOptions{})
	if err != nil {
		return false, err
	}
	status, _ := statusOf[api.AnalysisRunStatus](there)
	return metav1.IsControlledBy(there, e) && !run.Ended(status), nil
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
