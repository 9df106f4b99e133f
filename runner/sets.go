package runner

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"github.com/serin-mesh/serin/analysis/experiment"
	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/workload"
)

// The names by which Argo Rollouts' tools know what belongs to a template.
const (
	annotationExperiment = "experiment.argoproj.io/name"
	annotationTemplate   = "experiment.argoproj.io/template-name"
)

// maxNames bounds the names that are tried for one object.
const maxNames = 20

// watchSets prepares the watches of the ReplicaSets of Experiments.
func (r *Runner) watchSets() {
	namespaces := r.options.Namespaces
	if len(namespaces) == 0 {
		namespaces = []string{metav1.NamespaceAll}
	}
	for _, ns := range namespaces {
		f := informers.NewSharedInformerFactoryWithOptions(r.client, 0, informers.WithNamespace(ns), informers.WithTransform(stripSet),
			informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.LabelSelector = workload.LabelExperiment }))
		i := f.Apps().V1().ReplicaSets().Informer()
		_, _ = i.AddEventHandler(cache.ResourceEventHandlerFuncs{ // fails only once the informer runs
			AddFunc:    r.sawSet,
			UpdateFunc: func(_, now any) { r.sawSet(now) },
			DeleteFunc: r.lostSet,
		})
		r.factories, r.informers = append(r.factories, f), append(r.informers, i)
	}
}

// stripSet leaves of a ReplicaSet what is looked at.
func stripSet(object any) (any, error) {
	if s, ok := object.(*apps.ReplicaSet); ok {
		s.ManagedFields, s.Spec.Template.Spec = nil, core.PodSpec{}
	}
	return object, nil
}

// sawSet notes a ReplicaSet, unless a later state of it is known.
func (r *Runner) sawSet(object any) {
	s, ok := object.(*apps.ReplicaSet)
	if !ok {
		return
	}
	owner, ok := controller(s, kindExperiment)
	name := s.Annotations[annotationTemplate]
	if !ok || name == "" {
		return
	}
	uid := metav1.GetControllerOfNoCopy(s).UID
	r.mu.Lock()
	if r.sets[uid] == nil {
		r.sets[uid] = map[string]*apps.ReplicaSet{}
	}
	if old := r.sets[uid][name]; old == nil || old.UID != s.UID || newer(s.ResourceVersion, old.ResourceVersion) {
		r.sets[uid][name] = s
	}
	r.mu.Unlock()
	r.queue.Add(owner)
}

// lostSet notes that a ReplicaSet is gone.
func (r *Runner) lostSet(object any) {
	if d, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = d.Obj
	}
	s, ok := object.(*apps.ReplicaSet)
	if !ok {
		return
	}
	owner, ok := controller(s, kindExperiment)
	if !ok {
		return
	}
	uid, name := metav1.GetControllerOfNoCopy(s).UID, s.Annotations[annotationTemplate]
	r.mu.Lock()
	if old := r.sets[uid][name]; old != nil && old.UID == s.UID {
		delete(r.sets[uid], name)
		if len(r.sets[uid]) == 0 {
			delete(r.sets, uid)
		}
	}
	r.mu.Unlock()
	r.queue.Add(owner)
}

// templateOf says how the pods of a template are, as the machine wants it.
func templateOf(s *apps.ReplicaSet) (out experiment.Template) {
	if s == nil || s.DeletionTimestamp != nil {
		return out
	}
	out.Hash = s.Labels[workload.LabelHash]
	out.Wanted = wantedOf(s)
	out.Replicas, out.Ready, out.Available = s.Status.Replicas, s.Status.ReadyReplicas, s.Status.AvailableReplicas
	out.Current = s.Status.ObservedGeneration >= s.Generation
	for _, c := range s.Status.Conditions {
		if c.Type == apps.ReplicaSetReplicaFailure && c.Status == core.ConditionTrue {
			out.Failure = c.Message
		}
	}
	return out
}

// wantedOf gives how many pods a ReplicaSet asks for.
func wantedOf(s *apps.ReplicaSet) int32 {
	if s.Spec.Replicas == nil {
		return 1
	}
	return *s.Spec.Replicas
}

// scale has a ReplicaSet ask for a number of pods.
func (r *Runner) scale(ctx context.Context, s *apps.ReplicaSet, replicas int32) error {
	if s.DeletionTimestamp != nil || wantedOf(s) == replicas {
		return nil
	}
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": s.UID}, "spec": map[string]any{"replicas": replicas}})
	if err != nil {
		return fmt.Errorf("encoding a scale: %w", err)
	}
	now, err := r.client.AppsV1().ReplicaSets(s.Namespace).Patch(ctx, s.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: fieldManager})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("scaling ReplicaSet %q: %w", s.Name, err)
	}
	r.wrote(now)
	return nil
}

