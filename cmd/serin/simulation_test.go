package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
)

// steps of the Rollouts that are played.
const (
	twoSteps  = "[{setWeight: 20}, {pause: {duration: 1m}}, {setWeight: 50}, {pause: {duration: 2m}}]"
	openSteps = "[{setWeight: 20}, {pause: {}}]"
)

// rolloutOf reads a Rollout of v2 with steps, and more of its canary.
func rolloutOf(t testing.TB, steps, more string) *api.Rollout {
	t.Helper()
	text := "apiVersion: serin.dev/v1alpha1\nkind: Rollout\nmetadata: {name: shop}\nspec:\n" +
		"  template: {metadata: {labels: {app.kubernetes.io/version: v2}}}\n  strategy: {canary: {steps: " + steps + more + "}}\n"
	docs, findings := api.Decode("shop.yaml", []byte(text))
	if api.HasErrors(findings) {
		t.Fatal(findings)
	}
	return docs[0].Object.(*api.Rollout)
}

// playedFor plays a Rollout against a CSV series.
func playedFor(t testing.TB, r *api.Rollout, csv string, seed uint64, most time.Duration) *simulation {
	t.Helper()
	traffic, err := decodeCSV([]byte(csv))
	if err != nil {
		t.Fatal(err)
	}
	s := newSimulation(r, "v1", traffic.points, seed)
	if err := s.run(context.Background(), most); err != nil {
		t.Fatal(err)
	}
	return s
}

// events lists the timeline's events.
func events(list []moved) []string {
	var out []string
	for _, m := range list {
		out = append(out, m.Event)
	}
	return out
}

