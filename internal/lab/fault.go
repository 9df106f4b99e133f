package lab

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"
)

// Fault says how a Service misbehaves. The zero value is a good service.
type Fault struct {
	// FailRatio is the share of requests, 0 to 1, that get Status instead of a
	// good answer; each request is drawn anew.
	FailRatio float64
	// Status is the HTTP status of those; 0 means 500.
	Status int
	// Reset closes their connections instead of answering.
	Reset bool
	// Delay is how long every answer waits.
	Delay time.Duration
	// Hang answers nothing until the client goes away, the fault is replaced or
	// the service closes.
	Hang bool
}

// fault is a Fault in force.
type fault struct {
	Fault
	over chan struct{} // closed when another one has replaced it
}

func newFault(f Fault) *fault {
	if f.Status == 0 {
		f.Status = http.StatusInternalServerError
	}
	return &fault{f, make(chan struct{})}
}

// draws reports whether the next request is one that fails.
func (f *fault) draws() bool {
	return f.FailRatio > 0 && (f.FailRatio >= 1 || rand.Float64() < f.FailRatio)
}

// wait holds a request back as the fault says. It reports false when the
// request has hung until its end.
func (f *fault) wait(ctx context.Context) bool {
	if f.Hang {
		select {
		case <-f.over:
			return true
		case <-ctx.Done():
			return false
		}
	}
	if f.Delay <= 0 {
		return true
	}
	timer := time.NewTimer(f.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-f.over:
	case <-ctx.Done():
	}
	return true
}
