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
	judge, user, step := paused(st, "InconclusiveAnalysisRun"), paused(st, "UserPause"), paused(st, "CanaryPauseStep")
	step = step || asks(r)
	out := []api.Choice{}
	add := func(applies bool, c api.Choice) {
		if applies {
			out = append(out, c)
		}
	}
	add(judge, api.Choice{Action: "promote", Does: "goes on in spite of the judge, which then no longer pauses for that"})
	last := proves(r)
	add(last && !judge, api.Choice{Action: "promote", Does: "goes on without the proof before promotion"})
	add(step && !judge, api.Choice{Action: "promote", Does: fmt.Sprintf("ends step %d, whatever it waits for", st.CurrentStepIndex)})
	add(st.CurrentStepIndex < len(r.Steps()) || judge || user || last,
		api.Choice{Action: "promote", Full: true, Does: fmt.Sprintf("skips what is left: all traffic moves to %s", st.CurrentPodHash)})
	add(user, api.Choice{Action: "resume", Does: "ends what pause began; a step's pause and a judge's stay"})
	add(!user, api.Choice{Action: "pause", Does: "holds the canary at its weight; the guard goes on"})
	return out
}

// asks says whether the current step is a check that runs: promote goes past it.
func asks(r *api.Rollout) bool {
	i := r.Status.CurrentStepIndex
	if i >= len(r.Steps()) || r.Status.Phase != api.PhaseProgressing {
		return false
	}
	switch r.Steps()[i].Kind() {
	case "analysis", "experiment", "prove", "gate":
		return true
	}
	return false
}

// proves says whether the steps are over and the proof before promotion is not
// there yet.
func proves(r *api.Rollout) bool {
	st := r.Status
	if st.CurrentStepIndex < len(r.Steps()) || st.PromoteFull || r.Guard().Promotion == nil || st.Phase != api.PhaseProgressing {
		return false
	}
	return slices.ContainsFunc(st.Evidence, func(e api.Evidence) bool { return e.Judge == "promotion" && e.Verdict != api.VerdictGood })
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
