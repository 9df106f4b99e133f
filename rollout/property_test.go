package rollout_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/serin-mesh/serin/rollout"
)

// history is a random life of one Rollout: versions and steps change, people
// act, the fleet and the endpoints come and go, time passes.
type history struct {
	spec    rollout.Spec
	state   rollout.State
	now     time.Time
	journal []rollout.Record
	told    rollout.BesideSeen // last, of the check under way
}

func (h *history) event(t *rapid.T) rollout.Event {
	switch rapid.IntRange(0, 18).Draw(t, "event") {
	case 15:
		return rollout.Checked{Run: h.run(t), Outcome: rapid.SampledFrom([]rollout.Outcome{rollout.Passed, rollout.Failed, rollout.Inconclusive}).Draw(t, "outcome")}
	case 16, 17:
		return rollout.BesideSeen{Run: h.run(t), Parts: parts().Draw(t, "parts")}
	case 12, 13:
		return h.pods(t)
	case 10:
		return rollout.Counted{Attempt: h.state.Attempt, Requests: h.state.In.Requests + uint64(rapid.IntRange(0, 100).Draw(t, "requests"))}
	case 11:
		if h.spec.Frozen = nil; rapid.Bool().Draw(t, "frozen") {
			h.spec.Frozen = &rollout.Freeze{}
		}
		return rollout.Thawed{}
	case 0:
		h.spec.Version = rapid.SampledFrom([]string{"v1", "v2", "v3"}).Draw(t, "version")
		return rollout.SpecSeen{}
	case 1:
		if rapid.IntRange(0, 3).Draw(t, "edit") == 0 {
			h.spec.Steps = steps().Draw(t, "steps")
			h.spec.Paused = rapid.Bool().Draw(t, "paused")
		}
		return rollout.SpecSeen{}
	case 2:
		return rollout.EndpointsSeen{Canary: rapid.IntRange(0, 2).Draw(t, "canary"), Stable: 1}
	case 3:
		return rollout.HarmFound{Attempt: uint64(rapid.IntRange(0, int(h.state.Attempt)).Draw(t, "attempt")), Message: "harm"}
	case 4:
		if rapid.IntRange(0, 9).Draw(t, "gone") == 0 {
			return rollout.SpecGone{}
		}
		return rollout.Ticked{}
	case 5:
		return rollout.Acted{Action: action().Draw(t, "action")}
	case 6:
		h.now = h.now.Add(time.Duration(rapid.IntRange(0, 100).Draw(t, "seconds")) * time.Second)
		return rollout.Ticked{}
	}
	return rollout.FleetSeen{Fleet: h.fleet(t)}
}

// run is the check of the step that waits, or of the attempt before it.
func (h *history) run(t *rapid.T) rollout.Run {
	run := rollout.Run{Attempt: h.state.Attempt, Step: h.state.Step, At: h.now}
	if runs := rollout.Runs(h.spec, h.state); len(runs) > 0 {
		run = runs[0].Run
	}
	if rapid.IntRange(0, 5).Draw(t, "old") == 0 {
		run.Attempt--
	}
	return run
}

// parts are what versions are to have beside a canary, in any order.
func parts() *rapid.Generator[[]rollout.Part] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) rollout.Part {
		return rollout.Part{Version: rapid.SampledFrom([]string{"v1", "v2", "v3", "e1", "e2", ""}).Draw(t, "beside"),
			Weight: rollout.Weight(rapid.SampledFrom([]uint32{0, 50_000, 100_000, 700_000}).Draw(t, "part"))}
	}), 0, 3)
}

// pods tells that the canary's pods are there, mostly for what is demanded.
func (h *history) pods(t *rapid.T) rollout.Event {
	p := rollout.Pods{Need: rollout.Demand(h.spec, h.state), Met: rapid.IntRange(0, 3).Draw(t, "met") > 0}
	if rapid.IntRange(0, 3).Draw(t, "other") == 0 {
		p.Need.Weight /= 2
	}
	return rollout.PodsSeen{Pods: p}
}

