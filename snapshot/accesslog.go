package snapshot

import (
	"time"

	accesslogv3 "github.com/envoyproxy/go-control-plane/envoy/config/accesslog/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	logdatav3 "github.com/envoyproxy/go-control-plane/envoy/data/accesslog/v3"
	grpclogv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/access_loggers/grpc/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	tracingv3 "github.com/envoyproxy/go-control-plane/envoy/type/tracing/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// The error stream: the access log of failing responses that every listener
// has, whether a rollout runs or not.
const (
	// ErrorLog is the log_name of the error stream.
	ErrorLog = "serin-errors"
	// ErrorLogShare is the runtime key of the share of failing responses that
	// is told, in percent; 100 without it. The draw does not depend on the
	// request, hence not on the arm, so a thinned stream is still evidence.
	ErrorLogShare = "serin.errors.share"
	// ErrorLogStatus is the runtime key of the least HTTP status that is told;
	// 500 without it.
	ErrorLogStatus = "serin.errors.status"
	// ErrorLogCluster is the custom tag of an entry that names the cluster the
	// request was routed to. Envoy's own field is empty where no host was
	// chosen, so a version without endpoints would fail unseen.
	ErrorLogCluster = "serin.cluster"
	// ErrorLogEvery is the custom tag, of listeners that tell of requests that
	// still run, with the time after which each is told of, and again: Envoy
	// says of a running request when it began, by its own clock, and not for how
	// long it has run.
	ErrorLogEvery = "serin.every"

	// errorLogFlush is how often a buffer is flushed that is not full. Every
	// entry fills the buffer, so nothing ever waits for it.
	errorLogFlush = 100 * time.Millisecond
)

// leastFlush is the shortest time after which a running request is told of:
// with less, an Envoy would be busy with its log.
const leastFlush = 10 * time.Millisecond

// errorLog sends each failing response to the xDS cluster at once, one entry a
// request, when it is over. With a time it also sends an entry of each request
// that still runs, whenever it has run for another such time.
func errorLog(cluster string, every time.Duration) *accesslogv3.AccessLog {
	tags := []*tracingv3.CustomTag{{
		Tag:  ErrorLogCluster,
		Type: &tracingv3.CustomTag_Value{Value: "%UPSTREAM_CLUSTER%"},
	}}
	sent := or(failed(), told())
	if every > 0 {
		sent = or(and(running(true), sent), and(running(false), upgraded(), calls()))
		tags = append(tags, &tracingv3.CustomTag{
			Tag: ErrorLogEvery, Type: &tracingv3.CustomTag_Literal_{Literal: &tracingv3.CustomTag_Literal{Value: every.String()}},
		})
	}
	config := &grpclogv3.HttpGrpcAccessLogConfig{CommonConfig: &grpclogv3.CommonGrpcAccessLogConfig{
		LogName:             ErrorLog,
		GrpcService:         grpcService(cluster, nil),
		TransportApiVersion: corev3.ApiVersion_V3,
		BufferFlushInterval: durationpb.New(errorLogFlush),
		BufferSizeBytes:     wrapperspb.UInt32(1),
		CustomTags:          tags,
	},
		// A failing call may have the status in either.
		AdditionalResponseHeadersToLog:  []string{"grpc-status"},
		AdditionalResponseTrailersToLog: []string{"grpc-status"},
	}
	return &accesslogv3.AccessLog{
		Name:       "envoy.access_loggers.http_grpc",
		Filter:     and(sent, thinned()),
		ConfigType: &accesslogv3.AccessLog_TypedConfig{TypedConfig: mustAny(config)},
	}
}

// failed lets through what may be an error of a version. It need not be exact,
// as the server looks at each entry again, but nothing that a healthy fleet
// does often may pass: not a 404, not a client that went away before it was
// answered.
func failed() *accesslogv3.AccessLogFilter {
	return or(
		status(accesslogv3.ComparisonFilter_GE, 500, ErrorLogStatus),
		// Envoy derives a gRPC status from the HTTP status where none was sent:
		// a plain 404 would be UNIMPLEMENTED, no answer at all UNKNOWN.
		and(grpcRequest(), grpcFailed(), status(accesslogv3.ComparisonFilter_GE, 100, "serin.errors.grpc")),
		and(status(accesslogv3.ComparisonFilter_EQ, 0, "serin.errors.unanswered"), resets()),
	)
}

// thinned draws the share of entries that is sent, so that a flood of errors
// can be bounded. It draws anew for each entry.
func thinned() *accesslogv3.AccessLogFilter {
	return &accesslogv3.AccessLogFilter{FilterSpecifier: &accesslogv3.AccessLogFilter_RuntimeFilter{
		RuntimeFilter: &accesslogv3.RuntimeFilter{
			RuntimeKey:               ErrorLogShare,
			PercentSampled:           &typev3.FractionalPercent{Numerator: 100},
			UseIndependentRandomness: true,
		},
	}}
}

// status compares the HTTP status sent downstream, 0 where none was.
func status(op accesslogv3.ComparisonFilter_Op, value uint32, key string) *accesslogv3.AccessLogFilter {
	return &accesslogv3.AccessLogFilter{FilterSpecifier: &accesslogv3.AccessLogFilter_StatusCodeFilter{
		StatusCodeFilter: &accesslogv3.StatusCodeFilter{Comparison: &accesslogv3.ComparisonFilter{
			Op: op, Value: &corev3.RuntimeUInt32{DefaultValue: value, RuntimeKey: key},
		}},
	}}
}

// grpcRequest lets gRPC requests through.
func grpcRequest() *accesslogv3.AccessLogFilter {
	return &accesslogv3.AccessLogFilter{FilterSpecifier: &accesslogv3.AccessLogFilter_HeaderFilter{
		HeaderFilter: &accesslogv3.HeaderFilter{Header: headerMatch("content-type", &matcherv3.StringMatcher{
			MatchPattern: &matcherv3.StringMatcher_Prefix{Prefix: "application/grpc"},
		})},
	}}
}

// grpcFailed lets the gRPC codes through that are the server's fault.
func grpcFailed() *accesslogv3.AccessLogFilter {
	return &accesslogv3.AccessLogFilter{FilterSpecifier: &accesslogv3.AccessLogFilter_GrpcStatusFilter{
		GrpcStatusFilter: &accesslogv3.GrpcStatusFilter{Statuses: []accesslogv3.GrpcStatusFilter_Status{
			accesslogv3.GrpcStatusFilter_UNKNOWN,
			accesslogv3.GrpcStatusFilter_DEADLINE_EXCEEDED,
			accesslogv3.GrpcStatusFilter_UNIMPLEMENTED,
			accesslogv3.GrpcStatusFilter_INTERNAL,
			accesslogv3.GrpcStatusFilter_UNAVAILABLE,
			accesslogv3.GrpcStatusFilter_DATA_LOSS,
		}},
	}}
}

// resets lets requests through that the upstream side ended: it is asked of
// those without a status only. The client's going away (DC) is not among them.
func resets() *accesslogv3.AccessLogFilter {
	return &accesslogv3.AccessLogFilter{FilterSpecifier: &accesslogv3.AccessLogFilter_ResponseFlagFilter{
		ResponseFlagFilter: &accesslogv3.ResponseFlagFilter{
			Flags: []string{"UH", "UF", "UC", "UR", "UO", "UT", "LR", "URX", "UPE", "DT"},
		},
	}}
}

// running lets entries of requests through that still run, or with exclude all
// others.
func running(exclude bool) *accesslogv3.AccessLogFilter {
	return &accesslogv3.AccessLogFilter{FilterSpecifier: &accesslogv3.AccessLogFilter_LogTypeFilter{
		LogTypeFilter: &accesslogv3.LogTypeFilter{
			Types: []logdatav3.AccessLogType{logdatav3.AccessLogType_DownstreamPeriodic}, Exclude: exclude,
		},
	}}
}

// upgraded keeps connections that were upgraded out, such as WebSockets: they
// are long by nature.
func upgraded() *accesslogv3.AccessLogFilter {
	return without("upgrade", &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Prefix{Prefix: "w"}, IgnoreCase: true})
}

