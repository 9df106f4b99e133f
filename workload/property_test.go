package workload

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/serin-mesh/serin/rollout"
)

// weights are drawn in quarters, so that they meet.
func drawWeight(t *rapid.T, name string) rollout.Weight {
	return rollout.Weight(rapid.Uint32Range(0, 4).Draw(t, name)) * rollout.Total / 4
}

func drawTerms(t *rapid.T) terms {
	delay := rapid.SampledFrom([]*time.Duration{nil, sec(0), sec(30)})
	return terms{
		replicas: rapid.Int32Range(0, 12).Draw(t, "replicas"), minPods: rapid.Int32Range(0, 4).Draw(t, "minPods"),
		dynamic: rapid.Bool().Draw(t, "dynamic"), paused: rapid.Bool().Draw(t, "paused"),
		delay: delay.Draw(t, "delay"), abortDelay: delay.Draw(t, "abortDelay"),
		delayed: rapid.IntRange(-1, 2).Draw(t, "delayed"), history: rapid.IntRange(0, 3).Draw(t, "history"),
	}
}

// drawWanted draws what may be wanted for versions v1 to v5.
func drawWanted(t *rapid.T, versions []string) Wanted {
	one := rapid.SampledFrom(versions)
	w := Wanted{Stable: one.Draw(t, "stable"), AtLeast: drawWeight(t, "atLeast"), AtMost: drawWeight(t, "atMost"),
		Busy: rapid.SliceOfDistinct(one, rapid.ID).Draw(t, "busy")}
	w.Version = w.Stable
	if rapid.Bool().Draw(t, "another version") {
		w.Version = one.Draw(t, "version")
	}
	switch {
	case w.Version == w.Stable:
	case rapid.Bool().Draw(t, "a canary"):
		by := rapid.SampledFrom([]rollout.ScaleBy{rollout.ByTraffic, rollout.ByReplicas, rollout.ByWeight}).Draw(t, "by")
		w.Canary = scaled(w.Version, drawWeight(t, "weight"), by, rapid.Int32Range(0, 100).Draw(t, "n"))
	default:
		w.Aborted = ago(time.Duration(rapid.Int64Range(0, 60).Draw(t, "aborted")) * time.Second)
	}
	if rapid.Bool().Draw(t, "promoted") {
		w.Promoted = ago(time.Duration(rapid.Int64Range(0, 60).Draw(t, "promotedAt")) * time.Second)
	}
	return w
}

func drawSets(t *rapid.T) (sets []set, versions []string) {
	for i := range rapid.IntRange(1, 5).Draw(t, "sets") {
		s := rs(fmt.Sprintf("v%d", i+1), rapid.Int32Range(0, 12).Draw(t, "size"))
		s.available = rapid.Int32Range(0, s.have).Draw(t, "available")
		s.seen = rapid.Bool().Draw(t, "seen")
		sets, versions = append(sets, s), append(versions, s.version)
	}
	return sets, versions
}

// perform does some of a plan, as a crash half way would leave it.
func perform(t *rapid.T, sets []set, p plan, all bool) []set {
	out := slices.Clone(sets)
	for i := range out {
		if n, ok := p.replicas[out[i].name]; ok && (all || rapid.Bool().Draw(t, "done")) {
			out[i].replicas, out[i].seen = n, false
		}
	}
	return slices.DeleteFunc(out, func(s set) bool { return slices.Contains(p.remove, s.name) && (all || rapid.Bool().Draw(t, "removed")) })
}

// settle has the pods follow.
func settle(sets []set) {
	for i := range sets {
		n := sets[i].replicas
		sets[i].have, sets[i].ready, sets[i].available, sets[i].seen = n, n, n, true
	}
}

