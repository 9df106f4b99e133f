package workload

import (
	"context"
	"encoding/json"
	"fmt"

	apps "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
)

// tries is how often one write follows an object that others write too.
const tries = 5

// patch writes what differs between two states of a ReplicaSet, and nothing else.
// It fails when somebody has changed the number of replicas since: that was not
// what the change was made for.
func (w *Workload) patch(ctx context.Context, before, after *apps.ReplicaSet) error {
	base := before
	for range tries {
		data, err := difference(before, after, base)
		if err != nil {
			return err
		}
		now, err := w.client.AppsV1().ReplicaSets(base.Namespace).
			Patch(ctx, base.Name, types.StrategicMergePatchType, data, metav1.PatchOptions{})
		if err == nil {
			w.written.put(now)
			return nil
		}
		if apierrors.IsNotFound(err) {
			w.written.forget(base.UID)
		}
		if !apierrors.IsConflict(err) {
			return fmt.Errorf("writing ReplicaSet %q: %w", base.Name, err)
		}
		if base, err = w.reread(ctx, base); err != nil {
			return err
		}
		if valueOr(base.Spec.Replicas, 1) != valueOr(before.Spec.Replicas, 1) {
			return fmt.Errorf("writing ReplicaSet %q: somebody else scaled it to %d", base.Name, *base.Spec.Replicas)
		}
	}
	return fmt.Errorf("writing ReplicaSet %q: it changed %d times meanwhile", base.Name, tries)
}

// reread reads a ReplicaSet from the server, which knows more than our cache.
func (w *Workload) reread(ctx context.Context, s *apps.ReplicaSet) (*apps.ReplicaSet, error) {
	now, err := w.client.AppsV1().ReplicaSets(s.Namespace).Get(ctx, s.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) || err == nil && now.UID != s.UID {
		w.written.forget(s.UID)
		return nil, fmt.Errorf("writing ReplicaSet %q: it is gone", s.Name)
	}
	if err != nil {
		return nil, fmt.Errorf("reading ReplicaSet %q again: %w", s.Name, err)
	}
	w.written.put(now)
	return now, nil
}

// difference gives the patch that leads from one state to the other, good for an
// object that still is as base is.
func difference(before, after, base *apps.ReplicaSet) ([]byte, error) {
	a, errA := json.Marshal(before)
	b, errB := json.Marshal(after)
	if errA != nil || errB != nil {
		return nil, fmt.Errorf("encoding ReplicaSet %q: %w", before.Name, firstError(errA, errB))
	}
	data, err := strategicpatch.CreateTwoWayMergePatch(a, b, apps.ReplicaSet{})
	if err != nil {
		return nil, fmt.Errorf("comparing two states of ReplicaSet %q: %w", before.Name, err)
	}
	var p map[string]any
	if err := json.Unmarshal(data, &p); err != nil {
		return nil, fmt.Errorf("comparing two states of ReplicaSet %q: %w", before.Name, err)
	}
	m, ok := p["metadata"].(map[string]any)
	if !ok {
		m = map[string]any{}
		p["metadata"] = m
	}
	m["resourceVersion"], m["uid"] = base.ResourceVersion, string(base.UID)
	return json.Marshal(p)
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
