package workload

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	apps "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/serin-mesh/serin/api"
)

// entry is what is known of one Rollout. The mutex of Workload guards wanted; the
// rest belongs to the worker that looks after the Rollout.
type entry struct {
	wanted Wanted

	reported   Report
	plain      string // hash of the template, without collisions
	version    string // that the template is
	collisions int32
	dressed    map[types.UID]string // what the pods of a ReplicaSet carry
	restarted  *metav1.Time         // the restartAt that all pods are younger than
}

// reconcile brings the pods of one Rollout a step nearer to what is wanted, and
// tells how they are. A version that cannot be made keeps nothing else from being
// done.
func (w *Workload) reconcile(ctx context.Context, key api.Key) error {
	w.mu.Lock()
	e := w.entries[key]
	if e == nil {
		w.mu.Unlock()
		w.workloads.forget(key)
		return nil
	}
	wanted := e.wanted
	w.mu.Unlock()

	r := wanted.Rollout
	from, errSource := w.workloads.source(key, r)
	own := w.own(r.UID)
	var asked *apps.ReplicaSet
	err := errSource
	if err == nil {
		if asked, err = w.resolve(ctx, e, r, from, own); err == nil {
			own = w.own(r.UID) // with the one that was made
		}
	}
	v := view{terms: termsOf(r), Wanted: wanted, now: time.Now(), asked: cmp.Or(versionOf(asked), e.version)}
	for _, s := range own {
		v.sets = append(v.sets, seen(s))
	}
	p := makePlan(v)
	err = errors.Join(err, w.apply(ctx, v, p, own), w.dressPods(ctx, e, v), w.restart(ctx, e, v), w.workloads.shrink(ctx, v))
	if !p.next.IsZero() {
		w.queue.AddAfter(key, p.next.Sub(v.now))
	}
	w.report(e, v, from, err)
	return err
}

// versionOf gives the version of a ReplicaSet; empty for none.
func versionOf(s *apps.ReplicaSet) string {
	if s == nil {
		return ""
	}
	return s.Labels[LabelHash]
}

// apply does what is planned, what adds pods first.
func (w *Workload) apply(ctx context.Context, v view, p plan, own []*apps.ReplicaSet) error {
	var errs []error
	more := func(s *apps.ReplicaSet) int32 {
		if n, ok := p.replicas[s.Name]; ok {
			return n - valueOr(s.Spec.Replicas, 1)
		}
		return 0
	}
	ordered := slices.Clone(own)
	slices.SortStableFunc(ordered, func(a, b *apps.ReplicaSet) int { return cmp.Compare(more(b), more(a)) })
	for _, s := range ordered {
		if s.DeletionTimestamp != nil {
			continue
		}
		if slices.Contains(p.remove, s.Name) {
			errs = append(errs, w.remove(ctx, s))
			continue
		}
		after := v.dress(s, valueOr(s.Spec.Replicas, 1)+more(s), own)
		if !equality.Semantic.DeepEqual(s, after) {
			errs = append(errs, w.patch(ctx, s, after))
		}
	}
	return errors.Join(errs...)
}

// remove deletes an old ReplicaSet, as it was when that was decided.
func (w *Workload) remove(ctx context.Context, s *apps.ReplicaSet) error {
	background := metav1.DeletePropagationBackground
	err := w.client.AppsV1().ReplicaSets(s.Namespace).Delete(ctx, s.Name, metav1.DeleteOptions{
		PropagationPolicy: &background, Preconditions: &metav1.Preconditions{UID: &s.UID, ResourceVersion: &s.ResourceVersion}})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("removing ReplicaSet %q: %w", s.Name, err)
	}
	return nil
}

// report tells how the pods are, if that is news.
func (w *Workload) report(e *entry, v view, from source, err error) {
	now := v.report(from, err)
	now.RestartedAt = e.restarted
	if e.collisions > 0 {
		now.CollisionCount = new(e.collisions)
	}
	if reflect.DeepEqual(now, e.reported) {
		return
	}
	e.reported = now
	w.options.Report(now)
}
