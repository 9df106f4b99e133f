package sim

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

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
	{Invariant{"besideIsAsked", "Beside the canary no version is wanted more traffic than was told for the check of the step that waits, nor more than the canary leaves."}, besideIsAsked},
	{Invariant{"trafficWithinPublished", "No Envoy gives a canary, or a version beside it, more than the most that was published since what it has accepted."}, trafficWithinPublished},
	{Invariant{"trafficWithinStored", "No Envoy gives a canary, or a version beside it, more than the most that the store has allowed since."}, trafficWithinStored},
	{Invariant{"abortedGetsNothing", "An aborted version, and what was beside it, has weight 0 on the wire, and 0 requests at each Envoy that has accepted that."}, abortedGetsNothing},
	{Invariant{"loweringsAreVisible", "What is published gives a canary, and what is beside it, no more than is wanted."}, loweringsAreVisible},
	{Invariant{"emptyGetsNothing", "A canary that is known to have no endpoint is wanted no traffic."}, emptyGetsNothing},
	{Invariant{"usedClustersExist", "A version that an Envoy may still use is named in what is published."}, usedClustersExist},
	{Invariant{"routesAreWhole", "No route names a cluster that its Envoy lacks, and the weights that it reads sum to the total, unless nobody had to wait for the Envoy."}, routesAreWhole},
	{Invariant{"keysServeRoutes", "An Envoy that has the published keys gives the canary, and what is beside it, what is published for them, by whichever route it has that was made for that canary."}, keysServeRoutes},
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
		return s.Rest()
	case s.Canary:
		return s.Weight
	}
	return partOf(s, version)
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
		traffic := e.traffic()
		for _, v := range e.guests() {
			var most rollout.Weight
			for _, p := range w.publications[min(e.oldest(), len(w.publications)):] {
				most = max(most, shareOf(p.split, v))
			}
			if traffic[v] > most {
				return fmt.Errorf("%s gives %s to %s, at most %s was published since", e.name, traffic[v], v, most)
			}
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
		traffic := e.traffic()
		for _, v := range e.guests() {
			if traffic[v] == 0 {
				continue
			}
			from := w.publications[e.oldest()].stored
			var most rollout.Weight
			for _, d := range w.disk.splits[max(from-1, 0):] {
				most = max(most, shareOf(d, v))
			}
			if traffic[v] > most {
				return fmt.Errorf("%s gives %s to %s, at most %s was stored since", e.name, traffic[v], v, most)
			}
		}
	}
	return nil
}

// besideIsAsked: see worldInvariants.
func besideIsAsked(w *world) error {
	s := w.ctl.state
	split := s.Split()
	if !w.up || len(split.Beside) == 0 {
		return nil
	}
	run, ok := w.asking()
	if told := w.ctl.beside; !ok || !w.waits(s, told.Run) || told.Run.Step != run.Step {
		return fmt.Errorf("%+v is wanted, and %+v was told last", split, told)
	}
	left := rollout.Total - s.Allowed
	for _, p := range split.Beside {
		var most rollout.Weight
		for _, told := range w.ctl.beside.Parts {
			if told.Version == p.Version {
				most = max(most, told.Weight)
			}
		}
		if p.Weight == 0 || p.Weight > min(most, left) {
			return fmt.Errorf("%s is wanted for %s, %s was told and %s is left", p.Weight, p.Version, most, left)
		}
		if p.Version == split.Stable || p.Version == split.Canary {
			return fmt.Errorf("%s is beside itself: %+v", p.Version, split)
		}
		left -= p.Weight
	}
	return nil
}

func abortedGetsNothing(w *world) error {
	s := w.ctl.state
	if !w.up || s.Stage != rollout.Aborted {
		return nil
	}
	if p := w.ctl.published; p.Canary == s.Version && (p.Weight > 0 || len(p.Routes) > 0 || len(p.Beside) > 0) {
		return fmt.Errorf("%s is aborted, and %+v published", s.Version, p)
	}
	for _, e := range w.envoys {
		traffic := e.traffic()
		if e.keys == nil || !e.keys.equal(tableOf(s.Split())) || e.lead() != s.Version {
			continue
		}
		for _, v := range e.guests() {
			if traffic[v] > 0 {
				return fmt.Errorf("%s has accepted the abort of %s and gives %s to %s", e.name, s.Version, traffic[v], v)
			}
		}
	}
	return nil
}

func loweringsAreVisible(w *world) error {
	p, wanted := w.ctl.published, w.ctl.state.Split()
	if !w.up || w.ctl.publishedGen == 0 || p.Stable != wanted.Stable || p.Canary != wanted.Canary {
		return nil
	}
	for _, v := range append(p.Mix().Beside, p.Canary) {
		if v != "" && shareOf(p, v) > shareOf(wanted, v) {
			return fmt.Errorf("%s is published for %s, %s is wanted", shareOf(p, v), v, shareOf(wanted, v))
		}
	}
	for _, r := range p.Routes {
		if !slices.Contains(wanted.Routes, r) {
			return fmt.Errorf("the route %s is published, and is not wanted", r.Name)
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
		if !w.waitedFor(e) {
			continue
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
		var sum rollout.Weight
		for _, weight := range e.traffic() {
			sum += weight
		}
		if sum != rollout.Total && !e.stray {
			return fmt.Errorf("the weights of %s are %v", e.name, e.traffic())
		}
	}
	return nil
}

// waitedFor tells whether somebody can wait for an Envoy, and know what it has.
func (w *world) waitedFor(e *envoy) bool {
	unknown := !e.view.known && w.mono >= w.ctl.settleAfter
	return !unknown && !e.stray && (e.connected || w.mono-e.left < awayTimeout)
}

// forgot tells whether a crash made Serin forget the mix of an Envoy's route.
func (w *world) forgot(e *envoy) bool {
	return !tableOf(w.ctl.published).knows(*e.route) && slices.ContainsFunc(w.lostMixes, func(m rollout.Mix) bool {
		return m.Canary == e.route.canary && strings.Join(m.Beside, " ") == e.route.beside
	})
}

func keysServeRoutes(w *world) error {
	p := w.ctl.published
	for _, e := range w.envoys {
		if !w.up || e.keys == nil || e.lead() == "" || e.lead() != p.Canary || !e.keys.equal(tableOf(p)) || !w.waitedFor(e) || w.forgot(e) {
			continue
		}
		traffic := e.traffic()
		for _, v := range e.guests() {
			if want := shareOf(p, v); v != p.Stable && traffic[v] != want {
				return fmt.Errorf("%s gives %s to %s by %+v, where %+v is published", e.name, traffic[v], v, *e.route, p)
			}
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
		for v, weight := range e.traffic() {
			if *e.route != routeOf(p) || weight != shareOf(p, v) {
				return fmt.Errorf("%s counts as acked and gives %s to %s by %+v, where %+v is published", e.name, weight, v, *e.route, p)
			}
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
