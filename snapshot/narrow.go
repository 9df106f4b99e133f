package snapshot

import (
	"regexp"
	"strings"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// narrow makes a route, whose match has the path p, match only what the
// alternative of a mirror matches as well.
func (m *RouteMatch) narrow(route *routev3.Route, p pathMatch) {
	match := route.Match
	if method := m.Method.matcher(); method != nil {
		match.Headers = append(match.Headers, headerMatch(":method", method))
	}
	match.Headers = append(match.Headers, headerMatches(m.Headers)...)
	if m.Path == (StringMatch{}) {
		return
	}
	// Envoy's match has one path, and only that leaves the query aside whatever
	// the pattern. It is the mirror's; the rule's becomes a condition on the
	// pseudo-header, which has the query at its end.
	if whole := wholePath(p); whole != "" {
		match.Headers = append(match.Headers, headerMatch(":path", stringMatch(whole, true)))
	}
	m.Path.setPath(match)
	keepPrefixRewrite(route.GetRoute(), p)
}

// setPath sets the one path specifier.
func (m StringMatch) setPath(out *routev3.RouteMatch) {
	switch {
	case m.Regex != "":
		out.PathSpecifier = &routev3.RouteMatch_SafeRegex{SafeRegex: regexMatch(m.Regex)}
	case m.Prefix != "":
		out.PathSpecifier = &routev3.RouteMatch_Prefix{Prefix: m.Prefix}
	default:
		out.PathSpecifier = &routev3.RouteMatch_Path{Path: m.Exact}
	}
}

// wholePath is a path as a regular expression on a path with its query; empty
// where every path matches. A regular expression of a rule is taken as it is,
// so a query can be what makes it match here, which copies a request too many
// and changes no answer.
func wholePath(p pathMatch) string {
	switch {
	case p.kind == gatewayv1.PathMatchRegularExpression:
		return "(?:" + p.value + `)(?:\?.*)?`
	case p.kind == gatewayv1.PathMatchExact:
		return regexp.QuoteMeta(p.value) + `(?:\?.*)?`
	case p.value == "/":
		return ""
	}
	return regexp.QuoteMeta(p.value) + "(?:[/?].*)?"
}

// keepPrefixRewrite has the rewrite of a rule replace what the rule's path
// matched: Envoy's prefix rewrite replaces what the route's path did.
func keepPrefixRewrite(a *routev3.RouteAction, p pathMatch) {
	if a.PrefixRewrite == "" {
		return
	}
	pattern := "^" + regexp.QuoteMeta(p.value)
	if p.kind == gatewayv1.PathMatchRegularExpression {
		pattern = "^.*$"
	}
	a.RegexRewrite = rewriteRegex(pattern, a.PrefixRewrite)
	a.PrefixRewrite = ""
}

// headerMatches translates headers that must all match.
func headerMatches(headers []HeaderMatch) []*routev3.HeaderMatcher {
	out := make([]*routev3.HeaderMatcher, len(headers))
	for i, h := range headers {
		name := strings.ToLower(h.Name)
		if value := h.Value.matcher(); value != nil {
			out[i] = headerMatch(name, value)
			continue
		}
		out[i] = &routev3.HeaderMatcher{
			Name:                 name,
			HeaderMatchSpecifier: &routev3.HeaderMatcher_PresentMatch{PresentMatch: true},
		}
	}
	return out
}

// matcher translates a comparison; nil where any text will do.
func (m StringMatch) matcher() *matcherv3.StringMatcher {
	switch {
	case m.Regex != "":
		return stringMatch(m.Regex, true)
	case m.Prefix != "":
		return &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Prefix{Prefix: m.Prefix}}
	case m.Exact != "":
		return exactly(m.Exact)
	}
	return nil
}
