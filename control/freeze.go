package control

import (
	"context"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
	"github.com/serin-mesh/serin/store"
)

// FreezeAll freezes every Rollout, those that are still to come too, until the
// action's Until or unfreeze; or ends that, by the action's verb. It returns
// when that is stored. Errors wrap ErrNotApplicable.
func (c *Control) FreezeAll(ctx context.Context, a api.Action) error {
	result := make(chan error, 1)
	c.tell(func(l *loop) { l.freezeAll(a, result) })
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-c.done:
		return context.Canceled
	}
}

func (l *loop) freezeAll(a api.Action, result chan error) {
	action := rollout.Action{Actor: a.Actor, Verified: a.Verified, Reason: a.Reason}
	switch {
	case a.Verb == string(rollout.Unfreeze) && l.freeze == nil:
		result <- errNotFrozen
	case a.Verb == string(rollout.Unfreeze):
		l.setFreeze(nil, action, result)
	case a.Until != nil && !a.Until.After(l.now):
		result <- errPast
	default:
		l.setFreeze(&rollout.Freeze{Until: a.Until, Actor: a.Actor, Reason: a.Reason}, action, result)
	}
}

// setFreeze begins or ends the freeze of all. It is in force at once, and told
// when it is stored.
func (l *loop) setFreeze(f *rollout.Freeze, a rollout.Action, result chan error) {
	l.freeze = f
	tell := func(err error) {
		select {
		case result <- err: // a nil channel has nobody to tell
		default:
		}
	}
	l.store.Write(store.Write{Freeze: &store.Freeze{Of: f}, Done: func() { tell(nil) }, Failed: tell})
	for _, c := range l.canaries {
		c.spec.Frozen = f
		var ev rollout.Event = rollout.Ticked{}
		if f == nil {
			ev = rollout.Thawed{Action: a}
		}
		_ = c.play(l, ev) // only actions are refused
	}
}
