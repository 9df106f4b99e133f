package sim

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/rollout"
)

// This file proves the model that the histories are played in:
//
//  1. What an Envoy does with requests follows from its route and its keys.
//  2. A route goes out when clusters and keys were accepted; a cluster leaves
//     when no route has named it for the time of the drain.
//  3. What was rejected is not sent again, and counts until the Envoy is mended.
//  4. Who does not answer, or is gone, is waited for and then is not.
//  5. A crash loses what was not committed, and nothing else.

// played is a world after some events.
func played(t *testing.T, lines ...string) *world {
	t.Helper()
	w := newWorld()
	w.plays(t, lines...)
	return w
}

func (w *world) plays(t *testing.T, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if err := w.do(line); err != nil {
			t.Fatal(err)
		}
		if w.violation != nil {
			t.Fatalf("%s: %v", line, w.violation)
		}
	}
}

// halfway is a rollout at 20%, at e1 and e2.
func halfway(t *testing.T) *world {
	t.Helper()
	return played(t, "steps 20 pause", "want v1", "connect e1", "connect e2", "endpoints v2 1", "round", "want v2", "round", "round")
}

func TestTraffic(t *testing.T) {
	split := func(stable, canary string, percent rollout.Weight, retired ...string) *table {
		return &table{rollout.Split{Stable: stable, Canary: canary, Weight: percent * 10_000, Retired: retired}}
	}
	// of v1, which is stable, with v3 and v4 beside v2.
	mixed := func(former []rollout.Mix, parts ...rollout.Weight) *table {
		t := split("v1", "v2", 20)
		t.Former = former
		for i, percent := range parts {
			v := []string{"v3", "v4"}[i]
			if percent > 0 {
				t.Beside = append(t.Beside, rollout.Part{Version: v, Weight: percent * 10_000})
			} else {
				t.Retired = append(t.Retired, v)
			}
		}
		return t
	}
	both := []rollout.Mix{{Canary: "v2", Beside: []string{"v3", "v4"}}}
	mixedRoute := &route{stable: "v1", canary: "v2", beside: "v3 v4"}
	type weights map[string]rollout.Weight // percent
	tests := map[string]struct {
		route *route
		keys  *table
		want  weights
	}{
		"nothing yet":                   {nil, nil, weights{}},
		"a plain route":                 {&route{stable: "v1"}, split("v1", "v2", 20), weights{"v1": 100}},
		"no keys":                       {&route{stable: "v1", canary: "v2"}, nil, weights{"v1": 100, "v2": 0}},
		"the layer is empty":            {&route{stable: "v1", canary: "v2"}, &table{}, weights{"v1": 100, "v2": 0}},
		"the present canary":            {&route{stable: "v1", canary: "v2"}, split("v1", "v2", 20), weights{"v1": 80, "v2": 20}},
		"the canary is stable by now":   {&route{stable: "v1", canary: "v2"}, split("v2", "", 0, "v1"), weights{"v1": 0, "v2": 100}},
		"and another is under way":      {&route{stable: "v1", canary: "v2"}, split("v2", "v3", 50, "v1"), weights{"v1": 0, "v2": 100}},
		"the canary has left":           {&route{stable: "v1", canary: "v2"}, split("v1", "v3", 50, "v2"), weights{"v1": 100, "v2": 0}},
		"the roles have changed":        {&route{stable: "v1", canary: "v2"}, split("v2", "v1", 30), weights{"v1": 0, "v2": 100}},
		"another stable version beside": {&route{stable: "v1", canary: "v2"}, split("v3", "v2", 20, "v1"), weights{"v1": 80, "v2": 20}},
		"two beside the canary":         {mixedRoute, mixed(nil, 5, 10), weights{"v1": 65, "v2": 20, "v3": 5, "v4": 10}},
		"and a route without them":      {&route{stable: "v1", canary: "v2"}, mixed(nil, 5, 10), weights{"v1": 80, "v2": 20}},
		"one of them has left":          {mixedRoute, mixed(both, 5, 0), weights{"v1": 75, "v2": 20, "v3": 5, "v4": 0}},
		"both have":                     {mixedRoute, mixed(both, 0, 0), weights{"v1": 80, "v2": 20, "v3": 0, "v4": 0}},
		"and nobody remembers":          {mixedRoute, mixed(nil, 0, 0), weights{"v1": 100, "v2": 0, "v3": 0, "v4": 0}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := &envoy{route: tt.route, keys: tt.keys}
			got := weights{}
			for v, w := range e.traffic() {
				got[v] = w / 10_000
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestARouteWaitsForWhatItRestsOn(t *testing.T) {
	w := played(t, "want v1", "store", "connect e1", "exchange e1", "want v2")
	e := w.envoys[0]
	if w.send(e, ofRoute) {
		t.Fatal("the route was sent before clusters and keys")
	}
	w.plays(t, "send e1 clusters", "take e1 clusters", "hear e1 clusters")
	if w.send(e, ofRoute) {
		t.Fatal("the route was sent before the keys")
	}
	w.plays(t, "send e1 keys", "take e1 config")
	if w.send(e, ofRoute) {
		t.Fatal("the route was sent before the keys were accepted")
	}
	w.plays(t, "hear e1 config")
	if !w.send(e, ofRoute) {
		t.Fatal("the route was not sent")
	}
	if w.send(e, ofRoute) {
		t.Fatal("the route was sent twice")
	}
}

func TestAClusterLeavesAfterTheDrain(t *testing.T) {
	w := halfway(t)
	w.plays(t, "want v1", "round")
	for _, d := range []string{"1s", "13s"} {
		w.plays(t, "pass "+d, "exchange e1")
		if got := w.envoys[0].clusters; got != setOf("v1", "v2") {
			t.Fatalf("clusters %s before the drain is over", got)
		}
	}
	w.plays(t, "pass 1s", "exchange e1")
	if got := w.envoys[0].clusters; got != setOf("v1") {
		t.Errorf("clusters %s after the drain", got)
	}
}

func TestARejectionIsNotSentAgain(t *testing.T) {
	w := halfway(t)
	w.plays(t, "promote", "store", "send e1 keys", "refuse e1 config", "hear e1 config", "exchange e2", "fleet")
	want := rollout.Fleet{Generation: w.ctl.publishedGen, Connected: 2, Acked: 1, Rejected: 1}
	if diff := cmp.Diff(want, w.ctl.state.In.Fleet); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	if w.send(w.envoys[0], ofKeys) {
		t.Error("the rejected keys were sent again")
	}
	if share := w.envoys[0].traffic()["v2"]; share != 200_000 {
		t.Errorf("e1 gives the canary %s, want the 20%% that it had", share)
	}
	w.plays(t, "leave e1", "connect e1", "exchange e1", "fleet")
	if f := w.ctl.state.In.Fleet; f.Rejected != 0 {
		t.Errorf("after it was mended: %+v", f)
	}
}

func TestWhoIsWaitedFor(t *testing.T) {
	w := halfway(t)
	w.plays(t, "leave e2", "abort")
	tests := []struct {
		event string
		want  rollout.Fleet
	}{
		{"tick", rollout.Fleet{Connected: 1, Waiting: 1, Away: 1}},
		{"pass 9s", rollout.Fleet{Connected: 1, Waiting: 1, Away: 1}},
		{"pass 1s", rollout.Fleet{Connected: 1, Quarantined: 1, Away: 1}},
		{"exchange e1", rollout.Fleet{Connected: 1, Acked: 1, Away: 1}},
		{"pass 5s", rollout.Fleet{Connected: 1, Acked: 1, Quarantined: 1, Settled: true}},
		{"connect e2", rollout.Fleet{Connected: 2, Acked: 1, Waiting: 1}},
		{"exchange e2", rollout.Fleet{Connected: 2, Acked: 2, Settled: true}},
		{"leave e1", rollout.Fleet{Connected: 1, Acked: 1, Away: 1}},
		{"pass 1h", rollout.Fleet{Connected: 1, Acked: 1, Settled: true}},
	}
	for _, tt := range tests {
		w.plays(t, tt.event, "fleet")
		tt.want.Generation = w.ctl.publishedGen
		if diff := cmp.Diff(tt.want, w.ctl.state.In.Fleet); diff != "" {
			t.Errorf("after %s (-want +got):\n%s", tt.event, diff)
		}
	}
}

func TestARaiseWaitsForTheStore(t *testing.T) {
	w := played(t, "steps 20 pause", "want v1", "connect e1", "endpoints v2 1", "round", "want v2", "exchange e1", "fleet")
	if w.ctl.state.Weight != 200_000 || w.ctl.published.Weight != 0 {
		t.Fatalf("wanted %s, published %s: want 20%% and 0%%", w.ctl.state.Weight, w.ctl.published.Weight)
	}
	w.plays(t, "commit 1", "stored") // of the version before
	if w.ctl.published.Weight != 0 {
		t.Fatal("published before it was stored")
	}
	w.plays(t, "store")
	if w.ctl.published.Weight != 200_000 {
		t.Fatalf("published %s when stored", w.ctl.published.Weight)
	}
	w.plays(t, "exchange e1", "abort")
	if w.ctl.published.Weight != 0 {
		t.Error("the abort waits for the store")
	}
}

func TestACrashKeepsWhatWasCommitted(t *testing.T) {
	w := halfway(t)
	w.plays(t, "abort", "crash", "start")
	if s := w.ctl.state; s.Stage != rollout.Stepping || w.ctl.published.Weight != 200_000 {
		t.Errorf("an abort that was not stored: stage %s, %s", s.Stage, w.ctl.published.Weight)
	}
	w.plays(t, "connect e1", "abort", "commit 1", "crash", "pass 1h", "start", "exchange e1", "fleet")
	if s := w.ctl.state; s.Stage != rollout.Aborted || w.ctl.published.Weight != 0 {
		t.Errorf("an abort that was stored: stage %s, %s", s.Stage, w.ctl.published.Weight)
	}
}

func TestTimeAndClock(t *testing.T) {
	w := newWorld()
	w.plays(t, "pass 1m", "jump -1h")
	if want := epoch.Add(-59 * time.Minute); !w.wall.Equal(want) || w.mono != time.Minute {
		t.Errorf("clock %s, passed %s; want %s and 1m", w.wall, w.mono, want)
	}
}

// TestInvariantsCanFail breaks a world by hand in each way.
func TestInvariantsCanFail(t *testing.T) {
	later := &table{rollout.Split{Stable: "v1", Canary: "v2", Weight: 500_000}}
	tests := map[string]func(*world){
		"weightWithinStep":       func(w *world) { w.ctl.state.Weight = 300_000 },
		"besideIsAsked":          func(w *world) { w.ctl.state.Beside = []rollout.Part{{Version: "v3", Weight: 1}} },
		"trafficWithinPublished": func(w *world) { w.envoys[0].keys = later },
		"trafficWithinStored": func(w *world) {
			w.publications[1].split.Weight = 500_000
			w.envoys[0].keys, w.envoys[0].keysSeq = later, 1
		},
		"abortedGetsNothing":  func(w *world) { w.ctl.state.Stage, w.ctl.state.Weight = rollout.Aborted, 0 },
		"usedClustersExist":   func(w *world) { w.envoys[0].route = &route{stable: "v3"} },
		"routesAreWhole":      func(w *world) { w.envoys[0].clusters = setOf("v2") },
		"keysServeRoutes":     func(w *world) { w.envoys[0].route.beside = "v3" },
		"ackedIsTrue":         func(w *world) { w.envoys[0].keys = &table{rollout.Split{Stable: "v1"}} },
		"journalReplays":      func(w *world) { w.ctl.replayed.Attempt++; w.ctl.folded = true },
		"loweringsAreVisible": func(w *world) { w.ctl.state.Weight-- },
		"emptyGetsNothing":    func(w *world) { w.ctl.state.In.Canary = 0 },
		"statusIsState":       func(w *world) { w.ctl.state.PausedAt, w.spec.Steps = &w.wall, w.spec.Steps[:1] },
	}
	for _, inv := range worldInvariants {
		t.Run(inv.Name, func(t *testing.T) {
			w := halfway(t)
			tests[inv.Name](w)
			if err := inv.check(w); err == nil {
				t.Error("it holds in a world that is broken")
			}
		})
	}
}

// TestTurnInvariantsCanFail gives each a turn that the machine must not take.
func TestTurnInvariantsCanFail(t *testing.T) {
	w := halfway(t)
	s := w.ctl.state
	aborted, raised, next := s.Apply(rollout.Record{Kind: rollout.AbortedKind}), s, s
	raised.Weight, next.Step = 500_000, 2
	w.spec.Background = &rollout.Background{Name: "beside"}
	asked := s.Apply(rollout.Record{Kind: rollout.CheckStarted, Beside: true})
	tests := map[string]turn{
		"refusalsDoNothing":   {event: rollout.Ticked{}, before: s, after: s, refused: rollout.ErrNotApplicable},
		"advancesHaveReasons": {event: rollout.Ticked{}, before: s, after: next, effects: rollout.Effects{Records: []rollout.Record{{Kind: rollout.StepCompleted, Step: 2}}}},
		"abortTakesAll":       {event: rollout.Ticked{}, before: s, after: aborted, effects: rollout.Effects{Records: []rollout.Record{{Kind: rollout.AbortedKind}}}},
		"abortStays":          {event: rollout.Ticked{}, before: aborted, after: s},
		"harmIsHeard":         {event: rollout.HarmFound{Attempt: s.Attempt}, before: s, after: s},
		"answersAreHeard":     {event: rollout.Checked{Run: rollout.Run{Attempt: s.Attempt, Beside: true, At: asked.Background.At}, Outcome: rollout.Failed}, before: asked, after: asked},
		"publishesChanges":    {event: rollout.Ticked{}, before: s, after: raised},
		"quiet":               {event: rollout.Ticked{}, before: s, after: next},
	}
	for _, inv := range turnInvariants {
		t.Run(inv.Name, func(t *testing.T) {
			if err := inv.check(w, tests[inv.Name]); err == nil {
				t.Error("it holds for a turn that must not be")
			}
		})
	}
}

func TestHandsThatMustNotBe(t *testing.T) {
	for name, broken := range map[string]func(*world){
		"visibleIsStored":   func(w *world) { w.ctl.state.Weight = 500_000; w.hand() },
		"crashAllowsNoMore": func(w *world) { w.ctl.state.Weight, w.ctl.publishedGen = 500_000, 0; w.hand() },
		"ends":              func(w *world) { w.ctl.state.Stage = rollout.Idle; _ = w.checkEnd() },
		"noPanic":           func(w *world) { w.envoys = nil; _ = w.guarded("connect e1") },
	} {
		w := halfway(t)
		broken(w)
		if w.violation == nil || w.violation.Invariant != name {
			t.Errorf("%s: violation %v", name, w.violation)
		}
	}
}

// TestAFailureIsCutDownToWhatItNeeds adds an event that breaks things.
func TestAFailureIsCutDownToWhatItNeeds(t *testing.T) {
	ops["break"] = func(w *world, _ []string) error {
		if w.ctl.state.Attempt > 0 {
			w.fail("quiet", rollout.ErrNotApplicable)
		}
		return nil
	}
	defer delete(ops, "break")
	s := Script{Events: []string{"tick", "want v1", "round", "connect e1", "break", "want v2", "round", "crash", "start", "tick", "break", "tick"}}
	got := strings.Join(shrink(s, "quiet").Events, ", ")
	if want := "want v1, want v2, break"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
