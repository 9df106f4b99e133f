package xds

import (
	"crypto/tls"
	"log/slog"
	"time"

	"google.golang.org/grpc"

	"github.com/serin-mesh/serin/stats"
)

// Sink takes what Envoys report. Its methods must not block: they are called
// from a stream's goroutine, several at a time.
type Sink interface {
	Failures(stats.Failures)
	Load(stats.Load)
	Metrics(stats.Metrics)
}

// Options shape a Server. The zero value serves with the defaults named below
// and throws reports away.
type Options struct {
	// Sink takes the reports; nil drops them.
	Sink Sink
	// Log takes what an operator should know; nil drops it.
	Log *slog.Logger
	// TLS, if not nil, is required of every client.
	TLS *tls.Config

	// Services register what else is served on the same port, by the same rules.
	Services []func(grpc.ServiceRegistrar)

	// AwayTimeout is how long a disconnected Envoy is waited for; 15 s.
	AwayTimeout time.Duration
	// AckTimeout is how long a connected Envoy that does not answer is waited
	// for; 10 s.
	AckTimeout time.Duration
	// Drain is how long a cluster stays at an Envoy after its last route there
	// is gone, so that requests under way can end; 15 s.
	Drain time.Duration
	// ForgetAfter is how long a disconnected Envoy stays in the fleet table; 1 h.
	ForgetAfter time.Duration

	// LoadBudget bounds the load reports of the whole fleet, in bytes a second;
	// 2,000,000.
	LoadBudget int
	// LoadInterval is the shortest interval of load reports; 1 s.
	LoadInterval time.Duration
}

// withDefaults fills in what was left zero.
func (o Options) withDefaults() Options {
	if o.Sink == nil {
		o.Sink = discard{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	for _, d := range []struct {
		p *time.Duration
		v time.Duration
	}{
		{&o.AwayTimeout, 15 * time.Second},
		{&o.AckTimeout, 10 * time.Second},
		{&o.Drain, 15 * time.Second},
		{&o.ForgetAfter, time.Hour},
		{&o.LoadInterval, time.Second},
	} {
		if *d.p <= 0 {
			*d.p = d.v
		}
	}
	if o.LoadBudget <= 0 {
		o.LoadBudget = 2_000_000
	}
	return o
}

// discard is the Sink of those who want no reports.
type discard struct{}

func (discard) Failures(stats.Failures) {}
func (discard) Load(stats.Load)         {}
func (discard) Metrics(stats.Metrics)   {}
