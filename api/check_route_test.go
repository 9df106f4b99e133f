package api

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCheckGateway(t *testing.T) {
	const head = "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: a}\n"
	tests := map[string]struct {
		text string
		want []string
	}{
		"none": {head + "spec: {gatewayClassName: serin}\n", []string{
			"f.yaml:4:7: E109 spec.listeners: the Gateway has no listeners; add one with name, protocol and port"}},
		"empty": {head + "spec:\n  listeners:\n  - {}\n", []string{
			"f.yaml:6:5: E109 spec.listeners[0].name: the listener has no name; add one",
			"f.yaml:6:5: E109 spec.listeners[0].protocol: the listener has no protocol; write HTTP",
			"f.yaml:6:5: E304 spec.listeners[0].port: the port must be 1 to 65535, not 0"}},
		"not run": {head + "spec:\n  listeners:\n  - {name: a, port: 1, protocol: HTTPS, tls: {}}\n  - {name: b, port: 2, protocol: HTTP, allowedRoutes: {namespaces: {from: Selector}}}\n", []string{
			"f.yaml:6:34: E306 spec.listeners[0].protocol: this version does not run HTTPS listeners; write HTTP",
			"f.yaml:6:46: E306 spec.listeners[0].tls: this version does not run TLS listeners; remove tls",
			"f.yaml:7:75: E306 spec.listeners[1].allowedRoutes.namespaces.from: this version does not select namespaces by labels; write Same or All"}},
		"shared ports": {head + "spec:\n  listeners:\n  - {name: a, port: 1, protocol: HTTP}\n  - {name: a, port: 1, protocol: TCP}\n  - {name: c, port: 2, protocol: HTTP, hostname: x.example}\n" +
			"  - {name: d, port: 2, protocol: HTTP, hostname: '*.example'}\n  - {name: e, port: 2, protocol: HTTP, hostname: x.example}\n", []string{
			`f.yaml:7:12: E301 spec.listeners[1].name: two listeners have the name "a"; rename one`,
			"f.yaml:7:21: E405 spec.listeners[1].port: port 1 is HTTP in an earlier listener and TCP here; use another port",
			"f.yaml:7:34: E306 spec.listeners[1].protocol: this version does not run TCP listeners; write HTTP",
			"f.yaml:10:21: E405 spec.listeners[4].port: two listeners have port 2 and the same hostname; change one of them"}},
		"hostname": {head + "spec: {listeners: [{name: a, port: 1, protocol: HTTP, hostname: 'a.*.b'}]}\n", []string{
			`f.yaml:4:65: E303 spec.listeners[0].hostname: "a.*.b" is no hostname: write a name such as shop.example or *.example, without port`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, own(test.text)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCheckRoute(t *testing.T) {
	const head = "apiVersion: gateway.networking.k8s.io/v1beta1\nkind: HTTPRoute\nmetadata: {name: a}\nspec:\n"
	const rule = head + "  rules:\n  - "
	tests := map[string]struct {
		text string
		want []string
	}{
		"all that is run": {rule + "matches:\n    - {path: {type: Exact, value: /x}, method: GET, headers: [{name: a, value: b}], queryParams: [{name: q, type: RegularExpression, value: '^a+$'}]}\n" +
			"    filters: [{type: URLRewrite, urlRewrite: {hostname: x.example}}, {type: RequestMirror, requestMirror: {backendRef: {name: s, port: 80}}}]\n" +
			"    timeouts: {request: 10s, backendRequest: 500ms}\n    backendRefs: [{name: s, port: 80, weight: 0}]\n", nil},
		"hosts": {head + "  hostnames: ['*.example', 'shop:80', '', 'A.example']\n", []string{
			`f.yaml:5:28: E303 spec.hostnames[1]: "shop:80" is no hostname: write a name such as shop.example or *.example, without port`,
			`f.yaml:5:39: E303 spec.hostnames[2]: "" is no hostname: write a name such as shop.example or *.example, without port`,
			`f.yaml:5:43: E303 spec.hostnames[3]: "A.example" is no hostname: write a name such as shop.example or *.example, without port`}},
		"parent": {head + "  parentRefs: [{}]\n", []string{
			"f.yaml:5:16: E109 spec.parentRefs[0].name: the reference has no name; add the Gateway's"}},
		"regular expressions": {rule + "matches:\n    - path: {type: RegularExpression, value: '/(a'}\n    - headers: [{name: a, type: RegularExpression, value: '(?=a)'}]\n    - queryParams: [{name: a, type: RegularExpression, value: '['}]\n", []string{
			"f.yaml:7:46: E302 spec.rules[0].matches[0].path.value: the regular expression does not compile: missing closing ): `/(a`",
			"f.yaml:8:59: E302 spec.rules[0].matches[1].headers[0].value: the regular expression does not compile: invalid or unsupported Perl syntax: `(?=`",
			"f.yaml:9:63: E302 spec.rules[0].matches[2].queryParams[0].value: the regular expression does not compile: missing closing ]: `[`"}},
		"paths": {rule + "matches:\n    - path: {value: x}\n    - path: {type: Exact, value: /a?b}\n    - path: {type: Prefix}\n    - method: FETCH\n    - headers: [{name: '', value: x, type: Prefix}]\n", []string{
			`f.yaml:7:21: E301 spec.rules[0].matches[0].path.value: the path "x" must begin with /`,
			`f.yaml:8:34: E301 spec.rules[0].matches[1].path.value: the path "/a?b" must not hold #, ? or //`,
			`f.yaml:9:20: E301 spec.rules[0].matches[2].path.type: unknown type "Prefix"; write Exact, PathPrefix or RegularExpression`,
			`f.yaml:10:15: E301 spec.rules[0].matches[3].method: unknown method "FETCH"; write one such as GET`,
			"f.yaml:11:24: E109 spec.rules[0].matches[4].headers[0].name: the match has no name; add one",
			`f.yaml:11:44: E301 spec.rules[0].matches[4].headers[0].type: unknown type "Prefix"; write Exact or RegularExpression`}},
		"filters": {rule + "filters:\n    - {type: CORS, cors: {}}\n    - {type: RequestMirror}\n    - {type: RequestMirror, requestMirror: {backendRef: {kind: Job, name: x}}}\n", []string{
			`f.yaml:7:14: E306 spec.rules[0].filters[0].type: this version does not run the filter "CORS"; remove it`,
			"f.yaml:8:7: E109 spec.rules[0].filters[1]: the filter of type RequestMirror says nothing; add requestMirror",
			"f.yaml:9:64: E306 spec.rules[0].filters[2].requestMirror.backendRef.kind: this version routes to Services only; remove group and kind"}},
		"backends": {rule + "backendRefs:\n    - {}\n    - {name: s, port: 80, weight: -1}\n    - {name: s, port: 99999, filters: [{type: RequestMirror}]}\n", []string{
			"f.yaml:7:7: E109 spec.rules[0].backendRefs[0].name: the backend has no name; add the Service's",
			"f.yaml:7:7: E109 spec.rules[0].backendRefs[0].port: the backend has no port; add a port of the Service",
			"f.yaml:8:35: E301 spec.rules[0].backendRefs[1].weight: the weight must be 0 to 1000000, not -1",
			"f.yaml:9:23: E304 spec.rules[0].backendRefs[2].port: the port must be 1 to 65535, not 99999",
			"f.yaml:9:39: E306 spec.rules[0].backendRefs[2].filters: this version does not run filters of a backend; move them to the rule"}},
		"left aside": {rule + "retry: {attempts: 2}\n    sessionPersistence: {}\n    timeouts: {request: 10, backendRequest: -1s}\n", []string{
			`f.yaml:8:25: E104 spec.rules[0].timeouts.request: wants a string: put it in quotes, "10"`}},
		"left aside, well written": {rule + "retry: {attempts: 2}\n    sessionPersistence: {}\n    timeouts: {request: 1d, backendRequest: -1s}\n", []string{
			"f.yaml:6:12: W321 spec.rules[0].retry: this version does not retry; the field is left aside",
			"f.yaml:7:25: W321 spec.rules[0].sessionPersistence: this version keeps no sessions; the field is left aside",
			`f.yaml:8:25: E301 spec.rules[0].timeouts.request: "1d" is no duration: write one such as 500ms or 10s`,
			`f.yaml:8:45: E301 spec.rules[0].timeouts.backendRequest: "-1s" is no duration: write one such as 500ms or 10s`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, own(test.text)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
