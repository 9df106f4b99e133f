package control

import (
	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
)

// The statuses of a condition.
const (
	condTrue    = "True"
	condFalse   = "False"
	condUnknown = "Unknown"
)

// condition makes a condition without its times.
func condition(kind string, status, reason, message string) api.RolloutCondition {
	return api.RolloutCondition{Type: kind, Status: status, Reason: reason, Message: message}
}

// whether gives the status of something that holds or does not.
func whether(holds bool) string {
	if holds {
		return condTrue
	}
	return condFalse
}

// conditions brings the conditions up to date. Their types and reasons are
// Argo's.
func (c *canary) conditions(l *loop) []api.RolloutCondition {
	now := []api.RolloutCondition{c.available(l), c.progressing(), c.paused(), c.completed(), c.healthy()}
	if msg := c.pods.report.Failure; msg != "" {
		now = append(now, condition("ReplicaFailure", condTrue, "FailedCreate", msg))
	}
	if findings := l.findingsOf(c); len(findings) > 0 {
		now = append(now, condition("InvalidSpec", condTrue, "InvalidSpec", findings[0]))
	}
	for i := range now {
		n := &now[i]
		n.LastUpdateTime, n.LastTransitionTime = l.now, l.now
		for _, old := range c.conditioned {
			if old.Type != n.Type {
				continue
			}
			if old.Status == n.Status {
				n.LastTransitionTime = old.LastTransitionTime
			}
			if old.Status == n.Status && old.Reason == n.Reason && old.Message == n.Message {
				n.LastUpdateTime = old.LastUpdateTime
			}
		}
	}
	c.conditioned = now
	return now
}

func (c *canary) available(l *loop) api.RolloutCondition {
	if l.builder.ReadyEndpoints(c.service, c.state.Stable) > 0 {
		return condition("Available", condTrue, "AvailableReason", "the stable version has a ready endpoint")
	}
	return condition("Available", condFalse, "AvailableReason", "the stable version has no ready endpoint")
}

func (c *canary) progressing() api.RolloutCondition {
	const kind = "Progressing"
	s, msg := c.state, c.state.Message(c.spec)
	switch {
	case s.Stage == rollout.Aborted:
		return condition(kind, condFalse, "RolloutAborted", msg)
	case s.Late:
		return condition(kind, condFalse, "ProgressDeadlineExceeded", msg)
	case s.Stage == rollout.Idle:
		return condition(kind, condTrue, "NewReplicaSetAvailable", s.Stable+" has all traffic")
	case s.Phase(c.spec) == rollout.PhasePaused:
		return condition(kind, condUnknown, "RolloutPaused", msg)
	}
	return condition(kind, condTrue, "ReplicaSetUpdated", msg)
}

func (c *canary) paused() api.RolloutCondition {
	holds := c.state.Phase(c.spec) == rollout.PhasePaused
	msg := "it is not paused"
	if holds {
		msg = c.state.Message(c.spec)
	}
	return condition("Paused", whether(holds), "RolloutPaused", msg)
}

func (c *canary) completed() api.RolloutCondition {
	if s := c.state; s.Stable == s.Version {
		return condition("Completed", condTrue, "RolloutCompleted", s.Stable+" is stable")
	}
	return condition("Completed", condFalse, "RolloutCompleted", c.state.Version+" is not stable")
}

func (c *canary) healthy() api.RolloutCondition {
	if c.state.Phase(c.spec) == rollout.Healthy {
		return condition("Healthy", condTrue, "RolloutHealthy", "it is healthy")
	}
	return condition("Healthy", condFalse, "RolloutHealthy", "it is not healthy")
}

// frozen tells of the freeze in force; nil where there is none.
func (c *canary) frozen() *api.FreezeStatus {
	f, all := c.spec.Frozen, true
	if f == nil {
		f, all = c.state.Frozen, false
	}
	if f == nil {
		return nil
	}
	return &api.FreezeStatus{All: all, Until: f.Until, Actor: f.Actor, Reason: f.Reason}
}
