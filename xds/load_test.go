package xds_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	loadv3 "github.com/envoyproxy/go-control-plane/envoy/service/load_stats/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/serin-mesh/serin/stats"
	"github.com/serin-mesh/serin/xds"
)

// This file proves how load reports are asked for and read:
//
//  1. All clusters are asked for, at an interval that keeps the fleet within its
//     budget and never below LoadInterval.
//  2. An open stream is told when the interval has drifted by more than half.
//  3. A report becomes sums by cluster. Without a node it is refused.

func node(id string) *corev3.Node { return &corev3.Node{Id: id, Cluster: "edge"} }

// reports is an Envoy's stream of load reports.
type reports struct {
	stream loadv3.LoadReportingService_StreamLoadStatsClient
	node   *corev3.Node
	cancel context.CancelFunc
}

func (f *fleet) report(t *testing.T, id string) *reports {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour) // so that a missing answer ends the test
	t.Cleanup(cancel)
	stream, err := loadv3.NewLoadReportingServiceClient(f.dial()).StreamLoadStats(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return &reports{stream: stream, node: node(id), cancel: cancel}
}

func (r *reports) send(t *testing.T, clusters ...*endpointv3.ClusterStats) {
	t.Helper()
	if err := r.stream.Send(&loadv3.LoadStatsRequest{Node: r.node, ClusterStats: clusters}); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
}

// asked gives the interval that the Envoy is told next.
func (r *reports) asked(t *testing.T) time.Duration {
	t.Helper()
	m, err := r.stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	if !m.GetSendAllClusters() {
		t.Errorf("not all clusters are asked for: %v", m)
	}
	return m.GetLoadReportingInterval().AsDuration()
}

func clusterLoad(name string, localities ...*endpointv3.UpstreamLocalityStats) *endpointv3.ClusterStats {
	return &endpointv3.ClusterStats{
		ClusterName: name, UpstreamLocalityStats: localities,
		LoadReportInterval: durationpb.New(time.Second), TotalDroppedRequests: 7,
	}
}

func TestLoadReport(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		r := f.report(t, "e1")
		r.send(t)
		if d := r.asked(t); d != time.Second {
			t.Errorf("asked for reports each %v, want 1s", d)
		}
		r.send(t,
			clusterLoad("default/shop/80/v1",
				&endpointv3.UpstreamLocalityStats{TotalIssuedRequests: 10, TotalSuccessfulRequests: 5, TotalErrorRequests: 3, TotalRequestsInProgress: 2},
				&endpointv3.UpstreamLocalityStats{TotalIssuedRequests: 100, TotalSuccessfulRequests: 50, TotalErrorRequests: 30, TotalRequestsInProgress: 20}),
			clusterLoad("default/shop/80/v2"))
		want := []stats.Load{{
			Node: "e1", Gateway: "default/edge", Received: time.Now(),
			Clusters: []stats.ClusterLoad{
				{Cluster: "default/shop/80/v1", Interval: time.Second, Issued: 110, Success: 55, Error: 33, Active: 22, Dropped: 7},
				{Cluster: "default/shop/80/v2", Interval: time.Second, Dropped: 7},
			},
		}}
		if d := cmp.Diff(want, f.sink.loads); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
	})
}

func TestLoadIntervalFollowsTheFleet(t *testing.T) {
	// Two reports of 61 kB a second.
	bubble(t, xds.Options{LoadBudget: 122_000, LoadInterval: 100 * time.Millisecond}, func(t *testing.T, f *fleet) {
		var all []*reports
		for i := range 4 {
			r := f.report(t, fmt.Sprint(i))
			r.send(t)
			if d, want := r.asked(t), time.Duration(i+1)*time.Second/2; d != want {
				t.Errorf("Envoy %d is asked for reports each %v, want %v", i, d, want)
			}
			all = append(all, r)
		}
		all[0].send(t)
		if d := all[0].asked(t); d != 2*time.Second {
			t.Errorf("the first is now asked for reports each %v, want 2s", d)
		}
		all[2].send(t) // 1.5 s is near enough
		for _, i := range []int{0, 1, 3} {
			all[i].cancel()
		}
		synctest.Wait()
		all[2].send(t)
		if d := all[2].asked(t); d != time.Second/2 {
			t.Errorf("the last one is asked for reports each %v, want 500ms", d)
		}
	})
}

func TestLoadReportWithoutNode(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		r := f.report(t, "")
		r.send(t)
		if _, err := r.stream.Recv(); status.Code(err) != codes.InvalidArgument {
			t.Errorf("got %v, want InvalidArgument", err)
		}
	})
}
