package sim

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/serin-mesh/serin/rollout"
)

// turnInvariants are checked for every event that the machine plays.
var turnInvariants = []struct {
	Invariant
	check func(*world, turn) error
}{
	{Invariant{"refusalsDoNothing", "An action that is refused changes nothing, and nothing but an action is refused."}, refusalsDoNothing},
	{Invariant{"advancesHaveReasons", "No step advances and no weight rises without its reasons."}, advancesHaveReasons},
	{Invariant{"abortTakesAll", "An abort takes all weight in the effects of its own event."}, abortTakesAll},
	{Invariant{"abortStays", "Only a person or another wanted version ends an abort."}, abortStays},
	{Invariant{"harmIsHeard", "Harm of the attempt under way aborts it, or pauses it where the spec says so."}, harmIsHeard},
	{Invariant{"answersAreHeard", "A failed check aborts, and an answer to an earlier attempt is not heard."}, answersAreHeard},
	{Invariant{"publishesChanges", "A division is published exactly when it changed, under a higher generation."}, publishesChanges},
	{Invariant{"quiet", "What can be done without further news has been done."}, quiet},
}

// otherInvariants are checked where what they speak of happens.
var otherInvariants = []Invariant{
	{"visibleIsStored", "What is handed over gives no version more than is stored or visible, except the stable one of either."},
	{"crashAllowsNoMore", "After a crash the fleet is given what the store says, and no more."},
	{"ends", "A Rollout that gets all it waits for becomes Healthy within a bounded number of rounds."},
	{"noPanic", "No history makes the machine panic."},
}

// Invariants lists everything that is checked, by name and in a sentence.
func Invariants() []Invariant {
	var out []Invariant
	for _, i := range worldInvariants {
		out = append(out, i.Invariant)
	}
	for _, i := range turnInvariants {
		out = append(out, i.Invariant)
	}
	return append(out, otherInvariants...)
}

func (w *world) checkTurn(t turn) {
	for _, inv := range turnInvariants {
		w.fail(inv.Name, inv.check(w, t))
	}
}

func refusalsDoNothing(_ *world, t turn) error {
	if t.refused == nil {
		return nil
	}
	if _, action := t.event.(rollout.Acted); !action {
		return fmt.Errorf("%T was refused: %w", t.event, t.refused)
	}
	if len(t.effects.Records) > 0 || t.effects.Publish != nil || !reflect.DeepEqual(t.before, t.after) {
		return fmt.Errorf("an action was refused (%w) and did something", t.refused)
	}
	return nil
}

func abortTakesAll(_ *world, t turn) error {
	aborted := slices.ContainsFunc(t.effects.Records, func(r rollout.Record) bool { return r.Kind == rollout.AbortedKind })
	if aborted && t.before.Split().Rest() < rollout.Total && (t.effects.Publish == nil || t.effects.Publish.Rest() < rollout.Total) {
		return fmt.Errorf("the abort of %+v published %+v", t.before.Split(), t.effects.Publish)
	}
	return nil
}

func abortStays(w *world, t turn) error {
	if t.before.Stage != rollout.Aborted || t.after.Stage == rollout.Aborted || t.refused != nil {
		return nil
	}
	switch ev := t.event.(type) {
	case rollout.Acted:
		if v := ev.Action.Verb; v == rollout.Retry || v == rollout.Rollback {
			return nil
		}
	case rollout.SpecSeen:
		if t.before.Version != w.spec.Version {
			return nil
		}
	case rollout.SpecGone:
		return nil
	}
	return fmt.Errorf("%T %+v ended the abort of %s", t.event, t.event, t.before.Version)
}

func harmIsHeard(w *world, t turn) error {
	ev, ok := t.event.(rollout.HarmFound)
	switch {
	case !ok:
	case !t.before.Active() || ev.Attempt != t.before.Attempt:
		for _, r := range t.effects.Records {
			if r.Kind == rollout.AbortedKind && r.Message == ev.Message || r.Kind == rollout.HarmPaused {
				return fmt.Errorf("late news of attempt %d did %+v", ev.Attempt, r)
			}
		}
	case !w.spec.PauseOnHarm && t.after.Stage != rollout.Aborted:
		return fmt.Errorf("harm left the stage at %s", t.after.Stage)
	case w.spec.PauseOnHarm && t.after.HarmPausedAt == nil && !t.before.HarmWaived && t.after.Stage != rollout.Aborted:
		return fmt.Errorf("harm paused nothing")
	}
	return nil
}

func publishesChanges(_ *world, t turn) error {
	from, to := t.before.Split(), t.after.Split()
	if (t.effects.Publish != nil) == from.Equal(to) {
		return fmt.Errorf("%+v became %+v, published %v", from, to, t.effects.Publish)
	}
	if t.effects.Publish != nil && !t.effects.Publish.Equal(to) {
		return fmt.Errorf("published %+v, wanted %+v", *t.effects.Publish, to)
	}
	if t.effects.Publish != nil && t.after.Generation <= t.before.Generation {
		return fmt.Errorf("generation %d follows %d", t.after.Generation, t.before.Generation)
	}
	return nil
}

// errUnasked is what is wrong where the machine itself finds no error.
var errUnasked = errors.New("nobody asked it to")

func quiet(w *world, t turn) error {
	if t.refused != nil {
		return nil // it was not told of time either
	}
	_, eff, err := rollout.Step(w.spec, t.after, w.wall, rollout.Ticked{})
	if err != nil || t.after.Stage != "" && len(eff.Records) > 0 {
		return fmt.Errorf("without news the machine does %+v: %w", eff.Records, errors.Join(err, errUnasked))
	}
	return nil
}

// checkHand checks what is about to be handed over.
func (w *world) checkHand(next rollout.Split) {
	stored, before := w.disk.durable(), w.ctl.published
	if w.ctl.publishedGen == 0 {
		for _, v := range append(next.Mix().Beside, next.Canary) {
			if len(w.disk.splits) > 0 && shareOf(next, v) > shareOf(stored, v) {
				w.fail("crashAllowsNoMore", fmt.Errorf("%+v is handed over, %+v is stored", next, stored))
			}
		}
		return
	}
	for _, r := range next.Routes {
		if !slices.Contains(before.Routes, r) && !slices.Contains(stored.Routes, r) {
			w.fail("visibleIsStored", fmt.Errorf("the route %s is handed over and not stored", r.Name))
		}
	}
	for _, v := range append(next.Mix().Beside, next.Stable, next.Canary) {
		if share := shareOf(next, v); v != stored.Stable && v != before.Stable && share > shareOf(stored, v) && share > shareOf(before, v) {
			w.fail("visibleIsStored", fmt.Errorf("%+v is handed over after %+v, %+v is stored", next, before, stored))
		}
	}
}
