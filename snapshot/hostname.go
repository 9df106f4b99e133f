package snapshot

import "strings"

// anyHost is the domain of requests that no other host takes.
const anyHost = "*"

// intersect gives the host names that both a listener and a route take, as the
// Gateway API defines it (HTTPRouteSpec.hostnames): *.a.example takes any name
// below a.example, but not a.example; anyHost takes all. ok is false where
// there is none.
func intersect(listener, route string) (host string, ok bool) {
	switch {
	case listener == route, route == anyHost:
		return listener, true
	case listener == anyHost:
		return route, true
	case covers(listener, route):
		return route, true
	case covers(route, listener):
		return listener, true
	}
	return "", false
}

// covers says whether the wildcard takes every name that host takes, and more.
func covers(wildcard, host string) bool {
	if wildcard == anyHost {
		return host != anyHost
	}
	suffix, ok := strings.CutPrefix(wildcard, "*")
	return ok && host != wildcard && len(host) > len(suffix) && strings.HasSuffix(host, suffix)
}

// hostOf is the lower-case host name of an optional one, anyHost if absent.
func hostOf(name string) string {
	if name == "" {
		return anyHost
	}
	return strings.ToLower(name)
}
