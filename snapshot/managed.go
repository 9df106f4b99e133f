package snapshot

// ManagedRoute is a route that a step of a Rollout put in front of those of its
// Service's HTTPRoutes: a header route, which sends every request with certain
// headers to the canary, or a mirror route, which copies requests to it and
// leaves the answers to the normal division.
// Source: setHeaderRoute and setMirrorRoute of Argo Rollouts.
type ManagedRoute struct {
	// Name is the one in trafficRouting.managedRoutes; it becomes part of the
	// names of Envoy's routes.
	Name string
	// Headers must all match a header route's request. Unused by a mirror.
	Headers []HeaderMatch
	// Mirror makes it a mirror route.
	Mirror bool
	// Percentage is how many of a mirror's matched requests are copied, in
	// millionths of them; Total is all.
	Percentage uint32
	// Matches are a mirror's: a request is matched when any of them does.
	Matches []RouteMatch
}

// HeaderMatch is a header and what its value must be.
type HeaderMatch struct {
	Name  string // compared without regard to case
	Value StringMatch
}

// StringMatch compares a text. At most one field is set; none: any text, or
// for a header any value, as long as it is there.
type StringMatch struct {
	Exact  string
	Prefix string
	Regex  string // RE2, on the whole text
}

// RouteMatch is one alternative of a mirror route; every part must match. The
// zero value matches every request.
type RouteMatch struct {
	Method  StringMatch
	Path    StringMatch // without the query
	Headers []HeaderMatch
}
