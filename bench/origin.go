package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/serin-mesh/serin/internal/lab"
)

// origin is a version of the application that keeps the time of every bad
// answer. It stands before a lab.Service, which only tells the first.
type origin struct {
	service *lab.Service
	server  *http.Server
	address string
	ended   chan struct{} // closed when the server has ended

	mu      sync.Mutex // guards what follows
	hanging bool
	bad     []time.Time // answers, or requests that hang
	last    time.Time
}

// startOrigin starts a version on a free port.
func startOrigin(version string) (*origin, error) {
	service, err := lab.StartService(version)
	if err != nil {
		return nil, err
	}
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting version %q: %w", version, err), service.Close())
	}
	o := &origin{service: service, address: lis.Addr().String(), ended: make(chan struct{})}
	o.server = &http.Server{Handler: o, ReadHeaderTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	go func() {
		defer close(o.ended)
		_ = o.server.Serve(lis) // ends by close only
	}()
	return o, nil
}

func (o *origin) close() error {
	err := o.server.Close()
	<-o.ended
	return errors.Join(err, o.service.Close())
}

// ServeHTTP notes when the request came, and when its answer was ready if that
// is bad.
func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	o.mu.Lock()
	o.last = now
	if o.hanging {
		o.bad = append(o.bad, now)
	}
	o.mu.Unlock()
	o.service.ServeHTTP(&judged{w, o}, r)
}

// judged tells an origin of a bad answer before it goes out.
type judged struct {
	http.ResponseWriter
	origin *origin
}

// WriteHeader notes a status of 500 or more.
func (j *judged) WriteHeader(status int) {
	if status >= http.StatusInternalServerError {
		j.origin.mu.Lock()
		j.origin.bad = append(j.origin.bad, time.Now())
		j.origin.mu.Unlock()
	}
	j.ResponseWriter.WriteHeader(status)
}

// fail makes every answer bad from now on and forgets what was noted.
func (o *origin) fail() {
	o.mu.Lock()
	o.bad, o.last = nil, time.Time{}
	o.mu.Unlock()
	o.service.Set(lab.Fault{FailRatio: 1})
}

// hang keeps every answer back from now on and forgets what was noted.
func (o *origin) hang() {
	o.mu.Lock()
	defer o.mu.Unlock()
	// First the fault, so that no request is noted that is answered.
	o.service.Set(lab.Fault{Hang: true})
	o.hanging, o.bad, o.last = true, nil, time.Time{}
}

// heal makes every answer good again and gives the times of the bad ones since
// fail, or of the requests since hang, in order, and of the last request.
func (o *origin) heal() (bad []time.Time, last time.Time) {
	o.mu.Lock()
	bad, last, o.hanging = o.bad, o.last, false
	o.mu.Unlock()
	o.service.Set(lab.Fault{})
	return bad, last
}
