package api

import (
	"maps"
	"slices"
)

// SetHeaderRoute is a step that sends every request with certain headers to the
// canary, whatever its weight, until a later step takes the route away.
type SetHeaderRoute struct {
	// Name is one of trafficRouting.managedRoutes.
	Name string `json:"name"`
	// Match are the headers, all of which a request must have; none: the step
	// takes the route of that name away.
	Match []HeaderRoutingMatch `json:"match,omitempty"`
}

// HeaderRoutingMatch is a header and what its value must be.
type HeaderRoutingMatch struct {
	HeaderName  string       `json:"headerName"` // compared without regard to case
	HeaderValue *StringMatch `json:"headerValue"`
}

// StringMatch compares a text; exactly one field is set.
type StringMatch struct {
	Exact  string `json:"exact,omitempty"`
	Prefix string `json:"prefix,omitempty"`
	Regex  string `json:"regex,omitempty"` // RE2, on the whole text
}

// SetMirrorRoute is a step that copies requests to the canary, whose answers
// nobody gets, until a later step takes the route away.
type SetMirrorRoute struct {
	// Name is one of trafficRouting.managedRoutes.
	Name string `json:"name"`
	// Match says which requests are copied: those that any entry matches. None:
	// the step takes the route of that name away.
	Match []RouteMatch `json:"match,omitempty"`
	// Percentage is how many of the matched requests are copied, 0 to 100.
	// (*SetMirrorRoute).Share gives it with its default.
	Percentage *int32 `json:"percentage,omitempty"`
}

// RouteMatch matches a request that has all that it names; the empty one
// matches every request.
type RouteMatch struct {
	Method  *StringMatch           `json:"method,omitempty"`
	Path    *StringMatch           `json:"path,omitempty"` // without the query
	Headers map[string]StringMatch `json:"headers,omitempty"`
}

// Removes reports whether the step takes the route away.
func (s *SetHeaderRoute) Removes() bool { return len(s.Match) == 0 }

// Removes reports whether the step takes the route away.
func (s *SetMirrorRoute) Removes() bool { return len(s.Match) == 0 }

// Share gives how many of the matched requests are copied, in millionths of
// them; without a percentage all. Source: Argo Rollouts.
func (s *SetMirrorRoute) Share() Weight {
	if s.Percentage == nil {
		return FullWeight
	}
	return Decimal(int64(*s.Percentage) * decimalScale).Of(100)
}

// HeaderMatches gives the headers of the match in the order of their names.
func (m *RouteMatch) HeaderMatches() []HeaderRoutingMatch {
	out := make([]HeaderRoutingMatch, 0, len(m.Headers))
	for _, name := range slices.Sorted(maps.Keys(m.Headers)) {
		value := m.Headers[name]
		out = append(out, HeaderRoutingMatch{HeaderName: name, HeaderValue: &value})
	}
	return out
}

// RouteOrder gives the place of a route in trafficRouting.managedRoutes, from 0:
// where several match a request, the one with the lowest place has it. It is -1
// for a name that is not there.
func (r *Rollout) RouteOrder(name string) int {
	c := r.Spec.Strategy.Canary
	if c == nil || c.TrafficRouting == nil {
		return -1
	}
	return slices.IndexFunc(c.TrafficRouting.ManagedRoutes, func(m ManagedRoute) bool { return m.Name == name })
}
