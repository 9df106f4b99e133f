package experiment

import (
	"time"

	"github.com/serin-mesh/serin/api"
)

// Conditions gives the conditions of an experiment: Progressing as Argo has it, and
// for tools that know the conventions of Kubernetes and no kinds Ready, with
// Reconciling or Stalled where one of these is so. Those that hold as before keep
// their times. The generation is that of the object; 0: it has none that tells of the
// spec alone.
func Conditions(status api.ExperimentStatus, generation int64, now time.Time) []api.ExperimentCondition {
	reason, message := string(status.Phase), status.Message
	var out []api.ExperimentCondition
	add := func(kind string, holds bool) {
		c := api.ExperimentCondition{Type: kind, Status: "False", Reason: reason, Message: message, ObservedGeneration: generation, LastUpdateTime: *at(now), LastTransitionTime: *at(now)}
		if holds {
			c.Status = "True"
		}
		for _, old := range status.Conditions {
			if old.Type != kind || old.Status != c.Status {
				continue
			}
			c.LastTransitionTime = old.LastTransitionTime
			if old.Reason == reason && old.Message == message {
				c.LastUpdateTime = old.LastUpdateTime
			}
		}
		out = append(out, c)
	}
	ended := status.Phase.Completed()
	add("Progressing", !ended)
	add("Ready", status.Phase == api.AnalysisSuccessful)
	switch {
	case !ended:
		add("Reconciling", true)
	case status.Phase != api.AnalysisSuccessful:
		add("Stalled", true)
	}
	return out
}
