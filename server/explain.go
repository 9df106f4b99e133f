package server

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/serin-mesh/serin/api"
)

// explain says why a Rollout stands where it stands.
func (s *Server) explain(w http.ResponseWriter, r *http.Request) error {
	key, err := keyOf(r)
	if err != nil {
		return err
	}
	one, err := s.control.Rollout(r.Context(), key)
	if err != nil {
		return err
	}
	journal, err := s.control.History(r.Context(), key)
	if err != nil {
		return err
	}
	e := explanation(one, journal)
	if e.AnalysisRuns, err = s.control.AnalysisRuns(r.Context(), key); err != nil {
		return err
	}
	if e.Outlook, err = s.control.Outlook(r.Context(), key); err != nil {
		return err
	}
	s.reply(w, r, e)
	return nil
}

// analysisRuns lists the analyses of a Rollout with their measurements.
func (s *Server) analysisRuns(w http.ResponseWriter, r *http.Request) error {
	key, err := keyOf(r)
	if err != nil {
		return err
	}
	runs, err := s.control.AnalysisRuns(r.Context(), key)
	if err != nil {
		return err
	}
	s.reply(w, r, items(runs))
	return nil
}

// explanation makes the answer of a Rollout as it is and its journal.
func explanation(r *api.Rollout, journal []api.JournalEntry) api.Explanation {
	st := r.Status
	e := api.Explanation{
		Name: r.Name, Namespace: r.Key().Namespace,
		Phase: st.Phase, Version: st.CurrentPodHash, Stable: st.StableRS,
		Step: st.CurrentStepIndex, Weight: st.Canary.Weights.Canary.Weight,
		Decision: lastDecision(journal), Evidence: []api.Evidence{},
		WaitsFor: waitsFor(r), NextTransitionAt: st.NextTransitionAt,
		Choices: choices(r, journal),
	}
	if underWay(st) {
		e.Evidence = append(e.Evidence, st.Evidence...)
	}
	return e
}

// undecided are the journal's events that change neither weight nor phase. An
// event that is not known here is taken for a decision, so that none is hidden.
var undecided = []string{"Prepared", "StepCompleted", "StepsCompleted", "SpecNoted", "Settled"}

// lastDecision finds the last entry that changed the weight or the phase.
func lastDecision(journal []api.JournalEntry) *api.JournalEntry {
	for i := len(journal) - 1; i >= 0; i-- {
		if !slices.Contains(undecided, journal[i].Event) {
			return &journal[i]
		}
	}
	return nil
}

// underWay says whether a canary is played. One that is Degraded for its
// progress deadline still is.
func underWay(st api.RolloutStatus) bool {
	return st.Phase != api.PhaseHealthy && !st.Abort
}

// waitsFor says what moves a Rollout on. While a canary is under way the status
// has it in words; after that only somebody can move it.
func waitsFor(r *api.Rollout) string {
	st := r.Status
	switch {
	case st.Abort:
		return fmt.Sprintf("somebody: retry tries %s again, and another version in its file starts another canary", st.CurrentPodHash)
	case st.Pinned:
		return fmt.Sprintf("somebody: resume tries %s again, and another version in its file starts another canary", st.CurrentPodHash)
	case st.Phase == api.PhaseHealthy:
		return fmt.Sprintf("nothing: %s has all traffic, and another version in its file starts a canary", st.StableRS)
	}
	return st.Message
}
