package control

import (
	"encoding/json"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
	"github.com/serin-mesh/serin/snapshot"
)

// managedOf translates a step that makes a route. What the route says travels
// through the machine, and through the store, in the words of the translation.
func managedOf(r *api.Rollout, s api.CanaryStep) *rollout.ManagedRoute {
	var what snapshot.ManagedRoute
	if h := s.SetHeaderRoute; h != nil {
		what = snapshot.ManagedRoute{Name: h.Name, Headers: headers(h.Match)}
	} else {
		what = mirrorOf(s.SetMirrorRoute)
	}
	out := &rollout.ManagedRoute{Name: what.Name, Order: r.RouteOrder(what.Name)}
	if len(what.Headers)+len(what.Matches) > 0 { // else the step takes the route away
		raw, err := json.Marshal(what)
		if err == nil { // texts and numbers always encode
			out.What = string(raw)
		}
	}
	return out
}

func headers(matches []api.HeaderRoutingMatch) []snapshot.HeaderMatch {
	var out []snapshot.HeaderMatch
	for _, m := range matches {
		out = append(out, snapshot.HeaderMatch{Name: m.HeaderName, Value: stringMatch(m.HeaderValue)})
	}
	return out
}

func mirrorOf(m *api.SetMirrorRoute) snapshot.ManagedRoute {
	out := snapshot.ManagedRoute{Name: m.Name, Mirror: true, Percentage: m.Share()}
	for _, match := range m.Match {
		out.Matches = append(out.Matches, snapshot.RouteMatch{
			Method: stringMatch(match.Method), Path: stringMatch(match.Path), Headers: headers(match.HeaderMatches()),
		})
	}
	return out
}

func stringMatch(m *api.StringMatch) snapshot.StringMatch {
	if m == nil {
		return snapshot.StringMatch{}
	}
	return snapshot.StringMatch{Exact: m.Exact, Prefix: m.Prefix, Regex: m.Regex}
}

// managed gives the routes of a division in the translation's terms.
func (c *canary) managed(l *loop, routes []rollout.ManagedRoute) []snapshot.ManagedRoute {
	var out []snapshot.ManagedRoute
	for _, r := range routes {
		var m snapshot.ManagedRoute
		if err := json.Unmarshal([]byte(r.What), &m); err != nil {
			l.log.Error("a managed route of the store cannot be read: it is left out", "rollout", c.key, "route", r.Name, "error", err)
			continue
		}
		out = append(out, m)
	}
	return out
}
