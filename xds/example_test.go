package xds_test

import (
	"fmt"
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/xds"
)

// A change of weights is required of the fleet, and its progress asked for. The
// server would be run beside with Run, on a listener.
func ExampleServer_Progress() {
	edge := api.Key{Namespace: "default", Name: "edge"}
	server := xds.New(xds.Options{})

	builder := snapshot.NewBuilder(snapshot.Options{})
	builder.SetObjects(&api.Objects{Gateways: map[api.Key]*api.Gateway{edge: {}}})
	for key, change := range builder.Flush() {
		server.Apply(key, change)
	}

	required := server.Require(map[api.Key][]snapshot.Ref{
		edge: {{Type: snapshot.Runtime, Name: snapshot.RuntimeLayer}, {Type: snapshot.Route, Name: "default/edge/80"}},
	})
	p := server.Progress(required, time.Now())
	fmt.Printf("acked by %d of %d, settled: %v\n", p.Acked, p.Connected, p.Settled)
	// Output: acked by 0 of 0, settled: true
}