// grpcStream keeps gRPC out: a stream cannot be told from a slow call.
func grpcStream() *accesslogv3.AccessLogFilter {
	return without("content-type", &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Prefix{Prefix: "application/grpc"}})
}

// without lets requests through whose header does not match, or is not there.
func without(name string, value *matcherv3.StringMatcher) *accesslogv3.AccessLogFilter {
	m := headerMatch(name, value)
	m.InvertMatch, m.TreatMissingHeaderAsEmpty = true, true
	return &accesslogv3.AccessLogFilter{FilterSpecifier: &accesslogv3.AccessLogFilter_HeaderFilter{
		HeaderFilter: &accesslogv3.HeaderFilter{Header: m},
	}}
}

func and(filters ...*accesslogv3.AccessLogFilter) *accesslogv3.AccessLogFilter {
	return &accesslogv3.AccessLogFilter{FilterSpecifier: &accesslogv3.AccessLogFilter_AndFilter{
		AndFilter: &accesslogv3.AndFilter{Filters: filters},
	}}
}

func or(filters ...*accesslogv3.AccessLogFilter) *accesslogv3.AccessLogFilter {
	return &accesslogv3.AccessLogFilter{FilterSpecifier: &accesslogv3.AccessLogFilter_OrFilter{
		OrFilter: &accesslogv3.OrFilter{Filters: filters},
	}}
}
