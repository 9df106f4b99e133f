package control_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/control"
	"github.com/serin-mesh/serin/discovery"
	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/stats"
	"github.com/serin-mesh/serin/xds"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestARolloutFromFirstToLast(t *testing.T) {
	inWorld(t, func(w *world) {
		if s := w.status(); s.Phase != api.PhaseHealthy || s.StableRS != "v1" {
			t.Fatalf("first version: %+v", s)
		}
		w.objects("v2", 1, 1)
		w.has(20)
		s := w.status()
		if s.Phase != api.PhasePaused || s.CurrentStepIndex != 1 || s.NextTransitionAt == nil || s.Fleet.Acked != 2 {
			t.Fatalf("paused: %+v", s)
		}
		if got := s.Canary.Weights; got.Canary.Weight != 20 || got.Stable.Weight != 80 {
			t.Errorf("weights %+v", got)
		}
		time.Sleep(time.Minute) // of the bubble
		w.has(50)
		if err := w.act("promote"); err != nil {
			t.Fatal(err)
		}
		if s := w.status(); s.Phase != api.PhaseHealthy || s.StableRS != "v2" || s.CurrentStepIndex != 4 {
			t.Fatalf("promoted: %+v", s)
		}
		if got := w.fleet.weight("v2"); got != -1 {
			t.Errorf("the keys of an ended rollout are still there: %g%%", got)
		}
	})
}

func TestARaiseWaitsForTheStore(t *testing.T) {
	inWorld(t, func(w *world) {
		w.objects("v2", 1, 1)
		w.has(20)
		w.disk.setSlow(true)
		time.Sleep(time.Minute)
		w.has(20) // 50% is decided, and not visible
		if s := w.decided(); s.Canary.Weights.Canary.Weight != 50 {
			t.Errorf("wanted weight %+v", s.Canary.Weights)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		if r, err := w.Rollout(ctx, shop); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a state that is not stored was shown: %+v, %v", r, err)
		}
		cancel()
		w.disk.flush(errors.New("no space left"))
		w.has(20)
		if s := w.status(); !strings.Contains(s.Message, "no space left") {
			t.Errorf("message %q", s.Message)
		}
		w.disk.flush(nil)
		w.has(50)
	})
}

func TestALoweringDoesNotWaitForTheStore(t *testing.T) {
	inWorld(t, func(w *world) {
		w.objects("v2", 1, 1)
		w.has(20)
		w.disk.setSlow(true)
		time.Sleep(time.Minute)
		w.has(20)
		// The abort overtakes the raise that waits, and stays when that becomes
		// durable.
		go func() { _, _ = w.Act(context.Background(), shop, api.Action{Verb: "abort"}) }()
		w.has(0)
		w.disk.setSlow(false)
		w.disk.flush(nil)
		w.has(0)
		if s := w.status(); s.Phase != api.PhaseDegraded || !s.Abort {
			t.Errorf("%+v", s)
		}
	})
}

// A lowering against what was decided, but not against what is visible, is a
// raise and waits.
func TestWhatIsLoweredIsWhatIsVisible(t *testing.T) {
	inWorld(t, func(w *world) {
		w.objects("v2", 1, 1)
		w.has(20)
		w.disk.setSlow(true)
		time.Sleep(time.Minute) // 50% waits for the store
		w.objects("v2", 1, 0)   // no endpoints: 0 at once
		w.has(0)
		w.objects("v2", 1, 1)
		w.has(0)
		w.disk.setSlow(false)
		w.disk.flush(nil)
		w.has(50)
	})
}

func TestHarmAborts(t *testing.T) {
	inWorld(t, func(w *world) {
		w.objects("v2", 1, 1)
		w.has(20)
		w.fails("v2", "v2", "v2", "v2", "v2", "v2")
		w.has(20)
		w.disk.setSlow(true) // a rollback waits for no disk
		w.fails("v2")
		w.has(0)
		w.disk.setSlow(false)
		w.disk.flush(nil)
		s := w.status()
		if s.Phase != api.PhaseDegraded || len(s.Evidence) != 1 || s.Evidence[0].Verdict != api.VerdictHarm {
			t.Fatalf("%+v", s)
		}
		if s.Evidence[0].CanaryFailures != 7 {
			t.Errorf("decided after %d failures, want 7", s.Evidence[0].CanaryFailures)
		}
		entries, err := w.History(context.Background(), shop)
		if err != nil {
			t.Fatal(err)
		}
		last := entries[len(entries)-1]
		if last.Event != "Aborted" || last.Actor != "serin" || len(last.Evidence) != 1 || last.Weight != 0 {
			t.Errorf("last journal entry: %+v", last)
		}
	})
}

