package stats

import "testing"

// TestRules has what other rules than the usual one count.
func TestRules(t *testing.T) {
	const cluster = "default/shop/80/v2"
	at := func(status, grpc int, flags Flags) Failure {
		return Failure{Cluster: cluster, Status: status, GRPCStatus: grpc, Flags: flags}
	}
	few := NewRule([]string{"500", "429", "nonsense"}, []string{"NOT_FOUND", "OK", "nonsense"}, true)
	client := NewRule([]string{"4xx"}, []string{"NOT_FOUND"}, false)
	none := NewRule(nil, nil, false)
	for _, c := range []struct {
		name              string
		f                 Failure
		few, client, none bool
	}{
		{"500", at(500, -1, Flags{}), true, false, false},
		{"502", at(502, -1, Flags{}), false, false, false},
		{"429", at(429, -1, Flags{}), true, true, false},
		{"404", at(404, -1, Flags{}), false, true, false},
		{"399", at(399, -1, Flags{}), false, false, false},
		{"999", at(999, -1, Flags{}), false, false, false},
		{"not found", at(200, 5, Flags{}), true, true, false},
		{"unavailable", at(200, 14, Flags{}), false, false, false},
		{"a code that is none", at(200, 99, Flags{}), false, false, false},
		{"no healthy host", at(503, -1, Flags{NoHealthyUpstream: true}), true, false, false},
		{"no answer", at(0, -1, Flags{UpstreamReset: true}), true, false, false},
		{"reset after the response began", at(200, -1, Flags{UpstreamReset: true}), false, false, false},
		{"circuit breaker", at(500, -1, Flags{Overflow: true}), false, false, false},
		{"the client went away", at(429, -1, Flags{DownstreamGone: true}), false, false, false},
		{"nowhere", Failure{Status: 429, GRPCStatus: -1}, false, false, false},
	} {
		if got := few.Counts(c.f); got != c.few {
			t.Errorf("%s: counts as an error %t, want %t", c.name, got, c.few)
		}
		if got := client.Counts(c.f); got != c.client {
			t.Errorf("%s: counts as the client's %t, want %t", c.name, got, c.client)
		}
		if got := none.Counts(c.f); got != c.none {
			t.Errorf("%s: counts for a rule of nothing", c.name)
		}
	}
	running := at(500, -1, Flags{})
	running.Running = true
	if few.Counts(running) {
		t.Error("a request that still runs counts")
	}
}
