package sim

import "github.com/serin-mesh/serin/rollout"

// opHarm is a verdict on the attempt that many before the present one.
func (w *world) opHarm(args []string) error {
	n, err := number(args, 0)
	if err == nil && uint64(n) <= w.ctl.state.Attempt {
		w.play(rollout.HarmFound{Attempt: w.ctl.state.Attempt - uint64(n), Message: "the canary does harm"})
	}
	return err
}

func (w *world) opEndpoints(args []string) error {
	i, err := one(args, versionNames)
	if err != nil {
		return err
	}
	n, err := number(args[1:], 1)
	if err == nil {
		w.ready[versionNames[i]] = n
		w.seeEndpoints()
	}
	return err
}

// opPass lets time pass, and the clock with it.
func (w *world) opPass(args []string) error {
	d, err := duration(args)
	if err == nil && d > 0 {
		w.wall, w.mono = w.wall.Add(d), w.mono+d
	}
	return err
}

// opJump sets the clock forward or back.
func (w *world) opJump(args []string) error {
	d, err := duration(args)
	if err == nil {
		w.wall = w.wall.Add(d)
	}
	return err
}

// opCount is so many more requests to the canary. Serin counts from 0 again
// when it was started, and when an attempt begins.
func (w *world) opCount(args []string) error {
	n, err := number(args, 1)
	if c := &w.ctl; err == nil && w.up {
		if c.countOf != c.state.Attempt {
			c.countOf, c.count = c.state.Attempt, 0
		}
		c.count += uint64(min(n, 1000))
		w.play(rollout.Counted{Attempt: c.state.Attempt, Requests: c.count})
	}
	return err
}

// opFreeze freezes the Rollout, for a time or until unfreeze.
func (w *world) opFreeze(args []string) error {
	a := rollout.Action{Verb: rollout.FreezeIt, Actor: "ana"}
	if len(args) > 0 {
		d, err := duration(args)
		if err != nil {
			return err
		}
		until := w.wall.Add(d)
		a.Until = &until
	}
	if w.object {
		w.play(rollout.Acted{Action: a})
	}
	return nil
}

// opFrozen is a freeze of everything, which the spec tells of.
func (w *world) opFrozen(args []string) error {
	i, err := one(args, []string{"no", "yes"})
	if err == nil {
		w.spec.Frozen = nil
		if i == 1 {
			w.spec.Frozen = &rollout.Freeze{Actor: "bo"}
		}
		w.edited()
	}
	return err
}

// opDeadline is the deadline for progress: "deadline 5m abort".
func (w *world) opDeadline(args []string) error {
	d, err := duration(args)
	if err == nil {
		w.spec.Deadline, w.spec.DeadlineAborts = max(d, 0), len(args) > 1 && args[1] == "abort"
		w.edited()
	}
	return err
}

// opWindow is how many versions may come back without steps.
func (w *world) opWindow(args []string) error {
	n, err := number(args, 0)
	if err == nil {
		w.spec.FastWindow = n
		w.edited()
	}
	return err
}

// edited brings the machine in line with an object that is there.
func (w *world) edited() {
	if w.object {
		w.reconcile()
	}
}
