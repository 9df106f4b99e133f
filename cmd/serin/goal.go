package main

import (
	"fmt"
	"strings"

	"github.com/serin-mesh/serin/api"
)

// The ends that can be waited for.
const (
	endPromoted = "promoted"
	endPaused   = "paused"
	endAborted  = "aborted"
)

// goal is an end that is waited for, of one version.
type goal struct {
	end     string
	version string // empty: the one wanted at the first look
	seen    bool   // the Rollout has named the version
}

// ending is how a wait ended.
type ending struct {
	code int // exit code
	text string
}

// look says how the wait has ended; nil while it goes on. States in between may
// be missed, so each look judges the state alone.
func (g *goal) look(r *api.Rollout) *ending {
	st := r.Status
	if g.version == "" {
		g.version = st.CurrentPodHash
	}
	switch wanted, stable := st.CurrentPodHash == g.version, st.StableRS == g.version; {
	case wanted || stable:
		g.seen = true
	case g.seen:
		return &ending{exitRefused, fmt.Sprintf("%s was given up for %s", g.version, st.CurrentPodHash)}
	default:
		return nil // the server has yet to read it
	}
	switch {
	case st.StableRS == g.version:
		return g.at(endPromoted, "%s is stable", g.version)
	case st.Abort:
		return g.at(endAborted, "%s", st.Message)
	case st.Phase == api.PhaseDegraded: // it went without progress for too long
		return g.at("", "%s", st.Message)
	case st.Phase == api.PhaseHealthy:
		return g.at("", "%s", firstOf(st.Message, st.StableRS+" keeps the traffic"))
	case st.Phase != api.PhasePaused:
		return nil
	case g.end == endPaused:
		return g.at(endPaused, "%s", st.Message)
	}
	if who := holders(r); len(who) > 0 {
		return &ending{exitPerson, "waits for a person: " + strings.Join(who, "; ")}
	}
	return nil
}

// at is the ending at an end: reached if it is the one that is waited for.
func (g *goal) at(end, format string, args ...any) *ending {
	text := fmt.Sprintf(format, args...)
	switch end {
	case g.end:
		return &ending{exitOK, end + ": " + text}
	case "":
		return &ending{exitRefused, "not " + g.end + ": " + text}
	}
	return &ending{exitRefused, fmt.Sprintf("%s, not %s: %s", end, g.end, text)}
}

// holders says what of a pause only a person ends, and how. A timed pause is
// none of that.
func holders(r *api.Rollout) []string {
	var out []string
	for _, p := range r.Status.PauseConditions {
		switch p.Reason {
		case "UserPause":
			out = append(out, "somebody paused it; serin resume goes on")
		case "InconclusiveAnalysisRun":
			out = append(out, "a judge holds it; serin abort or serin promote decides")
		case "CanaryPauseStep":
			if i := r.Status.CurrentStepIndex; openPause(r, i) {
				out = append(out, fmt.Sprintf("step %d is an open pause; serin promote ends it", i))
			}
		}
	}
	if r.Paused() {
		out = append(out, "spec.paused holds it")
	}
	if len(out) == 0 && len(r.Status.PauseConditions) == 0 {
		out = append(out, firstOf(r.Status.Message, "somebody holds it")) // such as a freeze
	}
	return out
}

// openPause says whether a step waits until somebody promotes.
func openPause(r *api.Rollout, i int) bool {
	steps := r.Steps()
	return i >= 0 && i < len(steps) && steps[i].Pause != nil && steps[i].Pause.Open()
}
