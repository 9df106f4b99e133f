package xds_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/stats"
	"github.com/serin-mesh/serin/xds"
)

// This file proves how responses travel:
//
//  1. An abort goes out though the raise before it is not answered.
//  2. A client that does not read is sent what is newest when it does, and
//     delays neither Apply nor other clients.
//  3. An Apply that changes nothing sends nothing.
//  4. A route that is computed for clients without the layer is not computed
//     where nobody needs it.
//  5. A panic ends one stream. Run ends with its context, or says why it cannot.

func TestAbortOvertakes(t *testing.T) {
	for _, delta := range []bool{true, false} {
		bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
			f.shop()
			e := f.member("e1", delta, true)
			for _, weights := range []string{"w2", "w3", "abort"} {
				f.set(layer(weights, "k"))
				if m := e.one(); m.Set["serin"] != weights && (len(m.Bodies) != 1 || m.Bodies[0] != weights) {
					t.Errorf("delta %v: got %+v, want %s at once", delta, m, weights)
				}
			}
		})
	}
}

func TestSlowClientGetsTheNewest(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		big := strings.Repeat("x", 1<<20)
		version := func(i int) *snapshot.Resource {
			r := listener("l", fmt.Sprint(i))
			r.Body.Value = []byte(big)
			return r
		}
		f.set(version(0))
		slow, err := discoveryv3.NewAggregatedDiscoveryServiceClient(f.dial()).DeltaAggregatedResources(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		fast := f.connect("fast", true)
		fast.ask(snapshot.Listener)
		fast.settle()
		if err := slow.Send(&discoveryv3.DeltaDiscoveryRequest{Node: node("slow"), TypeUrl: snapshot.Listener.URL()}); err != nil {
			t.Fatal(err)
		}
		const changes = 100
		for i := range changes {
			f.set(version(i + 1))
			if m := fast.one(); m.Set["l"] != fmt.Sprint(i+1) {
				t.Fatalf("the fast one got %+v, want version %d", m, i+1)
			}
		}
		for n := 1; ; n++ {
			m, err := slow.Recv()
			if err != nil {
				t.Fatal(err)
			}
			if m.GetResources()[0].GetVersion() == fmt.Sprint(changes) {
				if n > 10 {
					t.Errorf("the slow one got %d responses for %d changes", n, changes)
				}
				return
			}
		}
	})
}

func TestNoChangeSendsNothing(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		f.shop()
		with, without := f.member("with", true, true), f.member("without", false, false)
		f.shop()
		f.set()
		f.remove(snapshot.Cluster, "never there")
		with.silent("nothing changed")
		without.silent("nothing changed")
	})
}

func TestThereAndBackAgainSendsNothing(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		f.shop()
		e := f.member("e1", true, true)
		// The route of c waits for c; both are taken back before.
		f.set(cluster("c", "c1"), route("r", "r2", "c"))
		m := e.one()
		f.set(route("r", "r1", "a"))
		e.ack(m)
		e.silent("the Envoy has that route")
	})
}

func TestStaticRouteIsComputedOnDemand(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		f.shop()
		e := f.member("e1", true, true)
		r := weighted("r", "r2", "", []string{"k"}, "a", "b")
		computed := 0
		r.Static = func() *snapshot.Resource { computed++; return route("r", "static", "a", "b") }
		f.set(r)
		e.settle()
		if computed != 0 {
			t.Errorf("computed %d times for clients with the layer", computed)
		}
		f.member("without1", true, false)
		f.member("without2", false, false)
		if computed != 1 {
			t.Errorf("computed %d times for two clients, want 1", computed)
		}
	})
}

// bomb is a Sink that panics.
type bomb struct{ xds.Sink }

func (bomb) Load(stats.Load) { panic("boom") }

func TestPanicEndsOneStream(t *testing.T) {
	bubble(t, xds.Options{Sink: bomb{}}, func(t *testing.T, f *fleet) {
		f.shop()
		e := f.member("e1", true, true)
		l := f.report(t, "e2")
		l.send(t, clusterLoad("a"))
		synctest.Wait()
		if _, err := l.stream.Recv(); err != nil {
			t.Fatalf("the answer to the first report: %v", err)
		}
		if _, err := l.stream.Recv(); status.Code(err) != codes.Internal {
			t.Errorf("the stream ends with %v, want Internal", err)
		}
		f.set(layer("w2", "k"))
		if m := e.one(); m.Set["serin"] != "w2" {
			t.Errorf("another stream got %+v", m)
		}
	})
}

func TestRunSaysWhyItEnds(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = lis.Close()
	if err := xds.New(xds.Options{}).Run(t.Context(), lis); !errors.Is(err, net.ErrClosed) || !strings.Contains(err.Error(), lis.Addr().String()) {
		t.Errorf("Run on a closed listener: %v", err)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, xds.Options{})
		f.shop()
		f.member("e1", true, true)
		f.member("e2", false, true)
		f.report(t, "e1").send(t)
		began := time.Now()
		f.stop()
		if d := time.Since(began); d > time.Second {
			t.Errorf("Run took %v to end", d)
		}
		if all := f.Envoys(); len(all) != 2 || all[0].State != api.EnvoyAway {
			t.Errorf("after the end: %+v", all)
		}
	})
}
