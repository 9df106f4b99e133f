package snapshot

import (
	"testing"
	"time"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/testing/protocmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// ruleYAML is an HTTPRoute of one rule on shop.
func ruleYAML(rule string) string {
	return `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r}
spec:
  parentRefs: [{name: edge}]
  rules:
  - ` + rule + `
---
`
}

// fromYAML reads a message as Envoy's configuration is written.
func fromYAML[M interface {
	*routev3.RouteMatch | *routev3.Route
}](t *testing.T, text string, into M) M {
	t.Helper()
	json, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	switch m := any(into).(type) {
	case *routev3.RouteMatch:
		err = protojson.Unmarshal(json, m)
	case *routev3.Route:
		err = protojson.Unmarshal(json, m)
	}
	if err != nil {
		t.Fatal(err)
	}
	return into
}

func TestMatch(t *testing.T) {
	for _, c := range []struct{ name, match, want string }{
		{"nothing", `{}`, `{prefix: /}`},
		{"exact path", `{path: {type: Exact, value: /a}}`, `{path: /a}`},
		{"prefix", `{path: {type: PathPrefix, value: /a}}`, `{path_separated_prefix: /a}`},
		{"prefix with a slash", `{path: {type: PathPrefix, value: /a/}}`, `{path_separated_prefix: /a}`},
		{"any path", `{path: {type: PathPrefix, value: /}}`, `{prefix: /}`},
		{"regular expression", `{path: {type: RegularExpression, value: "/a[0-9]+"}}`, `{safe_regex: {regex: "/a[0-9]+"}}`},
		{"method", `{method: POST}`, `{prefix: /, headers: [{name: ":method", string_match: {exact: POST}}]}`},
		{"headers, the first of a name", `{headers: [{name: X-A, value: b}, {name: x-a, value: c}, {type: RegularExpression, name: x-d, value: e.*}]}`,
			`{prefix: /, headers: [{name: x-a, string_match: {exact: b}}, {name: x-d, string_match: {safe_regex: {regex: e.*}}}]}`},
		{"query, the first of a name", `{queryParams: [{name: a, value: b}, {name: a, value: c}, {type: RegularExpression, name: A, value: d+}]}`,
			`{prefix: /, query_parameters: [{name: a, string_match: {exact: b}}, {name: A, string_match: {safe_regex: {regex: d+}}}]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := build(t, edgeYAML+shopServiceYAML+ruleYAML(`matches: [`+c.match+`]`))
			got := routes(t, b).VirtualHosts[0].Routes[0].Match
			if d := cmp.Diff(fromYAML(t, c.want, &routev3.RouteMatch{}), got, protocmp.Transform()); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestPrecedence: matches of all rules and routes of one host are in the Gateway
// API's order, whatever order they were written in.
func TestPrecedence(t *testing.T) {
	b := build(t, edgeYAML+shopServiceYAML+`
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r}
spec:
  parentRefs: [{name: edge}]
  rules:
  - matches:
    - {path: {value: /}}
    - {path: {value: /long/prefix}}
    - {path: {value: /long}}
    - {path: {value: /long}, queryParams: [{name: q, value: v}]}
    - {path: {value: /long}, headers: [{name: a, value: v}]}
    - {path: {value: /long}, headers: [{name: a, value: v}, {name: b, value: v}]}
    - {path: {value: /long}, method: GET}
    - {path: {type: RegularExpression, value: /.*}}
    - {path: {type: Exact, value: /x}}
  - matches: [{path: {type: Exact, value: /x}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: q}
spec: {parentRefs: [{name: edge}], rules: [{matches: [{path: {value: /long}}]}]}
`)
	expect(t, outline(routes(t, b)), `
		* r/0/8 -> 500
		* r/1/0 -> 500
		* r/0/7 -> 500
		* r/0/1 -> 500
		* r/0/6 -> 500
		* r/0/5 -> 500
		* r/0/4 -> 500
		* r/0/3 -> 500
		* q/0/0 -> 500
		* r/0/2 -> 500
		* r/0/0 -> 500`)
}

// TestPrecedenceAge: of equal matches the older route's comes first.
func TestPrecedenceAge(t *testing.T) {
	o := parse(t, edgeYAML+shopServiceYAML+routeTo("a", "parentRefs: [{name: edge}]")+routeTo("b", "parentRefs: [{name: edge}]"))
	born := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	o.HTTPRoutes[key("a")].CreationTimestamp = metav1.NewTime(born)
	o.HTTPRoutes[key("b")].CreationTimestamp = metav1.NewTime(born.Add(-time.Second))
	b := NewBuilder(Options{})
	b.SetObjects(o)
	expect(t, outline(routes(t, b)), "* b/0/0 -> default/shop/80\n* a/0/0 -> default/shop/80")
}

// TestRankTotal: rank tells any two matches apart, so that no order is left to
// chance.
func TestRankTotal(t *testing.T) {
	o := parse(t, ruleYAML(`matches: [{path: {value: /a}}, {path: {value: /a}}]`)).HTTPRoutes[key("r")]
	a := rankOf(o, 0, 0, &o.Spec.Rules[0].Matches[0])
	b := rankOf(o, 0, 1, &o.Spec.Rules[0].Matches[1])
	if a.compare(b) >= 0 || b.compare(a) <= 0 || a.compare(a) != 0 {
		t.Errorf("compare = %d, %d, %d", a.compare(b), b.compare(a), a.compare(a))
	}
}
