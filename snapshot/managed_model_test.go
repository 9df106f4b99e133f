package snapshot

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	"pgregory.net/rapid"
)

// request is what a route is chosen by.
type request struct {
	method, path, query string
	headers             map[string]string
}

// text is a header's value as Envoy sees it, pseudo-headers included.
func (q *request) text(name string) (string, bool) {
	switch name {
	case ":method":
		return q.method, true
	case ":path":
		return q.path + q.query, true
	}
	v, ok := q.headers[name]
	return v, ok
}

// fullMatch says whether a regular expression matches a text from end to end.
func fullMatch(pattern, text string) bool {
	return regexp.MustCompile("^(?:" + pattern + ")$").MatchString(text)
}

// envoyTakes says whether Envoy's match takes a request.
func envoyTakes(m *routev3.RouteMatch, q *request) bool {
	switch p := m.PathSpecifier.(type) {
	case *routev3.RouteMatch_Path:
		if q.path != p.Path {
			return false
		}
	case *routev3.RouteMatch_Prefix:
		if !strings.HasPrefix(q.path, p.Prefix) {
			return false
		}
	case *routev3.RouteMatch_PathSeparatedPrefix:
		if q.path != p.PathSeparatedPrefix && !strings.HasPrefix(q.path, p.PathSeparatedPrefix+"/") {
			return false
		}
	case *routev3.RouteMatch_SafeRegex:
		if !fullMatch(p.SafeRegex.Regex, q.path) {
			return false
		}
	}
	return !slices.ContainsFunc(m.Headers, func(h *routev3.HeaderMatcher) bool {
		v, there := q.text(h.Name)
		return !there || !h.GetPresentMatch() && !envoyEqual(h.GetStringMatch(), v)
	})
}

func envoyEqual(m *matcherv3.StringMatcher, text string) bool {
	switch p := m.MatchPattern.(type) {
	case *matcherv3.StringMatcher_Exact:
		return text == p.Exact
	case *matcherv3.StringMatcher_Prefix:
		return strings.HasPrefix(text, p.Prefix)
	}
	return fullMatch(m.GetSafeRegex().Regex, text)
}

// takes says whether a comparison takes a text, as StringMatch's comment has it.
func (m StringMatch) takes(text string) bool {
	switch {
	case m.Exact != "":
		return text == m.Exact
	case m.Prefix != "":
		return strings.HasPrefix(text, m.Prefix)
	case m.Regex != "":
		return fullMatch(m.Regex, text)
	}
	return true
}

func takesHeaders(headers []HeaderMatch, q *request) bool {
	return !slices.ContainsFunc(headers, func(h HeaderMatch) bool {
		v, there := q.headers[strings.ToLower(h.Name)]
		return !there || !h.Value.takes(v)
	})
}

// takes says whether a managed route takes a request, as its comment has it.
func (m *ManagedRoute) takes(q *request) bool {
	if !m.Mirror {
		return len(m.Headers) > 0 && takesHeaders(m.Headers, q)
	}
	return slices.ContainsFunc(m.Matches, func(r RouteMatch) bool {
		return r.Method.takes(q.method) && r.Path.takes(q.path) && takesHeaders(r.Headers, q)
	})
}

func drawManaged(t *rapid.T) []ManagedRoute {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) ManagedRoute {
		m := ManagedRoute{Name: drawName(t), Mirror: rapid.Bool().Draw(t, "mirror")}
		if !m.Mirror {
			m.Headers = drawHeaders(t)
			return m
		}
		m.Percentage = rapid.SampledFrom([]uint32{0, 350_000, Total - 1, Total}).Draw(t, "percentage")
		for range rapid.IntRange(0, 2).Draw(t, "matches") {
			m.Matches = append(m.Matches, RouteMatch{
				Method:  rapid.SampledFrom([]StringMatch{{}, {}, {Exact: "GET"}, {Regex: "P.*"}}).Draw(t, "method"),
				Path:    rapid.SampledFrom([]StringMatch{{}, {Exact: "/a"}, {Exact: "/a/b"}, {Prefix: "/a"}, {Prefix: "/"}, {Regex: "/.*b"}, {Regex: "^/a$"}}).Draw(t, "path"),
				Headers: drawHeaders(t),
			})
		}
		return m
	}), 0, 3).Draw(t, "managed")
}

