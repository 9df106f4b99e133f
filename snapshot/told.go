package snapshot

import (
	"slices"

	accesslogv3 "github.com/envoyproxy/go-control-plane/envoy/config/accesslog/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	celv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/access_loggers/filters/cel/v3"
	"google.golang.org/protobuf/types/known/structpb"
)

// toldMetadata is the key of a route's metadata with what the error stream tells
// of: by cluster, a list of numbers. The filter that looks there is in every
// listener, always; what is told is the route's, which may change at any time.
const toldMetadata = "serin.told"

// The numbers: an HTTP status or its class stands for itself.
const (
	toldGRPC  = 1000 // and a code of gRPC
	toldCalls = 2000 // gRPC calls that run for long
)

// The expressions find an answer in that list. Without the metadata they are an
// error, which lets nothing through.
const (
	toldList   = "xds.route_metadata.filter_metadata['" + toldMetadata + "'][xds.cluster_name]"
	isStatus   = "double(response.code) in " + toldList + " || double(response.code / 100) in " + toldList
	isGRPC     = "double(response.grpc_status + 1000) in " + toldList
	areCalls   = "2000.0 in " + toldList
	celFilters = "envoy.access_loggers.extension_filters.cel"
)

// told lets those answers through that the route has been told to tell of. What
// healthy requests end with never gets as far as an expression: it is looked at
// for statuses from 400 on and for gRPC calls that did not end with OK.
func told() *accesslogv3.AccessLogFilter {
	return or(
		and(status(accesslogv3.ComparisonFilter_GE, 400, "serin.errors.told"), expression(isStatus)),
		and(grpcRequest(), grpcNotOK(), expression(isGRPC)),
	)
}

// calls keeps gRPC out, but for Services whose calls are told to be no streams.
func calls() *accesslogv3.AccessLogFilter { return or(grpcStream(), expression(areCalls)) }

// expression lets through what an expression finds.
// Source: envoy.extensions.access_loggers.filters.cel.v3.
func expression(text string) *accesslogv3.AccessLogFilter {
	return &accesslogv3.AccessLogFilter{FilterSpecifier: &accesslogv3.AccessLogFilter_ExtensionFilter{
		ExtensionFilter: &accesslogv3.ExtensionFilter{
			Name:       celFilters,
			ConfigType: &accesslogv3.ExtensionFilter_TypedConfig{TypedConfig: mustAny(&celv3.ExpressionFilter{Expression: text})},
		},
	}}
}

// grpcNotOK lets calls through that did not end well.
func grpcNotOK() *accesslogv3.AccessLogFilter {
	return &accesslogv3.AccessLogFilter{FilterSpecifier: &accesslogv3.AccessLogFilter_GrpcStatusFilter{
		GrpcStatusFilter: &accesslogv3.GrpcStatusFilter{
			Statuses: []accesslogv3.GrpcStatusFilter_Status{accesslogv3.GrpcStatusFilter_OK}, Exclude: true,
		},
	}}
}

// numbers gives the list of the metadata; empty where there is nothing to tell.
func (t Told) numbers() []int {
	out := slices.Clone(t.Statuses)
	for _, code := range t.GRPC {
		out = append(out, toldGRPC+code)
	}
	if t.Calls {
		out = append(out, toldCalls)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// same says whether two lists tell of the same.
func (t Told) same(o Told) bool { return slices.Equal(t.numbers(), o.numbers()) }

// tells adds to a route of the rule what is told of each of its backends'
// versions.
func (r *rule) tells(in splits, route *routev3.Route) {
	fields := map[string]*structpb.Value{}
	for i := range r.backends {
		key, s, ok := r.backends[i].target(in)
		if !ok || s == nil || s.Canary == "" {
			continue
		}
		list := &structpb.ListValue{}
		for _, n := range s.Told.numbers() {
			list.Values = append(list.Values, structpb.NewNumberValue(float64(n)))
		}
		if len(list.Values) > 0 {
			for _, v := range s.current() {
				fields[clusterName(key, v)] = structpb.NewListValue(list)
			}
		}
	}
	if len(fields) > 0 {
		route.Metadata = &corev3.Metadata{FilterMetadata: map[string]*structpb.Struct{toldMetadata: {Fields: fields}}}
	}
}
