package api

import (
	"regexp"
	"strings"
)

// headerName is what HTTP allows as the name of a header, and Envoy's
// pseudo-headers. Source: RFC 9110, section 5.6.2.
var headerName = regexp.MustCompile("^:?[0-9A-Za-z!#$%&'*+.^_`|~-]+$")

// setHeaderRoute checks a header route.
func (c *checker) setHeaderRoute(r *Rollout, s *SetHeaderRoute, p path) {
	c.managedRoute(r, s.Name, p)
	for i := range s.Match {
		m, at := &s.Match[i], p.with("match", i)
		if m.HeaderName == "" {
			c.at(CodeMissing, at.with("headerName"), "the match has no headerName; add one")
		} else {
			c.headerName(m.HeaderName, at.with("headerName"))
		}
		value := m.HeaderValue
		if value == nil {
			value = &StringMatch{}
		}
		c.stringMatch(value, at.with("headerValue"))
	}
}

// setMirrorRoute checks a mirror route.
func (c *checker) setMirrorRoute(r *Rollout, s *SetMirrorRoute, p path) {
	c.managedRoute(r, s.Name, p)
	if s.Percentage != nil && (*s.Percentage < 0 || *s.Percentage > 100) {
		c.at(CodeValue, p.with("percentage"), "the percentage must be 0 to 100, not %d", *s.Percentage)
	}
	for i := range s.Match {
		m, at := &s.Match[i], p.with("match", i)
		if m.Method != nil {
			c.stringMatch(m.Method, at.with("method"))
		}
		if m.Path != nil {
			c.stringMatch(m.Path, at.with("path"))
			c.reachable(m.Path, at.with("path"))
		}
		for _, h := range m.HeaderMatches() {
			c.headerName(h.HeaderName, at.with("headers", h.HeaderName))
			c.stringMatch(h.HeaderValue, at.with("headers", h.HeaderName))
		}
	}
}

// managedRoute checks that a route's place among the others is known.
func (c *checker) managedRoute(r *Rollout, name string, step path) {
	at := step.with("name")
	switch {
	case name == "":
		c.at(CodeMissing, at, "the step has no name; write one of trafficRouting.managedRoutes")
	case r.RouteOrder(name) < 0:
		c.at(CodeManagedRoute, at, "managedRoutes does not name the route %q, so its precedence is not known; "+
			"add it to spec.strategy.canary.trafficRouting.managedRoutes", shorten(name))
	}
}

// headerName checks a name that Envoy is told; one that it refuses would take
// every other route along.
func (c *checker) headerName(name string, p path) {
	if !headerName.MatchString(name) {
		c.at(CodeValue, p, "%q is no name of a header; write one such as x-canary", shorten(name))
	}
}

// stringMatch checks that a comparison is one.
func (c *checker) stringMatch(m *StringMatch, p path) {
	set := 0
	for _, text := range []string{m.Exact, m.Prefix, m.Regex} {
		if text != "" {
			set++
		}
	}
	if set != 1 {
		c.at(CodeStringMatch, p, "the match compares with %d texts; write exactly one of exact, prefix and regex", set)
	}
	if m.Regex != "" {
		c.regex(m.Regex, p.with("regex"))
	}
}

// reachable notes a path that no request has.
func (c *checker) reachable(m *StringMatch, p path) {
	for _, part := range []struct{ name, text string }{{"exact", m.Exact}, {"prefix", m.Prefix}} {
		if part.text != "" && (!strings.HasPrefix(part.text, "/") || strings.ContainsAny(part.text, "?#")) {
			c.at(CodeNeverMatches, p.with(part.name),
				"%q matches no request: a path begins with / and ends before ? and #", shorten(part.text))
		}
	}
}
