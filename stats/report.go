package stats

import "time"

// Failure is one entry of the error stream: a response that an Envoy counts as
// failed, told at once. Source: envoy.data.accesslog.v3.HTTPAccessLogEntry.
type Failure struct {
	Cluster    string        // upstream cluster; empty: failed before one was chosen
	Host       string        // upstream address, IP:PORT; empty: none was reached
	Connection string        // Envoy's own address of the connection upstream, IP:PORT; empty: unknown
	Start      time.Time     // when the request began, by the Envoy's clock
	Duration   time.Duration // from its first byte in to its last byte out
	Status     int           // HTTP status sent downstream; 0: none was
	GRPCStatus int           // grpc-status of the response; -1: none
	Flags      Flags         // why Envoy itself failed it
	Attempts   int           // attempts upstream, the first one included; 0: unknown
	Route      string        // name of the matched route
	// Running says that the request has not ended: it is told of because it takes
	// long, and its Duration is that after which it is told of, and again.
	Running bool
	ID      string // of the request; Envoy's stream id
}

// Flags are the response flags that matter to a judge.
type Flags struct {
	NoHealthyUpstream  bool // UH
	ConnectionFailure  bool // UF
	ConnectionEnded    bool // UC
	UpstreamReset      bool // UR
	Overflow           bool // UO: a circuit breaker
	UpstreamTimeout    bool // UT
	DurationTimeout    bool // DT: max stream duration
	NoRoute            bool // NR
	NoCluster          bool // NC
	DownstreamGone     bool // DC: the client went away
	DownstreamProtocol bool // DPE
	LocalReset         bool // LR
}

// Failures is one batch of entries as they came from one Envoy, in its order.
type Failures struct {
	Node     string    // node id
	Gateway  string    // node cluster: the Gateway
	Received time.Time // by Serin's clock
	Entries  []Failure
}

// Load is one load report of one Envoy.
// Source: envoy.service.load_stats.v3.LoadStatsRequest.
type Load struct {
	Node     string
	Gateway  string
	Received time.Time
	Clusters []ClusterLoad
}

// ClusterLoad counts one cluster's requests over the interval of a report.
type ClusterLoad struct {
	Cluster  string
	Interval time.Duration // what the counts cover, up to Load.Received
	Issued   uint64        // requests begun
	Success  uint64        // ended well
	Error    uint64        // ended with an error (5xx or a reset)
	Active   uint64        // under way at the end of the interval
	Dropped  uint64        // dropped by overload or circuit breakers
}

// Metrics is one flush of one Envoy's metrics sink, the clusters' part only.
// Source: envoy.service.metrics.v3.StreamMetricsMessage.
type Metrics struct {
	Node     string
	Gateway  string
	Received time.Time
	Clusters []ClusterMetrics
}

// ClusterMetrics holds cumulative figures of one cluster since the Envoy, or
// the cluster in it, began, but for Connections. A value below the one before means a reset.
type ClusterMetrics struct {
	Cluster   string
	Completed uint64            // upstream_rq_completed
	Class     [6]uint64         // upstream_rq_Nxx at N
	Latency   []HistogramBucket // upstream_rq_time, cumulative over the buckets too
	Requests  uint64            // upstream_rq_time: sample count
	Millis    float64           // upstream_rq_time: sample sum, in milliseconds
	// Connections is upstream_cx_active, which does not add up over time; nil:
	// not in this flush.
	Connections *uint64
}

// HistogramBucket counts the requests that took at most Upper milliseconds.
type HistogramBucket struct {
	Upper float64
	Count uint64
}
