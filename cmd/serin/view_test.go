package main

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/serin-mesh/serin/api"
)

// viewedAt is the instant at which the views of the tests are drawn.
var viewedAt = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// canaryAt20 is a Rollout in the pause after its first weight.
func canaryAt20() *api.Rollout {
	weight := api.Decimal(200_000)
	minute := api.NewDuration(time.Minute)
	r := &api.Rollout{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "shop"}}
	r.Spec.Strategy.Canary = &api.Canary{Steps: []api.CanaryStep{
		{SetWeight: &weight}, {Pause: &api.Pause{Duration: &minute}}, {Pause: &api.Pause{}},
	}}
	next := viewedAt.Add(32 * time.Second)
	r.Status = api.RolloutStatus{
		Phase: api.PhasePaused, Message: "CanaryPauseStep: step 1 waits 1m0s", CurrentStepIndex: 1,
		StableRS: "v1", CurrentPodHash: "v2", NextTransitionAt: &next,
		Canary: api.CanaryStatus{Weights: api.TrafficWeights{
			Canary: api.WeightDestination{Weight: 20, PodTemplateHash: "v2"},
			Stable: api.WeightDestination{Weight: 80, PodTemplateHash: "v1"},
		}},
		Fleet: api.FleetStatus{Connected: 2, Acked: 1, Rejected: 1, Rejections: []api.Rejection{
			{Envoy: "edge-2", Type: "listeners", Message: "cannot bind '0.0.0.0:80': address in use"},
		}},
		Observed: map[string]api.VersionCounts{
			"v1": {Requests: 5001, Errors: 1, Share: 0.8021}, "v2": {Requests: 1234, Errors: 30, Share: 0.1979},
			"v0": {Requests: 3},
		},
		Evidence: []api.Evidence{{Metric: "error-rate", Judge: "guard", Verdict: api.VerdictInconclusive,
			Message: "no proof of harm", Evidence: 44.7, Threshold: 2000}},
	}
	return r
}

// stableAtV1 is a Rollout without a canary.
func stableAtV1() *api.Rollout {
	r := canaryAt20()
	r.Status = api.RolloutStatus{
		Phase: api.PhaseHealthy, CurrentStepIndex: 3, StableRS: "v1", CurrentPodHash: "v1",
		Canary: api.CanaryStatus{Weights: api.TrafficWeights{
			Canary: api.WeightDestination{PodTemplateHash: "v1"},
			Stable: api.WeightDestination{Weight: 100, PodTemplateHash: "v1"},
		}},
		Findings: []string{"shop.yaml:3:1: E102 spec.stepps: unknown field"},
	}
	return r
}

