package control

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/serin-mesh/serin/analysis/run"
	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
	"github.com/serin-mesh/serin/stats"
)

// Windows gives what the Envoys reported of a version of a Rollout,
// api.EnvoyCanary, api.EnvoyStable or one by its name that has, had or is to have
// traffic, over a length of time until now: in parts
// of the same length, 1 or more, the oldest first. Connections are those of now,
// so only the last part has them. Reports are kept while an analysis runs that
// reads them, from its beginning on, and for who said that by Reads; a part from
// before is empty.
func (c *Control) Windows(ctx context.Context, rollout api.Key, version string, length time.Duration, parts int) ([]stats.Recent, error) {
	var out []stats.Recent
	var failed error
	err := c.ask(ctx, func(l *loop) {
		of := l.canaries[rollout]
		if of == nil {
			failed = fmt.Errorf("%w: %s", ErrNotFound, rollout)
			return
		}
		var name string
		if name, failed = of.versionOf(version); failed == nil {
			out = l.windows(of.service, name, length, parts)
		}
	})
	if err != nil {
		return nil, err // the loop may still be writing what it was asked for
	}
	return out, failed
}

// versionOf gives the name of the version that a metric means.
func (c *canary) versionOf(named string) (string, error) {
	switch {
	case named == api.EnvoyStable:
		return c.state.Stable, nil
	case named == api.EnvoyCanary && c.state.Active():
		return c.state.Version, nil
	case named == api.EnvoyCanary:
		return "", fmt.Errorf("the Rollout %s has no canary now", c.key)
	case c.names(named):
		return named, nil
	}
	return "", fmt.Errorf("the version %q is neither %s nor %s, nor one that the Rollout %s has traffic for",
		named, api.EnvoyCanary, api.EnvoyStable, c.key)
}

// names says whether a version has, had a moment ago or is to have traffic.
func (c *canary) names(version string) bool {
	beside := func(p rollout.Part) bool { return p.Version == version }
	return version != "" && (slices.Contains(versions(c.state.Split()), version) || slices.Contains(c.state.Retired, version) ||
		slices.ContainsFunc(c.wish.Parts, beside))
}

// windows reads the parts of a length of time.
func (l *loop) windows(service api.Key, version string, length time.Duration, parts int) []stats.Recent {
	out := make([]stats.Recent, parts)
	step := length / time.Duration(parts)
	for i := range out {
		last := i == parts-1
		until := l.now.Add(-step * time.Duration(parts-1-i))
		out[i] = l.ledger.Window(service, version, step, until)
		if !last {
			out[i].Connections = nil
		}
	}
	return out
}

// Reads says how far back somebody looks from now on who asks for Windows of a Rollout,
// in place of what was said before; 0: nobody does.
func (c *Control) Reads(rollout api.Key, length time.Duration) {
	c.tell(func(l *loop) {
		if l.reads[rollout] = length; length == 0 {
			delete(l.reads, rollout)
		}
		if of := l.canaries[rollout]; of != nil {
			of.keepReports(l)
		}
	})
}

// keepReports has the reports kept that the trials under way and others read: nothing,
// where none does.
func (c *canary) keepReports(l *loop) {
	longest := l.reads[c.key]
	for _, t := range c.trials {
		for _, a := range t.Analyses {
			longest = max(longest, run.LongestWindow(&a.Spec))
		}
	}
	l.ledger.Keep(c.service, longest, l.now)
}
