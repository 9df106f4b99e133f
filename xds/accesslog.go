package xds

import (
	"net"
	"strconv"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	logdatav3 "github.com/envoyproxy/go-control-plane/envoy/data/accesslog/v3"
	accesslogv3 "github.com/envoyproxy/go-control-plane/envoy/service/accesslog/v3"

	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/stats"
)

// accessLogs takes the error stream.
// Source: envoy.service.accesslog.v3.AccessLogService.
type accessLogs struct{ *Server }

// StreamAccessLogs hands each message on as it comes. Envoy says who it is in
// the first one.
func (s accessLogs) StreamAccessLogs(stream accesslogv3.AccessLogService_StreamAccessLogsServer) error {
	var from reporter
	for {
		m, err := stream.Recv()
		if err != nil {
			return ended(stream.Context(), err)
		}
		if err := from.identify(m.GetIdentifier().GetNode()); err != nil {
			return err
		}
		entries := m.GetHttpLogs().GetLogEntry()
		if len(entries) == 0 {
			continue
		}
		f := stats.Failures{Node: from.id, Gateway: from.gateway, Received: time.Now(), Entries: make([]stats.Failure, 0, len(entries))}
		for _, e := range entries {
			f.Entries = append(f.Entries, failure(e))
		}
		s.opts.Sink.Failures(f)
	}
}

// failure reads one entry. What an entry lacks is left zero, but for
// GRPCStatus.
func failure(e *logdatav3.HTTPAccessLogEntry) stats.Failure {
	c, r := e.GetCommonProperties(), e.GetResponse()
	return stats.Failure{
		Cluster:    cluster(c),
		Host:       address(c.GetUpstreamRemoteAddress()),
		Connection: address(c.GetUpstreamLocalAddress()),
		Start:      startTime(c),
		Duration:   duration(c),
		Status:     int(r.GetResponseCode().GetValue()),
		GRPCStatus: grpcStatus(r),
		Flags:      flags(c.GetResponseFlags()),
		Attempts:   int(c.GetUpstreamRequestAttemptCount()),
		Route:      c.GetRouteName(),
		Running:    c.GetAccessLogType() == logdatav3.AccessLogType_DownstreamPeriodic,
		ID:         c.GetStreamId(),
	}
}

// cluster names the cluster that was in charge. Envoy fills its own field only
// once a host was chosen; the tag tells it where none could be.
func cluster(c *logdatav3.AccessLogCommon) string {
	if name := c.GetUpstreamCluster(); name != "" {
		return name
	}
	return c.GetCustomTags()[snapshot.ErrorLogCluster]
}

func startTime(c *logdatav3.AccessLogCommon) time.Time {
	if !c.GetStartTime().IsValid() {
		return time.Time{}
	}
	return c.GetStartTime().AsTime()
}

// duration is the whole of a request; older Envoys tell only when they wrote
// the last byte. Of one that still runs it is the time after which it is told
// of.
func duration(c *logdatav3.AccessLogCommon) time.Duration {
	if c.GetAccessLogType() == logdatav3.AccessLogType_DownstreamPeriodic {
		every, err := time.ParseDuration(c.GetCustomTags()[snapshot.ErrorLogEvery])
		if err != nil {
			return 0 // an entry of no listener of ours
		}
		return every
	}
	if d := c.GetDuration(); d != nil {
		return d.AsDuration()
	}
	return c.GetTimeToLastDownstreamTxByte().AsDuration()
}

// grpcStatus finds the status of a gRPC response, which is a trailer, or a
// header when the response has nothing else; -1 where there is none. Envoy
// reports the headers that its access log was told to.
func grpcStatus(r *logdatav3.HTTPResponseProperties) int {
	for _, h := range []map[string]string{r.GetResponseTrailers(), r.GetResponseHeaders()} {
		if v, ok := h["grpc-status"]; ok {
			if n, err := strconv.Atoi(v); err == nil && n >= 0 {
				return n
			}
		}
	}
	return -1
}

func address(a *corev3.Address) string {
	switch {
	case a.GetSocketAddress() != nil:
		s := a.GetSocketAddress()
		return net.JoinHostPort(s.GetAddress(), strconv.FormatUint(uint64(s.GetPortValue()), 10))
	case a.GetPipe() != nil:
		return a.GetPipe().GetPath()
	}
	return ""
}

func flags(f *logdatav3.ResponseFlags) stats.Flags {
	return stats.Flags{
		NoHealthyUpstream:  f.GetNoHealthyUpstream(),
		ConnectionFailure:  f.GetUpstreamConnectionFailure(),
		ConnectionEnded:    f.GetUpstreamConnectionTermination(),
		UpstreamReset:      f.GetUpstreamRemoteReset(),
		Overflow:           f.GetUpstreamOverflow(),
		UpstreamTimeout:    f.GetUpstreamRequestTimeout(),
		DurationTimeout:    f.GetDurationTimeout() || f.GetUpstreamMaxStreamDurationReached(),
		NoRoute:            f.GetNoRouteFound(),
		NoCluster:          f.GetNoClusterFound(),
		DownstreamGone:     f.GetDownstreamConnectionTermination() || f.GetDownstreamRemoteReset(),
		DownstreamProtocol: f.GetDownstreamProtocolError(),
		LocalReset:         f.GetLocalReset(),
	}
}
