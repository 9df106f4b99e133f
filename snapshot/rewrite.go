package snapshot

import (
	"regexp"
	"strings"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// fullPath gives the path that replaces the whole one, if that is asked for.
func fullPath(m *gatewayv1.HTTPPathModifier) (string, bool) {
	if m == nil || m.Type != gatewayv1.FullPathHTTPPathModifier || m.ReplaceFullPath == nil {
		return "", false
	}
	return *m.ReplaceFullPath, true
}

// newPrefix gives the path that replaces the matched prefix, if that is asked
// for.
func newPrefix(m *gatewayv1.HTTPPathModifier) (string, bool) {
	if m == nil || m.Type != gatewayv1.PrefixMatchHTTPPathModifier || m.ReplacePrefixMatch == nil {
		return "", false
	}
	return *m.ReplacePrefixMatch, true
}

// replacePrefix says how Envoy replaces the matched prefix by path elements,
// as the Gateway API does: /a -> /x makes /a/b to /x/b, and /a -> / makes it
// to /b. Envoy's plain prefix rewrite cuts characters, which would give //b
// for the second, and /xb for / -> /x; there a regular expression does it.
func replacePrefix(p pathMatch, by string) (string, *matcherv3.RegexMatchAndSubstitute) {
	by = strings.TrimRight(by, "/")
	switch {
	case p.value == "/" && by == "":
		return "/", nil
	case p.value == "/":
		return "", rewriteRegex("^/", by+"/")
	case by == "":
		return "", rewriteRegex("^"+regexp.QuoteMeta(p.value)+"/*", "/")
	}
	return by, nil
}

// rewriteRegex replaces what the pattern finds by a literal. Envoy reads a
// backslash in the substitution as a reference to a group.
func rewriteRegex(pattern, literal string) *matcherv3.RegexMatchAndSubstitute {
	return &matcherv3.RegexMatchAndSubstitute{
		Pattern:      &matcherv3.RegexMatcher{Regex: pattern},
		Substitution: strings.ReplaceAll(literal, `\`, `\\`),
	}
}

// setRewrite writes the host and path changes of a rule into its action.
func setRewrite(a *routev3.RouteAction, r *rule, p pathMatch) {
	host := r.headers.host
	if r.rewrite != nil && r.rewrite.Hostname != nil {
		host = string(*r.rewrite.Hostname)
	}
	if host != "" {
		a.HostRewriteSpecifier = &routev3.RouteAction_HostRewriteLiteral{HostRewriteLiteral: host}
	}
	if r.rewrite == nil {
		return
	}
	if full, ok := fullPath(r.rewrite.Path); ok {
		a.RegexRewrite = rewriteRegex("^.*$", full)
	} else if prefix, ok := newPrefix(r.rewrite.Path); ok {
		a.PrefixRewrite, a.RegexRewrite = replacePrefix(p, prefix)
	}
}
