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

// ErrNoRelease is wrapped when there is no such Release.
var ErrNoRelease = errors.New("no such Release")

// Releases gives all Releases with their states, by namespace and name; with a
// namespace, only those in it.
func (c *Control) Releases(ctx context.Context, namespace string) ([]*api.Release, error) {
	out := []*api.Release{}
	err := c.ask(ctx, func(l *loop) {
		for _, key := range slices.SortedFunc(maps.Keys(l.releases), api.Key.Compare) {
			if namespace == "" || key.Namespace == namespace {
				out = append(out, l.releases[key].view(l))
			}
		}
	})
	if err != nil {
		return nil, err // the loop may still be writing the answer
	}
	return out, nil
}

// Release gives one Release with its state.
func (c *Control) Release(ctx context.Context, key api.Key) (*api.Release, error) {
	var out *api.Release
	err := c.ask(ctx, func(l *loop) {
		if r := l.releases[key]; r != nil {
			out = r.view(l)
		}
	})
	if err != nil {
		return nil, err // the loop may still be writing the answer
	}
	if out == nil {
		return nil, fmt.Errorf("%w: %s", ErrNoRelease, key)
	}
	return out, nil
}

// ActRelease does what a person asks for to every member to which it applies,
// and returns the Release when that is stored and sent. An abort of one is the
// abort of all. Errors wrap ErrNoRelease or, where it applies to no member,
// ErrNotApplicable.
func (c *Control) ActRelease(ctx context.Context, key api.Key, a api.Action) (*api.Release, error) {
	var members []api.Key
	found := false
	err := c.ask(ctx, func(l *loop) {
		r := l.releases[key]
		if found = r != nil; !found {
			return
		}
		for _, m := range r.members(l) {
			if a.Verb != string(rollout.Abort) || m.state.Active() {
				members = append(members, m.key)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fmt.Errorf("%w: %s", ErrNoRelease, key)
	}
	if err := c.actOnAll(ctx, members, a); err != nil {
		return nil, fmt.Errorf("%s of release %s: %w", a.Verb, key.Name, err)
	}
	return c.Release(ctx, key)
}

// actOnAll acts on Rollouts in their order. That it applies to some is enough;
// an abort of the first is carried to the others.
func (c *Control) actOnAll(ctx context.Context, members []api.Key, a api.Action) error {
	var refused []error
	done := 0
	for _, m := range members {
		_, err := c.Act(ctx, m, a)
		switch {
		case err == nil:
			done++
		case errors.Is(err, ErrNotApplicable):
			refused = append(refused, fmt.Errorf("%s: %w", m.Name, err))
		default:
			return fmt.Errorf("%s: %w", m.Name, err)
		}
		if done > 0 && a.Verb == string(rollout.Abort) {
			return nil
		}
	}
	if done == 0 {
		return errors.Join(append(refused, fmt.Errorf("%w to any of its Rollouts", ErrNotApplicable))...)
	}
	return nil
}
