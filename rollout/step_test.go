package rollout_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/rollout"
)

var t0 = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// world plays events on one Rollout, with a fleet that accepts what it is told
// to.
type world struct {
	t      *testing.T
	spec   rollout.Spec
	state  rollout.State
	now    time.Time
	kinds  []string // of the records of the last event
	splits []rollout.Split
}

func weight(percent float64) *rollout.Weight {
	w := rollout.Weight(percent * float64(rollout.Total) / 100)
	return &w
}

func setWeight(percent float64) rollout.StepSpec {
	return rollout.StepSpec{SetWeight: weight(percent)}
}

func pause(d time.Duration) rollout.StepSpec {
	return rollout.StepSpec{Pause: &rollout.PauseSpec{Duration: d}}
}

// newWorld is a Rollout whose version v1 is stable.
func newWorld(t *testing.T, steps ...rollout.StepSpec) *world {
	w := &world{t: t, now: t0, spec: rollout.Spec{Version: "v1", Steps: steps}}
	w.play(rollout.SpecSeen{})
	return w
}

// canaryWorld is a Rollout whose fleet knows the canary v2.
func canaryWorld(t *testing.T, steps ...rollout.StepSpec) *world {
	w := newWorld(t, steps...)
	w.want("v2")
	w.endpoints(1)
	w.ack()
	return w
}

func (w *world) try(ev rollout.Event) error {
	w.t.Helper()
	next, eff, err := rollout.Step(w.spec, w.state, w.now, ev)
	w.state, w.kinds, w.splits = next, nil, nil
	for _, r := range eff.Records {
		w.kinds = append(w.kinds, string(r.Kind))
	}
	if eff.Publish != nil {
		w.splits = append(w.splits, *eff.Publish)
	}
	return err
}

func (w *world) play(ev rollout.Event) {
	w.t.Helper()
	if err := w.try(ev); err != nil {
		w.t.Fatalf("playing %T: %v", ev, err)
	}
}

func (w *world) want(version string) {
	w.t.Helper()
	w.spec.Version = version
	w.play(rollout.SpecSeen{})
}
func (w *world) endpoints(canary int) {
	w.t.Helper()
	w.play(rollout.EndpointsSeen{Canary: canary, Stable: 1})
}
func (w *world) say(verb rollout.Verb) {
	w.t.Helper()
	w.play(rollout.Acted{Action: rollout.Action{Verb: verb, Actor: "ana"}})
}

func (w *world) fleet(f rollout.Fleet) {
	w.t.Helper()
	f.Generation = w.state.Generation
	w.play(rollout.FleetSeen{Fleet: f})
}

// ack lets two Envoys accept everything until the state no longer moves.
func (w *world) ack() {
	w.t.Helper()
	for range 20 {
		before := w.state.Generation
		w.fleet(rollout.Fleet{Connected: 2, Acked: 2, Settled: true})
		if w.state.Generation == before {
			return
		}
	}
	w.t.Fatal("the state keeps moving")
}

func (w *world) pass(d time.Duration) {
	w.t.Helper()
	w.now = w.now.Add(d)
	w.play(rollout.Ticked{})
}

// is checks what a user would see: phase, step, weight in percent, stable.
func (w *world) is(phase rollout.Phase, step int, percent float64, stable string) {
	w.t.Helper()
	type seen struct {
		Phase  rollout.Phase
		Step   int
		Weight float64
		Stable string
	}
	got := seen{w.state.Phase(w.spec), w.state.Step, w.state.Split().Weight.Percent(), w.state.Stable}
	if diff := cmp.Diff(seen{phase, step, percent, stable}, got); diff != "" {
		w.t.Fatalf("state (-want +got):\n%s%s", diff, w.state.Message(w.spec))
	}
}

func (w *world) says(text string) {
	w.t.Helper()
	if msg := w.state.Message(w.spec); !strings.Contains(msg, text) {
		w.t.Fatalf("message %q lacks %q", msg, text)
	}
}

func (w *world) refuses(a rollout.Action, text string) {
	w.t.Helper()
	before := w.state
	err := w.try(rollout.Acted{Action: a})
	if !errors.Is(err, rollout.ErrNotApplicable) || !strings.Contains(err.Error(), text) {
		w.t.Fatalf("%s: got %v, want a refusal with %q", a.Verb, err, text)
	}
	if diff := cmp.Diff(before, w.state); diff != "" {
		w.t.Fatalf("the refused %s changed the state:\n%s", a.Verb, diff)
	}
}

