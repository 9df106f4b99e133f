package api

import "time"

// Explanation is the answer to "why does this Rollout stand where it stands".
type Explanation struct {
	Name      string  `json:"name"`
	Namespace string  `json:"namespace"`
	Phase     Phase   `json:"phase"`
	Version   string  `json:"version"` // the one wanted
	Stable    string  `json:"stable"`
	Step      int     `json:"step"`   // the one being played; the number of steps when over
	Weight    float64 `json:"weight"` // wanted for the canary, percent

	// Decision is the last journal entry that changed the weight or the phase,
	// with the evidence as it was then. Nil: nothing is decided yet.
	Decision *JournalEntry `json:"decision"`
	// Evidence is the last verdict of each judge now; none outside a canary.
	Evidence []Evidence `json:"evidence"`
	// Outlook says how long the guard needs to see a harm that begins now; none
	// outside a canary, and while it has no part of the traffic.
	Outlook []Reach `json:"outlook,omitempty"`
	// AnalysisRuns are the analyses of this attempt with their measurements, the
	// oldest first.
	AnalysisRuns []*AnalysisRun `json:"analysisRuns,omitempty"`
	// WaitsFor says in plain words what moves the Rollout on.
	WaitsFor string `json:"waitsFor"`
	// NextTransitionAt is when something happens by itself; nil: only news or a
	// person can move it.
	NextTransitionAt *time.Time `json:"nextTransitionAt"`
	// Choices are the actions that a person can take now.
	Choices []Choice `json:"choices"`
}

// Choice is an action that applies now.
type Choice struct {
	Action string `json:"action"`         // the verb, as in the path of the HTTP API
	Full   bool   `json:"full,omitempty"` // promote: skip the rest of the steps
	Does   string `json:"does"`
}
