package provider

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serin-mesh/serin/analysis/run"
	"github.com/serin-mesh/serin/api"
)

// Subject is what is measured.
type Subject struct {
	// Rollout is the one whose versions are compared.
	Rollout api.Key
	// StartedAt is when the run began.
	StartedAt time.Time
	// Run and Number name the measurement: the run's name, and which of the
	// metric's measurements it is, from 1.
	Run    string
	Number int
	// Owner is what a job made for the measurement belongs to; nil: the Rollout.
	Owner *metav1.OwnerReference
}

// Options are what a process can offer to metrics. The zero value offers what
// needs nothing but the network.
type Options struct {
	// Envoy gives what the proxies report; nil: metrics of `envoy` are errors.
	Envoy Source
	// Jobs runs jobs in a cluster; nil: there is none.
	Jobs Jobs
	// Commands allows metrics of `job` to run commands on this machine, as the
	// user that Serin runs as.
	Commands bool
	// JobTimeout is how long a job may take; 0 is ten minutes.
	JobTimeout time.Duration
	// PrometheusAddress is used where a metric has none.
	PrometheusAddress string
}

// provider measures metrics of one kind.
type provider interface {
	measure(ctx context.Context, m api.Metric, s Subject) (run.Value, error)
}

// Set holds a provider for each kind of metric.
type Set struct {
	web        *clients
	prometheus *prometheus
	providers  map[string]provider // by the field of api.MetricProvider
}

// New makes a set.
func New(o Options) *Set {
	return newSet(o, newClients(newTransport(false), newTransport(true)))
}

// newSet makes a set over the given connections.
func newSet(o Options, c *clients) *Set {
	if o.JobTimeout <= 0 {
		o.JobTimeout = defaultJobTimeout
	}
	p := &prometheus{clients: c, address: o.PrometheusAddress}
	s := &Set{web: c, prometheus: p, providers: map[string]provider{
		"prometheus": p,
		"web":        &web{c},
		"job":        &job{cluster: o.Jobs, commands: o.Commands, timeout: o.JobTimeout},
		"envoy":      &envoy{o.Envoy},
	}}
	s.providers["kayenta"] = &judges{set: s, server: &kayentaServer{c}}
	return s
}

// Close closes the connections that are not in use.
func (s *Set) Close() { s.web.close() }

// Take does a task: it fills in the arguments, measures, and judges the value.
// The secrets that the metric names come from the function given, and are in
// the result nowhere.
func (s *Set) Take(ctx context.Context, t run.Task, args []api.Argument, secret func(name, key string) (string, error), about Subject) run.Result {
	m, secrets, err := run.Resolve(t.Metric, args, secret)
	if err != nil {
		return run.Unusable(err, secrets)
	}
	about.StartedAt, about.Number = t.StartedAt, t.Number
	v, err := s.Measure(ctx, m, about)
	return run.Judge(m, v, err, secrets)
}

// Measure gets the value of a metric, whose arguments are filled in, from its
// provider.
func (s *Set) Measure(ctx context.Context, m api.Metric, about Subject) (run.Value, error) {
	kinds := m.Provider.Kinds()
	if len(kinds) != 1 {
		return run.Value{}, fmt.Errorf("measuring %q: it has %d providers, want one", m.Name, len(kinds))
	}
	p, ok := s.providers[kinds[0]]
	if !ok {
		return run.Value{}, fmt.Errorf("measuring %q: the provider %s is not supported; web reaches it", m.Name, kinds[0])
	}
	v, err := p.measure(ctx, m, about)
	if err != nil {
		return v, fmt.Errorf("measuring %q by %s: %w", m.Name, kinds[0], err)
	}
	return v, nil
}
