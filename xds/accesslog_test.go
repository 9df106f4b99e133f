package xds_test

import (
	"testing"
	"testing/synctest"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	logdatav3 "github.com/envoyproxy/go-control-plane/envoy/data/accesslog/v3"
	accesslogv3 "github.com/envoyproxy/go-control-plane/envoy/service/accesslog/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/stats"
	"github.com/serin-mesh/serin/xds"
)

// This file proves how the error stream is read:
//
//  1. One message is one batch, in its order, with the node of the first one.
//  2. Each field of an entry is found, and what an entry lacks is zero.
//  3. Without a node the stream is refused.

func at(ip string, port uint32) *corev3.Address {
	return &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
		Address: ip, PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: port},
	}}}
}

// logs is an Envoy's access log stream.
func (f *fleet) logs(t *testing.T) func(id string, entries ...*logdatav3.HTTPAccessLogEntry) error {
	t.Helper()
	stream, err := accesslogv3.NewAccessLogServiceClient(f.dial()).StreamAccessLogs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return func(id string, entries ...*logdatav3.HTTPAccessLogEntry) error {
		m := &accesslogv3.StreamAccessLogsMessage{LogEntries: &accesslogv3.StreamAccessLogsMessage_HttpLogs{
			HttpLogs: &accesslogv3.StreamAccessLogsMessage_HTTPAccessLogEntries{LogEntry: entries},
		}}
		if id != "" {
			m.Identifier = &accesslogv3.StreamAccessLogsMessage_Identifier{Node: node(id), LogName: "serin-errors"}
		}
		err := stream.Send(m)
		synctest.Wait()
		return err
	}
}

func TestFailures(t *testing.T) {
	began := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	entry := &logdatav3.HTTPAccessLogEntry{
		CommonProperties: &logdatav3.AccessLogCommon{
			UpstreamCluster:             "default/shop/80/v2",
			UpstreamRemoteAddress:       at("10.0.0.1", 9002),
			UpstreamLocalAddress:        at("10.0.0.9", 54321),
			StartTime:                   timestamppb.New(began),
			Duration:                    durationpb.New(30 * time.Millisecond),
			UpstreamRequestAttemptCount: 3,
			RouteName:                   "default/shop/0/0",
			ResponseFlags:               &logdatav3.ResponseFlags{UpstreamRemoteReset: true, UpstreamOverflow: true},
		},
		Response: &logdatav3.HTTPResponseProperties{
			ResponseCode:     wrapperspb.UInt32(503),
			ResponseHeaders:  map[string]string{"grpc-status": "2"},
			ResponseTrailers: map[string]string{"grpc-status": "14"},
		},
	}
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		send := f.logs(t)
		if err := send("e1", entry, &logdatav3.HTTPAccessLogEntry{}); err != nil {
			t.Fatal(err)
		}
		if err := send("", &logdatav3.HTTPAccessLogEntry{CommonProperties: &logdatav3.AccessLogCommon{
			UpstreamCluster: "late", TimeToLastDownstreamTxByte: durationpb.New(time.Second), UpstreamRemoteAddress: at("fd00::1", 80),
		}}); err != nil {
			t.Fatal(err)
		}
		want := []stats.Failures{
			{Node: "e1", Gateway: "default/edge", Received: time.Now(), Entries: []stats.Failure{
				{
					Cluster: "default/shop/80/v2", Host: "10.0.0.1:9002", Connection: "10.0.0.9:54321", Start: began, Duration: 30 * time.Millisecond,
					Status: 503, GRPCStatus: 14, Attempts: 3, Route: "default/shop/0/0",
					Flags: stats.Flags{UpstreamReset: true, Overflow: true},
				},
				{GRPCStatus: -1},
			}},
			{Node: "e1", Gateway: "default/edge", Received: time.Now(), Entries: []stats.Failure{
				{Cluster: "late", Host: "[fd00::1]:80", Duration: time.Second, GRPCStatus: -1},
			}},
		}
		if d := cmp.Diff(want, f.sink.failures); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
	})
}