// A canary that starts right after another was promoted is judged by its own
// weights, not by the 100% that traffic of a moment ago was routed with.
func TestHarmRightAfterAPromotion(t *testing.T) {
	inWorld(t, func(w *world) {
		w.objects("v2", 1, 1)
		for range 2 {
			if err := w.act("promote"); err != nil {
				t.Fatal(err)
			}
		}
		w.objects("v1", 1, 1) // the old one again, and now it is bad
		if got := w.fleet.weight("v1"); got != 20 {
			t.Fatalf("v1 at %g%%", got)
		}
		w.fails("v1", "v1", "v1", "v1", "v1", "v1", "v1")
		if s := w.status(); s.Phase != api.PhaseDegraded {
			t.Errorf("%+v", s)
		}
	})
}

func TestFailuresThatAreNoEvidence(t *testing.T) {
	inWorld(t, func(w *world) {
		w.objects("v2", 1, 1)
		w.has(20)
		for range 40 { // a shared incident: one in five is the canary's
			w.fails("v1", "v1", "v1", "v1", "v2")
		}
		w.fails("v7", "v7", "v7") // nobody's version
		w.has(20)
		if s := w.status(); s.Evidence[0].CanaryFailures != 40 || s.Evidence[0].StableFailures != 160 {
			t.Errorf("%+v", s.Evidence)
		}
	})
}

func TestGuardModes(t *testing.T) {
	tests := map[string]struct {
		guard  string
		weight float64
		phase  api.Phase
	}{
		"observe": {"{mode: observe}", 20, api.PhasePaused},
		"off":     {"{mode: \"off\"}", 20, api.PhasePaused},
		"pause":   {"{onHarm: pause}", 20, api.PhasePaused},
		"enforce": {"{mode: enforce}", 0, api.PhaseDegraded},
		"warmup":  {"{warmup: 10s}", 20, api.PhasePaused},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				text := strings.Replace(rolloutOf, "guard: %s", "guard: "+tt.guard, 1)
				w.files(map[string]string{"shop.yaml": objectsOf + slice("v1", 1) + slice("v2", 1) + strings.Replace(text, "%s", "v2", 1)})
				w.fails("v2", "v2", "v2", "v2", "v2", "v2", "v2", "v2", "v2")
				w.has(tt.weight)
				if s := w.status(); s.Phase != tt.phase {
					t.Errorf("phase %s, want %s: %s", s.Phase, tt.phase, s.Message)
				}
			})
		})
	}
}

func TestARestartGoesOn(t *testing.T) {
	inWorld(t, func(w *world) {
		w.objects("v2", 1, 1)
		w.has(20)
		w.fails("v2", "v2", "v2", "v2", "v2", "v2")
		time.Sleep(2 * time.Second) // the evidence is stored each second
		before := w.status()
		w.stop()
		w.fleet.keys = nil
		w.disk.setSlow(true) // what was durable is visible again at once
		w.start()
		w.objects("v2", 1, 1)
		w.has(20)
		after := w.status()
		if !after.PauseConditions[0].StartTime.Equal(before.PauseConditions[0].StartTime) {
			t.Errorf("the pause began anew: %v, %v", before.PauseConditions, after.PauseConditions)
		}
		w.fails("v2") // the seventh
		w.has(0)
	})
}

func TestObjectsWithErrorsChangeNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		w.objects("v2", 1, 1)
		w.has(20)
		w.files(map[string]string{"shop.yaml": "kind: ["})
		w.has(20)
		if s := w.status(); len(s.Findings) == 0 || !strings.Contains(s.Findings[0], "shop.yaml:1:") {
			t.Errorf("findings %q", s.Findings)
		}
		if err := w.act("abort"); err != nil {
			t.Errorf("actions go on: %v", err)
		}
		w.has(0)
	})
}

func TestDeletion(t *testing.T) {
	gone := map[string]string{"shop.yaml": objectsOf + slice("v1", 1) + slice("v2", 1)}
	t.Run("half way leaves the Service on stable", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.objects("v2", 1, 1)
			w.has(20)
			w.files(gone)
			if got := w.fleet.weight("v2"); got > 0 {
				t.Errorf("v2 at %g%%", got)
			}
			w.stop() // and over a restart
			w.start()
			w.files(gone)
			if s := w.status(); s.StableRS != "v1" || s.Canary.Weights.Canary.Weight != 0 {
				t.Errorf("%+v", s)
			}
			if err := w.act("abort"); !errors.Is(err, control.ErrNotFound) {
				t.Errorf("an action on a deleted Rollout: %v", err)
			}
		})
	})
	t.Run("of a healthy one forgets it", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.files(gone)
			if _, err := w.Rollout(context.Background(), shop); !errors.Is(err, control.ErrNotFound) {
				t.Errorf("%v", err)
			}
			if len(w.disk.saved.Rollouts) != 0 {
				t.Errorf("the store keeps %v", w.disk.saved.Rollouts)
			}
		})
	})
}

