package snapshot

import (
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// headerEdits are the changes to headers that a rule makes.
type headerEdits struct {
	request, response             []*corev3.HeaderValueOption
	requestRemove, responseRemove []string
	host                          string // set in place of the Host header, which Envoy keeps apart
}

// addFilter takes one filter of a rule in.
func (r *rule) addFilter(f *gatewayv1.HTTPRouteFilter, services *services) {
	switch {
	case f.Type == gatewayv1.HTTPRouteFilterRequestHeaderModifier && f.RequestHeaderModifier != nil:
		r.headers.addRequest(f.RequestHeaderModifier)
	case f.Type == gatewayv1.HTTPRouteFilterResponseHeaderModifier && f.ResponseHeaderModifier != nil:
		h := f.ResponseHeaderModifier
		r.headers.response = append(r.headers.response, edits(h)...)
		r.headers.responseRemove = append(r.headers.responseRemove, h.Remove...)
	case f.Type == gatewayv1.HTTPRouteFilterRequestRedirect && f.RequestRedirect != nil:
		r.redirect = f.RequestRedirect
	case f.Type == gatewayv1.HTTPRouteFilterURLRewrite && f.URLRewrite != nil:
		r.rewrite = f.URLRewrite
	case f.Type == gatewayv1.HTTPRouteFilterRequestMirror && f.RequestMirror != nil:
		r.addMirror(f.RequestMirror, services)
	default:
		r.refused = true
	}
}

// addRequest takes a request header filter in. Envoy refuses edits of Host as
// a header: setting it becomes a rewrite of the host, removing it nothing.
func (e *headerEdits) addRequest(h *gatewayv1.HTTPHeaderFilter) {
	for _, v := range edits(h) {
		if strings.EqualFold(v.Header.Key, "host") {
			e.host = strings.ReplaceAll(v.Header.Value, "%%", "%")
			continue
		}
		e.request = append(e.request, v)
	}
	for _, name := range h.Remove {
		if !strings.EqualFold(name, "host") {
			e.requestRemove = append(e.requestRemove, name)
		}
	}
}

// edits lists what a header filter sets, then what it adds.
func edits(h *gatewayv1.HTTPHeaderFilter) []*corev3.HeaderValueOption {
	out := make([]*corev3.HeaderValueOption, 0, len(h.Set)+len(h.Add))
	for _, v := range h.Set {
		out = append(out, headerValue(string(v.Name), v.Value, corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD))
	}
	for _, v := range h.Add {
		out = append(out, headerValue(string(v.Name), v.Value, corev3.HeaderValueOption_APPEND_IF_EXISTS_OR_ADD))
	}
	return out
}

// addMirror takes a mirror in, be its Service there or not.
func (r *rule) addMirror(f *gatewayv1.HTTPRequestMirrorFilter, services *services) {
	m := mirror{backend: services.resolve(r.route.Namespace, &f.BackendRef), numerator: 100, denominator: 100}
	if f.Percent != nil {
		m.numerator = uint32(max(*f.Percent, 0))
	}
	if f.Fraction != nil {
		m.numerator = uint32(max(f.Fraction.Numerator, 0))
		if f.Fraction.Denominator != nil {
			m.denominator = uint32(max(*f.Fraction.Denominator, 1))
		}
	}
	r.mirrors = append(r.mirrors, m)
}

// redirectCodes are the status codes of the Gateway API that Envoy has, too.
var redirectCodes = map[int]routev3.RedirectAction_RedirectResponseCode{
	301: routev3.RedirectAction_MOVED_PERMANENTLY,
	302: routev3.RedirectAction_FOUND,
	303: routev3.RedirectAction_SEE_OTHER,
	307: routev3.RedirectAction_TEMPORARY_REDIRECT,
	308: routev3.RedirectAction_PERMANENT_REDIRECT,
}

// redirectAction translates a redirect of requests that matched the path, on a
// listener of the given port.
func redirectAction(f *gatewayv1.HTTPRequestRedirectFilter, p pathMatch, listener int32) *routev3.RedirectAction {
	out := &routev3.RedirectAction{ResponseCode: routev3.RedirectAction_FOUND, PortRedirect: redirectPort(f, listener)}
	if f.StatusCode != nil {
		out.ResponseCode = redirectCodes[*f.StatusCode]
	}
	if f.Scheme != nil {
		out.SchemeRewriteSpecifier = &routev3.RedirectAction_SchemeRedirect{SchemeRedirect: *f.Scheme}
	}
	if f.Hostname != nil {
		out.HostRedirect = string(*f.Hostname)
	}
	if full, ok := fullPath(f.Path); ok {
		out.PathRewriteSpecifier = &routev3.RedirectAction_PathRedirect{PathRedirect: full}
	} else if prefix, ok := newPrefix(f.Path); ok {
		plain, regex := replacePrefix(p, prefix)
		if regex != nil {
			out.PathRewriteSpecifier = &routev3.RedirectAction_RegexRewrite{RegexRewrite: regex}
		} else {
			out.PathRewriteSpecifier = &routev3.RedirectAction_PrefixRewrite{PrefixRewrite: plain}
		}
	}
	return out
}

// redirectPort is the port in the Location header: the one asked for, else the
// well-known one of a scheme asked for, else the listener's. A well-known port
// is left out where Envoy would not add one by itself.
// Source: HTTPRequestRedirectFilter.port of the Gateway API.
func redirectPort(f *gatewayv1.HTTPRequestRedirectFilter, listener int32) uint32 {
	known := map[string]int32{"http": 80, "https": 443}
	scheme, port := "http", listener
	if f.Scheme != nil {
		scheme, port = *f.Scheme, known[*f.Scheme]
	}
	if f.Port != nil {
		port = *f.Port
	}
	if port == known[scheme] && (f.Hostname != nil || listener == port) {
		return 0
	}
	return uint32(port)
}
