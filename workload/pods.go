package workload

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/serin-mesh/serin/api"
)

// podsOf reads the pods of a ReplicaSet that are to stay, the oldest first. They
// are not watched: they are looked at only when something is to be done to them.
func (w *Workload) podsOf(ctx context.Context, s *apps.ReplicaSet) ([]core.Pod, error) {
	list, err := w.client.CoreV1().Pods(s.Namespace).List(ctx, metav1.ListOptions{LabelSelector: LabelHash + "=" + versionOf(s)})
	if err != nil {
		return nil, fmt.Errorf("reading the pods of ReplicaSet %q: %w", s.Name, err)
	}
	pods := slices.DeleteFunc(list.Items, func(p core.Pod) bool { return !metav1.IsControlledBy(&p, s) || p.DeletionTimestamp != nil })
	slices.SortStableFunc(pods, func(a, b core.Pod) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
	return pods, nil
}

// dressPods has the pods that run carry what their ReplicaSets put on new ones.
// It comes after those: their controllers have seen what new pods are to carry.
func (w *Workload) dressPods(ctx context.Context, e *entry, v view) error {
	var errs []error
	before := e.dressed
	e.dressed = map[types.UID]string{} // those of ReplicaSets that are gone go
	for _, s := range w.own(v.Rollout.UID) {
		have, known := before[s.UID]
		if known {
			e.dressed[s.UID] = have
		}
		want := s.Annotations[annotationMetadata]
		switch none := !known && want == "" && !everDressed(v.Rollout); {
		case known && have == want:
		case none, valueOr(s.Spec.Replicas, 1) == 0:
			e.dressed[s.UID] = want
		case !seen(s).seen:
		default:
			if err := w.dressAll(ctx, v.Rollout, s, have); err != nil {
				errs = append(errs, err)
			} else {
				e.dressed[s.UID] = want
			}
		}
	}
	return errors.Join(errs...)
}

// everDressed says whether a Rollout puts metadata on its pods.
func everDressed(r *api.Rollout) bool {
	c := r.Spec.Strategy.Canary
	return c != nil && (c.CanaryMetadata != nil || c.StableMetadata != nil)
}

// dressAll has all pods of a ReplicaSet carry what that says, in place of whatever
// they may have been given before.
func (w *Workload) dressAll(ctx context.Context, r *api.Rollout, s *apps.ReplicaSet, have string) error {
	pods, err := w.podsOf(ctx, s)
	if err != nil {
		return err
	}
	before := given(r, have)
	for i := range pods {
		if err := w.dressPod(ctx, &pods[i], before, metadataOn(s)); err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("changing the metadata of pod %q: %w", pods[i].Name, err)
		}
	}
	return nil
}

// given is all that pods may have been given: what they have, as text, and what
// the Rollout gives to any.
func given(r *api.Rollout, have string) *api.PodMetadata {
	all := &api.PodMetadata{Labels: map[string]string{}, Annotations: map[string]string{}}
	var had *api.PodMetadata
	_ = json.Unmarshal([]byte(have), &had) // empty is nothing
	lists := []*api.PodMetadata{had}
	if c := r.Spec.Strategy.Canary; c != nil {
		lists = append(lists, c.CanaryMetadata, c.StableMetadata)
	}
	for _, m := range lists {
		if m != nil {
			maps.Copy(all.Labels, m.Labels)
			maps.Copy(all.Annotations, m.Annotations)
		}
	}
	return all
}

// dressPod changes the metadata of one pod, and nothing that others put there.
func (w *Workload) dressPod(ctx context.Context, p *core.Pod, before, after *api.PodMetadata) error {
	meta := p.ObjectMeta.DeepCopy()
	if !change(meta, before, after) {
		return nil
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"uid": p.UID, "labels": steps(p.Labels, meta.Labels), "annotations": steps(p.Annotations, meta.Annotations)}})
	if err != nil {
		return err
	}
	_, err = w.client.CoreV1().Pods(p.Namespace).Patch(ctx, p.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	return err
}

// steps gives the merge patch that leads from one map to another.
func steps(from, to map[string]string) map[string]any {
	patch := map[string]any{}
	for k := range from {
		if _, stays := to[k]; !stays {
			patch[k] = nil
		}
	}
	for k, v := range to {
		if old, there := from[k]; !there || old != v {
			patch[k] = v
		}
	}
	return patch
}
