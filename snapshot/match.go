package snapshot

import (
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// pathMatch is the path part of a match with the Gateway API's default filled
// in. A prefix has no slash at its end, but for "/" itself: the Gateway API
// compares whole path elements, so /a and /a/ are the same prefix.
type pathMatch struct {
	kind  gatewayv1.PathMatchType
	value string
}

// pathOf reads the path part of a match.
func pathOf(m *gatewayv1.HTTPRouteMatch) pathMatch {
	p := pathMatch{kind: gatewayv1.PathMatchPathPrefix, value: "/"}
	if m.Path == nil {
		return p
	}
	if m.Path.Type != nil {
		p.kind = *m.Path.Type
	}
	if m.Path.Value != nil {
		p.value = *m.Path.Value
	}
	if p.kind == gatewayv1.PathMatchPathPrefix {
		p.value = strings.TrimRight(p.value, "/")
		if p.value == "" {
			p.value = "/"
		}
	}
	return p
}

// routeMatch translates a match. Every part of it must hold.
func routeMatch(m *gatewayv1.HTTPRouteMatch) *routev3.RouteMatch {
	out := &routev3.RouteMatch{}
	setPath(out, pathOf(m))
	if m.Method != nil {
		out.Headers = append(out.Headers, headerMatch(":method", exactly(string(*m.Method))))
	}
	// Of two entries for one name the Gateway API lets the first hold; header
	// names are compared without regard to case.
	seen := map[string]bool{}
	for _, h := range m.Headers {
		name := strings.ToLower(string(h.Name))
		if seen[name] {
			continue
		}
		seen[name] = true
		regex := h.Type != nil && *h.Type == gatewayv1.HeaderMatchRegularExpression
		out.Headers = append(out.Headers, headerMatch(name, stringMatch(h.Value, regex)))
	}
	setQuery(out, m.QueryParams)
	return out
}

// setPath sets the one path specifier.
func setPath(out *routev3.RouteMatch, p pathMatch) {
	switch {
	case p.kind == gatewayv1.PathMatchExact:
		out.PathSpecifier = &routev3.RouteMatch_Path{Path: p.value}
	case p.kind == gatewayv1.PathMatchRegularExpression:
		out.PathSpecifier = &routev3.RouteMatch_SafeRegex{SafeRegex: regexMatch(p.value)}
	case p.value == "/":
		out.PathSpecifier = &routev3.RouteMatch_Prefix{Prefix: "/"}
	default:
		out.PathSpecifier = &routev3.RouteMatch_PathSeparatedPrefix{PathSeparatedPrefix: p.value}
	}
}

// setQuery adds the query parameters, of two for one name the first.
func setQuery(out *routev3.RouteMatch, params []gatewayv1.HTTPQueryParamMatch) {
	seen := map[string]bool{}
	for _, q := range params {
		if seen[string(q.Name)] {
			continue
		}
		seen[string(q.Name)] = true
		regex := q.Type != nil && *q.Type == gatewayv1.QueryParamMatchRegularExpression
		out.QueryParameters = append(out.QueryParameters, &routev3.QueryParameterMatcher{
			Name: string(q.Name),
			QueryParameterMatchSpecifier: &routev3.QueryParameterMatcher_StringMatch{
				StringMatch: stringMatch(q.Value, regex),
			},
		})
	}
}

func headerMatch(name string, m *matcherv3.StringMatcher) *routev3.HeaderMatcher {
	return &routev3.HeaderMatcher{
		Name:                 name,
		HeaderMatchSpecifier: &routev3.HeaderMatcher_StringMatch{StringMatch: m},
	}
}

func stringMatch(value string, regex bool) *matcherv3.StringMatcher {
	if regex {
		return &matcherv3.StringMatcher{
			MatchPattern: &matcherv3.StringMatcher_SafeRegex{SafeRegex: regexMatch(value)},
		}
	}
	return exactly(value)
}

func exactly(value string) *matcherv3.StringMatcher {
	return &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Exact{Exact: value}}
}

// regexMatch matches the whole value with RE2, which is Envoy's default engine
// and Go's, so what validation compiled is what Envoy runs.
func regexMatch(pattern string) *matcherv3.RegexMatcher {
	return &matcherv3.RegexMatcher{Regex: pattern}
}

// headerValue is a header and what to do where it is there already. A percent
// sign starts a command in Envoy's header values, so it is doubled.
func headerValue(name, value string, action corev3.HeaderValueOption_HeaderAppendAction) *corev3.HeaderValueOption {
	return &corev3.HeaderValueOption{
		Header:         &corev3.HeaderValue{Key: name, Value: strings.ReplaceAll(value, "%", "%%")},
		AppendAction:   action,
		KeepEmptyValue: true,
	}
}
