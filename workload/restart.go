package workload

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	policy "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// restart replaces the pods that are older than spec.restartAt, some at a time.
// What a restart changes in the counts of a ReplicaSet leads to the next ones.
func (w *Workload) restart(ctx context.Context, e *entry, v view) error {
	at := v.Rollout.Spec.RestartAt
	switch {
	case at == nil:
		e.restarted = nil
		return nil
	case at.Equal(e.restarted):
		return nil
	case v.now.Before(at.Time):
		w.queue.AddAfter(v.Rollout.Key(), at.Sub(v.now))
		return nil
	}
	var errs []error
	left := 0
	for _, s := range v.restartOrder(w.own(v.Rollout.UID)) {
		if s.CreationTimestamp.After(at.Time) {
			continue // so are its pods
		}
		n, err := w.restartSome(ctx, s, v.terms, at.Time, v.now)
		left += n
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil || left > 0 {
		return err
	}
	e.restarted = at.DeepCopy()
	return nil
}

// restartOrder gives the ReplicaSets with pods in the order in which these are
// replaced: the stable version, the wanted one, the others.
func (v view) restartOrder(own []*apps.ReplicaSet) []*apps.ReplicaSet {
	out := slices.DeleteFunc(slices.Clone(own), func(s *apps.ReplicaSet) bool {
		return s.DeletionTimestamp != nil || valueOr(s.Spec.Replicas, 1) == 0
	})
	place := func(s *apps.ReplicaSet) int {
		return slices.Index([]string{v.Stable, v.asked, versionOf(s)}, versionOf(s))
	}
	slices.SortStableFunc(out, func(a, b *apps.ReplicaSet) int { return place(a) - place(b) })
	return out
}

// restartSome evicts as many old pods of a ReplicaSet as may be missing, and says
// how many old ones there were.
func (w *Workload) restartSome(ctx context.Context, s *apps.ReplicaSet, t terms, at, now time.Time) (old int, err error) {
	pods, err := w.podsOf(ctx, s)
	if err != nil {
		return 0, err
	}
	evict, old := choose(pods, t, valueOr(s.Spec.Replicas, 1), at, now)
	for _, p := range evict {
		err := w.client.CoreV1().Pods(p.Namespace).EvictV1(ctx, &policy.Eviction{
			ObjectMeta:    metav1.ObjectMeta{Name: p.Name, Namespace: p.Namespace},
			DeleteOptions: &metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(p.UID))},
		})
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			return old, fmt.Errorf("restarting pod %q: %w", p.Name, err) // a budget may forbid it for now
		}
	}
	return old, nil
}

// choose gives the pods to evict now, and how many are older than they may be.
// What is not available is missing already.
func choose(pods []core.Pod, t terms, replicas int32, at, now time.Time) (evict []core.Pod, old int) {
	room := t.missing(replicas) - replicas
	for i := range pods {
		if available(&pods[i], t.minReady, now) {
			room++
		}
	}
	for _, p := range pods {
		if p.CreationTimestamp.After(at) {
			continue
		}
		old++
		switch ready := available(&p, t.minReady, now); {
		case !ready: // it serves nobody, and missing it costs nothing
			evict = append(evict, p)
		case room > 0:
			evict = append(evict, p)
			room--
		}
	}
	return evict, old
}

// available says whether a pod has been ready for long enough.
func available(p *core.Pod, minReady int32, now time.Time) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == core.PodReady {
			return c.Status == core.ConditionTrue && !c.LastTransitionTime.Add(time.Duration(minReady)*time.Second).After(now)
		}
	}
	return false
}
