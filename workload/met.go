package workload

import (
	"fmt"

	"github.com/serin-mesh/serin/rollout"
)

// pods says whether the canary's pods are there for what is demanded. It counts
// only what was counted after they were asked for.
func (v view) pods() rollout.Pods {
	p := rollout.Pods{Need: v.Canary}
	if v.Canary.Version == "" {
		return p
	}
	s, ok := of(v.sets, v.Canary.Version)
	need := v.needed(v.Canary)
	switch {
	case !ok:
		p.Message = "it has no ReplicaSet"
		return p
	case v.paused && s.replicas == 0 && need > 0:
		p.Message = "spec.paused holds them"
		return p
	case !s.seen || s.replicas < need:
		p.Message = fmt.Sprintf("%d are being asked for", need)
		return p
	}
	p.Met = v.threshold.met(s.available, need)
	p.Message = fmt.Sprintf("%d of %d pods are available", s.available, need)
	if s.failure != "" && !p.Met {
		p.Message += ": " + s.failure
	}
	return p
}
