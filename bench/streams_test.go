package main

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/protobuf/proto"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"

	"github.com/serin-mesh/serin/snapshot"
)

// testRig is a folder for contestants to serve.
func testRig(t *testing.T) *rig {
	t.Helper()
	r, err := newRig(&machine{dir: t.TempDir()}, "setWeight: 20", "pause: {}")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// TestContestants: each one brings every client to its configuration, gets a
// change to all of them, and counts as many answers as there are clients.
func TestContestants(t *testing.T) {
	g := testRig(t)
	tape, err := recordTape(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	const clients = 5
	for name, start := range map[string]server{"serin": serinServer, "peer": peerServer, "floor": tape.bareServer} {
		t.Run(name, func(t *testing.T) {
			s := &series{}
			if err := measureStreams(t.Context(), g, start, tape.in, clients, 3, s); err != nil {
				t.Fatal(err)
			}
			if len(s.Runs) != 3 {
				t.Fatalf("%d runs, want 3", len(s.Runs))
			}
			for _, f := range s.Runs {
				if f["counted_ms"] <= 0 || f["answered_ms"] <= 0 || f["memory_bytes"] == 0 {
					t.Errorf("a run without figures: %v", f)
				}
			}
		})
	}
}

// TestTape: the floor sends what Serin sends: the five answers, and a change
// that holds the weight and nothing else.
func TestTape(t *testing.T) {
	tape, err := recordTape(t.Context(), testRig(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(tape.answers) != int(snapshot.NumTypes) {
		t.Fatalf("%d answers", len(tape.answers))
	}
	for i, data := range tape.answers {
		var r discoveryv3.DeltaDiscoveryResponse
		if err := proto.Unmarshal(data, &r); err != nil {
			t.Fatal(err)
		}
		if want := snapshot.Type(i).URL(); r.GetTypeUrl() != want || len(r.GetResources()) == 0 {
			t.Errorf("answer %d is %s with %d resources, want %s", i, r.GetTypeUrl(), len(r.GetResources()), want)
		}
	}
	var change discoveryv3.DeltaDiscoveryResponse
	if err := proto.Unmarshal(tape.change, &change); err != nil {
		t.Fatal(err)
	}
	if len(change.GetResources()) != 1 || change.GetResources()[0].GetName() != snapshot.RuntimeLayer {
		t.Errorf("the change is %v", &change)
	}
}

// TestCrowdOfNobody: a server that is not there fails the bench, and leaves
// nothing behind.
func TestCrowdOfNobody(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := lis.Addr().String()
	if err := lis.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := gather(t.Context(), address, 3, interest{}); err == nil || !strings.Contains(err.Error(), "connecting 3 clients") {
		t.Errorf("gather gave %v", err)
	}
}

func TestRawCodec(t *testing.T) {
	out, err := raw{}.Marshal([]byte("as it is"))
	if err != nil || string(out.Materialize()) != "as it is" {
		t.Errorf("Marshal gave %q, %v", out.Materialize(), err)
	}
	if _, err := (raw{}).Marshal(&discoveryv3.DeltaDiscoveryResponse{}); err == nil {
		t.Error("a message was taken for bytes")
	}
}

// TestCore: the work is measured until resources are handed over, for both
// kinds of change.
func TestCore(t *testing.T) {
	weights, endpoints := &series{}, &series{}
	if err := growthOf(t.Context(), &machine{dir: t.TempDir()}, 10, 4, weights, endpoints); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*series{"weights": weights, "endpoints": endpoints} {
		if len(s.Runs) != 4 || summarize(s.values("work_us")).Min <= 0 {
			t.Errorf("%s: %v", name, s.Runs)
		}
	}
}

// TestSnapshotCacheCounts: an acknowledgement counts for its type; a
// subscription and a rejection do not.
func TestSnapshotCacheCounts(t *testing.T) {
	c := newSnapshotCache()
	var failed atomic.Bool
	for _, r := range []*discoveryv3.DeltaDiscoveryRequest{
		{TypeUrl: "routes"},
		{TypeUrl: "routes", ResponseNonce: "1"},
		{TypeUrl: "clusters", ResponseNonce: "2"},
		{TypeUrl: "routes", ResponseNonce: "3"},
	} {
		if err := c.note(1, r); err != nil {
			failed.Store(true)
		}
	}
	if failed.Load() || c.answers("routes") != 2 || c.answers("clusters") != 1 {
		t.Errorf("%d routes, %d clusters", c.answers("routes"), c.answers("clusters"))
	}
	if err := c.await(t.Context(), "routes", 1); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	<-c.accepted
	if err := c.await(ctx, "routes", 2); err == nil {
		t.Error("a third answer came from nowhere")
	}
}
