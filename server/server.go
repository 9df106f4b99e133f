package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/serin-mesh/serin/api"
)

// Control is what answers for Rollouts and the fleet. Its errors wrap
// control.ErrNotFound and control.ErrNotApplicable where that is the cause.
type Control interface {
	// Rollouts lists the Rollouts of a namespace, of all where it is empty.
	Rollouts(ctx context.Context, namespace string) ([]*api.Rollout, error)
	Rollout(ctx context.Context, key api.Key) (*api.Rollout, error)
	// Act returns when the action is stored and sent.
	Act(ctx context.Context, key api.Key, a api.Action) (*api.Rollout, error)
	// FreezeAll begins or ends the freeze of all Rollouts, by the action's verb,
	// and returns when that is stored.
	FreezeAll(ctx context.Context, a api.Action) error
	History(ctx context.Context, key api.Key) ([]api.JournalEntry, error)
	// Releases lists the Releases of a namespace, of all where it is empty.
	Releases(ctx context.Context, namespace string) ([]*api.Release, error)
	Release(ctx context.Context, key api.Key) (*api.Release, error)
	// ActRelease acts on every Rollout of a Release to which the action applies.
	ActRelease(ctx context.Context, key api.Key, a api.Action) (*api.Release, error)
	// AnalysisRuns lists the analyses that run and those that are kept.
	AnalysisRuns(ctx context.Context, key api.Key) ([]*api.AnalysisRun, error)
	// Outlook says how long the guard needs now to see a harm.
	Outlook(ctx context.Context, key api.Key) ([]api.Reach, error)
	Envoys() []api.Envoy
	Findings(ctx context.Context) ([]api.Finding, error)
	// Watch tells of changes until the context ends.
	Watch(ctx context.Context) (Watch, error)
}

// Watch is a stream of changes. It begins with every Rollout as it is.
type Watch interface {
	// Next waits for changes. A Next that ended with its context has lost
	// nothing: the next one gives what came meanwhile.
	Next(ctx context.Context) ([]api.Event, error)
}

// Options shape a Server.
type Options struct {
	// Control answers for Rollouts. Required.
	Control Control
	// Ready says why the program is not ready to serve, nil when it is. A nil
	// function means always ready.
	Ready func() error
	// Tokens are those that may act. Without any, only this machine may.
	Tokens Tokens
	// Version of the program, shown in the metrics.
	Version string
	// Log takes what an operator should know; nil drops it.
	Log *slog.Logger
}

// Server answers HTTP requests. Its methods may be called from any goroutine.
type Server struct {
	control  Control
	ready    func() error
	tokens   Tokens
	log      *slog.Logger
	metrics  http.Handler
	origins  *http.CrossOriginProtection
	stopOnce sync.Once
	stopping chan struct{} // closed when streams must end
}

// Limits of a connection. A stream of events lifts the two that bound a whole
// request.
const (
	headerTimeout   = 5 * time.Second
	readTimeout     = 15 * time.Second
	writeTimeout    = 30 * time.Second
	idleTimeout     = 2 * time.Minute
	maxHeaderBytes  = 32 << 10
	shutdownTimeout = 5 * time.Second
)

// New makes a Server that does not listen yet.
func New(o Options) *Server {
	if o.Ready == nil {
		o.Ready = func() error { return nil }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Server{
		control:  o.Control,
		ready:    o.Ready,
		tokens:   o.Tokens,
		log:      o.Log,
		metrics:  newMetrics(o.Control, o.Version, o.Log),
		origins:  http.NewCrossOriginProtection(),
		stopping: make(chan struct{}),
	}
}

// Run accepts connections until the context ends, then lets the requests under
// way finish for a few seconds. It closes the listener. A Server runs once.
func (s *Server) Run(ctx context.Context, lis net.Listener) error {
	srv := &http.Server{
		Handler:           s.Handler(isLoopback(lis.Addr().String())),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	srv.RegisterOnShutdown(s.stopStreams)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(lis) }()
	select {
	case err := <-served:
		return fmt.Errorf("serving HTTP on %q: %w", lis.Addr(), err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := srv.Shutdown(grace); err != nil {
		s.log.Warn("HTTP requests were cut off at the end", "error", err)
		_ = srv.Close() // the requests that are cut off have nobody to tell
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving HTTP on %q: %w", lis.Addr(), err)
	}
	return nil
}

// stopStreams ends the event streams, which would otherwise never finish.
func (s *Server) stopStreams() { s.stopOnce.Do(func() { close(s.stopping) }) }