// fleet gives counts that hold together, mostly of the present generation.
func (h *history) fleet(t *rapid.T) rollout.Fleet {
	f := rollout.Fleet{Generation: h.state.Generation}
	if f.Generation > 0 && rapid.IntRange(0, 4).Draw(t, "late") == 0 {
		f.Generation--
	}
	f.Acked = rapid.IntRange(0, 2).Draw(t, "acked")
	if rapid.Bool().Draw(t, "trouble") {
		f.Waiting = rapid.IntRange(0, 1).Draw(t, "waiting")
		f.Rejected = rapid.IntRange(0, 1).Draw(t, "rejected")
		f.Away = rapid.IntRange(0, 1).Draw(t, "away")
	}
	f.Connected = f.Acked + f.Waiting + f.Rejected
	f.Settled = f.Waiting+f.Rejected+f.Away == 0 && rapid.Bool().Draw(t, "settled")
	return f
}

func action() *rapid.Generator[rollout.Action] {
	return rapid.Custom(func(t *rapid.T) rollout.Action {
		return rollout.Action{
			Verb: rapid.SampledFrom([]rollout.Verb{rollout.Promote, rollout.Pause, rollout.Resume,
				rollout.Abort, rollout.Retry, rollout.Rollback, rollout.FreezeIt, rollout.Unfreeze}).Draw(t, "verb"),
			Full:  rapid.Bool().Draw(t, "full"),
			To:    rapid.SampledFrom([]string{"", "v1", "v2"}).Draw(t, "to"),
			Ready: rapid.IntRange(0, 1).Draw(t, "ready"),
			Actor: "ana",
		}
	})
}

func steps() *rapid.Generator[[]rollout.StepSpec] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) rollout.StepSpec {
		switch rapid.IntRange(0, 8).Draw(t, "kind") {
		case 8:
			return rollout.StepSpec{Check: &rollout.Check{Name: "experiment", Timeout: time.Duration(rapid.IntRange(0, 1).Draw(t, "timeout")) * time.Minute}}
		case 7:
			return rollout.StepSpec{Scale: &rollout.Scale{By: rollout.ByReplicas, N: int32(rapid.IntRange(0, 2).Draw(t, "pods"))}}
		case 0, 1:
			return pause(time.Duration(rapid.IntRange(0, 2).Draw(t, "minutes")) * time.Minute)
		case 2:
			return rollout.StepSpec{Pause: &rollout.PauseSpec{Requests: uint64(rapid.IntRange(1, 100).Draw(t, "requests"))}}
		case 3:
			return rollout.StepSpec{SetRoute: &rollout.ManagedRoute{
				Name: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "route"), What: rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "what"),
				Order: rapid.IntRange(0, 1).Draw(t, "order")}}
		case 4:
			return rollout.StepSpec{Skip: "no meaning here"}
		}
		return setWeight(float64(rapid.IntRange(0, 100).Draw(t, "percent")))
	}), 0, 6)
}

// allowed is the most that the state's step permits: the last weight at or
// before it, everything once the steps are over or were skipped.
func allowed(h *history) rollout.Weight {
	s := h.state
	switch {
	case s.Stage == rollout.Completing:
		return rollout.Total
	case s.Stage != rollout.Stepping:
		return 0
	}
	var w rollout.Weight
	for i, st := range h.spec.Steps {
		if i <= s.Step && st.SetWeight != nil {
			w = *st.SetWeight
		}
	}
	return w
}

func TestInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := &history{now: t0, spec: rollout.Spec{Version: "v1", Steps: steps().Draw(t, "first steps"),
			Deadline: time.Duration(rapid.IntRange(0, 300).Draw(t, "deadline")) * time.Second, DeadlineAborts: rapid.Bool().Draw(t, "aborts"),
			FastWindow: rapid.IntRange(0, 2).Draw(t, "window"), Scaled: rapid.Bool().Draw(t, "scaled")}}
		h.play(t, rollout.SpecSeen{})
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			h.play(t, h.event(t))
		}
	})
}

// play plays an event and checks everything that always holds.
func (h *history) play(t *rapid.T, ev rollout.Event) {
	before := h.state
	next, eff, err := rollout.Step(h.spec, before, h.now, ev)
	if err != nil {
		if len(eff.Records) > 0 || eff.Publish != nil || cmp.Diff(before, next) != "" {
			t.Fatalf("a refused action did something: %v", err)
		}
		return
	}
	h.state = next
	h.journal = append(h.journal, eff.Records...)
	h.checkWeights(t)
	h.checkBeside(t, before, ev)
	h.checkRaise(t, before)
	h.checkAbort(t, before, ev, eff)
	h.checkKnown(t, before)
	h.checkReplay(t)
	if (eff.Publish != nil) != !before.Split().Equal(next.Split()) {
		t.Fatalf("published %v, split %+v -> %+v", eff.Publish, before.Split(), next.Split())
	}
	if next.Generation < before.Generation {
		t.Fatalf("the generation went back from %d to %d", before.Generation, next.Generation)
	}
}

