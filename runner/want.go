package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serin-mesh/serin/analysis/run"
	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/workload"
)

// Wanted is what a Rollout wants of Experiments.
type Wanted struct {
	// Rollout is the object as it was read from the cluster, with its UID. It must
	// not be changed any more.
	Rollout *api.Rollout
	Running []Asked  // those to run now
	Kept    []string // names of ended ones that are kept; others that Serin made go
	Busy    []string // versions that an Envoy may still use: their pods stay
}

// Asked is an Experiment that a Rollout's step asks for.
type Asked struct {
	Name            string
	Stable, Version string // of the Rollout, as the step's templates refer to them
	Revision        string // of Version, for Argo Rollouts' tools; "": not known
	// Step is what the step says, the arguments of its analyses filled in but for what
	// they say of the templates.
	Step *api.ExperimentStep
}

// Report is how an Experiment of a Rollout stands.
type Report struct {
	Rollout  api.Key
	Name     string
	Status   api.ExperimentStatus
	Analyses []Analysed
	// Failure says why the Experiment cannot be made; empty: it can. It is tried again.
	Failure string
}

// Analysed is one analysis of an Experiment that has begun.
type Analysed struct {
	Name     string // of the AnalysisRun
	Required bool
	Spec     api.AnalysisRunSpec
	Status   api.AnalysisRunStatus
}

// wanting is what a Rollout wants, as it was said last.
type wanting struct{ Wanted }

// runs says whether an Experiment is wanted to run.
func (w *wanting) runs(name string) bool {
	return slices.ContainsFunc(w.Running, func(a Asked) bool { return a.Name == name })
}

// Want says what a Rollout wants from now on. The Experiments that it begins to want to
// run are reported, also those that have not changed. It never blocks.
func (r *Runner) Want(w Wanted) {
	key := api.KeyOf(w.Rollout)
	r.mu.Lock()
	before := r.rollouts[key]
	for _, a := range w.Running {
		if t := r.trials[experimentOf(w.Rollout, a.Name)]; t != nil && (before == nil || !before.runs(a.Name)) {
			t.reported = ""
		}
	}
	r.rollouts[key] = &wanting{w}
	r.mu.Unlock()
	r.queue.Add(id{kind: kindRollout, key: key})
}

// Forget ends the care for the Experiments of a Rollout; the cluster removes those of
// one that is deleted. It never blocks.
func (r *Runner) Forget(key api.Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.rollouts, key)
}

// lookRollout makes the Experiments that a Rollout wants and that are missing, and
// deletes those that it keeps no more.
func (r *Runner) lookRollout(ctx context.Context, i id) error {
	r.mu.Lock()
	w := r.rollouts[i.key]
	if w == nil {
		r.mu.Unlock()
		return nil
	}
	var missing []Asked
	for _, a := range w.Running {
		if t := r.trials[experimentOf(w.Rollout, a.Name)]; t == nil || !metav1.IsControlledBy(t.object, w.Rollout) {
			missing = append(missing, a)
		}
	}
	for of, a := range r.runs {
		if a.left && a.rollout.key == i.key {
			r.queue.Add(of)
		}
	}
	old := map[id]*trial{}
	for of, t := range r.trials {
		if !metav1.IsControlledBy(t.object, w.Rollout) {
			continue
		}
		if t.ours && over(t.status) && !w.runs(of.key.Name) && !slices.Contains(w.Kept, of.key.Name) {
			old[of] = t
			continue
		}
		r.queue.Add(of)
	}
	r.mu.Unlock()
	var errs []error
	for _, a := range missing {
		errs = append(errs, r.make(ctx, w.Rollout, a))
	}
	for of, t := range old {
		errs = append(errs, r.remove(ctx, of, t.uid))
	}
	return errors.Join(errs...)
}

// tellReads tells how far back the runs look that have a Rollout, if that is news. Only
// the worker that has that does, so it is told in order.
func (r *Runner) tellReads(key api.Key) {
	r.mu.Lock()
	var longest time.Duration
	for _, a := range r.runs {
		if !a.shown && !run.Ended(a.status) && rolloutOf(a.object) == key {
			longest = max(longest, run.LongestWindow(&a.object.Spec))
		}
	}
	news := longest != r.reads[key]
	if r.reads[key] = longest; longest == 0 {
		delete(r.reads, key)
	}
	r.mu.Unlock()
	if news { // unlocked: who is told may be waiting for us
		r.options.Reads(key, longest)
	}
}

// over says whether an Experiment has ended and its pods are gone.
func over(status api.ExperimentStatus) bool {
	return status.Phase.Completed() && !slices.ContainsFunc(status.TemplateStatuses, func(s api.ExperimentTemplateStatus) bool { return s.Replicas > 0 })
}

// experimentOf names the Experiment of a Rollout, which is of its group.
func experimentOf(o *api.Rollout, name string) id {
	group, _, _ := strings.Cut(o.APIVersion, "/")
	return id{group: group, kind: kindExperiment, key: api.Key{Namespace: api.KeyOf(o).Namespace, Name: name}}
}

