package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// VersionHeader is the response header in which a Service names its version.
const VersionHeader = "X-Version"

// Service is an HTTP server on loopback that is one version of an application.
// It answers 200 with its version in VersionHeader and in the body, unless a
// Fault says otherwise; a failing answer carries the header too.
type Service struct {
	version  string
	listener net.Listener
	server   *http.Server
	stop     context.CancelFunc // ends requests that hang
	ended    chan struct{}      // closed when the server has ended

	fault    atomic.Pointer[fault]
	requests atomic.Uint64
	failed   atomic.Uint64
	firstBad atomic.Int64 // Unix time in nanoseconds; 0: never
	last     atomic.Int64 // the same
}

// StartService starts a version of a service on a free port of 127.0.0.1.
func StartService(version string) (*Service, error) {
	return StartServiceAt(version, "127.0.0.1:0")
}

// StartServiceAt starts a version of a service on the given host and port.
func StartServiceAt(version, address string) (*Service, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("starting version %q: %w", version, err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Service{version: version, listener: listener, stop: stop, ended: make(chan struct{})}
	s.fault.Store(newFault(Fault{}))
	s.server = &http.Server{
		Handler:           s,
		ReadHeaderTimeout: time.Minute,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		// Resets that were asked for are no news.
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	go func() {
		defer close(s.ended)
		_ = s.server.Serve(listener) // ends by Close only
	}()
	return s, nil
}

// Version gives the version that the service is.
func (s *Service) Version() string { return s.version }

// Address gives the host and port of the service.
func (s *Service) Address() string { return s.listener.Addr().String() }

// Set makes the service behave as f says, from the next request on. Requests
// that hang because of the fault before get an answer. The time of the first
// bad answer is forgotten.
func (s *Service) Set(f Fault) {
	s.firstBad.Store(0)
	close(s.fault.Swap(newFault(f)).over)
}

// Requests gives how many requests have come.
func (s *Service) Requests() uint64 { return s.requests.Load() }

// Failed gives how many requests were failed by a fault or hung.
func (s *Service) Failed() uint64 { return s.failed.Load() }

// FirstBad gives when the first bad answer since the last Set was ready to go
// out, or when the first request that hung had come; the zero time: there was
// none.
func (s *Service) FirstBad() time.Time { return instant(s.firstBad.Load()) }

// LastRequest gives when the last request came; the zero time: there was none.
func (s *Service) LastRequest() time.Time { return instant(s.last.Load()) }

// instant turns Unix nanoseconds into a time, 0 into the zero time.
func instant(nanos int64) time.Time {
	if nanos == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanos)
}

// Close ends the service, with the requests that hang. The port is free then.
func (s *Service) Close() error {
	s.stop()
	err := s.server.Close()
	<-s.ended
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("closing version %q: %w", s.version, err)
	}
	return nil
}

// ServeHTTP answers as the present fault says.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f := s.fault.Load()
	s.requests.Add(1)
	s.last.Store(time.Now().UnixNano())
	if f.Hang {
		s.noteBad()
	}
	if !f.wait(r.Context()) {
		panic(http.ErrAbortHandler) // net/http's way to close a connection
	}
	w.Header().Set(VersionHeader, s.version)
	status := http.StatusOK
	if f.draws() {
		s.noteBad()
		if f.Reset {
			panic(http.ErrAbortHandler)
		}
		status = f.Status
	}
	w.WriteHeader(status)
	// The client may have gone: then nobody misses the body.
	_, _ = io.WriteString(w, s.version+"\n")
}

// noteBad counts a bad answer, and its time if it is the first.
func (s *Service) noteBad() {
	s.failed.Add(1)
	s.firstBad.CompareAndSwap(0, time.Now().UnixNano())
}
