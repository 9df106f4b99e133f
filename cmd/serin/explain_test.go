package main

import (
	"strings"
	"testing"
	"time"

	"github.com/serin-mesh/serin/api"
)

// explainedAbort is why an aborted Rollout stands where it does.
func explainedAbort() api.Explanation {
	return api.Explanation{
		Name: "shop", Namespace: "prod", Phase: api.PhaseDegraded, Version: "v2", Stable: "v1",
		Decision: &api.JournalEntry{
			At: viewedAt.Add(-90 * time.Second), Event: "Aborted", Actor: "ana@desk", Message: "aborted by ana@desk: slow", Reason: "slow",
			Evidence: []api.Evidence{{Metric: "error-rate", Verdict: api.VerdictInconclusive, Evidence: 44.7, Threshold: 2000, Weight: 20,
				CanaryFailures: 3, CanaryRequests: 1200, StableFailures: 1, StableRequests: 4800, Message: "no proof of harm"}},
		},
		WaitsFor: "somebody: retry tries v2 again",
		Choices:  []api.Choice{{Action: "retry", Does: "begins again"}, {Action: "promote", Full: true, Does: "skips"}},
	}
}

// TestRenderExplanation shows an explanation, and what is left out where there
// is nothing to say.
func TestRenderExplanation(t *testing.T) {
	const want = `prod/shop  Degraded  v1 -> v2  step 0  weight 0%

Decided  Aborted, 1m30s ago, by ana@desk?
  aborted by ana@desk: slow
  reason: slow
  error-rate: inconclusive, evidence 44.7 of 2000, at weight 20%
    canary  3 failures of 1200 requests
    stable  1 failures of 4800 requests
    no proof of harm

Next
  somebody: retry tries v2 again

You can
  serin retry shop -n prod           begins again
  serin promote shop -n prod --full  skips
`
	if got := renderExplanation(explainedAbort(), 80, viewedAt); got != want {
		t.Errorf("got:\n%s", got)
	}
	e := explainedAbort()
	next := viewedAt.Add(32 * time.Second)
	e.Namespace, e.Decision, e.Choices, e.NextTransitionAt = "default", nil, nil, &next
	e.Evidence = []api.Evidence{{Metric: "error-rate", Verdict: api.VerdictInconclusive}}
	got := renderExplanation(e, 80, viewedAt)
	for _, part := range []string{"\nDecided  nothing yet\n", "\nNow\n  error-rate: inconclusive", "\nNext     in 32s\n"} {
		if !strings.Contains(got, part) {
			t.Errorf("no %q in:\n%s", part, got)
		}
	}
	least, expected, seconds := 1000.2, 1340.0, 67.0
	e.Outlook = []api.Reach{
		{Harm: "+5 points", Weight: 20, Rate: 20, LeastRequests: &least, ExpectedRequests: &expected, LeastSeconds: &seconds, ExpectedSeconds: &seconds},
		{Harm: "total failure", Weight: 20, Rate: 20},
	}
	looked := renderExplanation(e, 80, viewedAt)
	const outlook = `
To see harm at 20% of 20 requests a second
  +5 points      about 1340 requests in 1m7s; any test needs 1010
  total failure  cannot be seen: it is too near to what is tolerated
`
	if !strings.Contains(looked, outlook) {
		t.Errorf("no outlook in:\n%s", looked)
	}
	e.Outlook = []api.Reach{{Harm: "+5 points", LeastRequests: &least, ExpectedRequests: &expected}}
	if looked = renderExplanation(e, 80, viewedAt); !strings.Contains(looked, "no traffic is reported") || strings.Contains(looked, " in ") && strings.Contains(looked, "requests in") {
		t.Errorf("without traffic:\n%s", looked)
	}
	if strings.Contains(got, "You can") || strings.Contains(got, "-n default") {
		t.Errorf("got:\n%s", got)
	}
}
