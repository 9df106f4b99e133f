package xds

import (
	"cmp"
	"slices"
	"strings"
	"time"

	metricsv3 "github.com/envoyproxy/go-control-plane/envoy/service/metrics/v3"
	promv2 "github.com/prometheus/client_model/go"

	"github.com/serin-mesh/serin/stats"
)

// metrics takes the metrics sink.
// Source: envoy.service.metrics.v3.MetricsService.
type metrics struct{ *Server }

// StreamMetrics hands on what a flush says of clusters. Envoy says who it is in
// the first message.
func (s metrics) StreamMetrics(stream metricsv3.MetricsService_StreamMetricsServer) error {
	var from reporter
	sums := latencies{}
	for {
		m, err := stream.Recv()
		if err != nil {
			return ended(stream.Context(), err)
		}
		if err := from.identify(m.GetIdentifier().GetNode()); err != nil {
			return err
		}
		if clusters := clusterMetrics(m.GetEnvoyMetrics()); len(clusters) > 0 {
			sums.add(clusters, time.Now())
			s.opts.Sink.Metrics(stats.Metrics{Node: from.id, Gateway: from.gateway, Received: time.Now(), Clusters: clusters})
		}
	}
}

// Labels that Envoy makes of parts of a metric's name when its sink has
// emit_tags_as_labels set. Source: Envoy, well_known_names.
const (
	labelCluster = "envoy.cluster_name"
	labelClass   = "envoy.response_code_class"
)

// clusterMetrics picks the figures of clusters out of a flush, sorted by
// cluster. Figures of others, and of kinds that are not used, are left out.
func clusterMetrics(families []*promv2.MetricFamily) []stats.ClusterMetrics {
	found := map[string]*stats.ClusterMetrics{}
	of := func(cluster string) *stats.ClusterMetrics {
		m := found[cluster]
		if m == nil {
			m = &stats.ClusterMetrics{Cluster: cluster}
			found[cluster] = m
		}
		return m
	}
	for _, f := range families {
		rest, ok := strings.CutPrefix(f.GetName(), "cluster.")
		if !ok {
			continue
		}
		for _, m := range f.GetMetric() {
			cluster, metric, class := place(rest, m)
			if known(metric, f, class) {
				read(of(cluster), metric, class, m)
			}
		}
	}
	return sorted(found)
}

func sorted(found map[string]*stats.ClusterMetrics) []stats.ClusterMetrics {
	all := make([]stats.ClusterMetrics, 0, len(found))
	for _, m := range found {
		all = append(all, *m)
	}
	slices.SortFunc(all, func(a, b stats.ClusterMetrics) int { return cmp.Compare(a.Cluster, b.Cluster) })
	return all
}

// place tells a metric's cluster, its name and its class of status codes, 0
// without one. Envoy gives cluster and class either as labels or inside the
// name; a cluster's name may have dots and slashes, a metric's has no dot.
func place(name string, m *promv2.Metric) (cluster, metric string, class int) {
	metric = name
	for _, l := range m.GetLabel() {
		switch l.GetName() {
		case labelCluster:
			cluster = l.GetValue()
		case labelClass:
			class = digit(l.GetValue())
		}
	}
	if cluster == "" {
		i := strings.LastIndexByte(name, '.')
		if i < 0 {
			return "", "", 0
		}
		cluster, metric = name[:i], name[i+1:]
	}
	if n, ok := strings.CutPrefix(metric, "upstream_rq_"); ok && class == 0 && len(n) == 3 && n[1:] == "xx" {
		if class = digit(n[:1]); class > 0 {
			metric = "upstream_rq_xx"
		}
	}
	return cluster, metric, class
}

// digit reads the first digit of a class of status codes, such as 5 or 5xx; 0
// when it is none.
func digit(s string) int {
	if s != "" && s[0] >= '1' && s[0] <= '5' {
		return int(s[0] - '0')
	}
	return 0
}

// known tells whether a metric is one that is used, in the form that is used:
// of upstream_rq_time Envoy sends a summary besides the histogram.
func known(metric string, f *promv2.MetricFamily, class int) bool {
	switch metric {
	case "upstream_rq_completed":
		return f.GetType() == promv2.MetricType_COUNTER
	case "upstream_rq_xx":
		return f.GetType() == promv2.MetricType_COUNTER && class > 0
	case "upstream_cx_active":
		return f.GetType() == promv2.MetricType_GAUGE
	case "upstream_rq_time":
		return f.GetType() == promv2.MetricType_HISTOGRAM
	}
	return false
}

// read puts one figure in its place.
func read(c *stats.ClusterMetrics, metric string, class int, m *promv2.Metric) {
	switch metric {
	case "upstream_rq_completed":
		c.Completed = count(m.GetCounter().GetValue())
	case "upstream_rq_xx":
		c.Class[class] = count(m.GetCounter().GetValue())
	case "upstream_cx_active":
		open := count(m.GetGauge().GetValue())
		c.Connections = &open
	case "upstream_rq_time":
		h := m.GetHistogram()
		c.Requests, c.Millis = h.GetSampleCount(), h.GetSampleSum()
		c.Latency = make([]stats.HistogramBucket, 0, len(h.GetBucket()))
		for _, b := range h.GetBucket() {
			c.Latency = append(c.Latency, stats.HistogramBucket{Upper: b.GetUpperBound(), Count: b.GetCumulativeCount()})
		}
	}
}

// count reads a counter. What is no count is 0.
func count(v float64) uint64 {
	if !(v >= 0 && v < 1<<63) {
		return 0
	}
	return uint64(v)
}
