package server

import (
	"fmt"
	"slices"

	"github.com/serin-mesh/serin/api"
)

// choices lists the actions that apply to a Rollout now, those that go on
// first.
func choices(r *api.Rollout, journal []api.JournalEntry) []api.Choice {
	st := r.Status
	switch {
	case underWay(st):
		return append(ways(r), outs(st)...)
	case st.Abort:
		return []api.Choice{
			{Action: "retry", Does: fmt.Sprintf("begins the steps of %s again, with new evidence", st.CurrentPodHash)},
			{Action: "rollback", Does: fmt.Sprintf("pins the Rollout to %s", st.StableRS)},
		}
	case st.Pinned:
		return []api.Choice{{Action: "resume", Does: fmt.Sprintf("unpins, so that %s is wanted again", st.CurrentPodHash)}}
	case slices.ContainsFunc(journal, func(e api.JournalEntry) bool { return e.Stable != st.StableRS }):
		return []api.Choice{{Action: "rollback", Does: "puts all traffic on the version that was stable before, at once, if it has endpoints"}}
	}
	return []api.Choice{}
}

// ways lists how a canary can go on, or be held.
func ways(r *api.Rollout) []api.Choice {
	st := r.Status
	harm, user, step := paused(st, "InconclusiveAnalysisRun"), paused(st, "UserPause"), paused(st, "CanaryPauseStep")
	out := []api.Choice{}
	add := func(applies bool, c api.Choice) {
		if applies {
			out = append(out, c)
		}
	}
	add(harm, api.Choice{Action: "promote", Does: "goes on in spite of the harm, which the guard then no longer pauses for"})
	add(step && !harm, api.Choice{Action: "promote", Does: fmt.Sprintf("ends the pause of step %d", st.CurrentStepIndex)})
	add(st.CurrentStepIndex < len(r.Steps()) || harm || user,
		api.Choice{Action: "promote", Full: true, Does: fmt.Sprintf("skips what is left: all traffic moves to %s", st.CurrentPodHash)})
	add(user || harm, api.Choice{Action: "resume", Does: "ends what " + pauser(user, harm) + " began; a step's pause stays"})
	add(!user, api.Choice{Action: "pause", Does: "holds the canary at its weight; the guard goes on"})
	return out
}

// pauser names who paused.
func pauser(user, harm bool) string {
	switch {
	case user && harm:
		return "pause and harm"
	case harm:
		return "harm"
	}
	return "pause"
}

// outs lists how a canary can be ended.
func outs(st api.RolloutStatus) []api.Choice {
	return []api.Choice{
		{Action: "abort", Does: fmt.Sprintf("all traffic back to %s at once; retry begins again", st.StableRS)},
		{Action: "rollback", Does: fmt.Sprintf("the same, and pins the Rollout to %s", st.StableRS)},
	}
}

// paused says whether a Rollout is paused for a reason.
func paused(st api.RolloutStatus, reason string) bool {
	return slices.ContainsFunc(st.PauseConditions, func(p api.PauseCondition) bool { return p.Reason == reason })
}
