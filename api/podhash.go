package api

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/rand"
)

// PodTemplateHash gives the version of a revision in a cluster: the value of
// LabelPodTemplateHash on its pods. It is that of Argo Rollouts 1.10, FNV-1a of
// the template's JSON as Kubernetes' types write it, so that a Rollout that is
// taken over keeps its ReplicaSets. collisionCount is status.collisionCount, nil
// where there is none. The error says that the template is no pod template.
//
// Source: argo-rollouts, utils/hash.
func PodTemplateHash(t Template, collisionCount *int32) (string, error) {
	pod := corev1.PodTemplateSpec{ObjectMeta: t.ObjectMeta}
	if t.Spec != nil {
		if err := json.Unmarshal(t.Spec, &pod.Spec); err != nil {
			return "", fmt.Errorf("reading the pod template: %w", err)
		}
	}
	data, err := json.Marshal(&pod)
	if err != nil {
		return "", fmt.Errorf("writing the pod template: %w", err)
	}
	sum := fnv.New32a()
	_, _ = sum.Write(data) // a hash takes everything
	if collisionCount != nil {
		var count [8]byte
		binary.LittleEndian.PutUint32(count[:], uint32(*collisionCount))
		_, _ = sum.Write(count[:])
	}
	return rand.SafeEncodeString(fmt.Sprint(sum.Sum32())), nil
}
