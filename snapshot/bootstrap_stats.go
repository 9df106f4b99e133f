package snapshot

import (
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	metricsv3 "github.com/envoyproxy/go-control-plane/envoy/config/metrics/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// latencyBuckets are the upper edges, in milliseconds, of every histogram.
// Envoy's own have nothing between 100 and 250 or 250 and 500, where most
// objectives lie: a p99 of 161 ms would read as 229.
var latencyBuckets = []float64{
	0.5, 1, 2.5, 5, 10, 25, 50, 75, 100, 125, 150, 200, 250, 300, 400, 500, 750,
	1_000, 1_500, 2_000, 3_000, 5_000, 10_000, 30_000,
}

// keptPrefixes are families of statistics that are few in number however many
// clusters there are.
var keptPrefixes = []string{
	"access_logs.", "cluster_manager.", "control_plane.", "http.", "listener.",
	"listener_manager.", "runtime.", "server.",
}

// keptOfClusters are the statistics that each cluster keeps, of some two
// hundred: what a judge reads, and what tells an operator why requests fail.
var keptOfClusters = []string{
	"membership_healthy", "membership_total",
	"upstream_cx_active", "upstream_cx_connect_fail", "upstream_cx_none_healthy",
	"upstream_rq_active", "upstream_rq_completed", "upstream_rq_time", "upstream_rq_timeout", "upstream_rq_total",
	"upstream_rq_1xx", "upstream_rq_2xx", "upstream_rq_3xx", "upstream_rq_4xx", "upstream_rq_5xx",
	"upstream_rq_pending_overflow", "upstream_rq_retry", "upstream_rq_rx_reset",
}

// clusterTag takes the whole name of a cluster as the label cluster_name.
// Envoy's own rule ends at the first dot, and versions have dots.
const clusterTag = `^cluster\.((.+?)\.)(?:(?:external|internal|canary)\.)?(?:upstream_|membership_)`

// statsConfig trims what Envoy counts, and refines its histograms.
func statsConfig() *metricsv3.StatsConfig {
	kept := &matcherv3.ListStringMatcher{}
	for _, p := range keptPrefixes {
		kept.Patterns = append(kept.Patterns, &matcherv3.StringMatcher{
			MatchPattern: &matcherv3.StringMatcher_Prefix{Prefix: p},
		})
	}
	for _, s := range keptOfClusters {
		kept.Patterns = append(kept.Patterns, &matcherv3.StringMatcher{
			MatchPattern: &matcherv3.StringMatcher_Suffix{Suffix: "." + s},
		})
	}
	return &metricsv3.StatsConfig{
		AllowDefaultTagOverrides: wrapperspb.Bool(true),
		StatsTags: []*metricsv3.TagSpecifier{{
			TagName:  "envoy.cluster_name",
			TagValue: &metricsv3.TagSpecifier_Regex{Regex: clusterTag},
		}},
		StatsMatcher: &metricsv3.StatsMatcher{
			StatsMatcher: &metricsv3.StatsMatcher_InclusionList{InclusionList: kept},
		},
		HistogramBucketSettings: []*metricsv3.HistogramBucketSettings{{
			Match:   &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_SafeRegex{SafeRegex: regexMatch(".*")}},
			Buckets: latencyBuckets,
		}},
	}
}

// statsSinks sends the statistics to Serin: totals since the start, in
// messages that stay below gRPC's 4 MB.
func statsSinks() []*metricsv3.StatsSink {
	config := &metricsv3.MetricsServiceConfig{
		GrpcService:         grpcService(XDSCluster, nil),
		TransportApiVersion: corev3.ApiVersion_V3,
		EmitTagsAsLabels:    true,
		HistogramEmitMode:   metricsv3.HistogramEmitMode_HISTOGRAM,
		BatchSize:           1_000,
	}
	return []*metricsv3.StatsSink{{
		Name:       "envoy.stat_sinks.metrics_service",
		ConfigType: &metricsv3.StatsSink_TypedConfig{TypedConfig: mustAny(config)},
	}}
}
