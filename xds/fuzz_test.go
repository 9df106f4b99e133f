package xds

import (
	"slices"
	"strings"
	"testing"
	"time"

	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	logdatav3 "github.com/envoyproxy/go-control-plane/envoy/data/accesslog/v3"
	loadv3 "github.com/envoyproxy/go-control-plane/envoy/service/load_stats/v3"
	metricsv3 "github.com/envoyproxy/go-control-plane/envoy/service/metrics/v3"
	promv2 "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/serin-mesh/serin/stats"
)

// This file proves that no message of a client upsets what reads it. It is
// inside the package because readers of messages are not exported.

func marshal(f *testing.F, m proto.Message) []byte {
	f.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		f.Fatal(err)
	}
	return b
}

func FuzzFailure(f *testing.F) {
	f.Add(marshal(f, &logdatav3.HTTPAccessLogEntry{}))
	f.Add(marshal(f, &logdatav3.HTTPAccessLogEntry{
		CommonProperties: &logdatav3.AccessLogCommon{UpstreamCluster: "a", ResponseFlags: &logdatav3.ResponseFlags{LocalReset: true}},
		Response: &logdatav3.HTTPResponseProperties{
			ResponseCode: wrapperspb.UInt32(503), ResponseTrailers: map[string]string{"grpc-status": "14"},
		},
	}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var e logdatav3.HTTPAccessLogEntry
		if proto.Unmarshal(b, &e) != nil {
			return
		}
		got := failure(&e)
		if got.GRPCStatus < -1 || got.Status < 0 || got.Attempts < 0 {
			t.Errorf("%v is read as %+v", &e, got)
		}
		if name := e.GetCommonProperties().GetUpstreamCluster(); name != "" && got.Cluster != name {
			t.Errorf("%v is read as one of cluster %q", &e, got.Cluster)
		}
	})
}

func FuzzLoad(f *testing.F) {
	f.Add(marshal(f, &loadv3.LoadStatsRequest{ClusterStats: []*endpointv3.ClusterStats{{
		ClusterName: "a", UpstreamLocalityStats: []*endpointv3.UpstreamLocalityStats{{TotalIssuedRequests: 3}, nil},
	}}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var m loadv3.LoadStatsRequest
		if proto.Unmarshal(b, &m) != nil {
			return
		}
		if got := load(reporter{id: "e"}, m.GetClusterStats()); len(got.Clusters) != len(m.GetClusterStats()) {
			t.Errorf("%d clusters are read as %d", len(m.GetClusterStats()), len(got.Clusters))
		}
	})
}

func FuzzMetrics(f *testing.F) {
	name, label, v, kind := "cluster.upstream_rq_xx", labelCluster, 3.0, promv2.MetricType_COUNTER
	f.Add(marshal(f, &metricsv3.StreamMetricsMessage{EnvoyMetrics: []*promv2.MetricFamily{{
		Name: &name, Type: &kind, Metric: []*promv2.Metric{{Label: []*promv2.LabelPair{{Name: &label, Value: &name}}, Counter: &promv2.Counter{Value: &v}}},
	}}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var m metricsv3.StreamMetricsMessage
		if proto.Unmarshal(b, &m) != nil {
			return
		}
		got := clusterMetrics(m.GetEnvoyMetrics())
		before := slices.Clone(got)
		var sums latencies
		sums.add(got, time.Unix(0, 0))
		for i, c := range got {
			if c.Cluster == "" || i > 0 && got[i-1].Cluster >= c.Cluster {
				t.Errorf("clusters are not sorted, or nameless: %+v", got)
			}
			if c.Requests != before[i].Requests {
				t.Errorf("the first flush of %q adds up to %d, want %d", c.Cluster, c.Requests, before[i].Requests)
			}
		}
	})
}

// FuzzPlace checks that a metric's name is taken apart into what it was made of.
func FuzzPlace(f *testing.F) {
	f.Add("default/shop/80/v1.2", "upstream_rq_5xx")
	f.Add(".", "upstream_rq_xx")
	f.Fuzz(func(t *testing.T, cluster, metric string) {
		if cluster == "" || strings.Contains(metric, ".") {
			return
		}
		got, name, class := place(cluster+"."+metric, nil)
		if got != cluster || name != metric && class == 0 {
			t.Errorf("%q of %q is read as %q of %q", metric, cluster, name, got)
		}
		if class < 0 || class >= len(stats.ClusterMetrics{}.Class) {
			t.Errorf("%q has class %d", metric, class)
		}
	})
}