func TestFirstVersionIsStableAtOnce(t *testing.T) {
	w := newWorld(t, setWeight(20))
	w.is(rollout.Healthy, 0, 0, "v1")
	if diff := cmp.Diff(rollout.Split{Stable: "v1"}, w.state.Split()); diff != "" {
		t.Error(diff)
	}
}

func TestClassicTable(t *testing.T) {
	w := newWorld(t, setWeight(5), pause(time.Minute), setWeight(30), pause(0))
	w.want("v2")
	w.is(rollout.Progressing, 0, 0, "v1")
	w.endpoints(1)
	w.fleet(rollout.Fleet{Connected: 2, Acked: 1, Waiting: 1})
	w.is(rollout.Progressing, 0, 0, "v1")
	w.fleet(rollout.Fleet{Connected: 2, Acked: 2})
	w.is(rollout.Progressing, 0, 5, "v1")
	w.pass(time.Hour) // the clock of the pause has not begun: nobody acked 5%
	w.is(rollout.Progressing, 0, 5, "v1")
	w.fleet(rollout.Fleet{Connected: 2, Acked: 2})
	w.is(rollout.PhasePaused, 1, 5, "v1")
	w.pass(59 * time.Second)
	w.is(rollout.PhasePaused, 1, 5, "v1")
	w.pass(time.Second)
	w.is(rollout.Progressing, 2, 30, "v1")
	w.ack()
	w.is(rollout.PhasePaused, 3, 30, "v1")
	w.pass(1000 * time.Hour)
	w.is(rollout.PhasePaused, 3, 30, "v1")
	w.say(rollout.Promote)
	w.is(rollout.Progressing, 4, 100, "v1")
	w.fleet(rollout.Fleet{Connected: 2, Acked: 2})
	w.is(rollout.Healthy, 4, 0, "v2")
	want := rollout.Split{Stable: "v2", Retired: []string{"v1"}}
	if diff := cmp.Diff(want, w.state.Split()); diff != "" {
		t.Errorf("after promotion (-want +got):\n%s", diff)
	}
	w.fleet(rollout.Fleet{Connected: 2, Acked: 2, Settled: true})
	if diff := cmp.Diff(rollout.Split{Stable: "v2"}, w.state.Split()); diff != "" {
		t.Errorf("after settling (-want +got):\n%s", diff)
	}
}

func TestNoStepsGoesStraightTo100(t *testing.T) {
	w := canaryWorld(t)
	w.is(rollout.Healthy, 0, 0, "v2")
}

func TestNothingRaisesWithoutAnEnvoy(t *testing.T) {
	w := newWorld(t, setWeight(5), pause(time.Minute), setWeight(30))
	w.want("v2")
	w.endpoints(1)
	w.fleet(rollout.Fleet{})
	w.is(rollout.Progressing, 0, 0, "v1")
	w.says("no Envoy is connected")
	w.ack()
	w.is(rollout.PhasePaused, 1, 5, "v1")
	w.fleet(rollout.Fleet{}) // the fleet goes away during the pause: its time counts on
	w.pass(time.Minute)
	w.is(rollout.PhasePaused, 1, 5, "v1")
	w.says("no Envoy is connected")
	w.fleet(rollout.Fleet{Connected: 1, Acked: 1})
	w.is(rollout.Progressing, 2, 30, "v1")
}

func TestWhoHoldsAnAdvance(t *testing.T) {
	tests := map[string]struct {
		fleet  rollout.Fleet
		passes bool
	}{
		"all acked":                   {rollout.Fleet{Connected: 2, Acked: 2}, true},
		"one still waited for":        {rollout.Fleet{Connected: 2, Acked: 1, Waiting: 1}, false},
		"one quarantined":             {rollout.Fleet{Connected: 2, Acked: 1, Quarantined: 1}, true},
		"one away":                    {rollout.Fleet{Connected: 1, Acked: 1, Away: 1}, false},
		"one gone for long":           {rollout.Fleet{Connected: 1, Acked: 1, Quarantined: 1}, true},
		"one rejects":                 {rollout.Fleet{Connected: 2, Acked: 1, Rejected: 1}, false},
		"all quarantined":             {rollout.Fleet{Connected: 2, Quarantined: 2}, false},
		"nobody connected":            {rollout.Fleet{}, false},
		"gone for long and one waits": {rollout.Fleet{Connected: 2, Acked: 1, Waiting: 1, Quarantined: 1}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := canaryWorld(t, setWeight(5), pause(time.Minute), setWeight(30))
			w.fleet(tt.fleet)
			w.pass(time.Minute)
			if passed := w.state.Weight == *weight(30); passed != tt.passes {
				t.Errorf("passed: %v, want %v; %s", passed, tt.passes, w.state.Message(w.spec))
			}
		})
	}
}

