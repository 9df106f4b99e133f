package sim

import (
	"errors"
	"fmt"

	"github.com/serin-mesh/serin/rollout"
)

// outcomes are the answers to a check.
var outcomes = []string{"Passed", "Failed", "Inconclusive"}

// opAnswer answers a check that waits: "answer Failed beside".
func (w *world) opAnswer(args []string) error {
	i, err := one(args, outcomes)
	if err != nil {
		return err
	}
	beside := len(args) > 1 && args[1] == "beside"
	for _, r := range rollout.Runs(w.spec, w.ctl.state) {
		if r.Beside == beside {
			w.play(rollout.Checked{Run: r.Run, Outcome: rollout.Outcome(outcomes[i]), Message: "so it is"})
			return nil
		}
	}
	return nil
}

// opReanswer answers a check that was asked some checks ago, by whichever
// process: "reanswer Failed 2".
func (w *world) opReanswer(args []string) error {
	i, err := one(args, outcomes)
	if err != nil {
		return err
	}
	n, err := number(args[1:], 0)
	if err == nil && n < len(w.asked) {
		w.play(rollout.Checked{Run: w.asked[len(w.asked)-1-n], Outcome: rollout.Outcome(outcomes[i]), Message: "so it was"})
	}
	return err
}

// asking gives the check of the step that waits.
func (w *world) asking() (rollout.Run, bool) {
	for _, r := range rollout.Runs(w.spec, w.ctl.state) {
		if !r.Beside {
			return r.Run, true
		}
	}
	return rollout.Run{}, false
}

// opBeside tells what versions beside the canary are to have, in percent, of the
// check that waits: "beside v3 5 v4 10". "unbeside 2 v3 5" tells it of a check that
// was asked some checks ago.
func (w *world) opBeside(args []string) error {
	parts, err := parseParts(args)
	run, ok := w.asking()
	if err == nil && ok && w.up {
		w.ctl.beside = rollout.Wish{Run: run, Parts: parts}
		w.play(rollout.BesideSeen{Run: run, Parts: parts})
	}
	return err
}

func (w *world) opUnbeside(args []string) error {
	n, err := number(args, 0)
	if err != nil {
		return err
	}
	parts, err := parseParts(args[min(1, len(args)):])
	if err != nil || n >= len(w.asked) {
		return err
	}
	run := w.asked[len(w.asked)-1-n]
	if now, ok := w.asking(); ok && w.up && now == run {
		w.ctl.beside = rollout.Wish{Run: run, Parts: parts}
	}
	w.play(rollout.BesideSeen{Run: run, Parts: parts})
	return nil
}

// parseParts reads versions and their weights in percent.
func parseParts(args []string) ([]rollout.Part, error) {
	var out []rollout.Part
	for ; len(args) > 0; args = args[min(2, len(args)):] {
		i, err := one(args, versionNames)
		if err != nil {
			return nil, err
		}
		n, err := number(args[1:], 5)
		if err != nil || n > 100 {
			return nil, fmt.Errorf("%v is no weight from 0 to 100", args)
		}
		out = append(out, rollout.Part{Version: versionNames[i], Weight: rollout.Weight(n) * rollout.Total / 100})
	}
	return out, nil
}

// opBackground asks beside the steps from one on: "background 2", "background".
func (w *world) opBackground(args []string) error {
	w.spec.Background = nil
	if len(args) > 0 {
		n, err := number(args, 0)
		if err != nil {
			return err
		}
		w.spec.Background = &rollout.Background{Name: "beside", From: n}
	}
	w.edited()
	return nil
}

// opTurn gives the turn to somebody else.
func (w *world) opTurn(args []string) error {
	i, err := one(args, []string{"ours", "theirs"})
	if err == nil {
		w.spec.Turn = ""
		if i == 1 {
			w.spec.Turn = "it is the turn of another"
		}
		w.edited()
	}
	return err
}

// ask notes the checks that wait now.
func (w *world) ask() {
	for _, r := range rollout.Runs(w.spec, w.ctl.state) {
		known := false
		for _, a := range w.asked {
			known = known || a == r.Run
		}
		if !known {
			w.asked = append(w.asked, r.Run)
		}
	}
}

// waits tells whether a state waits for the answer of a run.
func (w *world) waits(s rollout.State, r rollout.Run) bool {
	c := s.Check
	if r.Beside {
		c = s.Background
	}
	if !s.Active() || s.Attempt != r.Attempt || c == nil || c.Outcome != "" || !c.At.Equal(r.At) {
		return false
	}
	if r.Beside {
		return w.spec.Background != nil
	}
	return s.Stage == rollout.Stepping && s.Step == r.Step && r.Step < len(w.spec.Steps)
}

// answersAreHeard: see turnInvariants.
func answersAreHeard(w *world, t turn) error {
	ev, ok := t.event.(rollout.Checked)
	if !ok {
		return nil
	}
	var ends, aborts int
	for _, r := range t.effects.Records {
		switch {
		case r.Kind == rollout.CheckEnded && r.Outcome == ev.Outcome && r.Beside == ev.Run.Beside:
			ends++
		case r.Kind == rollout.AbortedKind:
			aborts++
		}
	}
	waits, failed := w.waits(t.before, ev.Run), ev.Outcome == rollout.Failed
	_, overdue := w.overdue(t.before)
	switch {
	case waits && ends == 0:
		return errors.New("nobody heard the answer")
	case waits && failed && (aborts != 1 || t.after.Weight != 0):
		return errors.New("a failed check did not abort")
	case !waits && !overdue && ev.Run.Attempt != t.before.Attempt && ends > 0:
		return fmt.Errorf("the answer to attempt %d was heard in %d", ev.Run.Attempt, t.before.Attempt)
	}
	return nil
}

// overdue tells whether the check of the current step took too long, and what
// counts as its answer then.
func (w *world) overdue(s rollout.State) (rollout.Outcome, bool) {
	if s.Stage != rollout.Stepping || s.Step >= len(w.spec.Steps) || w.spec.Steps[s.Step].Check == nil || s.Check == nil {
		return "", false
	}
	c := w.spec.Steps[s.Step].Check
	o := c.OnTimeout
	if o == "" {
		o = rollout.Inconclusive
	}
	return o, c.Timeout > 0 && !w.wall.Before(s.Check.At.Add(c.Timeout))
}

// ended tells why a check may not have ended so.
func (w *world) ended(t turn, s rollout.State, r rollout.Record) error {
	if ev, ok := t.event.(rollout.Checked); ok && w.waits(s, ev.Run) && ev.Outcome == r.Outcome && ev.Run.Beside == r.Beside {
		return nil
	}
	if o, late := w.overdue(s); late && o == r.Outcome && !r.Beside && s.Check.Outcome == "" {
		return nil
	}
	return fmt.Errorf("nobody answered %s", r.Outcome)
}

// begun tells why a check may not have begun.
func (w *world) begun(s rollout.State, r rollout.Record) error {
	b := w.spec.Background
	switch {
	case s.Stage != rollout.Stepping || s.Step >= len(w.spec.Steps):
		return errors.New("no steps are played")
	case r.Beside && (b == nil || s.Background != nil || s.Step < b.From):
		return errors.New("nothing is to be asked beside the steps")
	case !r.Beside && (w.spec.Steps[s.Step].Check == nil || s.Check != nil):
		return errors.New("the step asks nothing")
	}
	return w.free(s)
}

func inconclusive(c *rollout.CheckState) bool {
	return c != nil && c.Outcome == rollout.Inconclusive
}
