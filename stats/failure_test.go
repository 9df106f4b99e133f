package stats

import "testing"

func TestIsError(t *testing.T) {
	const cluster = "default/shop/80/v2"
	for _, c := range []struct {
		name    string
		failure Failure
		want    bool
	}{
		{"500", Failure{Cluster: cluster, Status: 500, GRPCStatus: -1}, true},
		{"599", Failure{Cluster: cluster, Status: 599, GRPCStatus: -1}, true},
		{"499", Failure{Cluster: cluster, Status: 499, GRPCStatus: -1}, false},
		{"404", Failure{Cluster: cluster, Status: 404, GRPCStatus: -1}, false},
		{"200", Failure{Cluster: cluster, Status: 200, GRPCStatus: -1}, false},
		{"no healthy host", Failure{Cluster: cluster, Status: 503, GRPCStatus: -1, Flags: Flags{NoHealthyUpstream: true}}, true},
		{"connection refused", Failure{Cluster: cluster, Status: 503, GRPCStatus: -1, Flags: Flags{ConnectionFailure: true}}, true},
		{"upstream timeout", Failure{Cluster: cluster, Status: 504, GRPCStatus: -1, Flags: Flags{UpstreamTimeout: true}}, true},
		{"reset before the response", Failure{Cluster: cluster, GRPCStatus: -1, Flags: Flags{UpstreamReset: true}}, true},
		{"connection lost before the response", Failure{Cluster: cluster, GRPCStatus: -1, Flags: Flags{ConnectionEnded: true}}, true},
		{"reset after the response began", Failure{Cluster: cluster, Status: 200, GRPCStatus: -1, Flags: Flags{UpstreamReset: true}}, false},
		{"still running", Failure{Cluster: cluster, GRPCStatus: -1}, false},
		{"client went away", Failure{Cluster: cluster, GRPCStatus: -1, Flags: Flags{DownstreamGone: true, UpstreamReset: true}}, false},
		{"client broke the protocol", Failure{Cluster: cluster, Status: 502, GRPCStatus: -1, Flags: Flags{DownstreamProtocol: true}}, false},
		{"no route", Failure{Status: 503, GRPCStatus: -1, Flags: Flags{NoRoute: true}}, false},
		{"no cluster", Failure{Cluster: cluster, Status: 503, GRPCStatus: -1, Flags: Flags{NoCluster: true}}, false},
		{"no cluster chosen", Failure{Status: 500, GRPCStatus: -1}, false},
		{"circuit breaker", Failure{Cluster: cluster, Status: 503, GRPCStatus: -1, Flags: Flags{Overflow: true}}, false},
	} {
		if got := IsError(c.failure); got != c.want {
			t.Errorf("%s: error %t, want %t", c.name, got, c.want)
		}
	}
}

// The gRPC codes that blame the server, of all that there are.
func TestIsErrorGRPC(t *testing.T) {
	blamed := map[int]string{2: "UNKNOWN", 4: "DEADLINE_EXCEEDED", 12: "UNIMPLEMENTED", 13: "INTERNAL", 14: "UNAVAILABLE", 15: "DATA_LOSS"}
	for code := -1; code <= 17; code++ {
		f := Failure{Cluster: "default/shop/80/v2", Status: 200, GRPCStatus: code}
		if _, want := blamed[code]; IsError(f) != want {
			t.Errorf("gRPC code %d: error %t, want %t", code, !want, want)
		}
	}
}

func TestFlagsShort(t *testing.T) {
	for _, c := range []struct {
		flags Flags
		want  string
	}{
		{Flags{}, ""},
		{Flags{NoHealthyUpstream: true}, "UH"},
		{Flags{ConnectionFailure: true}, "UF"},
		{Flags{ConnectionEnded: true}, "UC"},
		{Flags{UpstreamReset: true}, "UR"},
		{Flags{Overflow: true, ConnectionFailure: true}, "UO"},
		{Flags{UpstreamTimeout: true}, "UT"},
		{Flags{DurationTimeout: true}, "DT"},
		{Flags{NoRoute: true}, "NR"},
		{Flags{NoCluster: true}, "NC"},
		{Flags{DownstreamGone: true}, "DC"},
		{Flags{DownstreamProtocol: true}, "DPE"},
		{Flags{LocalReset: true}, "LR"},
	} {
		if got := c.flags.Short(); got != c.want {
			t.Errorf("%+v: %q, want %q", c.flags, got, c.want)
		}
	}
}
