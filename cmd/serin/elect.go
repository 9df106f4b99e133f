package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"github.com/serin-mesh/serin/relay"
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

// elect follows the leader until it has the lease, leads while it has it, and gives
// it back at the end.
func elect(ctx context.Context, o serveOptions, client kubernetes.Interface, namespace string,
	lead func(context.Context, *replica) error) error {
	r, err := newReplica(ctx, o)
	if err != nil {
		return err
	}
	defer r.listeners.close()
	waiting := stand(r.listeners.http, r)
	defer waiting.close()
	r.listeners.relieve = waiting.relieve
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stopServing := start(inner, func(ctx context.Context) error {
		err := r.serve(ctx)
		if err != nil {
			cancel(err) // who waits cannot serve, and who leads must not go on
		}
		return err
	})
	stopFollowing := sync.OnceValue(start(inner, func(ctx context.Context) error {
		r.node.Follow(ctx, r.identity, r.reports)
		return nil
	}))
	err = r.run(inner, o, client, namespace, func(ctx context.Context) error {
		r.takesOver.Store(true)
		_ = stopFollowing() // it never fails
		return lead(ctx, r)
	})
	if err == nil && ctx.Err() == nil {
		err = errDeposed
	}
	return errors.Join(err, stopFollowing(), stopServing())
}

// run waits for the lease and leads, until the context ends or the lease is lost.
func (r *replica) run(ctx context.Context, o serveOptions, client kubernetes.Interface, namespace string, lead func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	led, leads := make(chan error, 1), make(chan struct{})
	lock := &watchedLock{seen: r.node.Heed, Interface: &resourcelock.LeaseLock{
		LeaseMeta: metav1.ObjectMeta{Namespace: namespace, Name: leaseName}, Client: client.CoordinationV1(),
		LockConfig: resourcelock.ResourceLockConfig{Identity: r.identity},
	}}
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: lock, LeaseDuration: leaseHolds, RenewDeadline: leaseRenews, RetryPeriod: leaseTries,
		ReleaseOnCancel: true, Name: leaseName,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(ctx context.Context) {
				close(leads)
				o.Log.Info("this server leads")
				led <- lead(ctx)
			},
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return fmt.Errorf("electing a leader: %w", err)
	}
	o.Log.Info("waiting for the lease", "namespace", namespace, "name", leaseName, "identity", r.identity)
	elected := make(chan struct{})
	go func() { defer close(elected); elector.Run(ctx) }()
	select {
	case err := <-led: // it ended by itself: the lease is given back
		cancel()
		<-elected
		return err
	case <-elected: // the context has ended, or the lease is another's
	}
	select {
	case <-leads:
		return <-led
	default:
		return nil
	}
}

// watchedLock is a lock whose readings are told, in their order.
type watchedLock struct {
	resourcelock.Interface
	seen func(relay.Term)
}

// Get reads the lock.
func (l *watchedLock) Get(ctx context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	r, raw, err := l.Interface.Get(ctx)
	if err == nil {
		l.tell(*r)
	}
	return r, raw, err
}

// Create makes the lock.
func (l *watchedLock) Create(ctx context.Context, r resourcelock.LeaderElectionRecord) error {
	err := l.Interface.Create(ctx, r)
	if err == nil {
		l.tell(r)
	}
	return err
}

// Update takes, renews or gives back the lock.
func (l *watchedLock) Update(ctx context.Context, r resourcelock.LeaderElectionRecord) error {
	err := l.Interface.Update(ctx, r)
	if err == nil {
		l.tell(r)
	}
	return err
}

func (l *watchedLock) tell(r resourcelock.LeaderElectionRecord) {
	l.seen(relay.Term{Holder: r.HolderIdentity, Number: r.LeaderTransitions})
}

// lastAnswers bounds how long a server that begins to lead goes on with what it began
// to answer as one that follows. Streams of events end by it, and are made again.
const lastAnswers = time.Second

// standby answers HTTP for a server that follows, and for one that takes over until
// it has loaded its state.
type standby struct {
	http   *borrowed
	server *http.Server
	done   chan struct{} // closed when nothing is accepted any more
}

// stand begins to answer on a listener.
func stand(l net.Listener, r *replica) *standby {
	s := &standby{http: &borrowed{Listener: l}, done: make(chan struct{}), server: &http.Server{ReadHeaderTimeout: leaseHolds, Handler: r.handler()}}
	go func() {
		defer close(s.done)
		_ = s.server.Serve(s.http) // it ends with the listener
	}()
	return s
}

// close ends the answers; the listener stays open.
func (s *standby) close() {
	_ = s.server.Close()
	_ = s.http.Close()
	<-s.done
}

// relieve lets somebody else have the listener. Who is answered already is answered
// to the end.
func (s *standby) relieve() error {
	_ = s.http.Close() // it sets a deadline, which the next call would tell of
	<-s.done
	// A Shutdown would drop the request that is just being read.
	s.server.SetKeepAlivesEnabled(false)
	time.AfterFunc(lastAnswers, func() { _ = s.server.Close() })
	if t, ok := s.http.Listener.(*net.TCPListener); ok {
		if err := t.SetDeadline(time.Time{}); err != nil {
			return fmt.Errorf("taking over the address %s: %w", t.Addr(), err)
		}
	}
	return nil
}

// borrowed is a listener that is open for somebody else after its Close.
type borrowed struct {
	net.Listener
	closed atomic.Bool
}

// Accept ends with Close. A connection that came in the same moment is not lost.
func (b *borrowed) Accept() (net.Conn, error) {
	c, err := b.Listener.Accept()
	if err != nil && b.closed.Load() {
		return nil, net.ErrClosed
	}
	return c, err
}

// Close ends Accept by a deadline that is over. Once it is closed it leaves the
// listener alone.
func (b *borrowed) Close() error {
	if b.closed.Swap(true) {
		return nil
	}
	if t, ok := b.Listener.(*net.TCPListener); ok {
		return t.SetDeadline(time.Unix(1, 0))
	}
	return b.Listener.Close()
}
