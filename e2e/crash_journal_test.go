package e2e_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
	"github.com/serin-mesh/serin/store"
)

// This file holds what was seen of a server, at its clients and over HTTP,
// against the journal that a killed one left behind. It proves:
//
//  1. A journal only grows: what was read once is there after every kill, in the
//     same order, with the same numbers.
//  2. Folding it gives the state that is stored beside it.
//  3. An action that was answered with 200 is in it, once.
//  4. A state that was shown is in it.
//  5. No client got more of a version than the journal allowed at some moment
//     while the response was made.
//  6. A weight is the one of its step; a step follows its predecessor; an aborted
//     canary stays out until a person or another version says otherwise.

// witness is what was seen of one Rollout.
type witness struct {
	name  string
	plans map[string][]rollout.StepSpec // by the hash that the journal has

	mu    sync.Mutex // guards all below
	rises []sighting
	said  map[string]rollout.Verb // answered with 200, by the unique reason
	asked map[string]rollout.Verb // answered or not
	shown []shown
	known []store.Entry // the journal as it was read last
	held  int           // rises that were held against a journal
}

// shown is a status that was read: its versions, its weight and how long the
// journal was known to be before.
type shown struct {
	version, stable string
	weight          float64
	after           int
}

func newWitness(name string, plans ...[]rollout.StepSpec) *witness {
	w := &witness{name: name, plans: map[string][]rollout.StepSpec{},
		said: map[string]rollout.Verb{}, asked: map[string]rollout.Verb{}}
	for _, steps := range plans {
		w.plans[hashOf(steps)] = steps
	}
	return w
}

// hashOf gives what the machine writes into a journal for these steps.
func hashOf(steps []rollout.StepSpec) string {
	_, effects, err := rollout.Step(rollout.Spec{Version: "v0", Steps: steps}, rollout.State{}, time.Time{}, rollout.SpecSeen{})
	if err != nil || len(effects.Records) != 1 {
		panic(fmt.Sprint("a first version made no record: ", err))
	}
	return effects.Records[0].Steps
}

func (w *witness) rose(s sighting) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rises = append(w.rises, s)
}

func (w *witness) ask(reason string, verb rollout.Verb) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked[reason] = verb
}

func (w *witness) answered(reason string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said[reason] = w.asked[reason]
}

func (w *witness) show(s api.RolloutStatus) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shown = append(w.shown, shown{s.CurrentPodHash, s.StableRS, s.Canary.Weights.Canary.Weight, len(w.known)})
}

// check holds everything that was seen so far against what is stored now, and
// gives all that is wrong.
func (w *witness) check(saved store.Rollout, journal []store.Entry) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var wrong []string
	fail := func(format string, args ...any) { wrong = append(wrong, w.name+": "+fmt.Sprintf(format, args...)) }
	w.grew(journal, fail)
	w.known = journal
	states := w.fold(journal, fail)
	if got, want := text(states[len(states)-1]), text(saved.State); got != want {
		fail("the journal folds to\n%s\nand the state stored is\n%s", got, want)
	}
	w.heard(journal, fail)
	for _, s := range w.shown {
		if !s.in(journal) {
			fail("the status %+v was shown and is not in the journal after its line %d", s, s.after)
		}
	}
	for _, s := range w.rises {
		if most := allowed(journal, s.version, s.since, s.until); s.to > most+1e-9 {
			fail("%s got %g of %s (%g before) between %s and %s, and %g was allowed", s.client, s.to, s.version, s.from,
				s.since.Format(time.StampMicro), s.until.Format(time.StampMicro), most)
		}
	}
	w.held += len(w.rises)
	w.shown, w.rises = nil, nil
	return wrong
}

type failer func(format string, args ...any)