func TestNewsOfAnOlderGenerationDoesNotCount(t *testing.T) {
	w := newWorld(t, setWeight(5), setWeight(30))
	w.want("v2")
	w.endpoints(1)
	old := rollout.Fleet{Generation: w.state.Generation, Connected: 2, Acked: 2}
	w.play(rollout.FleetSeen{Fleet: old})
	w.is(rollout.Progressing, 0, 5, "v1")
	w.play(rollout.FleetSeen{Fleet: old})
	w.is(rollout.Progressing, 0, 5, "v1")
}

func TestEndpointsGoAndComeBack(t *testing.T) {
	w := newWorld(t, setWeight(20), pause(0))
	w.want("v2")
	w.endpoints(0)
	w.ack()
	w.is(rollout.Progressing, 0, 0, "v1")
	w.says("version v2 has no ready endpoint")
	w.endpoints(1)
	w.ack()
	w.is(rollout.PhasePaused, 1, 20, "v1")
	w.endpoints(0)
	w.is(rollout.PhasePaused, 1, 0, "v1")
	if len(w.splits) != 1 || w.splits[0].Weight != 0 {
		t.Fatalf("weight 0 is not in the effects of the event: %v", w.splits)
	}
	w.endpoints(2)
	w.is(rollout.PhasePaused, 1, 0, "v1") // a raise waits for the fleet
	w.fleet(rollout.Fleet{Connected: 2, Acked: 2})
	w.is(rollout.PhasePaused, 1, 20, "v1")
}

func TestAbortThenRetry(t *testing.T) {
	w := canaryWorld(t, setWeight(20), pause(0), setWeight(50))
	w.is(rollout.PhasePaused, 1, 20, "v1")
	attempt := w.state.Attempt
	w.say(rollout.Abort)
	w.is(rollout.Degraded, 0, 0, "v1")
	w.says("aborted by ana")
	if got := w.state.Split(); got.Canary != "v2" {
		t.Errorf("the weighted route must stay while the file names v2: %+v", got)
	}
	w.ack()
	w.pass(time.Hour)
	w.play(rollout.HarmFound{Attempt: attempt, Message: "late"})
	w.play(rollout.SpecSeen{})
	w.is(rollout.Degraded, 0, 0, "v1")
	w.refuses(rollout.Action{Verb: rollout.Promote}, "retry")
	w.refuses(rollout.Action{Verb: rollout.Promote, Full: true}, "retry")
	w.refuses(rollout.Action{Verb: rollout.Abort}, "retry")
	w.refuses(rollout.Action{Verb: rollout.Pause}, "retry")
	w.say(rollout.Retry)
	if w.state.Attempt != attempt+1 {
		t.Errorf("attempt %d after a retry of attempt %d", w.state.Attempt, attempt)
	}
	w.endpoints(1)
	w.ack()
	w.is(rollout.PhasePaused, 1, 20, "v1")
}

func TestOtherEditsNeverClearAnAbort(t *testing.T) {
	w := canaryWorld(t, setWeight(20), pause(0))
	w.say(rollout.Abort)
	w.spec.Steps = []rollout.StepSpec{setWeight(1)}
	w.play(rollout.SpecSeen{})
	w.ack()
	w.is(rollout.Degraded, 0, 0, "v1")
	w.want("v1")
	w.is(rollout.Healthy, 0, 0, "v1")
	w.want("v2")
	w.endpoints(1)
	w.ack()
	w.is(rollout.Healthy, 1, 0, "v2")
}