// make makes an Experiment of a Rollout.
func (r *Runner) make(ctx context.Context, o *api.Rollout, a Asked) error {
	report := Report{Rollout: api.KeyOf(o), Name: a.Name}
	i := experimentOf(o, a.Name)
	e, err := r.experiment(ctx, i, o, a)
	if err == nil {
		_, err = r.create(ctx, i, e)
	}
	switch {
	case err == nil:
		return nil // the watch tells of it
	case apierrors.IsAlreadyExists(err):
		there, getErr := r.resource(i).Get(ctx, a.Name, metav1.GetOptions{})
		if getErr != nil || there.GetDeletionTimestamp() != nil {
			return err
		}
		if metav1.IsControlledBy(there, o) {
			return nil
		}
		if of, owned := controller(there, kindRollout); owned && of.key.Name == o.Name { // the cluster is about to remove it
			return fmt.Errorf("making Experiment %s: that of the Rollout that had this name before is still there", i.key)
		}
		report.Status = api.ExperimentStatus{Phase: api.AnalysisError, Message: errTaken{kindExperiment, a.Name}.Error()}
		err = nil
	case never(err):
		report.Status = api.ExperimentStatus{Phase: api.AnalysisError, Message: err.Error()}
		err = nil
	default:
		report.Failure = err.Error()
		err = fmt.Errorf("making Experiment %s: %w", i.key, err)
	}
	r.options.Report(report)
	return err
}

// experiment gives the object of an Experiment of a Rollout.
func (r *Runner) experiment(ctx context.Context, i id, o *api.Rollout, a Asked) (*api.Experiment, error) {
	e := &api.Experiment{
		TypeMeta: metav1.TypeMeta{APIVersion: apiVersion(i), Kind: kindExperiment},
		ObjectMeta: metav1.ObjectMeta{
			Name: a.Name, Namespace: i.key.Namespace,
			Labels:          map[string]string{LabelManagedBy: "serin", labelRollout: o.Name, workload.LabelHash: a.Version},
			OwnerReferences: []metav1.OwnerReference{reference(apiVersion(i), kindRollout, o)},
		},
		Spec: api.ExperimentSpec{
			Duration: a.Step.Duration, ProgressDeadlineSeconds: o.Spec.ProgressDeadlineSeconds, Analyses: a.Step.Analyses,
			ScaleDownDelaySeconds: a.Step.ScaleDownDelaySeconds, DryRun: a.Step.DryRun, AnalysisRunMetadata: a.Step.AnalysisRunMetadata,
		},
	}
	if a.Revision != "" {
		e.Annotations = map[string]string{workload.AnnotationRevision: a.Revision}
	}
	for k := range a.Step.Templates {
		t := &a.Step.Templates[k]
		version := a.Version
		if t.SpecRef == "stable" {
			version = a.Stable
		}
		pods, err := r.options.Version(ctx, o, version)
		if err != nil {
			return nil, fmt.Errorf("template %s: %w", t.Name, err)
		}
		of, err := templateFrom(t, pods)
		if err != nil {
			return nil, fmt.Errorf("template %s: %w", t.Name, err)
		}
		e.Spec.Templates = append(e.Spec.Templates, of)
	}
	return e, nil
}

// templateFrom makes a template of an Experiment from that of a step and the pods of
// the version that it refers to.
func templateFrom(t *api.ExperimentStepTemplate, v workload.Version) (api.ExperimentTemplate, error) {
	pods := v.Template.DeepCopy()
	out := api.ExperimentTemplate{Name: t.Name, Replicas: t.Replicas, MinReadySeconds: v.MinReady, Service: t.Service, Selector: t.Selector}
	if out.Selector == nil {
		out.Selector = v.Selector.DeepCopy()
	}
	if m := t.Metadata; m != nil {
		for _, put := range []struct {
			into *map[string]string
			from map[string]string
		}{{&pods.Labels, m.Labels}, {&pods.Annotations, m.Annotations}} {
			if *put.into == nil {
				*put.into = map[string]string{}
			}
			maps.Copy(*put.into, put.from)
		}
		if t.Selector == nil {
			for name := range out.Selector.MatchLabels {
				if value, ok := m.Labels[name]; ok {
					out.Selector.MatchLabels[name] = value
				}
			}
		}
	}
	spec, err := json.Marshal(pods.Spec)
	if err != nil {
		return out, fmt.Errorf("encoding its pods: %w", err)
	}
	out.Template = api.Template{ObjectMeta: pods.ObjectMeta, Spec: spec}
	return out, nil
}

// report tells the Rollout of an Experiment how that stands, if it is news.
func (r *Runner) report(i id, t *trial, status api.ExperimentStatus) {
	if !t.owned {
		return
	}
	out := Report{Rollout: t.owner, Name: i.key.Name, Status: status}
	r.mu.Lock()
	for k := range t.object.Spec.Analyses {
		a := &t.object.Spec.Analyses[k]
		name := t.begun[a.Name]
		if one := r.runs[id{group: i.group, kind: kindRun, key: api.Key{Namespace: i.key.Namespace, Name: name}}]; one != nil {
			out.Analyses = append(out.Analyses, Analysed{Name: name, Required: a.RequiredForCompletion, Spec: one.object.Spec, Status: one.status})
		}
	}
	reported := t.reported
	r.mu.Unlock()
	text, err := json.Marshal(out)
	if err != nil || string(text) == reported {
		return
	}
	r.options.Report(out)
	r.mu.Lock()
	t.reported = string(text)
	r.mu.Unlock()
}