// TestRenderRollout shows a Rollout half way, one that is stable, and one that
// was aborted.
func TestRenderRollout(t *testing.T) {
	aborted := canaryAt20()
	aborted.Status = api.RolloutStatus{
		Phase: api.PhaseDegraded, Abort: true, Message: "RolloutAborted: v2: too many errors", StableRS: "v1",
		CurrentPodHash: "v2", Pinned: true, Canary: api.CanaryStatus{Weights: api.TrafficWeights{
			Canary: api.WeightDestination{PodTemplateHash: "v2"},
			Stable: api.WeightDestination{Weight: 100, PodTemplateHash: "v1"},
		}},
		Fleet: api.FleetStatus{Connected: 3, Acked: 3, Quarantined: 2, Away: 1},
	}
	tests := []struct {
		name    string
		rollout *api.Rollout
		want    string
	}{
		{"half way", canaryAt20(), `
default/shop  Paused  v1 -> v2
  CanaryPauseStep: step 1 waits 1m0s

Traffic                       wanted  observed   requests  errors
  canary v2                      20%    19.79%       1234  30 (2.43%)
  stable v1                      80%    80.21%       5001  1 (0.02%)
  other  v0                        -        0%          3  0 (0%)
  ███████████░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░

Steps    1/3
  ✓ setWeight 20
  ▶ pause 1m                 in 32s
    pause until promoted

Fleet    acked by 1 of 2 connected, 1 rejected
  edge-2 rejected its listeners: cannot bind '0.0.0.0:80':
  address in use

Guard    error-rate: inconclusive
  ███████████████░░░░░░░░░░░░░░░ 44.7 of 2000
  no proof of harm
`},
		{"stable", stableAtV1(), `
default/shop  Healthy  v1

Traffic                       wanted  observed   requests  errors
  stable v1                     100%        0%          0  0

Steps    3/3
  ✓ setWeight 20
  ✓ pause 1m
  ✓ pause until promoted

Fleet    acked by 0 of 0 connected

Findings the folder's last change is not in force
  shop.yaml:3:1: E102 spec.stepps: unknown field
`},
		{"aborted", aborted, `
default/shop  Degraded, pinned  v1 -> v2
  RolloutAborted: v2: too many errors

Traffic                       wanted  observed   requests  errors
  canary v2                       0%        0%          0  0
  stable v1                     100%        0%          0  0
  ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░

Steps    0/3 (aborted: retry begins again)
    setWeight 20
    pause 1m
    pause until promoted

Fleet    acked by 3 of 3 connected, 2 quarantined, 1 away
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := renderRolloutAt(tt.rollout, 60, viewedAt)
			if diff := cmp.Diff(strings.Split(tt.want[1:], "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestRenderIsSafe proves that texts from elsewhere neither move the cursor nor
// break the layout, whatever they are.
func TestRenderIsSafe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := canaryAt20()
		r.Status.Message = rapid.String().Draw(t, "message")
		r.Status.Fleet.Rejections[0].Message = rapid.String().Draw(t, "rejection")
		width := rapid.IntRange(-1, 200).Draw(t, "width")
		text := renderRolloutAt(r, width, viewedAt)
		for line := range strings.Lines(text) {
			words := strings.Fields(line)
			long := len(words) > 0 && utf8.RuneCountInString(words[len(words)-1])+2 > width
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > max(width, 70) && !long {
				t.Errorf("%d columns of %d: %q", n, width, line)
			}
			if strings.ContainsFunc(strings.TrimSuffix(line, "\n"), unicode.IsControl) {
				t.Errorf("a control character in %q", line)
			}
		}
		if !strings.HasSuffix(text, "\n") {
			t.Errorf("the last line does not end")
		}
	})
}

// TestStepName names every kind of step.
func TestStepName(t *testing.T) {
	most, requests := int32(1000), int64(500)
	weight, half := api.Decimal(200_000), api.Decimal(125_000)
	span := api.NewDuration(90 * time.Second)
	tests := []struct {
		step api.CanaryStep
		most *int32
		want string
	}{
		{api.CanaryStep{SetWeight: &weight}, nil, "setWeight 20"},
		{api.CanaryStep{SetWeight: &half}, nil, "setWeight 12.5"},
		{api.CanaryStep{SetWeight: &weight}, &most, "setWeight 20 of 1000"},
		{api.CanaryStep{Pause: &api.Pause{}}, nil, "pause until promoted"},
		{api.CanaryStep{Pause: &api.Pause{Duration: &span}}, nil, "pause 1m30s"},
		{api.CanaryStep{Pause: &api.Pause{Requests: &requests}}, nil, "pause for 500 requests"},
		{api.CanaryStep{SetCanaryScale: &api.SetCanaryScale{}}, nil, "setCanaryScale"},
	}
	for _, tt := range tests {
		r := &api.Rollout{}
		r.Spec.Strategy.Canary = &api.Canary{Steps: []api.CanaryStep{tt.step}, TrafficRouting: &api.TrafficRouting{MaxTrafficWeight: tt.most}}
		if got := stepName(r, 0); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// TestRenderExperiment: an experiment's version with traffic of its own is shown
// between canary and stable, with what is wanted for it.
func TestRenderExperiment(t *testing.T) {
	r := canaryAt20()
	r.Status.Canary.Weights.Stable.Weight = 75
	r.Status.Canary.Weights.Additional = []api.WeightDestination{{Weight: 5, PodTemplateHash: "e1"}}
	r.Status.Observed["e1"] = api.VersionCounts{Requests: 300, Share: 0.05}
	const want = `
  canary v2                      20%    19.79%       1234  30 (2.43%)
  beside e1                       5%        5%        300  0 (0%)
  stable v1                      75%    80.21%       5001  1 (0.02%)
  other  v0                        -        0%          3  0 (0%)
`
	if got := renderRolloutAt(r, 60, viewedAt); !strings.Contains(got, want) {
		t.Errorf("there is no\n%s in\n%s", want, got)
	}
}
