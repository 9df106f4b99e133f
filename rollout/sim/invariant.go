package sim

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/serin-mesh/serin/rollout"
)

// Invariant is something that always holds.
type Invariant struct {
	Name string // as a Violation names it
	Says string // in one sentence
}

// worldInvariants are checked after every event.
var worldInvariants = []struct {
	Invariant
	check func(*world) error
}{
	{Invariant{"weightWithinStep", "The weight wanted is never above what the step in force allows, nor is there a managed route that no step has made."}, weightWithinStep},
	{Invariant{"trafficWithinPublished", "No Envoy gives a canary more than the most that was published since what it has accepted."}, trafficWithinPublished},
	{Invariant{"trafficWithinStored", "No Envoy gives a canary more than the most that the store has allowed since."}, trafficWithinStored},
	{Invariant{"abortedGetsNothing", "An aborted version has weight 0 on the wire, and 0 requests at each Envoy that has accepted that."}, abortedGetsNothing},
	{Invariant{"emptyGetsNothing", "A canary that is known to have no endpoint is wanted no traffic."}, emptyGetsNothing},
	{Invariant{"usedClustersExist", "A version that an Envoy may still use is named in what is published."}, usedClustersExist},
	{Invariant{"routesAreWhole", "No route names a cluster that its Envoy lacks, and the weights that it reads sum to the total, unless nobody had to wait for the Envoy."}, routesAreWhole},
	{Invariant{"ackedIsTrue", "An Envoy that counts as acked does with requests exactly what is published."}, ackedIsTrue},
	{Invariant{"journalReplays", "The journal, folded, gives the state."}, journalReplays},
	{Invariant{"statusIsState", "Phase, pauses and message say what the state is."}, statusIsState},
}

func (w *world) check() {
	for _, inv := range worldInvariants {
		if w.violation != nil {
			return
		}
		w.fail(inv.Name, inv.check(w))
	}
}

// shareOf is the part of a version under a division.
func shareOf(s rollout.Split, version string) rollout.Weight {
	switch version {
	case s.Stable:
		return rollout.Total - s.Weight
	case s.Canary:
		return s.Weight
	}
	return 0
}

// allowed is what the step in force allows the canary, read from the steps
// alone: the last weight at or before the step.
func allowed(spec rollout.Spec, s rollout.State) rollout.Weight {
	switch s.Stage {
	case rollout.Completing:
		return rollout.Total
	case rollout.Stepping:
		var w rollout.Weight
		for i, st := range spec.Steps {
			if i <= s.Step && st.SetWeight != nil {
				w = *st.SetWeight
			}
		}
		return w
	}
	return 0
}

// made lists the managed routes that the steps up to one have made.
func made(spec rollout.Spec, step int) []string {
	var out []string
	for i, st := range spec.Steps {
		if i > step || st.SetRoute == nil {
			continue
		}
		out = slices.DeleteFunc(out, func(name string) bool { return name == st.SetRoute.Name && i < step })
		if st.SetRoute.What != "" {
			out = append(out, st.SetRoute.Name)
		}
	}
	return out
}

func weightWithinStep(w *world) error {
	s := w.ctl.state
	split := s.Split()
	if limit := allowed(w.spec, s); w.up && split.Weight > limit {
		return fmt.Errorf("%s wanted where step %d of stage %s allows %s", split.Weight, s.Step, s.Stage, limit)
	}
	for _, name := range names(split.Routes) {
		if !w.up || s.Stage == rollout.Stepping && !slices.Contains(made(w.spec, s.Step), name) {
			return fmt.Errorf("the route %s is there at step %d, which allows %v", name, s.Step, made(w.spec, s.Step))
		}
	}
	if split.Canary != "" && split.Canary == split.Stable {
		return fmt.Errorf("%s is canary and stable", split.Canary)
	}
	return nil
}

// oldest is the oldest publication that what the Envoy has is of.
func (e *envoy) oldest() int {
	if e.keys == nil {
		return e.routeSeq
	}
	return min(e.keysSeq, e.routeSeq)
}

func trafficWithinPublished(w *world) error {
	for _, e := range w.envoys {
		_, share := e.traffic()
		var most rollout.Weight
		for _, p := range w.publications[min(e.oldest(), len(w.publications)):] {
			most = max(most, shareOf(p.split, e.lead()))
		}
		if share > most {
			return fmt.Errorf("%s gives %s to %s, at most %s was published since", e.name, share, e.lead(), most)
		}
	}
	return nil
}

