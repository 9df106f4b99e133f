package workload

import (
	"encoding/json"
	"strconv"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serin-mesh/serin/api"
)

// dress gives a ReplicaSet as it is to be, with a number of replicas: with Argo's
// annotations, and with what its pods carry while it is what it is.
func (v view) dress(s *apps.ReplicaSet, replicas int32, own []*apps.ReplicaSet) *apps.ReplicaSet {
	s = s.DeepCopy()
	s.Spec.Replicas = &replicas
	version := s.Labels[LabelHash]
	if version == v.asked {
		setRevision(s, own)
	}
	if v.Stable == "" {
		return s
	}
	if version == v.Stable || version == v.asked {
		setKey(&s.Annotations, annotationDesired, strconv.Itoa(int(v.terms.replicas)))
		s.Spec.MinReadySeconds = v.minReady
	}
	setMetadata(s, v.metadataFor(version))
	if version == v.asked && version != v.Stable {
		s.Spec.Template.Spec.Affinity = apart(s.Spec.Template.Spec.Affinity, v.Rollout, v.Stable)
	}
	return s
}

// metadataFor gives what the pods of a version carry; nil: nothing of ours.
func (v view) metadataFor(version string) *api.PodMetadata {
	c := v.Rollout.Spec.Strategy.Canary
	switch {
	case c == nil:
		return nil
	case version == v.Stable:
		return c.StableMetadata
	case version == v.asked:
		return c.CanaryMetadata
	}
	return nil
}

// setMetadata has the pods that a ReplicaSet makes carry m, and notes that on it.
func setMetadata(s *apps.ReplicaSet, m *api.PodMetadata) {
	change(&s.Spec.Template.ObjectMeta, metadataOn(s), m)
	if m == nil || len(m.Labels)+len(m.Annotations) == 0 {
		delete(s.Annotations, annotationMetadata)
		return
	}
	data, _ := json.Marshal(m) // maps of strings
	setKey(&s.Annotations, annotationMetadata, string(data))
}

// antiAffinity keeps the canary's pods from the nodes of the stable version's.
type antiAffinity struct {
	Preferred *struct {
		Weight int32 `json:"weight"`
	} `json:"preferredDuringSchedulingIgnoredDuringExecution"`
	Required *struct{} `json:"requiredDuringSchedulingIgnoredDuringExecution"`
}

// apart gives an affinity that keeps away from the nodes of a version, where the
// Rollout asks for that.
func apart(a *core.Affinity, r *api.Rollout, stable string) *core.Affinity {
	var want antiAffinity
	if c := r.Spec.Strategy.Canary; c == nil || json.Unmarshal(c.AntiAffinity, &want) != nil || want.Preferred == nil && want.Required == nil {
		return a
	}
	a = withoutTerm(a).DeepCopy()
	if a == nil {
		a = &core.Affinity{}
	}
	if a.PodAntiAffinity == nil {
		a.PodAntiAffinity = &core.PodAntiAffinity{}
	}
	p, term := a.PodAntiAffinity, termFor(r, stable)
	if want.Preferred != nil {
		p.PreferredDuringSchedulingIgnoredDuringExecution = append(p.PreferredDuringSchedulingIgnoredDuringExecution,
			core.WeightedPodAffinityTerm{Weight: want.Preferred.Weight, PodAffinityTerm: term})
	} else {
		p.RequiredDuringSchedulingIgnoredDuringExecution = append(p.RequiredDuringSchedulingIgnoredDuringExecution, term)
	}
	return a
}

// termFor is about the nodes where pods of a version are.
func termFor(r *api.Rollout, version string) core.PodAffinityTerm {
	return core.PodAffinityTerm{
		LabelSelector: &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
			{Key: LabelHash, Operator: metav1.LabelSelectorOpIn, Values: []string{version}}}},
		Namespaces: []string{r.Key().Namespace}, TopologyKey: core.LabelHostname,
	}
}