// TestPlanHolds: from any state and for any demand, whatever part of the plans is
// done, no version that is in use loses pods that it must not, and the stable one
// never is below what it may be; done to the end, the plan is fulfilled and asks
// for nothing more.
func TestPlanHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sets, versions := drawSets(t)
		v := view{terms: drawTerms(t), Wanted: drawWanted(t, versions), sets: sets, now: noon}
		v.asked = v.Version
		for range rapid.IntRange(0, 5).Draw(t, "rounds") {
			p := makePlan(v)
			after := perform(t, v.sets, p, false)
			checkStep(t, v, after)
			v.sets = after
			if rapid.Bool().Draw(t, "pods follow") {
				settle(v.sets)
			}
		}
		for range 3 {
			after := perform(t, v.sets, makePlan(v), true)
			checkStep(t, v, after)
			v.sets = after
			settle(v.sets)
		}
		if p := makePlan(v); len(p.replicas) > 0 || len(p.remove) > 0 {
			t.Fatalf("it never ends: %+v of %+v", p, v.sets)
		}
		checkEnd(t, v)
	})
}

// checkStep says what a step must not do.
func checkStep(t *rapid.T, v view, after []set) {
	for _, b := range v.sets {
		a, there := of(after, b.version)
		busy := slices.Contains(v.Busy, b.version)
		switch {
		case !there && (b.replicas > 0 || b.have > 0 || busy || b.version == v.Stable || b.version == v.Version):
			t.Fatalf("%s was removed: %+v", b.version, b)
		case !there || a.replicas >= b.replicas:
		case b.version == v.Stable:
			left := v.terms.replicas
			if v.dynamic && v.Canary.Version != "" {
				left = part(v.terms.replicas, rollout.Total-min(v.AtLeast, v.Canary.Weight))
			}
			if a.replicas < left {
				t.Fatalf("stable %s went from %d to %d, and may not be below %d", b.version, b.replicas, a.replicas, left)
			}
		case b.version == v.Canary.Version:
			if used := part(v.terms.replicas, v.AtMost); busy && v.Canary.Scale.By == rollout.ByTraffic && (a.replicas < used || v.AtMost == 0) {
				t.Fatalf("canary %s went from %d to %d, and up to %s may be sent to it", b.version, b.replicas, a.replicas, v.AtMost)
			}
		case busy:
			t.Fatalf("%s is in use and went from %d to %d", b.version, b.replicas, a.replicas)
		}
	}
}

// checkEnd says what holds when there is nothing left to do.
func checkEnd(t *rapid.T, v view) {
	if s, ok := of(v.sets, v.Stable); !ok || s.replicas < min(1, v.terms.replicas) || !v.dynamic && s.replicas != v.terms.replicas {
		t.Fatalf("stable ends as %+v", s)
	}
	if s, ok := of(v.sets, v.Canary.Version); ok {
		if p := v.pods(); !p.Met && (!v.paused || s.replicas > 0) {
			t.Fatalf("the canary ends as %+v, said to be %+v", s, p)
		}
	}
	p := makePlan(v)
	for _, s := range v.sets {
		old := s.version != v.Stable && s.version != v.Canary.Version
		kept := slices.Contains(v.Busy, s.version) || !p.next.IsZero() || v.abortDelay != nil && *v.abortDelay == 0 && v.Aborted != nil
		if old && s.replicas > 0 && !kept {
			t.Fatalf("%s keeps %d pods for no reason", s.version, s.replicas)
		}
	}
}

// TestDelaysEnd: when the time that a plan names has come, it asks for more, or
// names a later one.
func TestDelaysEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sets, versions := drawSets(t)
		v := view{terms: drawTerms(t), Wanted: drawWanted(t, versions), sets: sets, now: noon}
		v.asked = v.Version
		for range 5 {
			v.sets = perform(t, v.sets, makePlan(v), true)
			settle(v.sets)
			p := makePlan(v)
			if p.next.IsZero() {
				return
			}
			v.now = p.next
			if q := makePlan(v); len(q.replicas) == 0 && !q.next.After(p.next) {
				t.Fatalf("at %v nothing comes of %+v", p.next, v.sets)
			}
		}
		t.Fatalf("delays never end")
	})
}
