package snapshot

import (
	"testing"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

func TestFilters(t *testing.T) {
	const backend = `backendRefs: [{name: shop, port: 80}], `
	// what every forwarding route has, with room for more
	forward := func(more string) string {
		return `{name: default/r/0/0, match: {path_separated_prefix: /a}, route: {cluster: default/shop/80, cluster_not_found_response_code: INTERNAL_SERVER_ERROR` + more + `}}`
	}
	redirect := func(fields string) string {
		return `{name: default/r/0/0, match: {path_separated_prefix: /a}, redirect: {` + fields + `}}`
	}
	for _, c := range []struct{ name, rule, want string }{
		{"none", backend, forward("")},
		{"request headers", backend + `filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: a, value: "50%"}], add: [{name: b, value: c}], remove: [d]}}]`,
			`{name: default/r/0/0, match: {path_separated_prefix: /a}, route: {cluster: default/shop/80, cluster_not_found_response_code: INTERNAL_SERVER_ERROR},
			request_headers_to_remove: [d], request_headers_to_add: [
			{header: {key: a, value: "50%%"}, append_action: OVERWRITE_IF_EXISTS_OR_ADD, keep_empty_value: true},
			{header: {key: b, value: c}, append_action: APPEND_IF_EXISTS_OR_ADD, keep_empty_value: true}]}`},
		{"the Host header", backend + `filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: Host, value: "h%"}], remove: [host]}}]`,
			forward(`, host_rewrite_literal: "h%"`)},
		{"response headers", backend + `filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: a, value: b}], remove: [d]}}]`,
			`{name: default/r/0/0, match: {path_separated_prefix: /a}, route: {cluster: default/shop/80, cluster_not_found_response_code: INTERNAL_SERVER_ERROR},
			response_headers_to_remove: [d], response_headers_to_add: [
			{header: {key: a, value: b}, append_action: OVERWRITE_IF_EXISTS_OR_ADD, keep_empty_value: true}]}`},
		{"rewrite of host and full path", backend + `filters: [{type: URLRewrite, urlRewrite: {hostname: h.example, path: {type: ReplaceFullPath, replaceFullPath: '/x\1'}}}]`,
			forward(`, host_rewrite_literal: h.example, regex_rewrite: {pattern: {regex: "^.*$"}, substitution: '/x\\1'}`)},
		{"rewrite of a prefix", backend + `filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /x/}}}]`,
			forward(`, prefix_rewrite: /x`)},
		{"rewrite of a prefix to nothing", backend + `filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}}]`,
			forward(`, regex_rewrite: {pattern: {regex: "^/a/*"}, substitution: /}`)},
		{"mirror", backend + `filters: [{type: RequestMirror, requestMirror: {backendRef: {name: shop, port: 80}}}]`,
			forward(`, request_mirror_policies: [{cluster: default/shop/80}]`)},
		{"mirror of a part", backend + `filters: [{type: RequestMirror, requestMirror: {backendRef: {name: shop, port: 80}, fraction: {numerator: 1, denominator: 8}}}]`,
			forward(`, request_mirror_policies: [{cluster: default/shop/80, runtime_fraction: {default_value: {numerator: 125000, denominator: MILLION}}}]`)},
		{"mirror of a percentage", backend + `filters: [{type: RequestMirror, requestMirror: {backendRef: {name: shop, port: 80}, percent: 7}}]`,
			forward(`, request_mirror_policies: [{cluster: default/shop/80, runtime_fraction: {default_value: {numerator: 70000, denominator: MILLION}}}]`)},
		{"the shorter timeout", backend + `timeouts: {request: 10s, backendRequest: 500ms}`, forward(`, timeout: 0.5s`)},
		{"no timeout is the longest", backend + `timeouts: {request: 0s}`, forward(`, timeout: 0s`)},
		{"a backend's limit under no limit", backend + `timeouts: {request: 0s, backendRequest: 2s}`, forward(`, timeout: 2s`)},
		{"redirect to https", `filters: [{type: RequestRedirect, requestRedirect: {scheme: https, statusCode: 301}}]`,
			redirect(`scheme_redirect: https, port_redirect: 443, response_code: MOVED_PERMANENTLY`)},
		{"redirect to a host", `filters: [{type: RequestRedirect, requestRedirect: {hostname: h.example, scheme: https}}]`,
			redirect(`scheme_redirect: https, host_redirect: h.example, response_code: FOUND`)},
		{"redirect to a port", `filters: [{type: RequestRedirect, requestRedirect: {port: 8443, statusCode: 308}}]`,
			redirect(`port_redirect: 8443, response_code: PERMANENT_REDIRECT`)},
		{"redirect of the path", `filters: [{type: RequestRedirect, requestRedirect: {path: {type: ReplaceFullPath, replaceFullPath: /x}}}]`,
			redirect(`path_redirect: /x, port_redirect: 10000, response_code: FOUND`)},
		{"redirect of the prefix", `filters: [{type: RequestRedirect, requestRedirect: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /x}, statusCode: 307}}]`,
			redirect(`prefix_rewrite: /x, port_redirect: 10000, response_code: TEMPORARY_REDIRECT`)},
		{"redirect of the prefix to nothing", `filters: [{type: RequestRedirect, requestRedirect: {path: {type: ReplacePrefixMatch, replacePrefixMatch: ""}, statusCode: 303}}]`,
			redirect(`regex_rewrite: {pattern: {regex: "^/a/*"}, substitution: /}, port_redirect: 10000, response_code: SEE_OTHER`)},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := build(t, edgeYAML+shopServiceYAML+ruleYAML(`{matches: [{path: {value: /a}}], `+c.rule+`}`))
			got := routes(t, b).VirtualHosts[0].Routes[0]
			if d := cmp.Diff(fromYAML(t, c.want, &routev3.Route{}), got, protocmp.Transform()); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestRewriteFromRoot: the prefix "/" keeps the slash between what replaces it
// and the rest.
func TestRewriteFromRoot(t *testing.T) {
	root := pathMatch{kind: "PathPrefix", value: "/"}
	if plain, regex := replacePrefix(root, "/"); plain != "/" || regex != nil {
		t.Errorf("/ -> / is %q, %v", plain, regex)
	}
	plain, regex := replacePrefix(root, "/x")
	if plain != "" || regex.GetPattern().GetRegex() != "^/" || regex.GetSubstitution() != "/x/" {
		t.Errorf("/ -> /x is %q, %v", plain, regex)
	}
}

// TestBackendsMissing: a rule without a backend that works answers 500, and so
// does the share of one that is not there.
func TestBackendsMissing(t *testing.T) {
	for _, c := range []struct{ name, refs, want string }{
		{"none", `[]`, "500"},
		{"no weight", `[{name: shop, port: 80, weight: 0}]`, "500"},
		{"no such Service", `[{name: gone, port: 80}]`, "500"},
		{"no such port", `[{name: shop, port: 81}]`, "500"},
		{"one of two", `[{name: gone, port: 80}, {name: shop, port: 80, weight: 3}]`,
			"missing/default/gone/80=250000 default/shop/80=750000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := build(t, edgeYAML+shopServiceYAML+ruleYAML(`backendRefs: `+c.refs))
			expect(t, outline(routes(t, b)), "* r/0/0 -> "+c.want)
		})
	}
}

// TestRefused: what validation lets through by no means, but a newer API might,
// answers 500 rather than something that was not asked for.
func TestRefused(t *testing.T) {
	for name, change := range map[string]func(*gatewayv1.HTTPRouteRule){
		"a filter that is not known": func(r *gatewayv1.HTTPRouteRule) {
			r.Filters = []gatewayv1.HTTPRouteFilter{{Type: gatewayv1.HTTPRouteFilterExtensionRef}}
		},
		"a filter without its part": func(r *gatewayv1.HTTPRouteRule) {
			r.Filters = []gatewayv1.HTTPRouteFilter{{Type: gatewayv1.HTTPRouteFilterRequestRedirect}}
		},
		"a filter of one backend": func(r *gatewayv1.HTTPRouteRule) {
			r.BackendRefs[0].Filters = []gatewayv1.HTTPRouteFilter{{Type: gatewayv1.HTTPRouteFilterCORS}}
		},
		"a backend that is no Service": func(r *gatewayv1.HTTPRouteRule) {
			r.BackendRefs[0].Kind = new(gatewayv1.Kind("Bucket"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := parse(t, shopYAML)
			change(&o.HTTPRoutes[shop].Spec.Rules[0])
			b := NewBuilder(Options{})
			b.SetObjects(o)
			expect(t, outline(routes(t, b)), "shop.example shop/0/0 -> 500")
		})
	}
}