// grew checks that a journal begins with what was read of it before.
func (w *witness) grew(journal []store.Entry, fail failer) {
	if len(journal) < len(w.known) {
		fail("the journal has %d lines, and had %d", len(journal), len(w.known))
		return
	}
	for i, e := range journal {
		if e.Seq != uint64(i+1) {
			fail("line %d of the journal has the number %d", i+1, e.Seq)
		}
		if i < len(w.known) && text(e.Record) != text(w.known[i].Record) {
			fail("line %d of the journal is %s, and was %s", e.Seq, text(e.Record), text(w.known[i].Record))
		}
	}
}

// text is a value for comparison: two times that are equal are written alike.
func text(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// fold gives the state before each line, and after the last one.
func (w *witness) fold(journal []store.Entry, fail failer) []rollout.State {
	states := []rollout.State{{}}
	for _, e := range journal {
		before := states[len(states)-1]
		after := before.Apply(e.Record)
		if problem := w.follows(before, e.Record, after); problem != "" {
			fail("line %d, %s: %s", e.Seq, text(e.Record), problem)
		}
		states = append(states, after)
	}
	return states
}

// follows says what is wrong with a record in a state; empty: nothing.
func (w *witness) follows(before rollout.State, r rollout.Record, after rollout.State) string {
	steps := w.plans[before.Steps]
	person := r.Actor != "serin"
	switch {
	case after.Weight > after.Allowed:
		return "more weight than allowed"
	case r.Kind == rollout.WeightSet && before.Stage == rollout.Stepping &&
		(before.Step >= len(steps) || steps[before.Step].SetWeight == nil || *steps[before.Step].SetWeight != r.Weight):
		return fmt.Sprintf("step %d does not set this weight", before.Step)
	case r.Kind == rollout.WeightSet && before.Stage != rollout.Stepping && before.Stage != rollout.Completing:
		return "a weight in the stage " + string(before.Stage)
	case r.Kind == rollout.StepCompleted && r.Step != before.Step+1:
		return fmt.Sprintf("after step %d", before.Step)
	case r.Kind == rollout.StepsCompleted && before.Stage == rollout.Stepping && before.Step < len(steps):
		return fmt.Sprintf("at step %d of %d", before.Step, len(steps))
	case r.Kind == rollout.CanaryStarted && before.Stage != rollout.Idle && r.Version == before.Version && r.Steps == before.Steps && !person:
		return "a canary that began was begun again by itself"
	case before.Stage == rollout.Aborted && after.Stage != rollout.Aborted && !person && r.Version == before.Version:
		return "an abort was undone by itself"
	}
	return ""
}

// heard checks that each action that was answered is there once, and no other
// more often than it was asked for.
func (w *witness) heard(journal []store.Entry, fail failer) {
	times := map[string]int{}
	for _, e := range journal {
		times[e.Record.Reason]++
	}
	for reason, verb := range w.said {
		if times[reason] != 1 {
			fail("%s %s was answered with 200 and is %d times in the journal", verb, reason, times[reason])
		}
	}
	for reason, verb := range w.asked {
		if times[reason] > 1 {
			fail("%s %s is %d times in the journal", verb, reason, times[reason])
		}
	}
}

// in says whether some line that was not yet known, or the last one that was,
// led to what was shown.
func (s shown) in(journal []store.Entry) bool {
	return slices.ContainsFunc(journal[max(s.after-1, 0):], func(e store.Entry) bool {
		return e.Version == s.version && e.Stable == s.stable && e.Weight.Percent() == s.weight
	})
}

// allowed is the largest share that a version could have at some moment of a
// span, by the journal; a stable version may have everything. A line says when
// something was decided: from then on a weight that was lowered is the lower
// one. But another stable version waits for the disk, and the one before goes on
// till then.
func allowed(journal []store.Entry, version string, since, until time.Time) float64 {
	most := 0.0
	for i, e := range journal {
		if e.Record.At.After(until) {
			break
		}
		if i+1 < len(journal) {
			over := journal[i+1].Record.At
			if journal[i+1].Stable != e.Stable {
				over = over.Add(transit)
			}
			if over.Before(since) {
				continue
			}
		}
		switch version {
		case e.Stable:
			return 1
		case e.Version:
			most = max(most, e.Weight.Percent()/100)
		}
	}
	return most
}
