package lab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// LoadOptions says what a Load sends, and how fast.
type LoadOptions struct {
	// Targets are the hosts and ports to connect to. One that is shared by
	// several Envoys gets connections that the kernel spreads over them.
	Targets []string
	// Host is the Host header; empty: the target.
	Host string
	// Path is the path and query; empty means "/".
	Path string
	// Header is sent with every request.
	Header http.Header
	// Rate is in requests a second, over all targets.
	Rate float64
	// Connections is how many connections are used from the start, over all
	// targets; 0 means 16.
	Connections int
	// MaxConnections bounds the connections that are added while answers are
	// slow; 0 means 1024.
	MaxConnections int
	// Timeout is how long an answer may take; 0 means 10 s.
	Timeout time.Duration
	// Observe, if not nil, is called with every result, from many goroutines.
	Observe func(Result)
}

// Load sends requests at a constant rate, whether answers come or not. A
// request is due at a fixed time and its latency counts from then, so that a
// slow server cannot make the load lighter or look faster than it is.
//
// Connections are kept alive and used in turn. While all of them wait for an
// answer, new ones are opened up to a bound; only beyond that bound are
// requests late, and their latency says so.
type Load struct {
	options LoadOptions
	counter *counter
	due     chan time.Time // to whichever connection is idle longest
	workers sync.WaitGroup
	opened  int // connections so far; owned by Run
}

// NewLoad makes a load that has not begun.
func NewLoad(o LoadOptions) (*Load, error) {
	switch {
	case len(o.Targets) == 0:
		return nil, errors.New("making a load: it has no target")
	case !(o.Rate > 0):
		return nil, fmt.Errorf("making a load: the rate is %g requests a second", o.Rate)
	}
	if o.Connections == 0 {
		o.Connections = 16
	}
	if o.MaxConnections == 0 {
		o.MaxConnections = 1024
	}
	o.MaxConnections = max(o.MaxConnections, o.Connections)
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	return &Load{options: o, counter: newCounter(), due: make(chan time.Time)}, nil
}

// Counts gives what has been seen so far. It may be called while the load runs.
func (l *Load) Counts() Counts { return l.counter.read() }

// Run sends requests until the context ends, then waits for the answers that
// are still to come, up to the timeout. It is called once.
func (l *Load) Run(ctx context.Context) error {
	defer l.workers.Wait()
	defer close(l.due)
	for range l.options.Connections {
		l.open()
	}
	start := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for n := int64(0); ; n++ {
		due := start.Add(time.Duration(float64(n) / l.options.Rate * float64(time.Second)))
		if wait := time.Until(due); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
				return nil
			}
		}
		if !l.hand(ctx, due) {
			return nil
		}
	}
}

// hand gives a request to an idle connection, or to a new one. It reports false
// when the context has ended.
func (l *Load) hand(ctx context.Context, due time.Time) bool {
	if ctx.Err() != nil {
		return false
	}
	select {
	case l.due <- due:
		return true
	default:
	}
	if l.opened < l.options.MaxConnections {
		l.open()
	}
	select {
	case l.due <- due:
		return true
	case <-ctx.Done():
		return false
	}
}

// open adds a connection, to the targets in turn.
func (l *Load) open() {
	target := l.options.Targets[l.opened%len(l.options.Targets)]
	l.opened++
	l.workers.Go(func() { l.work(target) })
}

// work sends what is due over one connection, until nothing will be.
func (l *Load) work(target string) {
	c := newConnection(target, l.options)
	defer c.close()
	for due := range l.due {
		r := c.exchange(due)
		now := time.Now()
		r.Took = now.Sub(due)
		l.counter.add(r, now)
		if l.options.Observe != nil {
			l.options.Observe(r)
		}
	}
}