func drawHeaders(t *rapid.T) []HeaderMatch {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) HeaderMatch {
		return HeaderMatch{rapid.SampledFrom([]string{"x", "Y"}).Draw(t, "header"),
			rapid.SampledFrom([]StringMatch{{}, {Exact: "1"}, {Prefix: "1"}, {Regex: "[12]+"}}).Draw(t, "value")}
	}), 0, 2).Draw(t, "headers")
}

func drawRequest(t *rapid.T) *request {
	q := &request{headers: map[string]string{}}
	q.method = rapid.SampledFrom([]string{"GET", "POST"}).Draw(t, "method")
	q.path = rapid.SampledFrom([]string{"/", "/a", "/a/b", "/ab", "/c/b", "/e", "/e/b"}).Draw(t, "path")
	q.query = rapid.SampledFrom([]string{"", "?", "?z=b", "?/a/b"}).Draw(t, "query")
	for _, h := range []string{"x", "y"} {
		if v := rapid.SampledFrom([]string{"-", "", "1", "12", "3"}).Draw(t, h); v != "-" {
			q.headers[h] = v
		}
	}
	return q
}

// TestManagedModel: whatever the rules, the managed routes and the request, the
// rule that answers is the one that would without managed routes, and the first
// managed route that takes the request decides about it: the canary alone, or
// the rule's own division and a mirror to the canary.
func TestManagedModel(outer *testing.T) {
	objects := parse(outer, edgeYAML+shopServiceYAML+ruleYAML(`matches: [{path: {value: /}}, {path: {value: /a}}, {path: {type: Exact, value: /a/b}}]
    backendRefs: [{name: shop, port: 80}]
  - matches: [{path: {type: RegularExpression, value: "/[ce]"}}, {path: {value: /}, method: POST, headers: [{name: x, value: "1"}]}]
    backendRefs: [{name: shop, port: 80}]`))
	rapid.Check(outer, func(t *rapid.T) {
		split := &Split{Stable: "v1", Canary: "v2", Managed: drawManaged(t)}
		b := NewBuilder(Options{})
		b.SetObjects(objects)
		b.SetSplit(shop, &Split{Stable: "v1", Canary: "v2"})
		plain := routes(outer, b).VirtualHosts[0].Routes
		b.SetSplit(shop, split)
		all := routes(outer, b).VirtualHosts[0].Routes
		for range 20 {
			q := drawRequest(t)
			own, got := first(plain, q), first(all, q)
			i := slices.IndexFunc(split.Managed, func(m ManagedRoute) bool { return m.takes(q) })
			if i < 0 {
				if got.Name != own.Name {
					t.Fatalf("%+v goes to %s, not %s", q, got.Name, own.Name)
				}
				continue
			}
			checkManaged(t, q, &split.Managed[i], own, got)
		}
	})
}

// first gives the route that Envoy takes; the rules of the test take every
// request.
func first(routes []*routev3.Route, q *request) *routev3.Route {
	return routes[slices.IndexFunc(routes, func(r *routev3.Route) bool { return envoyTakes(r.Match, q) })]
}

// checkManaged looks at the route of a request that m takes, and that would
// have own without managed routes.
func checkManaged(t *rapid.T, q *request, m *ManagedRoute, own, got *routev3.Route) {
	prefix, a := ManagedPrefix, got.GetRoute()
	if m.Mirror {
		prefix = mirrorPrefix
	}
	if !strings.HasPrefix(got.Name, prefix+"default/shop/"+m.Name+"/") || !strings.HasSuffix(got.Name, "/"+own.Name) {
		t.Fatalf("%+v goes to %s, not to %s of %s", q, got.Name, m.Name, own.Name)
	}
	if !m.Mirror {
		if a.GetCluster() != "default/shop/80/v2/direct" || len(a.RequestMirrorPolicies) > 0 {
			t.Fatalf("%+v goes to %v", q, a)
		}
		return
	}
	if destination(got) != destination(own) || len(a.RequestMirrorPolicies) != 1 || a.RequestMirrorPolicies[0].Cluster != "default/shop/80/v2/direct" {
		t.Fatalf("%+v goes to %v", q, a)
	}
	share := uint32(Total)
	if f := a.RequestMirrorPolicies[0].RuntimeFraction; f != nil {
		share = f.DefaultValue.Numerator
	}
	if share != m.Percentage {
		t.Fatalf("%d of %d requests are mirrored", share, m.Percentage)
	}
}
