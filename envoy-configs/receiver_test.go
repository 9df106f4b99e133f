package envoyconfigs

import (
	"net"
	"testing"
	"time"

	accesslogv3 "github.com/envoyproxy/go-control-plane/envoy/data/accesslog/v3"
	servicev3 "github.com/envoyproxy/go-control-plane/envoy/service/accesslog/v3"
	metricsv3 "github.com/envoyproxy/go-control-plane/envoy/service/metrics/v3"
	"google.golang.org/grpc"
)

// patience bounds each wait for Envoy.
const patience = 20 * time.Second

// receiver takes what an Envoy reports.
type receiver struct {
	servicev3.UnimplementedAccessLogServiceServer
	metricsv3.UnimplementedMetricsServiceServer
	entries chan *accesslogv3.HTTPAccessLogEntry
	labels  chan string // cluster names in metrics
}

func (r *receiver) StreamAccessLogs(s servicev3.AccessLogService_StreamAccessLogsServer) error {
	for {
		m, err := s.Recv()
		if err != nil {
			return nil // the Envoy has gone
		}
		for _, e := range m.GetHttpLogs().GetLogEntry() {
			r.entries <- e
		}
	}
}

func (r *receiver) StreamMetrics(s metricsv3.MetricsService_StreamMetricsServer) error {
	for {
		m, err := s.Recv()
		if err != nil {
			return nil
		}
		for _, family := range m.GetEnvoyMetrics() {
			for _, metric := range family.GetMetric() {
				for _, l := range metric.GetLabel() {
					if l.GetName() == "envoy.cluster_name" {
						select {
						case r.labels <- family.GetName() + " of " + l.GetValue():
						case <-s.Context().Done():
							return nil
						}
					}
				}
			}
		}
	}
}

func newReceiver() *receiver {
	return &receiver{entries: make(chan *accesslogv3.HTTPAccessLogEntry, 100), labels: make(chan string)}
}

// start serves the receiver and gives its address.
func (r *receiver) start(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	servicev3.RegisterAccessLogServiceServer(s, r)
	metricsv3.RegisterMetricsServiceServer(s, r)
	ended := make(chan error)
	go func() { ended <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}