func TestGRPCStatusOfAnEntry(t *testing.T) {
	for value, want := range map[string]int{"0": 0, "13": 13, "-4": -1, "unavailable": -1, "": -1} {
		bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
			send := f.logs(t)
			_ = send("e1", &logdatav3.HTTPAccessLogEntry{Response: &logdatav3.HTTPResponseProperties{
				ResponseHeaders: map[string]string{"grpc-status": value}}})
			if got := f.sink.failures[0].Entries[0].GRPCStatus; got != want {
				t.Errorf("grpc-status %q is read as %d, want %d", value, got, want)
			}
		})
	}
}

func TestEachFlag(t *testing.T) {
	for _, c := range []struct {
		envoy *logdatav3.ResponseFlags
		want  stats.Flags
	}{
		{&logdatav3.ResponseFlags{NoHealthyUpstream: true}, stats.Flags{NoHealthyUpstream: true}},
		{&logdatav3.ResponseFlags{UpstreamConnectionFailure: true}, stats.Flags{ConnectionFailure: true}},
		{&logdatav3.ResponseFlags{UpstreamConnectionTermination: true}, stats.Flags{ConnectionEnded: true}},
		{&logdatav3.ResponseFlags{UpstreamRemoteReset: true}, stats.Flags{UpstreamReset: true}},
		{&logdatav3.ResponseFlags{UpstreamOverflow: true}, stats.Flags{Overflow: true}},
		{&logdatav3.ResponseFlags{UpstreamRequestTimeout: true}, stats.Flags{UpstreamTimeout: true}},
		{&logdatav3.ResponseFlags{DurationTimeout: true}, stats.Flags{DurationTimeout: true}},
		{&logdatav3.ResponseFlags{UpstreamMaxStreamDurationReached: true}, stats.Flags{DurationTimeout: true}},
		{&logdatav3.ResponseFlags{NoRouteFound: true}, stats.Flags{NoRoute: true}},
		{&logdatav3.ResponseFlags{NoClusterFound: true}, stats.Flags{NoCluster: true}},
		{&logdatav3.ResponseFlags{DownstreamConnectionTermination: true}, stats.Flags{DownstreamGone: true}},
		{&logdatav3.ResponseFlags{DownstreamRemoteReset: true}, stats.Flags{DownstreamGone: true}},
		{&logdatav3.ResponseFlags{DownstreamProtocolError: true}, stats.Flags{DownstreamProtocol: true}},
		{&logdatav3.ResponseFlags{LocalReset: true}, stats.Flags{LocalReset: true}},
		{&logdatav3.ResponseFlags{DelayInjected: true}, stats.Flags{}},
	} {
		bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
			_ = f.logs(t)("e1", &logdatav3.HTTPAccessLogEntry{CommonProperties: &logdatav3.AccessLogCommon{ResponseFlags: c.envoy}})
			if d := cmp.Diff(c.want, f.sink.failures[0].Entries[0].Flags); d != "" {
				t.Errorf("%v: (-want +got)\n%s", c.envoy, d)
			}
		})
	}
}

func TestLogsWithoutNode(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		stream, err := accesslogv3.NewAccessLogServiceClient(f.dial()).StreamAccessLogs(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_ = stream.Send(&accesslogv3.StreamAccessLogsMessage{})
		if _, err := stream.CloseAndRecv(); status.Code(err) != codes.InvalidArgument {
			t.Errorf("got %v, want InvalidArgument", err)
		}
	})
}

// TestRunningRequests: an entry of a request that has not ended has the time
// after which its listener tells of it, and no duration of its own.
func TestRunningRequests(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		send := f.logs(t)
		entry := func(every string) *logdatav3.HTTPAccessLogEntry {
			return &logdatav3.HTTPAccessLogEntry{CommonProperties: &logdatav3.AccessLogCommon{
				UpstreamCluster: "default/shop/80/v2", StreamId: "7", AccessLogType: logdatav3.AccessLogType_DownstreamPeriodic,
				Duration: durationpb.New(time.Hour), CustomTags: map[string]string{snapshot.ErrorLogEvery: every},
			}}
		}
		if err := send("e1", entry("200ms"), entry("soon")); err != nil {
			t.Fatal(err)
		}
		want := []stats.Failure{
			{Cluster: "default/shop/80/v2", Running: true, ID: "7", Duration: 200 * time.Millisecond, GRPCStatus: -1},
			{Cluster: "default/shop/80/v2", Running: true, ID: "7", GRPCStatus: -1},
		}
		if d := cmp.Diff(want, f.sink.failures[0].Entries); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
	})
}