// lead is the canary of the Envoy's route.
func (e *envoy) lead() string {
	if e.route == nil {
		return ""
	}
	return e.route.canary
}

func trafficWithinStored(w *world) error {
	for _, e := range w.envoys {
		_, share := e.traffic()
		if share == 0 {
			continue
		}
		from := w.publications[e.oldest()].stored
		var most rollout.Weight
		for _, d := range w.disk.splits[max(from-1, 0):] {
			most = max(most, shareOf(d, e.lead()))
		}
		if share > most {
			return fmt.Errorf("%s gives %s to %s, at most %s was stored since", e.name, share, e.lead(), most)
		}
	}
	return nil
}

func abortedGetsNothing(w *world) error {
	s := w.ctl.state
	if !w.up || s.Stage != rollout.Aborted {
		return nil
	}
	if p := w.ctl.published; p.Canary == s.Version && (p.Weight > 0 || len(p.Routes) > 0) {
		return fmt.Errorf("%s is aborted, and %+v published", s.Version, p)
	}
	for _, e := range w.envoys {
		_, share := e.traffic()
		if e.keys != nil && e.keys.equal(tableOf(s.Split())) && e.lead() == s.Version && share > 0 {
			return fmt.Errorf("%s has accepted the abort of %s and gives it %s", e.name, s.Version, share)
		}
	}
	return nil
}

func emptyGetsNothing(w *world) error {
	s := w.ctl.state
	if split := s.Split(); s.Active() && s.In.EndpointsKnown && s.In.Canary == 0 && (split.Weight > 0 || len(split.Routes) > 0) {
		return fmt.Errorf("%+v is wanted without an endpoint", split)
	}
	return nil
}

func usedClustersExist(w *world) error {
	if !w.up {
		return nil
	}
	for _, e := range w.envoys {
		unknown := !e.view.known && w.mono >= w.ctl.settleAfter
		if unknown || e.stray || !e.connected && w.mono-e.left >= awayTimeout {
			continue // nobody can wait for it
		}
		if uses := e.uses() &^ w.lost; !versions(w.ctl.published).all(uses) {
			return fmt.Errorf("%s may still use %s, and %+v is published", e.name, uses, w.ctl.published)
		}
	}
	return nil
}

func routesAreWhole(w *world) error {
	for _, e := range w.envoys {
		if e.route == nil {
			continue
		}
		if !e.clusters.all(e.route.clusters()) {
			return fmt.Errorf("the route of %s names %s, its clusters are %s", e.name, e.route.clusters(), e.clusters)
		}
		if stable, canary := e.traffic(); stable+canary != rollout.Total && !e.stray {
			return fmt.Errorf("the weights of %s are %s and %s", e.name, stable, canary)
		}
	}
	return nil
}

func ackedIsTrue(w *world) error {
	if !w.up || w.ctl.publishedGen == 0 {
		return nil
	}
	p := w.ctl.published
	for _, e := range w.envoys {
		acked, _ := e.verdict(p)
		if !e.connected || !acked {
			continue
		}
		if _, canary := e.traffic(); *e.route != routeOf(p) || canary != p.Weight {
			return fmt.Errorf("%s counts as acked and gives %s by %+v, where %+v is published", e.name, canary, *e.route, p)
		}
	}
	return nil
}

func journalReplays(w *world) error {
	if !w.up || !w.ctl.folded {
		return nil
	}
	w.ctl.folded = false
	want, got := w.ctl.state, w.ctl.replayed
	want.In, got.In = rollout.Input{}, rollout.Input{}
	return equalStates(want, got)
}

// storeReplays folds the whole stored journal, which is too much to do after
// every event.
func (w *world) storeReplays() error {
	got, err := replay(rollout.State{}, w.disk.journal)
	if err != nil {
		return err
	}
	want, err := w.disk.load()
	if err != nil {
		return err
	}
	got.In = rollout.Input{}
	return equalStates(want, got)
}

func equalStates(want, got rollout.State) error {
	if !reflect.DeepEqual(want, got) && !sameJSON(want, got) {
		return fmt.Errorf("the journal gives %+v, the state is %+v", got, want)
	}
	return nil
}
