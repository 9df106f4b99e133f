package xds

import (
	"math"
	"sync/atomic"
	"time"

	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	loadv3 "github.com/envoyproxy/go-control-plane/envoy/service/load_stats/v3"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/serin-mesh/serin/stats"
)

const (
	// reportSize is what one load report costs, in bytes: nearly all of it is
	// the Envoy's description of itself, which each report repeats.
	reportSize = 61_000
	// maxDrift is by how much a stream's interval may differ from the one that
	// the fleet's size asks for before it is told.
	maxDrift = 1.5
)

// loadStreams counts the streams of load reports.
type loadStreams struct{ open atomic.Int64 }

// interval is how often each Envoy is to report, so that all together stay
// within the budget.
func (s *Server) interval() time.Duration {
	perSecond := float64(s.loads.open.Load()) * reportSize / float64(s.opts.LoadBudget)
	d := time.Duration(perSecond * float64(time.Second)).Round(time.Millisecond)
	return max(d, s.opts.LoadInterval)
}

// loadReports takes how many requests each cluster had.
// Source: envoy.service.load_stats.v3.LoadReportingService.
type loadReports struct{ *Server }

// StreamLoadStats asks an Envoy for reports on all clusters and hands them on.
// When the fleet has grown or shrunk the Envoy is told the new interval as soon
// as its next report comes.
func (s loadReports) StreamLoadStats(stream loadv3.LoadReportingService_StreamLoadStatsServer) error {
	s.loads.open.Add(1)
	defer s.loads.open.Add(-1)
	var from reporter
	var told time.Duration
	for {
		m, err := stream.Recv()
		if err != nil {
			return ended(stream.Context(), err)
		}
		if err := from.identify(m.GetNode()); err != nil {
			return err
		}
		if d := s.interval(); drifted(told, d) {
			if err := stream.Send(ask(d)); err != nil {
				return ended(stream.Context(), err)
			}
			told = d
		}
		if l := load(from, m.GetClusterStats()); len(l.Clusters) > 0 {
			s.opts.Sink.Load(l)
		}
	}
}

// drifted tells whether an Envoy that was told one interval, or none, is to be
// told another.
func drifted(told, d time.Duration) bool {
	return told == 0 || math.Max(float64(told)/float64(d), float64(d)/float64(told)) > maxDrift
}

func ask(interval time.Duration) *loadv3.LoadStatsResponse {
	return &loadv3.LoadStatsResponse{SendAllClusters: true, LoadReportingInterval: durationpb.New(interval)}
}

// load reads one report.
func load(from reporter, clusters []*endpointv3.ClusterStats) stats.Load {
	l := stats.Load{Node: from.id, Gateway: from.gateway, Received: time.Now()}
	for _, c := range clusters {
		one := stats.ClusterLoad{
			Cluster:  c.GetClusterName(),
			Interval: c.GetLoadReportInterval().AsDuration(),
			Dropped:  c.GetTotalDroppedRequests(),
		}
		for _, u := range c.GetUpstreamLocalityStats() {
			one.Issued += u.GetTotalIssuedRequests()
			one.Success += u.GetTotalSuccessfulRequests()
			one.Error += u.GetTotalErrorRequests()
			one.Active += u.GetTotalRequestsInProgress()
		}
		l.Clusters = append(l.Clusters, one)
	}
	return l
}
