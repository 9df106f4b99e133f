package xds_test

import (
	"testing"
	"testing/synctest"
	"time"

	metricsv3 "github.com/envoyproxy/go-control-plane/envoy/service/metrics/v3"
	"github.com/google/go-cmp/cmp"
	promv2 "github.com/prometheus/client_model/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/serin-mesh/serin/stats"
	"github.com/serin-mesh/serin/xds"
)

// This file proves how the metrics sink is read:
//
//  1. Cluster and class of status codes are found in labels and in names, for
//     clusters with dots and slashes.
//  2. Only the figures that are used are read, and of histograms not the summary.
//  3. Histograms, which Envoy sends by flush, are added up; counters are sums.
//  4. A flush without any is not handed on; without a node the stream is refused.

func ptr[T any](v T) *T { return &v }

func labels(pairs ...string) (all []*promv2.LabelPair) {
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, &promv2.LabelPair{Name: &pairs[i], Value: &pairs[i+1]})
	}
	return all
}

func counter(name string, v float64, pairs ...string) *promv2.MetricFamily {
	return &promv2.MetricFamily{Name: &name, Type: ptr(promv2.MetricType_COUNTER), Metric: []*promv2.Metric{
		{Label: labels(pairs...), Counter: &promv2.Counter{Value: &v}},
	}}
}

func gauge(name string, v float64, pairs ...string) *promv2.MetricFamily {
	return &promv2.MetricFamily{Name: &name, Type: ptr(promv2.MetricType_GAUGE), Metric: []*promv2.Metric{
		{Label: labels(pairs...), Gauge: &promv2.Gauge{Value: &v}},
	}}
}

func histogram(name string, pairs ...string) *promv2.MetricFamily {
	return &promv2.MetricFamily{Name: &name, Type: ptr(promv2.MetricType_HISTOGRAM), Metric: []*promv2.Metric{{
		Label: labels(pairs...),
		Histogram: &promv2.Histogram{SampleCount: ptr(uint64(9)), SampleSum: ptr(90.5), Bucket: []*promv2.Bucket{
			{UpperBound: ptr(5.0), CumulativeCount: ptr(uint64(4))}, {UpperBound: ptr(10.0), CumulativeCount: ptr(uint64(9))},
		}},
	}}}
}

// flush sends messages as one Envoy and gives what the sink got.
func flush(t *testing.T, messages ...[]*promv2.MetricFamily) (got []stats.Metrics) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		stream, err := metricsv3.NewMetricsServiceClient(f.dial()).StreamMetrics(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i, families := range messages {
			m := &metricsv3.StreamMetricsMessage{EnvoyMetrics: families}
			if i == 0 {
				m.Identifier = &metricsv3.StreamMetricsMessage_Identifier{Node: node("e1")}
			}
			if err := stream.Send(m); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		got = f.sink.metrics
	})
	return got
}

