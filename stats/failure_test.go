package stats

import (
	"testing"
	"time"
)

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

func TestIsSlow(t *testing.T) {
	slow := Failure{Cluster: v1, Running: true, Duration: time.Second, GRPCStatus: -1}
	ended, gone, nowhere, failing := slow, slow, slow, slow
	ended.Running = false
	gone.Flags.DownstreamGone = true
	nowhere.Cluster = ""
	failing.Status = 500
	for _, c := range []struct {
		name            string
		f               Failure
		took, objective time.Duration
		want            bool
	}{
		{"as long as the objective", slow, time.Second, time.Second, true},
		{"shorter", slow, time.Second, time.Second + 1, false},
		{"rounded up", slow, 2 * time.Second, time.Second + 1, true},
		{"and once only", slow, 3 * time.Second, time.Second + 1, false},
		{"no objective", slow, time.Second, 0, false},
		{"ended", ended, time.Second, time.Second, false},
		{"the client went away", gone, time.Second, time.Second, false},
		{"no version had it", nowhere, time.Second, time.Second, false},
	} {
		if got := IsSlow(c.f, c.took, c.objective); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if IsError(failing) {
		t.Error("one that still sends a body counts when it ends, not before")
	}
}