// TestSimulateOutcomes is the table of how a rollout ends, by its plan and its
// traffic.
func TestSimulateOutcomes(t *testing.T) {
	const healthy = "at,rps,stableErrors,canaryErrors,action\n0,100,0.001,0.001,\n"
	const broken = "at,rps,stableErrors,canaryErrors,action\n0,100,0.001,0.5,\n"
	tests := []struct {
		name              string
		steps, more, text string
		want              outcome
		message           string
		after             [2]time.Duration // between which it ends
	}{
		{"a good version", twoSteps, "", healthy, outcomePromoted, "v2 is stable", [2]time.Duration{3 * time.Minute, 3*time.Minute + time.Second}},
		{"a bad version", twoSteps, "", broken, outcomeAborted, "the canary is worse", [2]time.Duration{0, 10 * time.Second}},
		{"no steps", "[]", "", healthy, outcomePromoted, "", [2]time.Duration{0, time.Second}},
		{"no traffic", twoSteps, "", "at,rps\n0,0\n", outcomePromoted, "", [2]time.Duration{3 * time.Minute, 3*time.Minute + time.Second}},
		{"an open pause", openSteps, "", healthy, outcomePerson, "step 1 is an open pause", [2]time.Duration{20 * time.Minute, 20 * time.Minute}},
		{"an open pause of a bad version", openSteps, "", broken, outcomeAborted, "worse", [2]time.Duration{0, 10 * time.Second}},
		{"somebody promotes", openSteps, "", healthy + "5m,,,,promote\n", outcomePromoted, "", [2]time.Duration{5 * time.Minute, 5*time.Minute + time.Second}},
		{"somebody skips", twoSteps, "", healthy + "5s,,,,promote --full\n", outcomePromoted, "", [2]time.Duration{5 * time.Second, 6 * time.Second}},
		{"somebody aborts", twoSteps, "", healthy + "5s,,,,abort\n", outcomeAborted, "aborted by series", [2]time.Duration{5 * time.Second, 6 * time.Second}},
		{"and tries again", twoSteps, "", healthy + "5s,,,,abort\n1m,,,,retry\n", outcomePromoted, "", [2]time.Duration{4 * time.Minute, 4*time.Minute + time.Second}},
		{"somebody rolls back", twoSteps, "", healthy + "5s,,,,rollback\n", outcomeBack, "pinned to v1", [2]time.Duration{5 * time.Second, 6 * time.Second}},
		{"somebody pauses", twoSteps, "", healthy + "5s,,,,pause\n", outcomePerson, "somebody paused it", [2]time.Duration{20 * time.Minute, 20 * time.Minute}},
		{"harm that pauses", twoSteps, ", guard: {onHarm: pause}", broken, outcomePerson, "a judge holds it", [2]time.Duration{20 * time.Minute, 20 * time.Minute}},
		{"only observed", twoSteps, ", guard: {mode: observe}", broken, outcomePromoted, "", [2]time.Duration{3 * time.Minute, 3*time.Minute + time.Second}},
		{"not looked at", twoSteps, ", guard: {mode: 'off'}", broken, outcomePromoted, "", [2]time.Duration{3 * time.Minute, 3*time.Minute + time.Second}},
		{"a cold start", twoSteps, ", guard: {warmup: 30s}", broken + "20s,,,0.001,\n", outcomePromoted, "", [2]time.Duration{3 * time.Minute, 3*time.Minute + time.Second}},
		{"a number of requests", "[{setWeight: 50}, {pause: {requests: 500}}]", "", healthy, outcomePromoted, "", [2]time.Duration{8 * time.Second, 13 * time.Second}},
		{"a number that never comes", "[{setWeight: 50}, {pause: {requests: 500}}]", "", "at,rps\n0,0\n", outcomeOpen, "500 requests", [2]time.Duration{20 * time.Minute, 20 * time.Minute}},
		{"a proof", "[{setWeight: 50}, {prove: {}}]", "", "at,rps\n0,100\n", outcomePromoted, "", [2]time.Duration{14 * time.Second, 18 * time.Second}},
		{"a proof that somebody passes over", "[{setWeight: 50}, {prove: {}}]", "", healthy + "2s,,,,promote\n", outcomePromoted, "", [2]time.Duration{2 * time.Second, 3 * time.Second}},
		{"a proof that takes too long", "[{setWeight: 5}, {prove: {timeout: 10s}}]", "", healthy, outcomePerson, "", [2]time.Duration{20 * time.Minute, 20 * time.Minute}},
		{"a proof that must not", "[{setWeight: 5}, {prove: {timeout: 10s, onTimeout: abort}}]", "", healthy, outcomeAborted, "no answer within 10s", [2]time.Duration{10 * time.Second, 11 * time.Second}},
		{"a proof before promotion", "[{setWeight: 50}]", ", guard: {promotion: {prove: {}}}", "at,rps\n0,100\n", outcomePromoted, "", [2]time.Duration{14 * time.Second, 18 * time.Second}},
		{"that the steps have given", twoSteps, ", guard: {promotion: {prove: {}}}", "at,rps\n0,100\n", outcomePromoted, "", [2]time.Duration{3 * time.Minute, 3*time.Minute + time.Second}},
		{"that somebody passes over", "[{setWeight: 50}]", ", guard: {promotion: {prove: {}}}", healthy + "2s,,,,promote --full\n", outcomePromoted, "", [2]time.Duration{2 * time.Second, 3 * time.Second}},
		{"that takes too long", "[{setWeight: 5}]", ", guard: {promotion: {prove: {timeout: 10s}}}", healthy, outcomePerson, "", [2]time.Duration{20 * time.Minute, 20 * time.Minute}},
		{"that holds nothing", "[{setWeight: 5}]", ", guard: {mode: observe, promotion: {prove: {}}}", healthy, outcomePromoted, "", [2]time.Duration{0, time.Second}},
		{"a gate is taken to pass", "[{setWeight: 5}, {gate: {web: {url: 'http://a'}}}]", "", healthy, outcomePromoted, "", [2]time.Duration{0, time.Second}},
		{"too short", "[{setWeight: 5}, {pause: {duration: 1h}}]", "", healthy, outcomeOpen, "step 1 waits", [2]time.Duration{20 * time.Minute, 20 * time.Minute}},
		{"bad everywhere", twoSteps, "", "at,rps,stableErrors,canaryErrors\n0,100,0.3,0.3\n", outcomePromoted, "", [2]time.Duration{3 * time.Minute, 3*time.Minute + time.Second}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := playedFor(t, rolloutOf(t, tt.steps, tt.more), tt.text, 1, 20*time.Minute)
			got, message := s.outcome()
			if got != tt.want || !strings.Contains(message, tt.message) {
				t.Errorf("got %s: %s", got, message)
			}
			if after := s.now.Sub(s.began); after < tt.after[0] || after > tt.after[1] {
				t.Errorf("it ended after %s", after)
			}
			if got == outcomeAborted && s.share != 0 {
				t.Errorf("the Envoy still has %v", s.share)
			}
		})
	}
}

// TestSimulateTimeline shows the whole timeline of a small rollout.
func TestSimulateTimeline(t *testing.T) {
	s := playedFor(t, rolloutOf(t, "[{setWeight: 25}, {pause: {duration: 10s}}]", ""), "at,rps,action\n0,100,\n1s,,resume\n", 3, time.Hour)
	want := []string{"CanaryStarted", "Prepared", "WeightSet", "StepCompleted", "PauseStarted", "Refused",
		"StepCompleted", "StepsCompleted", "WeightSet", "Promoted"}
	if diff := cmp.Diff(want, events(s.timeline)[:min(len(want), len(s.timeline))]); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	refused := s.timeline[5]
	if refused.Seconds != 1 || refused.Actor != person || !strings.Contains(refused.Message, "nobody paused it") {
		t.Errorf("got %+v", refused)
	}
	// Ten seconds at a quarter of 100 requests a second, give or take.
	if n := s.timeline[6].Canary.Requests; n < 200 || n > 300 {
		t.Errorf("the canary served %d requests", n)
	}
}

