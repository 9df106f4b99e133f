package snapshot

import (
	"cmp"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/serin-mesh/serin/api"
)

// rank orders the routes of one host: Envoy takes the first that matches, and
// the Gateway API says which one that must be (HTTPRouteRule.matches).
type rank struct {
	pathKind int // 0 exact, 1 regular expression, 2 prefix
	pathLen  int
	method   bool
	headers  int
	params   int
	created  time.Time
	route    api.Key
	rule     int
	match    int
}

// rankOf collects what decides the place of one match.
func rankOf(o *api.HTTPRoute, rule, match int, m *gatewayv1.HTTPRouteMatch) rank {
	p := pathOf(m)
	kind := 2
	switch p.kind {
	case gatewayv1.PathMatchExact:
		kind = 0
	case gatewayv1.PathMatchRegularExpression:
		kind = 1
	}
	return rank{
		pathKind: kind,
		pathLen:  len(p.value),
		method:   m.Method != nil,
		headers:  len(m.Headers),
		params:   len(m.QueryParams),
		created:  o.CreationTimestamp.Time,
		route:    api.KeyOf(o),
		rule:     rule,
		match:    match,
	}
}

// compare gives a negative number where r comes first. No two matches of one
// host are equal, so the order does not depend on the order of the input.
func (r rank) compare(o rank) int {
	return cmp.Or(
		cmp.Compare(r.pathKind, o.pathKind),
		cmp.Compare(o.pathLen, r.pathLen),
		trueFirst(r.method, o.method),
		cmp.Compare(o.headers, r.headers),
		cmp.Compare(o.params, r.params),
		r.created.Compare(o.created),
		r.route.Compare(o.route),
		cmp.Compare(r.rule, o.rule),
		cmp.Compare(r.match, o.match),
	)
}

func trueFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}
