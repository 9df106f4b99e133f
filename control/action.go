package control

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
)

// ErrNotFound is wrapped when there is no such Rollout.
var ErrNotFound = errors.New("no such Rollout")

// ErrNotApplicable is wrapped when an action does not apply now; nothing has
// changed then.
var ErrNotApplicable = rollout.ErrNotApplicable

var (
	errNotFrozen = fmt.Errorf("%w: there is no freeze of all Rollouts", ErrNotApplicable)
	errPast      = fmt.Errorf("%w: the end of the freeze is not to come", ErrNotApplicable)
)

// Act does what a person asks for, and returns the Rollout as it is then, when
// that is stored and sent. Errors wrap ErrNotFound or ErrNotApplicable, or tell
// that the store fails: an abort has been sent then all the same.
func (c *Control) Act(ctx context.Context, key api.Key, a api.Action) (*api.Rollout, error) {
	result := make(chan error, 1)
	c.tell(func(l *loop) { l.act(key, a, result) })
	select {
	case err := <-result:
		if err != nil {
			return nil, err
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.done:
		return nil, context.Canceled
	}
	return c.Rollout(ctx, key)
}

// act plays an action. The result is told once, when the journal line of the
// action is durable or was found not to be.
func (l *loop) act(key api.Key, a api.Action, result chan error) {
	c := l.canaries[key]
	if c == nil || c.object == nil {
		result <- fmt.Errorf("%w: %s", ErrNotFound, key)
		return
	}
	told := false
	tell := func(err error) {
		if !told {
			told = true
			result <- err
		}
	}
	action := rollout.Action{
		Verb: rollout.Verb(a.Verb), Full: a.Full, To: a.To, Until: a.Until,
		Actor: a.Actor, Verified: a.Verified, Reason: a.Reason,
	}
	if action.Verb == rollout.Rollback {
		action.Ready = l.builder.ReadyEndpoints(c.service, c.rollbackTo(a.To))
	}
	if err := c.play(l, rollout.Acted{Action: action}, tell); err != nil {
		tell(err)
	}
}

// rollbackTo is the version that a rollback leads to.
func (c *canary) rollbackTo(to string) string {
	if n := len(c.state.Proven); to == "" && n > 0 {
		return c.state.Proven[n-1]
	}
	return to
}

// Rollout gives one Rollout with its status. What it tells is stored: while the
// store has writes of the Rollout to do, it waits for them, unless they fail.
func (c *Control) Rollout(ctx context.Context, key api.Key) (*api.Rollout, error) {
	found := make(chan *api.Rollout, 1)
	err := c.ask(ctx, func(l *loop) {
		of := l.canaries[key]
		if of == nil {
			found <- nil
			return
		}
		of.whenStored = append(of.whenStored, func() { found <- of.view(l) })
		of.settleReaders()
	})
	if err != nil {
		return nil, err
	}
	select {
	case r := <-found:
		if r == nil {
			return nil, fmt.Errorf("%w: %s", ErrNotFound, key)
		}
		return r, nil
	case <-c.done:
		return nil, context.Canceled
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Rollouts gives all Rollouts with their states, by namespace and name; with a
// namespace, only those in it.
func (c *Control) Rollouts(ctx context.Context, namespace string) ([]*api.Rollout, error) {
	var out []*api.Rollout
	err := c.ask(ctx, func(l *loop) {
		for _, key := range slices.SortedFunc(maps.Keys(l.canaries), api.Key.Compare) {
			if namespace == "" || key.Namespace == namespace {
				out = append(out, l.canaries[key].view(l))
			}
		}
	})
	if err != nil {
		return nil, err // the loop may still be writing the answer
	}
	return out, nil
}

// History gives the journal of a Rollout, the oldest entry first.
func (c *Control) History(ctx context.Context, key api.Key) ([]api.JournalEntry, error) {
	entries, err := c.store.Journal(key)
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		if _, err := c.Rollout(ctx, key); err != nil {
			return nil, err
		}
	}
	out := make([]api.JournalEntry, 0, len(entries))
	for _, e := range entries {
		out = append(out, api.JournalEntry{
			Seq: e.Seq, At: e.Record.At, Event: string(e.Record.Kind), Message: e.Record.Message,
			Actor: e.Record.Actor, Verified: e.Record.Verified, Reason: e.Record.Reason,
			Version: e.Version, Stable: e.Stable, Step: e.Step, Weight: e.Weight.Percent(),
			Evidence: e.Evidence,
		})
	}
	return out, nil
}

// Envoys gives the fleet.
func (c *Control) Envoys() []api.Envoy { return c.loop.fleet.Envoys() }

// Findings gives what is wrong with the configuration as it was last read.
func (c *Control) Findings(ctx context.Context) ([]api.Finding, error) {
	var out []api.Finding
	err := c.ask(ctx, func(l *loop) { out = slices.Clone(l.findings) })
	return out, err
}
