package workload

import (
	"context"
	"fmt"
	"maps"

	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serin-mesh/serin/api"
)

// Version is what the pods of a version are made from.
type Version struct {
	// Template is the pods' as the Rollout has it, without what names the version and
	// what is put on for the time of a rollout.
	Template core.PodTemplateSpec
	Selector *metav1.LabelSelector
	MinReady int32 // seconds
}

// VersionOf reads what the pods of a version of a Rollout are made from.
func (w *Workload) VersionOf(ctx context.Context, r *api.Rollout, version string) (Version, error) {
	s := withVersion(w.own(r.UID), version)
	if s == nil {
		return Version{}, fmt.Errorf("the version %s of rollout %q has no ReplicaSet", version, r.Name)
	}
	whole, err := w.client.AppsV1().ReplicaSets(s.Namespace).Get(ctx, s.Name, metav1.GetOptions{})
	if err != nil {
		return Version{}, fmt.Errorf("reading ReplicaSet %q: %w", s.Name, err)
	}
	v := Version{Template: plainTemplate(whole), MinReady: whole.Spec.MinReadySeconds, Selector: whole.Spec.Selector.DeepCopy()}
	v.Selector.MatchLabels = maps.Clone(v.Selector.MatchLabels)
	delete(v.Selector.MatchLabels, LabelHash)
	return v, nil
}
