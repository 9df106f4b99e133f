package kube

import (
	"github.com/serin-mesh/serin/api"
)

// standard is a status as tools read it that know the conventions of Kubernetes and
// not the kind, such as kubectl, Argo CD and Flux: the generation is a number, also of
// each condition, and there is a condition Ready, with Reconciling or Stalled where
// one of these is so. Argo Rollouts' own definition has no place for that.
//
// Fields here come before those of the same name inside.
type standard struct {
	api.RolloutStatus
	ObservedGeneration int64               `json:"observedGeneration"`
	Conditions         []standardCondition `json:"conditions"`
}

// standardCondition is a condition with the generation that it is of.
type standardCondition struct {
	api.RolloutCondition
	ObservedGeneration int64 `json:"observedGeneration"`
}

// standardOf gives a Rollout's status so.
func standardOf(r *api.Rollout, status api.RolloutStatus) standard {
	out := standard{RolloutStatus: status, ObservedGeneration: r.Generation}
	var healthy api.RolloutCondition
	for _, c := range status.Conditions {
		out.Conditions = append(out.Conditions, standardCondition{c, r.Generation})
		if c.Type == "Healthy" {
			healthy = c
		}
	}
	add := func(kind, holds string) {
		c := healthy
		c.Type, c.Status, c.Reason, c.Message = kind, holds, string(status.Phase), status.Message
		out.Conditions = append(out.Conditions, standardCondition{c, r.Generation})
	}
	switch status.Phase {
	case api.PhaseHealthy:
		add("Ready", "True")
	case api.PhaseDegraded:
		add("Ready", "False")
		add("Stalled", "True")
	default:
		add("Ready", "False")
		add("Reconciling", "True")
	}
	return out
}