// A retry changes no weight, so no news of the fleet follows it: what was heard
// while the rollout was aborted must count.
func TestRetryAfterAbort(t *testing.T) {
	inWorld(t, func(w *world) {
		w.objects("v2", 1, 1)
		w.has(20)
		for _, verb := range []string{"abort", "retry"} {
			if err := w.act(verb); err != nil {
				t.Fatal(err)
			}
		}
		w.has(20)
	})
}

func TestActions(t *testing.T) {
	inWorld(t, func(w *world) {
		if err := w.act("promote"); !errors.Is(err, control.ErrNotApplicable) {
			t.Errorf("promote of a healthy rollout: %v", err)
		}
		if _, err := w.Act(context.Background(), api.Key{Namespace: "default", Name: "nope"}, api.Action{Verb: "abort"}); !errors.Is(err, control.ErrNotFound) {
			t.Errorf("abort of nothing: %v", err)
		}
		w.objects("v2", 1, 1)
		if err := w.act("promote"); err != nil {
			t.Fatal(err)
		}
		w.has(50)
		if err := w.act("promote"); err != nil {
			t.Fatal(err)
		}
		if err := w.act("rollback"); err != nil {
			t.Fatal(err)
		}
		if s := w.status(); s.StableRS != "v1" || !s.Pinned {
			t.Errorf("%+v", s)
		}
		entries, _ := w.History(context.Background(), shop)
		if last := entries[len(entries)-1]; last.Actor != "serin" && last.Actor != "ana" {
			t.Errorf("actor %q", last.Actor)
		}
	})
}

func TestDeadlinesOfTheFleetMoveARollout(t *testing.T) {
	inWorld(t, func(w *world) {
		w.objects("v2", 1, 1)
		w.has(20)
		deadline := time.Now().Add(90 * time.Second)
		w.fleet.set(xds.Progress{Connected: 1, Acked: 1, Away: 1, Next: deadline})
		time.Sleep(80 * time.Second)
		w.has(20) // the pause is over, and one Envoy is still waited for
		w.fleet.mu.Lock()
		w.fleet.progress = xds.Progress{Connected: 1, Acked: 1, Quarantined: 1} // no signal: only the clock tells
		w.fleet.mu.Unlock()
		time.Sleep(time.Until(deadline) + time.Millisecond)
		w.has(50)
	})
}

func TestWatch(t *testing.T) {
	inWorld(t, func(w *world) {
		ctx, cancel := context.WithCancel(context.Background())
		watch, err := w.Watch(ctx)
		if err != nil {
			t.Fatal(err)
		}
		events, err := watch.Next(ctx)
		if err != nil || len(events) != 1 || events[0].Rollout.Status.StableRS != "v1" {
			t.Fatalf("%+v, %v", events, err)
		}
		w.objects("v2", 1, 1)
		w.has(20)
		events, err = watch.Next(ctx)
		if err != nil || len(events) != 1 || events[0].Rollout.Status.Canary.Weights.Canary.Weight != 20 {
			t.Fatalf("a reader that was slow wants the newest state only: %+v, %v", events, err)
		}
		cancel()
		if _, err := watch.Next(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("after the end: %v", err)
		}
		synctest.Wait()
	})
}

// What was asked for has reached the fleet when the answer comes: a server that
// lets Envoys in after its objects were taken must not be empty.
func TestAnswersComeAfterTheFleetWasTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, fleet: newFleet(), disk: newDisk()}
		w.start()
		r := discovery.FromFiles(map[string][]byte{"shop.yaml": []byte(objectsOf + slice("v1", 1))})
		if err := w.Objects(context.Background(), control.Update{Objects: r.Objects}); err != nil {
			t.Fatal(err)
		}
		w.fleet.mu.Lock()
		applied := w.fleet.applied
		w.fleet.mu.Unlock()
		if applied != 1 {
			t.Errorf("the fleet was told %d times when the objects were taken", applied)
		}
		w.stop()
	})
}

