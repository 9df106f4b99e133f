package api

import (
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// match checks what a rule matches.
func (c *checker) match(m *gatewayv1.HTTPRouteMatch, p path) {
	if m.Path != nil {
		c.matchPath(m.Path, p.with("path"))
	}
	for i := range m.Headers {
		h, at := &m.Headers[i], p.with("headers", i)
		kind := (*string)(h.Type)
		c.matchValue(kind, string(h.Name), h.Value, at)
	}
	for i := range m.QueryParams {
		q, at := &m.QueryParams[i], p.with("queryParams", i)
		kind := (*string)(q.Type)
		c.matchValue(kind, string(q.Name), q.Value, at)
	}
	if m.Method != nil && !slices.Contains(methods, *m.Method) {
		c.at(CodeValue, p.with("method"), "unknown method %q; write one such as GET", shorten(string(*m.Method)))
	}
}

// methods are those of the Gateway API's HTTPMethod.
var methods = []gatewayv1.HTTPMethod{"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}

// matchPath checks a match of a path.
func (c *checker) matchPath(m *gatewayv1.HTTPPathMatch, p path) {
	kind, value := gatewayv1.PathMatchPathPrefix, "/"
	if m.Type != nil {
		kind = *m.Type
	}
	if m.Value != nil {
		value = *m.Value
	}
	switch kind {
	case gatewayv1.PathMatchRegularExpression:
		c.regex(value, p.with("value"))
	case gatewayv1.PathMatchExact, gatewayv1.PathMatchPathPrefix:
		if !strings.HasPrefix(value, "/") {
			c.at(CodeValue, p.with("value"), "the path %q must begin with /", shorten(value))
		} else if strings.ContainsAny(value, "#?") || strings.Contains(value, "//") {
			c.at(CodeValue, p.with("value"), "the path %q must not hold #, ? or //", shorten(value))
		}
	default:
		c.at(CodeValue, p.with("type"), "unknown type %q; write Exact, PathPrefix or RegularExpression",
			shorten(string(kind)))
	}
}

// matchValue checks a match of a header or of a query parameter.
func (c *checker) matchValue(kind *string, name, value string, p path) {
	if name == "" {
		c.at(CodeMissing, p.with("name"), "the match has no name; add one")
	}
	switch {
	case kind == nil || *kind == string(gatewayv1.HeaderMatchExact):
	case *kind == string(gatewayv1.HeaderMatchRegularExpression):
		c.regex(value, p.with("value"))
	default:
		c.at(CodeValue, p.with("type"), "unknown type %q; write Exact or RegularExpression", shorten(*kind))
	}
}

// filterFields gives, for each type of filter that is run, the field with its
// settings.
var filterFields = map[gatewayv1.HTTPRouteFilterType]string{
	gatewayv1.HTTPRouteFilterRequestHeaderModifier:  "requestHeaderModifier",
	gatewayv1.HTTPRouteFilterResponseHeaderModifier: "responseHeaderModifier",
	gatewayv1.HTTPRouteFilterRequestRedirect:        "requestRedirect",
	gatewayv1.HTTPRouteFilterURLRewrite:             "urlRewrite",
	gatewayv1.HTTPRouteFilterRequestMirror:          "requestMirror",
}

// filters checks the filters of a rule: those that are not run change what
// users get, so none is left out in silence.
func (c *checker) filters(filters []gatewayv1.HTTPRouteFilter, p path) {
	for i := range filters {
		f, at := &filters[i], p.with(i)
		field, known := filterFields[f.Type]
		switch {
		case !known:
			c.at(CodeNotRun, at.with("type"), "this version does not run the filter %q; remove it", shorten(string(f.Type)))
		case c.root.find(at).get(field) == nil:
			c.at(CodeMissing, at, "the filter of type %s says nothing; add %s", f.Type, field)
		}
		if f.RequestMirror != nil {
			c.reference(&f.RequestMirror.BackendRef, at.with("requestMirror", "backendRef"))
		}
	}
}
