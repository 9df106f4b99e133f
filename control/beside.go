package control

import (
	"slices"

	"github.com/serin-mesh/serin/rollout"
)

// beside takes what versions beside the canary are to have of the traffic while a
// check of the steps runs: those that have pods, each with its weight, in place of
// what it took before. One gets nothing as long as no endpoint of it is ready. The
// end of the check takes all of it away, so nobody has to. Nothing happens where it
// is no news, or the machine does not wait for that check.
func (c *canary) beside(l *loop, run rollout.Run, parts []rollout.Part) {
	c.wish = rollout.Wish{Run: run, Parts: slices.Clone(parts)}
	c.seeBeside(l)
}

// seeBeside tells the machine which versions beside the canary can serve, and what
// they are to have, if that is news.
func (c *canary) seeBeside(l *loop) {
	run, ok := c.stepRun()
	if !ok {
		return
	}
	parts := c.wish.Parts
	if !sameRun(c.wish.Run, run) {
		parts = c.state.Beside // from before a start: nobody has said anything since
		if len(parts) == 0 {
			return
		}
	}
	var ready []rollout.Part
	for _, p := range parts {
		if l.builder.ReadyEndpoints(c.service, p.Version) > 0 {
			ready = append(ready, p)
		}
	}
	if told := c.state.In.Beside; sameRun(told.Run, run) && slices.Equal(told.Parts, ready) {
		return
	}
	_ = c.play(l, rollout.BesideSeen{Run: run, Parts: ready}) // only actions are refused
}

// stepRun is the check of the steps that the machine waits for.
func (c *canary) stepRun() (rollout.Run, bool) {
	for _, w := range rollout.Runs(c.spec, c.state) {
		if !w.Beside {
			return w.Run, true
		}
	}
	return rollout.Run{}, false
}