// A Rollout of another name that takes over a Service from one that was deleted
// half way must not make its version stable at once.
func TestAnotherRolloutTakesOverTheService(t *testing.T) {
	inWorld(t, func(w *world) {
		w.objects("v2", 1, 1)
		w.has(20)
		other := strings.Replace(rolloutOf, "name: shop}", "name: shop-next}", 1)
		other = strings.Replace(other, "canary: {", "canary: {stableService: shop, ", 1)
		w.files(map[string]string{"shop.yaml": objectsOf + slice("v1", 1) + slice("v2", 1) + fmt.Sprintf(other, "v2", "{}")})
		r, err := w.Rollout(context.Background(), api.Key{Namespace: "default", Name: "shop-next"})
		if err != nil {
			t.Fatal(err)
		}
		if s := r.Status; s.StableRS != "v1" || s.Canary.Weights.Canary.Weight != 20 || s.Phase != api.PhasePaused {
			t.Errorf("%+v", s)
		}
		if _, err := w.Rollout(context.Background(), shop); !errors.Is(err, control.ErrNotFound) {
			t.Errorf("the deleted one is still there: %v", err)
		}
	})
}

func TestFreezeOfAll(t *testing.T) {
	freeze := func(w *world, verb string, until *time.Time) error {
		err := w.FreezeAll(context.Background(), api.Action{Verb: verb, Until: until, Actor: "ana", Reason: "holidays"})
		synctest.Wait()
		return err
	}
	inWorld(t, func(w *world) {
		w.objects("v2", 1, 1)
		w.has(20)
		end := time.Now().Add(time.Hour)
		if err := freeze(w, "freeze", &end); err != nil {
			t.Fatal(err)
		}
		if s := w.status(); s.Phase != api.PhasePaused || !strings.Contains(s.Message, "frozen until") || !strings.Contains(s.Message, "holidays") {
			t.Errorf("%s: %s", s.Phase, s.Message)
		}
		w.stop() // it outlives a restart
		w.fleet.keys = nil
		w.start()
		w.objects("v2", 1, 1)
		time.Sleep(time.Hour - 2*time.Second)
		w.has(20)
		time.Sleep(3 * time.Second)
		w.has(50)
		if err := freeze(w, "unfreeze", nil); !errors.Is(err, control.ErrNotApplicable) {
			t.Errorf("the end of no freeze: %v", err)
		}
		if err := freeze(w, "freeze", &end); !errors.Is(err, control.ErrNotApplicable) {
			t.Errorf("a freeze until the past: %v", err)
		}
		if err := freeze(w, "freeze", nil); err != nil {
			t.Fatal(err)
		}
		if err := w.act("promote"); !errors.Is(err, control.ErrNotApplicable) {
			t.Errorf("a promotion in a freeze: %v", err)
		}
		if err := freeze(w, "unfreeze", nil); err != nil {
			t.Fatal(err)
		}
		if err := w.act("promote"); err != nil {
			t.Fatal(err)
		}
		if s := w.status(); s.StableRS != "v2" {
			t.Errorf("%+v", s)
		}
	})
}

func TestPauseForRequests(t *testing.T) {
	inWorld(t, func(w *world) {
		text := strings.Replace(rolloutOf, "pause: {duration: 1m}", "pause: {requests: 100}", 1)
		w.files(map[string]string{"shop.yaml": objectsOf + slice("v1", 1) + slice("v2", 1) + fmt.Sprintf(text, "v2", "{}")})
		w.has(20)
		report := func(requests uint64) {
			time.Sleep(time.Second)
			w.Load(stats.Load{Node: "edge-1", Gateway: "default/edge", Received: time.Now(), Clusters: []stats.ClusterLoad{
				{Cluster: "default/shop/80/v2", Interval: time.Second, Issued: requests, Success: requests}}})
		}
		report(99)
		w.has(20)
		report(1)
		w.has(50)
	})
}

// Requests that a header route sent to the canary are no sample of anything.
func TestHeaderRoutedFailuresAreNoEvidence(t *testing.T) {
	inWorld(t, func(w *world) {
		w.objects("v2", 1, 1)
		w.route = snapshot.ManagedPrefix + "default/shop/0/header"
		w.fails("v2", "v2", "v2", "v2", "v2", "v2", "v2", "v2", "v2")
		w.has(20)
	})
}

func TestManagedRoutes(t *testing.T) {
	inWorld(t, func(w *world) {
		text := strings.Replace(rolloutOf, "steps: [", "trafficRouting: {managedRoutes: [{name: inside}]}, steps: ["+
			"{setHeaderRoute: {name: inside, match: [{headerName: x-inside, headerValue: {exact: \"yes\"}}]}}, ", 1)
		w.files(map[string]string{"shop.yaml": objectsOf + slice("v1", 1) + slice("v2", 1) + fmt.Sprintf(text, "v2", "{}")})
		w.has(20)
		if !w.fleet.routeHas("x-inside") {
			t.Error("the fleet has no header route")
		}
		if err := w.act("abort"); err != nil {
			t.Fatal(err)
		}
		if w.fleet.routeHas("x-inside") {
			t.Error("the header route outlived the abort")
		}
	})
}
