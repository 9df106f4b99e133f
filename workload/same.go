package workload

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serin-mesh/serin/api"
)

// sameTemplate says whether two ReplicaSets have one pod template, but for what is
// put into it for the time of a rollout.
func sameTemplate(a, b *apps.ReplicaSet) bool {
	x, y := plainTemplate(a), plainTemplate(b)
	return equality.Semantic.DeepEqual(x, y)
}

// plainTemplate gives the template as the Rollout has it.
func plainTemplate(s *apps.ReplicaSet) core.PodTemplateSpec {
	t := *s.Spec.Template.DeepCopy()
	change(&t.ObjectMeta, metadataOn(s), nil)
	delete(t.Labels, LabelHash)
	t.Spec.Affinity = withoutTerm(t.Spec.Affinity)
	return t
}

// metadataOn gives what was put on the pods of a ReplicaSet for the time of a
// rollout; nil: nothing.
func metadataOn(s *apps.ReplicaSet) *api.PodMetadata {
	var m *api.PodMetadata
	_ = json.Unmarshal([]byte(s.Annotations[annotationMetadata]), &m) // what is not ours is nothing
	return m
}

// change puts metadata in place of that which was put there before, and reports
// whether anything differs.
func change(on *metav1.ObjectMeta, before, after *api.PodMetadata) bool {
	if before == nil {
		before = &api.PodMetadata{}
	}
	if after == nil {
		after = &api.PodMetadata{}
	}
	labels := changed(on.Labels, before.Labels, after.Labels)
	annotations := changed(on.Annotations, before.Annotations, after.Annotations)
	differs := !maps.Equal(labels, on.Labels) || !maps.Equal(annotations, on.Annotations)
	on.Labels, on.Annotations = labels, annotations
	return differs
}

func changed(on, before, after map[string]string) map[string]string {
	out := maps.Clone(on)
	for k := range before {
		delete(out, k)
	}
	for k, v := range after {
		setKey(&out, k, v)
	}
	return out
}

// setRevision makes a ReplicaSet the youngest of its Rollout's.
func setRevision(s *apps.ReplicaSet, own []*apps.ReplicaSet) {
	var highest int64
	for _, o := range own {
		if o.UID != s.UID || s.UID == "" {
			highest = max(highest, revisionOf(o))
		}
	}
	before := s.Annotations[AnnotationRevision]
	if revisionOf(s) > highest {
		return
	}
	setKey(&s.Annotations, AnnotationRevision, strconv.FormatInt(highest+1, 10))
	if before != "" {
		history := before
		if h := s.Annotations[annotationHistory]; h != "" {
			history = h + "," + before
		}
		s.Annotations[annotationHistory] = history
	}
}

// withoutTerm takes the anti-affinity out that was put in for a canary.
func withoutTerm(a *core.Affinity) *core.Affinity {
	if a == nil || a.PodAntiAffinity == nil {
		return a
	}
	a = a.DeepCopy()
	p := a.PodAntiAffinity
	p.PreferredDuringSchedulingIgnoredDuringExecution = slices.DeleteFunc(p.PreferredDuringSchedulingIgnoredDuringExecution,
		func(t core.WeightedPodAffinityTerm) bool { return ofVersions(t.PodAffinityTerm) })
	p.RequiredDuringSchedulingIgnoredDuringExecution = slices.DeleteFunc(p.RequiredDuringSchedulingIgnoredDuringExecution, ofVersions)
	if len(p.PreferredDuringSchedulingIgnoredDuringExecution)+len(p.RequiredDuringSchedulingIgnoredDuringExecution) == 0 {
		a.PodAntiAffinity = nil
	}
	if a.PodAntiAffinity == nil && a.PodAffinity == nil && a.NodeAffinity == nil {
		return nil
	}
	return a
}

// ofVersions says whether a term is about versions of a Rollout.
func ofVersions(t core.PodAffinityTerm) bool {
	return t.LabelSelector != nil && slices.ContainsFunc(t.LabelSelector.MatchExpressions,
		func(e metav1.LabelSelectorRequirement) bool { return e.Key == LabelHash })
}
