package server_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
)

// explained asks for the explanation of shop.
func explained(t interface{ Fatalf(string, ...any) }, f *fake, r *http.Request) api.Explanation {
	w := ask(f, r)
	var e api.Explanation
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || w.Code != http.StatusOK {
		t.Fatalf("got %d %s, %v", w.Code, w.Body, err)
	}
	return e
}

// verbs lists the choices as they are typed.
func verbs(list []api.Choice) []string {
	out := []string{}
	for _, c := range list {
		if c.Full {
			c.Action += " --full"
		}
		out = append(out, c.Action)
	}
	return out
}

// TestExplainDecision proves that the last entry that changed weight or phase is
// told with its evidence, and not what merely followed it.
func TestExplainDecision(t *testing.T) {
	weight := api.JournalEntry{Seq: 2, Event: "WeightSet", Weight: 20, Message: "step 0: 20% to v2",
		Evidence: []api.Evidence{{Metric: "error-rate", Evidence: 1.25, Threshold: 2000}}}
	entry := func(event string) api.JournalEntry { return api.JournalEntry{Seq: 9, Event: event} }
	tests := map[string]struct {
		after []string // events after the weight
		want  string
	}{
		"nothing after":        {nil, "WeightSet"},
		"steps and settling":   {[]string{"StepCompleted", "Settled", "SpecNoted", "StepsCompleted"}, "WeightSet"},
		"a pause":              {[]string{"StepCompleted", "PauseStarted"}, "PauseStarted"},
		"an abort":             {[]string{"Aborted", "Settled"}, "Aborted"},
		"something of its own": {[]string{"Frobnicated"}, "Frobnicated"},
	}
	for name, tt := range tests {
		f := &fake{rollouts: []*api.Rollout{shop("default")}, journal: []api.JournalEntry{entry("CanaryStarted"), weight}}
		for _, event := range tt.after {
			f.journal = append(f.journal, entry(event))
		}
		e := explained(t, f, request(t, "GET", "/api/v1/rollouts/shop/explain", ""))
		if e.Decision == nil || e.Decision.Event != tt.want {
			t.Errorf("%s: got %+v", name, e.Decision)
		}
		if tt.want == "WeightSet" && !cmp.Equal(*e.Decision, weight) {
			t.Errorf("%s: got %+v", name, e.Decision)
		}
	}
	e := explained(t, &fake{rollouts: []*api.Rollout{shop("default")}}, request(t, "GET", "/api/v1/rollouts/shop/explain", ""))
	if e.Decision != nil || e.Evidence == nil || e.Choices == nil {
		t.Errorf("without a journal: got %+v", e)
	}
}

// TestExplainStands is the table of what a Rollout waits for and what can be
// done, by where it stands.
func TestExplainStands(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name    string
		change  func(*api.RolloutStatus)
		journal []api.JournalEntry
		waits   string
		choices []string
		judged  bool
	}{
		{"half way", func(s *api.RolloutStatus) {
			s.Phase, s.Message, s.NextTransitionAt = api.PhaseProgressing, "acked by 2 of 3", &at
		}, nil,
			"acked by 2 of 3", []string{"promote --full", "pause", "abort", "rollback"}, true},
		{"an open pause", func(s *api.RolloutStatus) {
			s.PauseConditions = []api.PauseCondition{{Reason: "CanaryPauseStep"}}
			s.Message = "step 1 waits for promote"
		}, nil, "waits for promote", []string{"promote", "promote --full", "pause", "abort", "rollback"}, true},
		{"harm and a person", func(s *api.RolloutStatus) {
			s.PauseConditions = []api.PauseCondition{{Reason: "InconclusiveAnalysisRun"}, {Reason: "UserPause"}}
			s.CurrentStepIndex = 2
		}, nil, "", []string{"promote", "promote --full", "resume", "abort", "rollback"}, true},
		{"before promotion", func(s *api.RolloutStatus) {
			s.Phase, s.CurrentStepIndex = api.PhaseProgressing, 2
			s.Evidence = append(s.Evidence, api.Evidence{Metric: "error-rate", Judge: "promotion", Verdict: api.VerdictInconclusive})
		}, nil, "", []string{"promote", "promote --full", "pause", "abort", "rollback"}, true},
		{"moving over", func(s *api.RolloutStatus) { s.Phase, s.CurrentStepIndex = api.PhaseProgressing, 2 }, nil,
			"", []string{"pause", "abort", "rollback"}, true},
		{"aborted", func(s *api.RolloutStatus) { s.Phase, s.Abort = api.PhaseDegraded, true }, nil,
			"retry tries v2 again", []string{"retry", "rollback"}, false},
		{"pinned", func(s *api.RolloutStatus) { s.Phase, s.Pinned = api.PhaseHealthy, true }, nil,
			"resume tries v2 again", []string{"resume"}, false},
		{"the first version", func(s *api.RolloutStatus) { s.Phase = api.PhaseHealthy }, []api.JournalEntry{{Event: "FirstVersion", Stable: "v1"}},
			"v1 has all traffic", []string{}, false},
		{"a later version", func(s *api.RolloutStatus) { s.Phase = api.PhaseHealthy }, []api.JournalEntry{{Event: "FirstVersion", Stable: "v0"}, {Stable: "v1"}},
			"v1 has all traffic", []string{"rollback"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := shop("default")
			tt.change(&r.Status)
			r.Spec.Strategy.Canary.Guard = &api.GuardSpec{Promotion: &api.PromotionSpec{Prove: &api.Prove{}}}
			e := explained(t, &fake{rollouts: []*api.Rollout{r}, journal: tt.journal}, request(t, "GET", "/api/v1/rollouts/shop/explain", ""))
			if !strings.Contains(e.WaitsFor, tt.waits) || e.WaitsFor == "" && tt.waits != "" {
				t.Errorf("waits for %q", e.WaitsFor)
			}
			if diff := cmp.Diff(tt.choices, verbs(e.Choices)); diff != "" {
				t.Errorf("choices, -want +got:\n%s", diff)
			}
			if (len(e.Evidence) > 0) != tt.judged {
				t.Errorf("evidence %+v", e.Evidence)
			}
			if !cmp.Equal(e.NextTransitionAt, r.Status.NextTransitionAt) {
				t.Errorf("next at %v", e.NextTransitionAt)
			}
		})
	}
}

