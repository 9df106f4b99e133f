package provider

import (
	"fmt"
	"time"

	"github.com/serin-mesh/serin/api"
)

// kayentaScope is one scope of a request to a Kayenta server.
type kayentaScope struct {
	Control    kayentaSide `json:"controlScope"`
	Experiment kayentaSide `json:"experimentScope"`
}

// kayentaSide is one side of a scope.
type kayentaSide struct {
	Scope    string `json:"scope"`
	Location string `json:"location"`
	Step     int64  `json:"step"`
	Start    string `json:"start"`
	End      string `json:"end"`
}

// newScopes makes the scopes of a request. A scope without times begins with the
// run, for a metric with lookback, else an interval ago, and ends now.
func newScopes(m api.Metric, s Subject, now time.Time) (map[string]kayentaScope, error) {
	interval, err := m.Interval.Duration()
	if err != nil {
		return nil, fmt.Errorf("interval: %w", err)
	}
	start := now.Add(-interval)
	if m.Provider.Kayenta.Lookback {
		start = s.StartedAt
	}
	out := map[string]kayentaScope{}
	for _, scope := range m.Provider.Kayenta.Scopes {
		c, e := scope.ControlScope, scope.ExperimentScope
		if (c.Start == "") != (e.Start == "") || (c.End == "") != (e.End == "") {
			return nil, fmt.Errorf("scope %q: both sides have a start and an end of their own, or neither has", scope.Name)
		}
		out[scope.Name] = kayentaScope{newSide(c, start, now), newSide(e, start, now)}
	}
	return out, nil
}

// newSide makes one side, with times where it has none.
func newSide(d api.KayentaScopeDetail, start, end time.Time) kayentaSide {
	s := kayentaSide{Scope: d.Scope, Location: d.Region, Step: d.Step, Start: d.Start, End: d.End}
	if s.Start == "" {
		s.Start = start.UTC().Format(time.RFC3339)
	}
	if s.End == "" {
		s.End = end.UTC().Format(time.RFC3339)
	}
	return s
}