func (h *history) checkWeights(t *rapid.T) {
	split := h.state.Split()
	if split.Weight > rollout.Total || split.Canary == "" && split.Weight != 0 {
		t.Fatalf("weights do not sum to the total: %+v", split)
	}
	var given rollout.Weight
	for _, p := range split.Beside {
		given += p.Weight
	}
	if split.Weight+given+split.Rest() != rollout.Total || split.Weight+given > rollout.Total {
		t.Fatalf("weights do not sum to the total: %+v, the rest is %s", split, split.Rest())
	}
	if split.Canary == split.Stable {
		t.Fatalf("a version is canary and stable: %+v", split)
	}
	if limit := allowed(h); split.Weight > limit {
		t.Fatalf("weight %s above the %s that step %d of stage %s allows", split.Weight, limit, h.state.Step, h.state.Stage)
	}
}

// checkRaise: a weight goes up only with a serving canary and an acked fleet.
func (h *history) checkRaise(t *rapid.T, before rollout.State) {
	from, to := before.Split(), h.state.Split()
	more := to.Weight > from.Weight
	for _, p := range to.Beside {
		more = more || p.Weight > beside(from, p.Version)
	}
	for _, r := range to.Routes {
		more = more || !slices.Contains(from.Routes, r)
	}
	if from.Canary != to.Canary || !more {
		return
	}
	f := h.state.In.Fleet
	served := h.state.In.Canary > 0 || h.spec.Scaled && to.Weight == 0 && len(to.Routes) == 0
	if !served || f.Acked == 0 || f.Waiting+f.Rejected+f.Away > 0 || f.Generation != before.Generation {
		t.Fatalf("%s -> %s with %d endpoints and fleet %+v of generation %d", from.Weight, to.Weight, h.state.In.Canary, f, before.Generation)
	}
	// What a canary had before its endpoints went may come back without its pods.
	if p := h.state.In.Pods; h.spec.Scaled && to.Weight > from.Weight && !before.Withheld && (!p.Met || p.Need.Weight < to.Weight) {
		t.Fatalf("%s -> %s with pods %+v", from.Weight, to.Weight, p)
	}
	if h.spec.Paused || h.state.UserPausedAt != nil || h.spec.Frozen != nil || h.state.Frozen != nil && h.state.Frozen.Until == nil {
		t.Fatalf("%s -> %s while paused", from.Weight, to.Weight)
	}
}

// checkAbort: an abort takes all weight in its own effects, and stays.
func (h *history) checkAbort(t *rapid.T, before rollout.State, ev rollout.Event, eff rollout.Effects) {
	aborted := slices.ContainsFunc(eff.Records, func(r rollout.Record) bool { return r.Kind == rollout.AbortedKind })
	if to := h.state.Split(); aborted && (to.Weight != 0 || len(to.Routes) != 0 || len(to.Beside) != 0) {
		t.Fatalf("an abort leaves traffic: %+v", to)
	}
	if aborted && before.Split().Weight > 0 && (eff.Publish == nil || eff.Publish.Weight != 0) {
		t.Fatalf("an abort at %s published %v", before.Split().Weight, eff.Publish)
	}
	if before.Stage != rollout.Aborted || h.state.Stage == rollout.Aborted {
		return
	}
	switch ev := ev.(type) {
	case rollout.Acted:
		if ev.Action.Verb == rollout.Retry || ev.Action.Verb == rollout.Rollback {
			return
		}
	case rollout.SpecSeen:
		if before.Version != h.spec.Version {
			return
		}
	case rollout.SpecGone:
		return
	}
	t.Fatalf("%T undid an abort", ev)
}

// checkKnown: a version leaves the split only when the fleet had settled.
func (h *history) checkKnown(t *rapid.T, before rollout.State) {
	known := func(s rollout.Split) []string {
		out := append([]string{s.Stable, s.Canary}, s.Retired...)
		for _, p := range s.Beside {
			out = append(out, p.Version)
		}
		return out
	}
	now := known(h.state.Split())
	for _, v := range known(before.Split()) {
		settled := h.state.In.Fleet.Settled
		if v != "" && !slices.Contains(now, v) && !settled {
			t.Fatalf("%s was dropped before the fleet settled: %+v -> %+v", v, before.Split(), h.state.Split())
		}
	}
	mixes := append([]rollout.Mix{h.state.Split().Mix()}, h.state.Former...)
	for _, m := range append([]rollout.Mix{before.Split().Mix()}, before.Former...) {
		there := slices.ContainsFunc(mixes, func(o rollout.Mix) bool { return cmp.Equal(m, o) })
		if len(m.Beside) > 0 && !there && !h.state.In.Fleet.Settled {
			t.Fatalf("the route of %+v was dropped before the fleet settled: %+v -> %+v", m, before.Split(), h.state.Split())
		}
	}
}