func TestClusterMetrics(t *testing.T) {
	const v1, v2 = "default/shop/80/v1.2", "default/shop/80/v2"
	buckets := []stats.HistogramBucket{{Upper: 5, Count: 4}, {Upper: 10, Count: 9}}
	for name, c := range map[string]struct {
		families []*promv2.MetricFamily
		want     []stats.ClusterMetrics
	}{
		"labels": {
			[]*promv2.MetricFamily{
				counter("cluster.upstream_rq_completed", 12, "envoy.cluster_name", v2),
				counter("cluster.upstream_rq_completed", 30, "envoy.cluster_name", v1),
				counter("cluster.upstream_rq_xx", 3, "envoy.cluster_name", v1, "envoy.response_code_class", "5"),
				counter("cluster.upstream_rq_xx", 7, "envoy.response_code_class", "2xx", "envoy.cluster_name", v1),
				histogram("cluster.upstream_rq_time", "envoy.cluster_name", v1),
				gauge("cluster.upstream_cx_active", 4, "envoy.cluster_name", v2),
			},
			[]stats.ClusterMetrics{
				{Cluster: v1, Completed: 30, Class: [6]uint64{2: 7, 5: 3}, Latency: buckets, Requests: 9, Millis: 90.5},
				{Cluster: v2, Completed: 12, Connections: ptr(uint64(4))},
			},
		},
		"names": {
			[]*promv2.MetricFamily{
				counter("cluster."+v1+".upstream_rq_completed", 30),
				counter("cluster."+v1+".upstream_rq_5xx", 3),
				counter("cluster."+v1+".upstream_rq_1xx", 1),
				histogram("cluster." + v1 + ".upstream_rq_time"),
			},
			[]stats.ClusterMetrics{{Cluster: v1, Completed: 30, Class: [6]uint64{1: 1, 5: 3}, Latency: buckets, Requests: 9, Millis: 90.5}},
		},
		"nothing of use": {
			[]*promv2.MetricFamily{
				counter("cluster.upstream_rq_completed", 1), counter("http.upstream_rq_completed", 1, "envoy.cluster_name", v1),
				counter("cluster.upstream_rq_xx", 1, "envoy.cluster_name", v1),
				counter("cluster.upstream_rq_xx", 1, "envoy.cluster_name", v1, "envoy.response_code_class", "9"),
				counter("cluster.upstream_rq_200", 1, "envoy.cluster_name", v1), counter("cluster.upstream_cx_active", 1, "envoy.cluster_name", v1),
				counter("cluster."+v1+".upstream_rq_9xx", 1), counter("cluster.upstream_rq_time", 1, "envoy.cluster_name", v1),
				counter("cluster.", 1), counter("", 1), {}, nil,
			},
			nil,
		},
		"no counts": {
			[]*promv2.MetricFamily{counter("cluster.upstream_rq_completed", -1, "envoy.cluster_name", v1)},
			[]stats.ClusterMetrics{{Cluster: v1}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := flush(t, c.families)
			var want []stats.Metrics
			if c.want != nil {
				want = []stats.Metrics{{Node: "e1", Gateway: "default/edge", Received: bubbleStart, Clusters: c.want}}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

func TestHistogramsAddUp(t *testing.T) {
	const v1 = "default/shop/80/v1"
	both := []*promv2.MetricFamily{
		histogram("cluster.upstream_rq_time", "envoy.cluster_name", v1),
		counter("cluster.upstream_rq_completed", 30, "envoy.cluster_name", v1),
	}
	other := histogram("cluster.upstream_rq_time", "envoy.cluster_name", v1)
	other.Metric[0].Histogram.Bucket[0].UpperBound = ptr(6.0)
	got := flush(t, both, both, both[1:], both[:1], []*promv2.MetricFamily{other})
	var requests []uint64
	var last []stats.HistogramBucket
	for _, m := range got {
		c := m.Clusters[0]
		requests = append(requests, c.Requests)
		last = append(last, c.Latency[1])
		if c.Millis != float64(c.Requests)/9*90.5 {
			t.Errorf("%d requests took %v ms", c.Requests, c.Millis)
		}
	}
	if d := cmp.Diff([]uint64{9, 18, 18, 27, 9}, requests); d != "" {
		t.Errorf("requests: (-want +got)\n%s", d)
	}
	want := []stats.HistogramBucket{{Upper: 10, Count: 9}, {Upper: 10, Count: 18}, {Upper: 10, Count: 18}, {Upper: 10, Count: 27}, {Upper: 10, Count: 9}}
	if d := cmp.Diff(want, last); d != "" {
		t.Errorf("last bucket: (-want +got)\n%s", d)
	}
}

// bubbleStart is the time at which every bubble begins.
var bubbleStart = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Local()

func TestNodeComesOnce(t *testing.T) {
	families := []*promv2.MetricFamily{counter("cluster.a.upstream_rq_completed", 1)}
	got := flush(t, families, families)
	if len(got) != 2 || got[1].Node != "e1" || got[1].Gateway != "default/edge" {
		t.Errorf("got %+v, want two of e1", got)
	}
}

func TestMetricsWithoutNode(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		stream, err := metricsv3.NewMetricsServiceClient(f.dial()).StreamMetrics(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_ = stream.Send(&metricsv3.StreamMetricsMessage{})
		if _, err := stream.CloseAndRecv(); status.Code(err) != codes.InvalidArgument {
			t.Errorf("got %v, want InvalidArgument", err)
		}
	})
}
