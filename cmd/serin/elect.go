package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// The terms of the lease: how long one that is not renewed holds, how long a leader
// tries to renew it before it stops, and how often.
const (
	leaseHolds  = 9 * time.Second
	leaseRenews = 6 * time.Second
	leaseTries  = 3 * time.Second

	leaseName = "serin"
)

// errDeposed is why a server stops that no longer leads. Whoever runs it starts it
// again, and it waits to lead.
var errDeposed = errors.New("another server leads now, or the lease could not be renewed in time")

// elect waits for the lease, leads while it has it, and gives it back at the end. A
// server that waits says that it is alive and not ready.
func elect(ctx context.Context, o serveOptions, client kubernetes.Interface, namespace string,
	lead func(context.Context, *listeners) error) error {
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("naming the server for the lease: %w", err)
	}
	listener, err := listen(ctx, "--http-listen", o.HTTPListen)
	if err != nil {
		return err
	}
	waiting := stand(listener)
	defer waiting.close()
	led := make(chan error, 1)
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta: metav1.ObjectMeta{Namespace: namespace, Name: leaseName}, Client: client.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: host + "_" + uuid.NewString()},
		},
		LeaseDuration: leaseHolds, RenewDeadline: leaseRenews, RetryPeriod: leaseTries,
		ReleaseOnCancel: true, Name: leaseName,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(ctx context.Context) {
				o.Log.Info("this server leads")
				led <- waiting.relieve(ctx, o, lead)
			},
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return fmt.Errorf("electing a leader: %w", err)
	}
	o.Log.Info("waiting for the lease", "namespace", namespace, "name", leaseName)
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	elected := make(chan struct{})
	go func() { defer close(elected); elector.Run(inner) }()
	select {
	case err = <-led: // it ended by itself: the lease is given back
		cancel()
		<-elected
	case <-elected: // the context has ended, or the lease is another's
		if waiting.relieved() {
			err = <-led
		}
	}
	if ctx.Err() == nil {
		err = errors.Join(err, errDeposed)
	}
	return err
}

// standby answers for a server that waits to lead.
type standby struct {
	http   net.Listener
	server *http.Server
	done   chan struct{} // closed when the server has ended

	once sync.Once
	over atomic.Bool // it was relieved
}

// stand begins to answer on a listener.
func stand(l net.Listener) *standby {
	s := &standby{http: l, done: make(chan struct{}), server: &http.Server{ReadHeaderTimeout: leaseHolds,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/healthz" {
				fmt.Fprintln(w, "ok")
				return
			}
			http.Error(w, "this server waits to lead", http.StatusServiceUnavailable)
		})}}
	go func() {
		defer close(s.done)
		_ = s.server.Serve(&borrowed{Listener: l}) // it ends with the server
	}()
	return s
}

// end ends the answers; the listener stays open.
func (s *standby) end() {
	s.once.Do(func() {
		_ = s.server.Close()
		<-s.done
	})
}

// close ends the answers and closes the listener, which whoever led may have closed.
func (s *standby) close() {
	s.end()
	_ = s.http.Close()
}

func (s *standby) relieved() bool { return s.over.Load() }

// relieve lets the server lead on the listener of the standby.
func (s *standby) relieve(ctx context.Context, o serveOptions, lead func(context.Context, *listeners) error) error {
	s.over.Store(true)
	s.end()
	if t, ok := s.http.(*net.TCPListener); ok {
		if err := t.SetDeadline(time.Time{}); err != nil {
			return fmt.Errorf("taking over the address %s: %w", s.http.Addr(), err)
		}
	}
	xds, err := listen(ctx, "--xds-listen", o.XDSListen)
	if err != nil {
		return err
	}
	l := &listeners{xds: xds, http: s.http}
	defer l.close()
	return lead(ctx, l)
}

// borrowed is a listener that is open for somebody else after its Close.
type borrowed struct {
	net.Listener
	closed atomic.Bool
}

// Accept ends with Close.
func (b *borrowed) Accept() (net.Conn, error) {
	c, err := b.Listener.Accept()
	if b.closed.Load() {
		if err == nil {
			_ = c.Close()
		}
		return nil, net.ErrClosed
	}
	return c, err
}

// Close ends Accept by a deadline that is over.
func (b *borrowed) Close() error {
	b.closed.Store(true)
	if t, ok := b.Listener.(*net.TCPListener); ok {
		return t.SetDeadline(time.Unix(1, 0))
	}
	return b.Listener.Close()
}