// beside is the weight of a version beside the canary.
func beside(s rollout.Split, version string) rollout.Weight {
	for _, p := range s.Beside {
		if p.Version == version {
			return p.Weight
		}
	}
	return 0
}

// checkBeside: beside the canary there is traffic only while the check of a step
// waits, for no version more than was told for that check, and what was told is
// taken away at once where it is less.
func (h *history) checkBeside(t *rapid.T, before rollout.State, ev rollout.Event) {
	if ev, ok := ev.(rollout.BesideSeen); ok {
		for _, w := range rollout.Runs(h.spec, before) {
			if !w.Beside && w.Run == ev.Run {
				h.told = ev
			}
		}
	}
	split := h.state.Split()
	if !slices.IsSortedFunc(split.Beside, func(a, b rollout.Part) int { return strings.Compare(a.Version, b.Version) }) {
		t.Fatalf("not sorted: %+v", split.Beside)
	}
	for i, m := range append([]rollout.Mix{split.Mix()}, split.Former...) {
		if slices.ContainsFunc(split.Former[min(i, len(split.Former)):], func(o rollout.Mix) bool { return cmp.Equal(m, o) }) {
			t.Fatalf("%+v is former and in use, or twice: %+v", m, split)
		}
	}
	if len(split.Beside) == 0 {
		return
	}
	runs := rollout.Runs(h.spec, h.state)
	if len(runs) == 0 || runs[0].Beside || runs[0].Run != h.told.Run {
		t.Fatalf("%+v while %+v waits, and %+v was told", split, runs, h.told)
	}
	for _, p := range split.Beside {
		var most rollout.Weight
		for _, told := range h.told.Parts {
			if told.Version == p.Version {
				most = max(most, told.Weight)
			}
		}
		if p.Weight == 0 || p.Weight > most || p.Version == split.Stable || p.Version == split.Canary || slices.Contains(split.Retired, p.Version) {
			t.Fatalf("%+v in %+v, told was %+v", p, split, h.told)
		}
	}
}

// checkReplay: the journal, through its encoding, gives the state again, and so
// does the state's own encoding.
func (h *history) checkReplay(t *rapid.T) {
	var replayed rollout.State
	for _, r := range h.journal {
		data, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var back rollout.Record
		if err := json.Unmarshal(data, &back); err != nil {
			t.Fatal(err)
		}
		replayed = replayed.Apply(back)
	}
	want := h.state
	want.In, replayed.In = rollout.Input{}, rollout.Input{}
	if diff := cmp.Diff(want, replayed); diff != "" {
		t.Fatalf("replayed journal (-state +replayed):\n%s", diff)
	}
}

func FuzzApply(f *testing.F) {
	f.Add([]byte(`[{"kind":"FirstVersion","version":"v1"},{"kind":"CanaryStarted","version":"v2"},{"kind":"Aborted"}]`))
	f.Add([]byte(`[{"kind":"FirstVersion","version":"v1"},{"kind":"CanaryStarted","version":"v2"},{"kind":"Prepared"},{"kind":"CheckStarted"},` +
		`{"kind":"BesideSet","parts":[{"version":"e1","weight":50000},{"version":"v2","weight":1}]},{"kind":"CanaryStarted","version":"e1"},{"kind":"Settled"}]`))
	f.Add([]byte(`[{"kind":"Promoted"},{"kind":"Settled"},{"kind":"RolledBack","version":""}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var records []rollout.Record
		if json.Unmarshal(data, &records) != nil {
			return
		}
		var s rollout.State
		for _, r := range records {
			generation := s.Generation
			s = s.Apply(r)
			if s.Generation < generation && r.Kind != rollout.FirstVersion {
				t.Fatalf("%s: generation %d -> %d", r.Kind, generation, s.Generation)
			}
			_ = s.Message(rollout.Spec{})
		}
	})
}
