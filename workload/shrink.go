package workload

import (
	"context"
	"fmt"

	apps "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// shrink takes pods from the Deployment that a Rollout replaces, as
// spec.workloadRef.scaleDown says.
func (w *workloads) shrink(ctx context.Context, v view) error {
	ref := v.Rollout.Spec.WorkloadRef
	if ref == nil || ref.Kind != "Deployment" {
		return nil
	}
	key := v.Rollout.Key()
	object, _ := w.workload(key, ref) // source has told why there is none
	d, ok := object.(*apps.Deployment)
	if !ok {
		return nil
	}
	now := valueOr(d.Spec.Replicas, 1)
	n := v.left(ref.ScaleDown, now)
	if n >= now {
		return nil
	}
	patch := fmt.Appendf(nil, `{"metadata":{"resourceVersion":%q},"spec":{"replicas":%d}}`, d.ResourceVersion, n)
	_, err := w.client.AppsV1().Deployments(key.Namespace).Patch(ctx, ref.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "scale")
	if err != nil {
		return fmt.Errorf("scaling Deployment %q: %w", ref.Name, err)
	}
	return nil
}

// left gives how many pods the Deployment may keep, of those that it has: it
// gives way only once, to the first version.
func (v view) left(scaleDown string, now int32) int32 {
	s, ok := of(v.sets, v.Stable)
	if !ok || s.revision != 1 || v.Version != v.Stable || !s.seen {
		return now
	}
	switch scaleDown {
	case "onsuccess":
		if s.available >= v.terms.replicas {
			return 0
		}
	case "progressively":
		return min(now, max(0, v.terms.replicas-s.available))
	}
	return now
}
