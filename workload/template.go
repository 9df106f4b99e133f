package workload

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"strconv"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"

	"github.com/serin-mesh/serin/api"
)

// The names that Argo Rollouts gives to what it keeps on ReplicaSets and pods.
// Its kubectl plugin goes by them, and so do we.
const (
	// LabelHash names the version of a ReplicaSet and of its pods.
	LabelHash = "rollouts-pod-template-hash"

	// LabelExperiment is on the ReplicaSets of Experiments, and has the UID of theirs.
	LabelExperiment = "serin.dev/experiment"
	// AnnotationRevision numbers the versions of a Rollout.
	AnnotationRevision = "rollout.argoproj.io/revision"

	annotationHistory  = "rollout.argoproj.io/revision-history"
	annotationDesired  = "rollout.argoproj.io/desired-replicas"
	annotationMetadata = "rollout.argoproj.io/ephemeral-metadata"
)

// source is what the ReplicaSets of a Rollout are made from.
type source struct {
	template core.PodTemplateSpec
	selector *metav1.LabelSelector
}

// PodTemplate gives a pod template as Kubernetes has it.
func PodTemplate(t *api.Template) (core.PodTemplateSpec, error) {
	p := core.PodTemplateSpec{ObjectMeta: *t.ObjectMeta.DeepCopy()}
	if len(t.Spec) == 0 {
		return p, nil
	}
	if err := json.Unmarshal(t.Spec, &p.Spec); err != nil {
		return p, fmt.Errorf("reading spec.template.spec: %w", err)
	}
	return p, nil
}

// Hash gives the name of the version that a pod template is, as Argo Rollouts
// 1.10 does: equal templates have equal names. The collisions, where there were
// any, make another one.
func Hash(template *core.PodTemplateSpec, collisions int32) string {
	data, _ := json.Marshal(template) // it came from JSON
	if collisions > 0 {
		data = append(binary.LittleEndian.AppendUint32(data, uint32(collisions)), 0, 0, 0, 0)
	}
	h := fnv.New32a()
	_, _ = h.Write(data)
	return rand.SafeEncodeString(strconv.FormatUint(uint64(h.Sum32()), 10))
}

// newSet makes the ReplicaSet of a version, without pods.
func newSet(r *api.Rollout, from source, version string) *apps.ReplicaSet {
	s := &apps.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{
			Name: r.Name + "-" + version, Namespace: r.Key().Namespace,
			OwnerReferences: []metav1.OwnerReference{ownerOf(r)},
			Annotations:     map[string]string{annotationDesired: strconv.Itoa(int(termsOf(r).replicas))},
		},
		Spec: apps.ReplicaSetSpec{Replicas: new(int32), MinReadySeconds: r.Spec.MinReadySeconds, Template: *from.template.DeepCopy()},
	}
	s.Spec.Selector = from.selector.DeepCopy()
	if s.Spec.Selector == nil {
		s.Spec.Selector = &metav1.LabelSelector{MatchLabels: maps.Clone(from.template.Labels)}
	}
	metav1.AddLabelToSelector(s.Spec.Selector, LabelHash, version)
	setKey(&s.Spec.Template.Labels, LabelHash, version)
	s.Labels = maps.Clone(s.Spec.Template.Labels)
	return s
}

// setKey sets a key of a map that may not be there yet.
func setKey(m *map[string]string, key, value string) {
	if *m == nil {
		*m = map[string]string{}
	}
	(*m)[key] = value
}

// ownerOf gives the reference by which a Rollout owns its ReplicaSets.
func ownerOf(r *api.Rollout) metav1.OwnerReference {
	ref := metav1.OwnerReference{APIVersion: r.APIVersion, Kind: r.Kind, Name: r.Name, UID: r.UID,
		Controller: new(true), BlockOwnerDeletion: new(true)}
	if ref.APIVersion == "" {
		ref.APIVersion = "serin.dev/v1alpha1"
	}
	if ref.Kind == "" {
		ref.Kind = "Rollout"
	}
	return ref
}