// TestSimulatePlan: the plan is that of the first traffic, and for the harm that
// is asked for.
func TestSimulatePlan(t *testing.T) {
	points := []point{{}, {rps: 20, stable: 0.005}, {rps: 999}}
	load := planTraffic(points, 0.05)
	r := rolloutOf(t, twoSteps, "")
	plan := load.plan(r, planOf(r))
	if len(plan) != 4 || plan[0].Weight != 20 || plan[0].Rate != 20 || plan[0].Harm != "+5 points" || *plan[0].HeldSeconds != 60 ||
		*plan[0].ExpectedRequests < *plan[0].LeastRequests || plan[3].Weight != 50 || plan[3].Harm != "total failure" {
		t.Errorf("got %+v", plan)
	}
	if got := planTraffic([]point{{}}, 0.05); got.rps != 0 {
		t.Errorf("of no traffic: %+v", got)
	}
}

// TestSimulateProperties proves that, whatever the plan, the traffic and the
// seed: 1. the same input gives the same timeline, 2. time does not run
// backwards, 3. the canary never has more than the highest weight of the steps
// until they are over or skipped, 4. what is over has a known outcome.
func TestSimulateProperties(t *testing.T) {
	plans := []*api.Rollout{
		rolloutOf(t, twoSteps, ""), rolloutOf(t, openSteps, ""), rolloutOf(t, "[]", ""),
		rolloutOf(t, twoSteps, ", guard: {onHarm: pause, warmup: 5s}"),
	}
	over := []string{string(rollout.StepsCompleted), string(rollout.PromotedFull)}
	rapid.Check(t, func(t *rapid.T) {
		plan := rapid.SampledFrom(plans).Draw(t, "plan")
		points := drawPoints(t, 100, 0.2)
		seed := rapid.Uint64().Draw(t, "seed")
		most := time.Duration(rapid.IntRange(1, 400).Draw(t, "seconds")) * time.Second
		play := func() *simulation {
			s := newSimulation(plan, "v1", points, seed)
			if err := s.run(context.Background(), most); err != nil {
				t.Fatal(err)
			}
			return s
		}
		s := play()
		if diff := cmp.Diff(s.timeline, play().timeline); diff != "" {
			t.Errorf("the same seed gives another timeline:\n%s", diff)
		}
		last, skipped := 0.0, false
		for _, m := range s.timeline {
			skipped = (skipped || slices.Contains(over, m.Event)) && m.Event != string(rollout.CanaryStarted)
			if m.Seconds < last || m.Seconds > most.Seconds() {
				t.Errorf("%+v comes after %v s", m, last)
			}
			if last = m.Seconds; m.Event == string(rollout.WeightSet) && !skipped && m.Weight > 50 {
				t.Errorf("%+v before the steps are over", m)
			}
		}
		if got, _ := s.outcome(); exits[got] == 0 && got != outcomePromoted || s.now.Before(s.began.Add(most)) && got == outcomeOpen {
			t.Errorf("it ends as %q after %s", got, s.now.Sub(s.began))
		}
	})
}

// TestSimulateGoodVersions proves on many seeds that the guard of a simulation
// is not trigger-happy: of 300 good canaries under a heavy error rate at most
// two are stopped, where the promise is one in 1,000.
func TestSimulateGoodVersions(t *testing.T) {
	r, stopped := rolloutOf(t, twoSteps, ""), 0
	for seed := range uint64(300) {
		s := playedFor(t, r, "at,rps,stableErrors,canaryErrors\n0,50,0.05,0.05\n", seed, time.Hour)
		if got, _ := s.outcome(); got != outcomePromoted {
			stopped++
		}
	}
	if stopped > 2 {
		t.Errorf("%d of 300 good canaries were stopped", stopped)
	}
}

// TestSimulateStopped proves that a simulation ends with its context.
func TestSimulateStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s := newSimulation(rolloutOf(t, twoSteps, ""), "v1", []point{{rps: maxRPS}}, 1)
	if err := s.run(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestRequestsCounted proves how many requests a series is taken to have.
func TestRequestsCounted(t *testing.T) {
	s := &series{points: []point{{at: 10 * time.Second, rps: 5}, {at: 20 * time.Second}, {at: 30 * time.Second, rps: 100}}}
	for within, want := range map[time.Duration]float64{0: 0, 5 * time.Second: 0, 15 * time.Second: 25, 25 * time.Second: 50, 32 * time.Second: 250} {
		if got := s.requests(within); got != want {
			t.Errorf("within %s: got %v, want %v", within, got, want)
		}
	}
}
