package api

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// rolloutOf decodes a Rollout with that spec.
func rolloutOf(t *testing.T, spec string) *Rollout {
	t.Helper()
	text := "apiVersion: serin.dev/v1alpha1\nkind: Rollout\nmetadata: {name: shop, namespace: b}\nspec: " + spec + "\n"
	docs, findings := Decode("f.yaml", []byte(text))
	if HasErrors(findings) {
		t.Fatalf("findings: %v", findings)
	}
	return docs[0].Object.(*Rollout)
}

func TestServices(t *testing.T) {
	r := rolloutOf(t, "{template: {}, strategy: {canary: {}}}")
	if _, ok := r.CanaryService(); ok || r.StableService() != (Key{"b", "shop"}) || r.Key() != (Key{"b", "shop"}) {
		t.Errorf("key %s, stable %s, canary %v", r.Key(), r.StableService(), ok)
	}
	r = rolloutOf(t, "{template: {}, strategy: {canary: {stableService: s, canaryService: c}}}")
	if canary, ok := r.CanaryService(); !ok || canary != (Key{"b", "c"}) || r.StableService() != (Key{"b", "s"}) {
		t.Errorf("stable %s, canary %s %v", r.StableService(), canary, ok)
	}
	if (&Rollout{}).StableService() != (Key{DefaultNamespace, ""}) {
		t.Errorf("an empty namespace is not %s", DefaultNamespace)
	}
}

func TestVersion(t *testing.T) {
	labelled := rolloutOf(t, "{template: {metadata: {labels: {app.kubernetes.io/version: v7}}}, strategy: {canary: {}}}")
	if labelled.Version() != "v7" {
		t.Errorf("version %s, want the label", labelled.Version())
	}
	bare := rolloutOf(t, "{template: {spec: {containers: [{image: 'a:1', name: x}]}}, strategy: {canary: {}}}")
	turned := rolloutOf(t, "{template: {spec: {containers: [{name: x, image: 'a:1'}]}}, strategy: {canary: {}}}")
	other := rolloutOf(t, "{template: {spec: {containers: [{name: x, image: 'a:2'}]}}, strategy: {canary: {}}}")
	if bare.Version() != bare.TemplateHash() || len(bare.Version()) != hashLength {
		t.Errorf("version %q is not the template's hash %q", bare.Version(), bare.TemplateHash())
	}
	if bare.Version() != turned.Version() {
		t.Errorf("the order of keys changes the version: %s, %s", bare.Version(), turned.Version())
	}
	if bare.Version() == other.Version() {
		t.Errorf("another image has the same version %s", bare.Version())
	}
}

func TestStepWeight(t *testing.T) {
	r := rolloutOf(t, "{template: {}, strategy: {canary: {steps: [{pause: {}}, {setWeight: 12.5}, {pause: {}}, {setWeight: 50}]}}}")
	var got []Weight
	for i := -1; i <= 5; i++ {
		got = append(got, r.StepWeight(i))
	}
	if diff := cmp.Diff([]Weight{0, 0, 125_000, 125_000, 500_000, FullWeight, FullWeight}, got); diff != "" {
		t.Error(diff)
	}
	fine := rolloutOf(t, "{template: {}, strategy: {canary: {steps: [{setWeight: 1}], trafficRouting: {maxTrafficWeight: 1000}}}}")
	if got := fine.StepWeight(0); got != 1000 || fine.MaxTrafficWeight() != 1000 {
		t.Errorf("1 of 1000 is %d", got)
	}
	if got := (&Rollout{}).StepWeight(0); got != FullWeight || (&Rollout{}).MaxTrafficWeight() != 100 {
		t.Errorf("without steps the weight is %d", got)
	}
}

func TestSteps(t *testing.T) {
	r := rolloutOf(t, "{paused: true, template: {}, strategy: {canary: {steps: [{setWeight: 5, setCanaryScale: {}}, {pause: {}}, {pause: {duration: 90}}]}}}")
	var got []string
	for _, s := range r.Steps() {
		line := s.Kind()
		if s.Pause != nil {
			line += fmt.Sprint(" open=", s.Pause.Open())
		}
		got = append(got, line)
	}
	if diff := cmp.Diff([]string{"setWeight", "pause open=true", "pause open=false"}, got); diff != "" {
		t.Error(diff)
	}
	if d := r.Steps()[2].Pause.Duration.Duration; d != 90*time.Second || !r.Paused() {
		t.Errorf("pause of %s, paused %v", d, r.Paused())
	}
	if kind := (&CanaryStep{}).Kind(); kind != "" {
		t.Errorf("a step of nothing is a %s", kind)
	}
}