// wrote notes a ReplicaSet as the API server gave it back.
func (r *Runner) wrote(s *apps.ReplicaSet) {
	_, _ = stripSet(s)
	r.sawSet(s)
}

// makeSet makes the ReplicaSet of a template. A name that something else has leads to
// another.
func (r *Runner) makeSet(ctx context.Context, i id, e *api.Experiment, t *api.ExperimentTemplate) (collisions int32, err error) {
	s, err := newSet(i, e, t)
	if err != nil {
		return 0, err
	}
	base := s.Name
	for n := range int32(maxNames) {
		if n > 0 {
			s.Name = base + "-" + strconv.Itoa(int(n))
		}
		made, err := r.client.AppsV1().ReplicaSets(s.Namespace).Create(ctx, s, metav1.CreateOptions{FieldManager: fieldManager})
		if apierrors.IsAlreadyExists(err) {
			made, err = r.takeSet(ctx, e, s)
		}
		if err != nil {
			return n, fmt.Errorf("making ReplicaSet %q: %w", s.Name, err)
		}
		if made != nil {
			r.wrote(made)
			return n, nil
		}
	}
	return maxNames, fmt.Errorf("making ReplicaSet %q: %d names are taken", base, maxNames)
}

// takeSet gives the ReplicaSet that has a name already, if it is this template's; nil:
// it is something else. One that Argo's own controller made is taken over.
func (r *Runner) takeSet(ctx context.Context, e *api.Experiment, s *apps.ReplicaSet) (*apps.ReplicaSet, error) {
	there, err := r.client.AppsV1().ReplicaSets(s.Namespace).Get(ctx, s.Name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	if !metav1.IsControlledBy(there, e) || there.Annotations[annotationTemplate] != s.Annotations[annotationTemplate] {
		return nil, nil
	}
	if there.DeletionTimestamp != nil {
		return nil, fmt.Errorf("the one before is being deleted")
	}
	if there.Labels[workload.LabelExperiment] != "" {
		return there, nil
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"uid": there.UID, "labels": map[string]string{workload.LabelExperiment: string(e.UID)}}})
	if err != nil {
		return nil, err
	}
	return r.client.AppsV1().ReplicaSets(s.Namespace).Patch(ctx, s.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: fieldManager})
}

// newSet gives the ReplicaSet of a template, with its pods.
func newSet(i id, e *api.Experiment, t *api.ExperimentTemplate) (*apps.ReplicaSet, error) {
	pods, err := workload.PodTemplate(&t.Template)
	if err != nil {
		return nil, fmt.Errorf("template %s: %w", t.Name, err)
	}
	replicas, hash := experiment.Replicas(t), hashOf(e, t.Name, pods)
	s := &apps.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{
			Name: e.Name + "-" + t.Name, Namespace: i.key.Namespace,
			OwnerReferences: []metav1.OwnerReference{reference(apiVersion(i), kindExperiment, e)},
			Labels:          map[string]string{workload.LabelHash: hash, workload.LabelExperiment: string(e.UID)},
			Annotations:     map[string]string{annotationExperiment: e.Name, annotationTemplate: t.Name},
		},
		Spec: apps.ReplicaSetSpec{Replicas: &replicas, MinReadySeconds: t.MinReadySeconds, Selector: t.Selector.DeepCopy(), Template: pods},
	}
	if s.Spec.Selector == nil {
		s.Spec.Selector = &metav1.LabelSelector{MatchLabels: maps.Clone(pods.Labels)}
	}
	metav1.AddLabelToSelector(s.Spec.Selector, workload.LabelHash, hash)
	s.Spec.Template.Labels = maps.Clone(pods.Labels)
	if s.Spec.Template.Labels == nil {
		s.Spec.Template.Labels = map[string]string{}
	}
	s.Spec.Template.Labels[workload.LabelHash] = hash
	return s, nil
}

// hashOf names the version that a template of an Experiment is. No other template has
// it, though its pods may be equal.
func hashOf(e *api.Experiment, template string, pods core.PodTemplateSpec) string {
	pods = *pods.DeepCopy()
	if pods.Annotations == nil {
		pods.Annotations = map[string]string{}
	}
	pods.Annotations[workload.LabelExperiment] = string(e.UID) + "/" + template
	return workload.Hash(&pods, 0)
}
