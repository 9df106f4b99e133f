package api

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCheckManagedRoutes proves that a step whose route Envoy could not run, or
// whose place is not known, is found where it is written.
func TestCheckManagedRoutes(t *testing.T) {
	const head = rolloutHead + "  strategy:\n    canary:\n      trafficRouting: {managedRoutes: [{name: a}, {name: b}]}\n      steps:\n"
	const header, mirror = "spec.strategy.canary.steps[0].setHeaderRoute", "spec.strategy.canary.steps[0].setMirrorRoute"
	const one = "write exactly one of exact, prefix and regex"
	tests := map[string]struct {
		text string
		want []string
	}{
		"header":       {head + "      - setHeaderRoute: {name: a, match: [{headerName: X-Canary, headerValue: {exact: 'yes'}}, {headerName: x, headerValue: {prefix: a}}, {headerName: ':authority', headerValue: {regex: a.*}}]}\n", nil},
		"mirror":       {head + "      - setMirrorRoute: {name: b, percentage: 35, match: [{}, {method: {exact: GET}, path: {prefix: /}, headers: {x: {regex: '.+'}}}]}\n", nil},
		"both removed": {head + "      - setHeaderRoute: {name: a, match: [{headerName: x, headerValue: {exact: y}}]}\n      - setMirrorRoute: {name: b, match: [{}]}\n      - setHeaderRoute: {name: a}\n      - setMirrorRoute: {name: b, match: []}\n", nil},
		"no names": {head + "      - setHeaderRoute: {}\n      - setMirrorRoute: {}\n", []string{
			"f.yaml:10:25: E109 " + header + ".name: the step has no name; write one of trafficRouting.managedRoutes",
			"f.yaml:11:25: E109 spec.strategy.canary.steps[1].setMirrorRoute.name: the step has no name; write one of trafficRouting.managedRoutes"}},
		"not managed": {head + "      - setHeaderRoute: {name: c}\n", []string{
			"f.yaml:10:32: E212 " + header + `.name: managedRoutes does not name the route "c", so its precedence is not known; add it to spec.strategy.canary.trafficRouting.managedRoutes`}},
		"nothing managed": {strings.Replace(head, "{managedRoutes: [{name: a}, {name: b}]}", "{}", 1) + "      - setMirrorRoute: {name: a}\n", []string{
			"f.yaml:10:32: E212 " + mirror + `.name: managedRoutes does not name the route "a", so its precedence is not known; add it to spec.strategy.canary.trafficRouting.managedRoutes`}},
		"headers": {head + "      - setHeaderRoute: {name: a, match: [{headerValue: {exact: x}}, {headerName: 'a b', headerValue: {exact: x}}]}\n", []string{
			"f.yaml:10:43: E109 " + header + ".match[0].headerName: the match has no headerName; add one",
			"f.yaml:10:83: E301 " + header + `.match[1].headerName: "a b" is no name of a header; write one such as x-canary`}},
		"values": {head + "      - setHeaderRoute:\n          name: a\n          match:\n          - {headerName: x}\n          - {headerName: x, headerValue: {}}\n          - {headerName: x, headerValue: {exact: a, prefix: b, regex: c}}\n          - {headerName: x, headerValue: {regex: '('}}\n", []string{
			"f.yaml:13:13: E213 " + header + ".match[0].headerValue: the match compares with 0 texts; " + one,
			"f.yaml:14:42: E213 " + header + ".match[1].headerValue: the match compares with 0 texts; " + one,
			"f.yaml:15:42: E213 " + header + ".match[2].headerValue: the match compares with 3 texts; " + one,
			"f.yaml:16:50: E302 " + header + ".match[3].headerValue.regex: the regular expression does not compile: missing closing ): `(`"}},
		"mirrors": {head + "      - setMirrorRoute:\n          name: a\n          percentage: 101\n          match:\n          - {method: {}, path: {exact: /a, regex: '['}}\n          - {headers: {'a:b': {exact: x}, c: {}}}\n          - {path: {prefix: color}}\n          - {path: {exact: '/a?b'}}\n", []string{
			"f.yaml:12:23: E301 " + mirror + ".percentage: the percentage must be 0 to 100, not 101",
			"f.yaml:14:22: E213 " + mirror + ".match[0].method: the match compares with 0 texts; " + one,
			"f.yaml:14:32: E213 " + mirror + ".match[0].path: the match compares with 2 texts; " + one,
			"f.yaml:14:51: E302 " + mirror + ".match[0].path.regex: the regular expression does not compile: missing closing ]: `[`",
			"f.yaml:15:31: E301 " + mirror + `.match[1].headers.a:b: "a:b" is no name of a header; write one such as x-canary`,
			"f.yaml:15:46: E213 " + mirror + ".match[1].headers.c: the match compares with 0 texts; " + one,
			"f.yaml:16:29: W223 " + mirror + `.match[2].path.prefix: "color" matches no request: a path begins with / and ends before ? and #`,
			"f.yaml:17:28: W223 " + mirror + `.match[3].path.exact: "/a?b" matches no request: a path begins with / and ends before ? and #`}},
		"unknown fields": {head + "      - setHeaderRoute: {name: a, matches: []}\n      - setMirrorRoute: {name: a, match: [{path: {suffix: x}}]}\n", []string{
			"f.yaml:10:35: E102 " + header + ".matches: unknown field; did you mean match?",
			"f.yaml:11:51: E102 spec.strategy.canary.steps[1].setMirrorRoute.match[0].path.suffix: unknown field; did you mean prefix?"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, own(test.text)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestManagedSteps proves that the two steps are read as they are written.
func TestManagedSteps(t *testing.T) {
	r := rolloutOf(t, `{template: {}, strategy: {canary: {trafficRouting: {managedRoutes: [{name: a}, {name: b}]}, steps: [
		{setCanaryScale: {replicas: 1}, setHeaderRoute: {name: b, match: [{headerName: X-Canary, headerValue: {exact: 'yes'}}]}},
		{setMirrorRoute: {name: a, percentage: 35, match: [{path: {prefix: /x}, headers: {c: {exact: z}, b: {regex: y}}}]}},
		{setHeaderRoute: {name: b}}, {setMirrorRoute: {name: a}}]}}}`)
	steps := r.Steps()
	var kinds []string
	for i := range steps {
		kinds = append(kinds, steps[i].Kind())
	}
	if diff := cmp.Diff([]string{"setHeaderRoute", "setMirrorRoute", "setHeaderRoute", "setMirrorRoute"}, kinds); diff != "" {
		t.Error(diff)
	}
	want := &SetHeaderRoute{Name: "b", Match: []HeaderRoutingMatch{{"X-Canary", &StringMatch{Exact: "yes"}}}}
	if diff := cmp.Diff(want, steps[0].SetHeaderRoute); diff != "" {
		t.Error(diff)
	}
	m := steps[1].SetMirrorRoute
	headers := []HeaderRoutingMatch{{"b", &StringMatch{Regex: "y"}}, {"c", &StringMatch{Exact: "z"}}}
	if diff := cmp.Diff(headers, m.Match[0].HeaderMatches()); diff != "" {
		t.Error(diff)
	}
	if m.Share() != 350_000 || *m.Match[0].Path != (StringMatch{Prefix: "/x"}) || m.Match[0].Method != nil {
		t.Errorf("mirror %+v with share %d", m, m.Share())
	}
	if steps[0].SetHeaderRoute.Removes() || m.Removes() || !steps[2].SetHeaderRoute.Removes() || !steps[3].SetMirrorRoute.Removes() {
		t.Error("a step without a match removes, and no other")
	}
}

func TestMirrorShare(t *testing.T) {
	tests := map[string]struct {
		percentage *int32
		want       Weight
	}{
		"all by default": {nil, FullWeight},
		"none":           {new(int32(0)), 0},
		"one":            {new(int32(1)), 10_000},
		"all":            {new(int32(100)), FullWeight},
	}
	for name, test := range tests {
		if got := (&SetMirrorRoute{Percentage: test.percentage}).Share(); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}

func TestRouteOrder(t *testing.T) {
	r := rolloutOf(t, "{template: {}, strategy: {canary: {trafficRouting: {managedRoutes: [{name: b}, {name: a}, {name: b}]}}}}")
	for name, want := range map[string]int{"b": 0, "a": 1, "c": -1} {
		if got := r.RouteOrder(name); got != want {
			t.Errorf("place of %s: %d, want %d", name, got, want)
		}
	}
	if (&Rollout{}).RouteOrder("a") != -1 || rolloutOf(t, "{template: {}, strategy: {canary: {}}}").RouteOrder("") != -1 {
		t.Error("without managedRoutes no name has a place")
	}
}
