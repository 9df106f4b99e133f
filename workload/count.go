package workload

import "github.com/serin-mesh/serin/rollout"

// part gives how many of a number of pods carry a weight, rounded up: any traffic
// takes a pod.
func part(replicas int32, w rollout.Weight) int32 {
	n := int64(replicas) * int64(min(w, rollout.Total))
	return int32((n + int64(rollout.Total) - 1) / int64(rollout.Total))
}

// share gives the pods of one side for its share of the traffic: none for none,
// else as many as minPodsPerReplicaSet asks for, but never more than all for that.
func (t terms) share(w rollout.Weight) int32 {
	n := part(t.replicas, w)
	if n == 0 {
		return 0
	}
	return max(n, min(t.minPods, t.replicas))
}

// needed gives how many pods the canary needs.
func (t terms) needed(n rollout.Need) int32 {
	switch {
	case n.Version == "":
		return 0
	case n.Scale.By == rollout.ByReplicas:
		return max(n.Scale.N, 0)
	case n.Scale.By == rollout.ByWeight:
		return t.share(rollout.Weight(max(n.Scale.N, 0)) * (rollout.Total / 100))
	}
	return t.share(n.Weight)
}