func TestHarm(t *testing.T) {
	t.Run("aborts at once", func(t *testing.T) {
		w := canaryWorld(t, setWeight(20), pause(0))
		w.play(rollout.HarmFound{Attempt: w.state.Attempt, Message: "harm"})
		w.is(rollout.Degraded, 0, 0, "v1")
		if len(w.splits) != 1 || w.splits[0].Weight != 0 {
			t.Errorf("effects: %v", w.splits)
		}
	})
	t.Run("of an attempt before is late news", func(t *testing.T) {
		w := canaryWorld(t, setWeight(20), pause(0))
		w.play(rollout.HarmFound{Attempt: w.state.Attempt - 1, Message: "harm"})
		w.is(rollout.PhasePaused, 1, 20, "v1")
	})
	t.Run("pauses where the spec says so", func(t *testing.T) {
		w := canaryWorld(t, setWeight(20), pause(time.Minute), setWeight(50))
		w.spec.PauseOnHarm = true
		harm := rollout.HarmFound{Attempt: w.state.Attempt, Message: "harm"}
		w.play(harm)
		w.pass(time.Hour)
		w.is(rollout.PhasePaused, 1, 20, "v1")
		w.says("harm")
		w.say(rollout.Promote)
		w.is(rollout.Progressing, 2, 50, "v1")
		w.play(harm) // the person has seen it
		if w.state.HarmPausedAt != nil {
			t.Error("a harm that a person waived paused again")
		}
	})
}

func TestPauseAndResumeByHand(t *testing.T) {
	w := canaryWorld(t, setWeight(20), pause(time.Minute), setWeight(50), pause(0))
	w.say(rollout.Pause)
	w.refuses(rollout.Action{Verb: rollout.Pause}, "already")
	w.pass(2 * time.Minute)
	w.is(rollout.PhasePaused, 1, 20, "v1")
	w.say(rollout.Resume)
	w.is(rollout.Progressing, 2, 50, "v1")
	w.ack()
	w.is(rollout.PhasePaused, 3, 50, "v1")
	w.refuses(rollout.Action{Verb: rollout.Resume}, "promote ends")
}

func TestSpecPausedHolds(t *testing.T) {
	w := newWorld(t, setWeight(20))
	w.spec.Paused = true
	w.want("v2")
	w.endpoints(1)
	w.ack()
	w.is(rollout.PhasePaused, 0, 0, "v1")
	w.spec.Paused = false
	w.play(rollout.SpecSeen{})
	w.is(rollout.Progressing, 0, 20, "v1")
}

func TestALoweringStepWaitsForNothing(t *testing.T) {
	w := canaryWorld(t, setWeight(20), pause(0), setWeight(5), pause(0))
	w.fleet(rollout.Fleet{})
	w.say(rollout.Promote)
	w.is(rollout.Progressing, 2, 5, "v1")
}

func TestPromoteFull(t *testing.T) {
	w := canaryWorld(t, setWeight(20), pause(0), setWeight(50), pause(0))
	w.play(rollout.Acted{Action: rollout.Action{Verb: rollout.Promote, Full: true, Actor: "ana"}})
	w.is(rollout.Progressing, 4, 100, "v1")
	w.refuses(rollout.Action{Verb: rollout.Promote, Full: true}, "already")
	w.say(rollout.Abort) // still works
	w.is(rollout.Degraded, 0, 0, "v1")
}

func TestNewVersionHalfWay(t *testing.T) {
	w := canaryWorld(t, setWeight(20), pause(0))
	w.want("v3")
	want := rollout.Split{Stable: "v1", Canary: "v3", Retired: []string{"v2"}}
	if diff := cmp.Diff(want, w.state.Split()); diff != "" {
		t.Fatalf("v2 leaves first and stays known (-want +got):\n%s", diff)
	}
	w.fleet(rollout.Fleet{Connected: 2, Acked: 2})
	w.says("the fleet") // v3's endpoints are not known yet
	w.endpoints(1)
	w.is(rollout.Progressing, 0, 20, "v1")
	w.ack()
	w.say(rollout.Promote)
	w.ack()
	w.is(rollout.Healthy, 2, 0, "v3")
}

func TestBackToStableHalfWay(t *testing.T) {
	w := canaryWorld(t, setWeight(20), pause(0))
	w.want("v1")
	w.is(rollout.Healthy, 0, 0, "v1")
	want := rollout.Split{Stable: "v1", Retired: []string{"v2"}}
	if diff := cmp.Diff(want, w.state.Split()); diff != "" {
		t.Fatal(diff)
	}
	if w.state.Phase(w.spec) != rollout.Healthy {
		t.Error("an earlier abort shows")
	}
}

