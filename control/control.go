package control

import (
	"context"
	"log/slog"
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/stats"
	"github.com/serin-mesh/serin/store"
	"github.com/serin-mesh/serin/xds"
)

// Fleet is what control needs of the xDS server. Its methods must not block.
type Fleet interface {
	Apply(gateway api.Key, c snapshot.Change)
	Require(uses map[api.Key][]snapshot.Ref) *xds.Requirement
	Progress(r *xds.Requirement, now time.Time) xds.Progress
	Release(r *xds.Requirement)
	Changed() <-chan struct{}
	Envoys() []api.Envoy
	Members() uint64
	Present() (ids map[api.Key][]string, changes uint64)
}

// Store is what control needs of the store. Write must not block.
type Store interface {
	Write(w store.Write)
	Journal(key api.Key) ([]store.Entry, error)
}

// Options says what a Control works with.
type Options struct {
	Fleet Fleet
	Store Store
	Saved store.Saved // what the store held at start
	// Measurer takes the measurements of analyses and gates; nil: each is an
	// error.
	Measurer Measurer
	// Pods scales the pods of Rollouts; nil: nobody does, as outside a cluster.
	Pods Pods
	// Experiments runs experiments with pods of their own; nil: nobody does, and of an
	// experiment only the analyses run.
	Experiments Experiments
	Log         *slog.Logger // nil: silent
}

// Control is the loop. Create it with New, hand it the objects, then Run it.
type Control struct {
	inbox chan func(*loop)
	done  chan struct{} // closed when Run has returned
	store Store
	loop  *loop
}

// inboxSize bounds the messages that wait. A full inbox makes reporters wait:
// gRPC flow control then slows the streams, all arms of a stream alike.
const inboxSize = 1024

// New makes a loop that has not begun.
func New(o Options) *Control {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Measurer == nil {
		o.Measurer = noMeasurer{}
	}
	c := &Control{
		inbox: make(chan func(*loop), inboxSize),
		done:  make(chan struct{}),
		store: o.Store,
	}
	c.loop = newLoop(o, c.tell)
	return c
}

// Run plays the loop until the context ends.
func (c *Control) Run(ctx context.Context) error {
	l := c.loop
	defer l.work.Wait()
	defer close(c.done)
	defer l.stopTrials()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(l.untilNext(time.Now()))
		select {
		case f := <-c.inbox:
			l.now = time.Now()
			f(l)
			c.drain()
		case <-l.fleet.Changed():
			l.now = time.Now()
			l.fleetChanged()
		case <-timer.C:
			l.now = time.Now()
			l.tick()
		case <-ctx.Done():
			l.saveEvidence()
			l.saveMembers()
			return nil
		}
		l.endTurn()
	}
}

// drain plays what else has come, so that one turn translates it all.
func (c *Control) drain() {
	for range inboxSize {
		select {
		case f := <-c.inbox:
			f(c.loop)
		default:
			return
		}
	}
}

// tell hands the loop a message; after the loop has ended it does nothing.
func (c *Control) tell(f func(*loop)) {
	select {
	case c.inbox <- f:
	case <-c.done:
	}
}

// ask hands the loop a message and waits until it was played and what followed
// from it was handed to the fleet.
func (c *Control) ask(ctx context.Context, f func(*loop)) error {
	played := make(chan struct{})
	select {
	case c.inbox <- func(l *loop) { f(l); l.atEnd(func() { close(played) }) }:
	case <-c.done:
		return context.Canceled
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-played:
		return nil
	case <-c.done:
		return context.Canceled
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Failures takes a batch of the error stream. Source: xds.Sink.
func (c *Control) Failures(f stats.Failures) { c.tell(func(l *loop) { l.failures(f) }) }

// Load takes a load report. Source: xds.Sink.
func (c *Control) Load(r stats.Load) { c.tell(func(l *loop) { l.load(r) }) }

// Metrics takes a flush of a metrics sink. Source: xds.Sink.
func (c *Control) Metrics(m stats.Metrics) { c.tell(func(l *loop) { l.metrics(m) }) }

// Update is one reading of the configuration.
type Update struct {
	// Objects is nil when the reading had errors: then what runs goes on.
	Objects *api.Objects
	// Files are the accepted sources, by path; stored for a start without
	// them. Nil: they are not stored.
	Files    map[string][]byte
	Findings []api.Finding
	// Changed says what differs from the Objects before, removals included. Nil:
	// everything may.
	Changed []api.Ref
}

// Stored waits until the states of all rollouts are stored, or cannot be.
func (c *Control) Stored(ctx context.Context) error {
	stored := make(chan struct{})
	if err := c.ask(ctx, func(l *loop) { l.whenStored(func() { close(stored) }) }); err != nil {
		return err
	}
	select {
	case <-stored:
		return nil
	case <-c.done:
		return context.Canceled
	case <-ctx.Done():
		return ctx.Err()
	}
}

// whenStored calls f when every rollout's state is stored, or cannot be.
func (l *loop) whenStored(f func()) {
	waiting := 1
	one := func() {
		if waiting--; waiting == 0 {
			f()
		}
	}
	for _, c := range l.canaries {
		if c.pending > 0 && c.storeError == nil {
			waiting++
			c.whenStored = append(c.whenStored, one)
		}
	}
	one()
}

// Objects takes a reading of the configuration, and returns when the loop has
// played it.
func (c *Control) Objects(ctx context.Context, u Update) error {
	return c.ask(ctx, func(l *loop) { l.update(u) })
}
