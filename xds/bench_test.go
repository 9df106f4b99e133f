package xds_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/xds"
)

// streams connects delta clients that accept everything at once, and returns
// when all have accepted what shop has.
func streams(b *testing.B, f *fleet, n int) {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	b.Cleanup(cancel)
	for i := range n {
		client := discoveryv3.NewAggregatedDiscoveryServiceClient(f.dial())
		stream, err := client.DeltaAggregatedResources(ctx)
		if err != nil {
			b.Fatal(err)
		}
		for t, names := range [][]string{snapshot.Runtime: {"serin"}, snapshot.Cluster: {"*"}, snapshot.Endpoint: {"a", "b"}, snapshot.Listener: {"*"}, snapshot.Route: {"r"}} {
			r := &discoveryv3.DeltaDiscoveryRequest{TypeUrl: snapshot.Type(t).URL(), ResourceNamesSubscribe: names}
			if t == 0 {
				r.Node = node(fmt.Sprint(i))
			}
			if err := stream.Send(r); err != nil {
				b.Fatal(err)
			}
		}
		go func() {
			for {
				m, err := stream.Recv()
				if err != nil {
					return
				}
				_ = stream.Send(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: m.GetTypeUrl(), ResponseNonce: m.GetNonce()})
			}
		}()
	}
	f.await(b, n)
}

// await waits until n Envoys have accepted all that the target has.
func (f *fleet) await(b *testing.B, n int) {
	b.Helper()
	r := f.Require(all)
	deadline := time.After(time.Minute)
	for f.Progress(r, time.Now()).Acked < n {
		select {
		case <-f.Changed():
		case <-deadline:
			b.Fatalf("not accepted by all in a minute: %+v", f.Progress(r, time.Now()))
		}
	}
}

// BenchmarkWeightChange is one change of runtime keys: until Apply returns, and
// until the last of 1,000 Envoys has accepted it.
func BenchmarkWeightChange(b *testing.B) {
	f := start(b, xds.Options{})
	f.shop()
	const n = 1000
	streams(b, f, n)
	var applying time.Duration
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		began := time.Now()
		f.set(layer(fmt.Sprintf("w%d", i+2), "k"))
		applying += time.Since(began)
		f.await(b, n)
	}
	b.ReportMetric(float64(applying.Microseconds())/float64(b.N), "µs-apply/op")
}

// BenchmarkProgress asks how far a fleet of 1,000 is, of whom one answers late.
func BenchmarkProgress(b *testing.B) {
	f := start(b, xds.Options{})
	f.shop()
	streams(b, f, 1000)
	r := f.Require(map[api.Key][]snapshot.Ref{edge: all[edge]})
	for b.Loop() {
		if p := f.Progress(r, time.Now()); p.Acked != 1000 {
			b.Fatal(p)
		}
	}
}
