package kube

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/serin-mesh/serin/api"
)

// said is what of a status steers a Rollout: the fields by which the plugin of Argo
// Rollouts speaks to the controller.
type said struct {
	abort, full bool
	step        int
	pauses      string // the reasons of pauseConditions, joined
}

// saidOf reads that from the text of a status. What cannot be read says nothing.
func saidOf(status string) *said {
	var from struct {
		Abort            bool                      `json:"abort"`
		PromoteFull      bool                      `json:"promoteFull"`
		CurrentStepIndex int                       `json:"currentStepIndex"`
		PauseConditions  []struct{ Reason string } `json:"pauseConditions"`
	}
	if json.Unmarshal([]byte(status), &from) != nil {
		return &said{}
	}
	s := &said{abort: from.Abort, full: from.PromoteFull, step: from.CurrentStepIndex}
	var reasons []string
	for _, p := range from.PauseConditions {
		reasons = append(reasons, p.Reason)
	}
	slices.Sort(reasons)
	s.pauses = strings.Join(reasons, ",")
	return s
}

// userPause is the reason of a pause that a person asked for.
const userPause = "UserPause"

// actions gives what is asked for by whoever changes a status, of a Rollout with a
// number of steps. As in Argo: abort and its end, a retry; promoteFull; and the end
// of what pauses, or another step, which both go on from where it stands.
func (b said) actions(now said, steps int) []api.Action {
	switch {
	case now.abort && !b.abort:
		return []api.Action{{Verb: "abort", Reason: "status.abort was set"}}
	case b.abort && !now.abort:
		return []api.Action{{Verb: "retry", Reason: "status.abort was cleared"}}
	case now.full && !b.full:
		return []api.Action{{Verb: "promote", Full: true, Reason: "status.promoteFull was set"}}
	case now.abort:
		return nil
	}
	var out []api.Action
	user, step := b.ended(now)
	if user {
		out = append(out, api.Action{Verb: "resume", Reason: "status.pauseConditions was cleared"})
	}
	switch {
	case now.step > b.step+1 && now.step >= steps:
		out = append(out, api.Action{Verb: "promote", Full: true, Reason: "status.currentStepIndex was set to the end"})
	case step:
		out = append(out, api.Action{Verb: "promote", Reason: "status.pauseConditions was cleared"})
	case now.step == b.step+1:
		out = append(out, api.Action{Verb: "promote", Reason: "status.currentStepIndex was raised"})
	}
	return out
}

// ended says which pauses are gone: one that a person asked for, and any other.
func (b said) ended(now said) (user, step bool) {
	for reason := range strings.SplitSeq(b.pauses, ",") {
		switch {
		case reason == "" || slices.Contains(strings.Split(now.pauses, ","), reason):
		case reason == userPause:
			user = true
		default:
			step = true
		}
	}
	return user, step
}

// steer does what somebody asks for through a status, and has the status wait for
// the end of that. What does not apply is told in the log: the status then says
// again what is so.
func (s *Statuses) steer(ctx context.Context, of *shown, key api.Key, by string, actions []api.Action) {
	if s.act == nil || len(actions) == 0 {
		return
	}
	of.acting = true
	s.acts.Go(func() {
		for _, a := range actions {
			a.Actor = by
			bounded, cancel := context.WithTimeout(ctx, patience)
			err := s.act(bounded, key, a)
			cancel()
			if err != nil && ctx.Err() == nil {
				s.log.Warn("what somebody wrote into a status is not done", "rollout", key, "action", a.Verb, "actor", a.Actor, "error", err)
			}
		}
		select {
		case s.acted <- key:
		case <-ctx.Done():
		}
	})
}