func TestChangedStepsStartAgain(t *testing.T) {
	w := canaryWorld(t, setWeight(20), pause(0))
	w.spec.Steps = []rollout.StepSpec{setWeight(10), pause(0)}
	w.play(rollout.SpecSeen{})
	w.is(rollout.Progressing, 0, 0, "v1")
	w.endpoints(1)
	w.ack()
	w.is(rollout.PhasePaused, 1, 10, "v1")
}

func TestRollback(t *testing.T) {
	promoted := func(t *testing.T) *world {
		w := canaryWorld(t)
		w.ack()
		w.is(rollout.Healthy, 0, 0, "v2")
		return w
	}
	t.Run("of a stable version goes to the one before", func(t *testing.T) {
		w := promoted(t)
		w.refuses(rollout.Action{Verb: rollout.Rollback}, "no ready endpoint")
		w.play(rollout.Acted{Action: rollout.Action{Verb: rollout.Rollback, Ready: 1}})
		w.is(rollout.Healthy, 0, 0, "v1")
		w.says("pinned to v1")
		w.refuses(rollout.Action{Verb: rollout.Retry}, "retry")
		w.refuses(rollout.Action{Verb: rollout.Promote}, "pinned")
		w.play(rollout.SpecSeen{})
		w.is(rollout.Healthy, 0, 0, "v1")
		w.say(rollout.Resume)
		w.is(rollout.Progressing, 0, 0, "v1")
		w.endpoints(1)
		w.ack()
		w.is(rollout.Healthy, 0, 0, "v2")
	})
	t.Run("holds until the wanted version changes", func(t *testing.T) {
		w := promoted(t)
		w.play(rollout.Acted{Action: rollout.Action{Verb: rollout.Rollback, To: "v1", Ready: 1}})
		w.want("v3")
		w.endpoints(1)
		w.ack()
		w.is(rollout.Healthy, 0, 0, "v3")
	})
	t.Run("of a canary pins the stable version", func(t *testing.T) {
		w := canaryWorld(t, setWeight(20), pause(0))
		w.refuses(rollout.Action{Verb: rollout.Rollback, To: "v0"}, "v1 only")
		w.say(rollout.Rollback)
		w.is(rollout.Healthy, 0, 0, "v1")
		if s := w.state.Split(); s.Canary != "" || !w.state.Pinned {
			t.Errorf("split %+v, pinned %v", s, w.state.Pinned)
		}
	})
	t.Run("needs a version that was stable", func(t *testing.T) {
		w := newWorld(t)
		w.refuses(rollout.Action{Verb: rollout.Rollback}, "no version was stable before")
	})
}

func TestDeletedHalfWayStaysOnStable(t *testing.T) {
	w := canaryWorld(t, setWeight(20), pause(0))
	w.play(rollout.SpecGone{})
	w.is(rollout.Healthy, 0, 0, "v1")
	w.play(rollout.SpecSeen{}) // it comes back, still wanting v2
	w.endpoints(1)
	w.ack()
	w.is(rollout.PhasePaused, 1, 20, "v1")
}

func TestActionsWithoutACanary(t *testing.T) {
	w := newWorld(t, setWeight(20))
	for _, verb := range []rollout.Verb{rollout.Promote, rollout.Pause, rollout.Abort} {
		w.refuses(rollout.Action{Verb: verb}, "no canary is under way")
	}
	w.refuses(rollout.Action{Verb: rollout.Resume}, "not paused")
	w.refuses(rollout.Action{Verb: rollout.Retry}, "aborted")
	w.refuses(rollout.Action{Verb: "dance"}, "is no action")
}

func TestNextIsTheEndOfAPause(t *testing.T) {
	w := canaryWorld(t, setWeight(20), pause(time.Minute))
	if got, want := rollout.Next(w.spec, w.state), t0.Add(time.Minute); !got.Equal(want) {
		t.Errorf("next %v, want %v", got, want)
	}
	w.say(rollout.Abort)
	if got := rollout.Next(w.spec, w.state); !got.IsZero() {
		t.Errorf("next %v after an abort", got)
	}
}

func TestWeightString(t *testing.T) {
	for w, want := range map[rollout.Weight]string{0: "0%", rollout.Total: "100%", 125_000: "12.5%", 1: "0.0001%"} {
		if got := w.String(); got != want {
			t.Errorf("%d: %s, want %s", w, got, want)
		}
	}
}
