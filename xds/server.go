package xds

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	accesslogv3 "github.com/envoyproxy/go-control-plane/envoy/service/accesslog/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	loadv3 "github.com/envoyproxy/go-control-plane/envoy/service/load_stats/v3"
	metricsv3 "github.com/envoyproxy/go-control-plane/envoy/service/metrics/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/serin-mesh/serin/api"
)

const (
	// maxMessage bounds what a client may send in one message, in bytes: a
	// client with 50,000 resources that comes back lists them all in one.
	maxMessage = 16 << 20
	// window bounds what a client may send ahead of what is read, in bytes, for
	// each stream and for each connection.
	window = 1 << 20
	// stopTimeout bounds how long Run waits for streams to end.
	stopTimeout = 250 * time.Millisecond
)

// Server serves configuration to Envoys and takes their reports. Its methods
// are safe for concurrent use.
type Server struct {
	opts     Options
	changed  chan struct{}
	revision atomic.Uint64 // of all targets together
	loads    loadStreams
	members  atomic.Uint64 // how often a client came or went

	settleAfter atomic.Pointer[time.Time] // set by Expect; nil: at once

	mu       sync.Mutex // guards gateways
	gateways map[api.Key]*gateway
}

// New makes a server that has no Gateway and does not listen yet.
func New(opts Options) *Server {
	return &Server{
		opts:     opts.withDefaults(),
		changed:  make(chan struct{}, 1),
		gateways: map[api.Key]*gateway{},
	}
}

// Changed yields after anything that may change the answer of Progress or
// Envoys: a response accepted or rejected, a client that came, went or changed
// its subscription. Signals that nobody has taken fall together into one.
func (s *Server) Changed() <-chan struct{} { return s.changed }

func (s *Server) signal() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// gateway gives the Gateway of a key, which may not be known yet.
func (s *Server) gateway(key api.Key) *gateway {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.gateways[key]
	if g == nil {
		g = newGateway(key)
		s.gateways[key] = g
	}
	return g
}

// Run accepts clients on a listener, which it closes, until the context ends.
// It returns when no stream is served any more, nil if it was the context.
func (s *Server) Run(ctx context.Context, lis net.Listener) error {
	server := s.grpcServer(ctx)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(lis) }()
	select {
	case err := <-failed:
		server.Stop()
		return fmt.Errorf("serving xDS on %s: %w", lis.Addr(), err)
	case <-ctx.Done():
	}
	// Discovery streams end by themselves now. Those that only report do not:
	// they are cut off, for they have nothing to lose.
	stopped := make(chan struct{})
	go func() {
		server.GracefulStop()
		close(stopped)
	}()
	timer := time.NewTimer(stopTimeout)
	defer timer.Stop()
	select {
	case <-stopped:
	case <-timer.C:
	}
	server.Stop()
	<-stopped
	if err := <-failed; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("serving xDS on %s: %w", lis.Addr(), err)
	}
	return nil
}

// grpcServer makes the gRPC server whose streams end with a context.
func (s *Server) grpcServer(ctx context.Context) *grpc.Server {
	opts := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(maxMessage),
		// Left to itself, gRPC looks for a window by pinging the client when it has
		// sent something, even an acknowledgement of 50 bytes.
		grpc.StaticStreamWindowSize(window),
		grpc.StaticConnWindowSize(window),
		// A machine that vanished without a word is noticed in 15 s.
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 10 * time.Second, Timeout: 5 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Second, PermitWithoutStream: true}),
		grpc.ChainStreamInterceptor(s.recover, endWith(ctx)),
		grpc.WaitForHandlers(true),
	}
	if s.opts.TLS != nil {
		opts = append(opts, grpc.Creds(&doorkeeper{TransportCredentials: credentials.NewTLS(s.opts.TLS), log: s.opts.Log, told: map[turnedAway]time.Time{}}))
	}
	server := grpc.NewServer(opts...)
	discoveryv3.RegisterAggregatedDiscoveryServiceServer(server, discovery{s})
	accesslogv3.RegisterAccessLogServiceServer(server, accessLogs{s})
	loadv3.RegisterLoadReportingServiceServer(server, loadReports{s})
	metricsv3.RegisterMetricsServiceServer(server, metrics{s})
	for _, register := range s.opts.Services {
		register(server)
	}
	return server
}

// recover turns a panic of one stream into its end.
func (s *Server) recover(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.opts.Log.Error("stream failed", "method", info.FullMethod, "panic", p, "stack", string(debug.Stack()))
			err = status.Error(codes.Internal, "internal error")
		}
	}()
	return handle(srv, stream)
}

// endWith ends streams with a context.
func endWith(server context.Context) grpc.StreamServerInterceptor {
	return func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
		ctx, cancel := context.WithCancel(stream.Context())
		defer cancel()
		defer context.AfterFunc(server, cancel)()
		return handle(srv, bounded{stream, ctx})
	}
}

// bounded is a stream with a context of its own.
type bounded struct {
	grpc.ServerStream
	ctx context.Context //nolint:containedctx // a stream is asked for its context
}

// Context ends with the stream's and with the server's.
func (b bounded) Context() context.Context { return b.ctx }
