package workload

import (
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// report says how the pods are.
func (v view) report(from source, err error) Report {
	r := Report{Key: v.Rollout.Key(), Generation: v.Rollout.Generation, Version: v.asked, Pods: v.pods()}
	for _, s := range v.sets {
		r.Replicas += s.have
		r.ReadyReplicas += s.ready
		r.AvailableReplicas += s.available
		if s.version == v.asked && v.asked != "" {
			r.UpdatedReplicas = s.have
			r.Revision = strconv.FormatInt(s.revision, 10)
		}
		if s.failure != "" && (s.version == v.asked || s.version == v.Stable) {
			r.Err = s.failure
		}
	}
	r.HPAReplicas = r.Replicas
	if from.selector != nil {
		r.Selector = metav1.FormatLabelSelector(from.selector)
	}
	if _, ok := of(v.sets, v.Stable); !ok && v.Stable != "" {
		r.Err = "the ReplicaSet of the stable version " + v.Stable + " is gone"
	}
	if err != nil {
		r.Err = err.Error()
	}
	return r
}