func TestGuardDefaults(t *testing.T) {
	standard := Guard{
		Mode: GuardEnforce, OnHarm: OnHarmAbort, Confidence: 0.999,
		ErrorRate: GuardErrorRate{Margin: 0.4, MaxIncrease: 0.005, Statuses: errorStatuses, GRPCCodes: errorCodes},
		Latency:   GuardLatency{Margin: 1, MaxIncrease: 0.01, Warmup: 30 * time.Second},
	}
	some := standard
	some.Mode, some.ErrorRate.MaxIncrease, some.Latency.Objective = GuardObserve, 0, 250*time.Millisecond
	tests := map[string]struct {
		guard string
		want  Guard
	}{
		"{}":                         {"{}", standard},
		"{guard: {}}":                {"{guard: {}}", standard},
		"some, one of them set to 0": {"{guard: {mode: observe, errorRate: {maxIncrease: 0}, latency: {objective: 250ms}}}", some},
		"what counts": {"{guard: {errorRate: {statuses: [5xx, \"429\"]}, clientErrors: {grpcCodes: [NOT_FOUND], maxIncrease: 0.1}, latency: {objective: 1, grpc: unary}}}",
			Guard{Mode: GuardEnforce, OnHarm: OnHarmAbort, Confidence: 0.999,
				ErrorRate:    GuardErrorRate{Margin: 0.4, MaxIncrease: 0.005, Statuses: []string{"5xx", "429"}, GRPCCodes: errorCodes},
				ClientErrors: &GuardErrorRate{Margin: 0.4, MaxIncrease: 0.1, Statuses: clientStatuses, GRPCCodes: []string{"NOT_FOUND"}},
				Latency:      GuardLatency{Objective: time.Second, Unary: true, Margin: 1, MaxIncrease: 0.01, Warmup: 30 * time.Second}}},
		"all": {"{guard: {mode: 'off', onHarm: pause, confidence: 0.99, warmup: 5, errorRate: {margin: 1, maxIncrease: 0.1}, latency: {objective: 1, margin: 2, maxIncrease: 0.2, warmup: 0s}}}",
			Guard{Mode: GuardOff, OnHarm: OnHarmPause, Confidence: 0.99, ErrorRate: GuardErrorRate{Margin: 1, MaxIncrease: 0.1, Statuses: errorStatuses, GRPCCodes: errorCodes},
				Latency: GuardLatency{Objective: time.Second, Margin: 2, MaxIncrease: 0.2}, Warmup: 5 * time.Second}},
	}
	for name, test := range tests {
		r := rolloutOf(t, "{template: {}, strategy: {canary: "+test.guard+"}}")
		if diff := cmp.Diff(test.want, r.Guard()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if diff := cmp.Diff(standard, (&Rollout{}).Guard()); diff != "" {
		t.Error(diff)
	}
}

func TestWithStatus(t *testing.T) {
	r := rolloutOf(t, "{template: {}, strategy: {canary: {}}}")
	shown := r.WithStatus(RolloutStatus{Phase: PhasePaused})
	if r.Status.Phase != "" || shown.Status.Phase != PhasePaused || shown.Name != r.Name {
		t.Errorf("the status went from %q to %q, want a copy with it", r.Status.Phase, shown.Status.Phase)
	}
}

func TestSliceLabels(t *testing.T) {
	s := &EndpointSlice{}
	if _, ok := SliceService(s); ok || SliceVersion(s) != "" {
		t.Error("a slice without labels has a Service or a version")
	}
	s.Labels = map[string]string{LabelService: "shop", LabelVersion: "v1"}
	if key, ok := SliceService(s); !ok || key != (Key{"default", "shop"}) || SliceVersion(s) != "v1" {
		t.Errorf("Service %s %v, version %s", key, ok, SliceVersion(s))
	}
}

// TestRolloutJSON proves that a Rollout comes back from JSON as it was.
func TestRolloutJSON(t *testing.T) {
	r := rolloutOf(t, "{replicas: 3, template: {spec: {a: [1, 2.50]}}, strategy: {canary: {maxSurge: 25%, guard: {warmup: 5s}, trafficRouting: {nginx: {stableIngress: x}}, steps: [{setWeight: 12.5}, {pause: {duration: 10m}}, {pause: {}}]}}}")
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back Rollout
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(&back)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(data), string(again)); diff != "" {
		t.Error(diff)
	}
	if back.Version() != r.Version() {
		t.Errorf("the version went from %s to %s", r.Version(), back.Version())
	}
}

func TestKeyCompare(t *testing.T) {
	keys := rapid.Custom(func(t *rapid.T) Key {
		return Key{rapid.SampledFrom([]string{"a", "b", "ab"}).Draw(t, "ns"), rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "name")}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := keys.Draw(t, "a"), keys.Draw(t, "b")
		c := a.Compare(b)
		if c != -b.Compare(a) || (c == 0) != (a == b) {
			t.Fatalf("%s and %s compare as %d and %d", a, b, c, b.Compare(a))
		}
		if a.Namespace != b.Namespace && (c < 0) != (a.Namespace < b.Namespace) {
			t.Fatalf("%s and %s are not ordered by namespace first", a, b)
		}
	})
}
