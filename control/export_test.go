package control

import (
	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
)

// Beside has a Rollout take what versions beside its canary are to have, of the
// check that its step waits for now or, old, of one before.
func (c *Control) Beside(key api.Key, old bool, parts ...rollout.Part) {
	c.tell(func(l *loop) {
		of := l.canaries[key]
		run, _ := of.stepRun()
		if old {
			run.Attempt--
		}
		of.beside(l, run, parts)
	})
}