// TestExplainOutlook proves that it is told how long the guard needs.
func TestExplainOutlook(t *testing.T) {
	seconds := 1.5
	want := []api.Reach{{Harm: "total failure", Weight: 20, Rate: 10, ExpectedSeconds: &seconds}, {Harm: "+5 points", Weight: 20}}
	f := &fake{rollouts: []*api.Rollout{shop("default")}, outlook: want}
	if d := cmp.Diff(want, explained(t, f, request(t, "GET", "/api/v1/rollouts/shop/explain", "")).Outlook); d != "" {
		t.Error(d)
	}
}

// TestExplainUnknown proves that what is not there is a problem.
func TestExplainUnknown(t *testing.T) {
	if w := ask(&fake{}, request(t, "GET", "/api/v1/rollouts/shop/explain", "")); w.Code != http.StatusNotFound {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if w := ask(&fake{}, request(t, "GET", "/api/v1/rollouts/shop/explain?namespace=*", "")); w.Code != http.StatusBadRequest {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// TestExplainOffersWhatApplies plays random rollouts on the real machine. In
// every state of a canary, and after an abort or a rollback of one, an action
// is offered if the machine takes it. Only promote --full is taken in a few
// states where it would skip nothing and is not offered.
func TestExplainOffersWhatApplies(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		weight := rollout.Weight(200_000)
		spec := rollout.Spec{Version: "v1", PauseOnHarm: rapid.Bool().Draw(rt, "pauseOnHarm"), Steps: []rollout.StepSpec{
			{SetWeight: &weight}, {Pause: &rollout.PauseSpec{}},
		}}
		now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		state, _, _ := rollout.Step(spec, rollout.State{}, now, rollout.SpecSeen{})
		spec.Version = "v2"
		for range rapid.IntRange(1, 12).Draw(rt, "events") {
			event := rapid.SampledFrom(happenings(state)).Draw(rt, "event")
			state, _, _ = rollout.Step(spec, state, now, event) // what is refused changes nothing
			if state.Stage == rollout.Idle && !state.Pinned {
				continue
			}
			checkOffers(t, rt, spec, state, now)
		}
	})
}

// happenings are events that may come in a state.
func happenings(s rollout.State) []rollout.Event {
	out := []rollout.Event{
		rollout.SpecSeen{}, rollout.EndpointsSeen{Canary: 1, Stable: 1}, rollout.EndpointsSeen{Stable: 1},
		rollout.HarmFound{Attempt: s.Attempt, Message: "worse"},
		rollout.FleetSeen{Fleet: rollout.Fleet{Generation: s.Generation, Connected: 1, Acked: 1, Settled: true}},
		rollout.FleetSeen{Fleet: rollout.Fleet{Generation: s.Generation, Connected: 1, Acked: 1, Settled: true}},
	}
	for _, a := range everyAction {
		out = append(out, rollout.Acted{Action: a})
	}
	return out
}

// everyAction is what may be offered.
var everyAction = []rollout.Action{
	{Verb: rollout.Promote}, {Verb: rollout.Promote, Full: true}, {Verb: rollout.Pause}, {Verb: rollout.Resume},
	{Verb: rollout.Abort}, {Verb: rollout.Retry}, {Verb: rollout.Rollback, Ready: 1},
}

// checkOffers compares what is offered in a state with what applies.
func checkOffers(t *testing.T, rt *rapid.T, spec rollout.Spec, state rollout.State, now time.Time) {
	e := explained(rt, &fake{rollouts: []*api.Rollout{shownAs(spec, state)}}, request(t, "GET", "/api/v1/rollouts/shop/explain", ""))
	for _, a := range everyAction {
		offered := slices.ContainsFunc(e.Choices, func(c api.Choice) bool { return c.Action == string(a.Verb) && c.Full == a.Full })
		_, _, err := rollout.Step(spec, state, now, rollout.Acted{Action: a})
		if offered == (err == nil) || a.Full && !offered {
			continue
		}
		if a.Verb == rollout.Rollback && state.Stage == rollout.Idle {
			continue // it needs a version that was stable before, which a status does not tell
		}
		rt.Errorf("%s (full %v) in %+v: offered %v, and it gives %v", a.Verb, a.Full, state, offered, err)
	}
}

// shownAs is a Rollout with the status that a state is shown as.
func shownAs(spec rollout.Spec, state rollout.State) *api.Rollout {
	r := shop("default")
	r.Status.Phase, r.Status.Pinned, r.Status.PromoteFull = api.Phase(state.Phase(spec)), state.Pinned, state.PromoteFull
	r.Status.StableRS, r.Status.CurrentPodHash = state.Stable, state.Version
	r.Status.CurrentStepIndex = state.Step
	if state.Stage == rollout.Idle || state.Stage == rollout.Completing {
		r.Status.CurrentStepIndex = len(spec.Steps)
	}
	r.Status.Abort = state.Stage == rollout.Aborted
	for _, w := range state.Waits() {
		r.Status.PauseConditions = append(r.Status.PauseConditions, api.PauseCondition{Reason: w.Reason, StartTime: w.Since})
	}
	return r
}
