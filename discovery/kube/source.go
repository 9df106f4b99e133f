package kube

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/serin-mesh/serin/api"
)

// Options shape a Source; the zero value works.
type Options struct {
	// Namespaces are those that are read; empty: all.
	Namespaces []string
	// AdoptArgo reads the objects of argoproj.io too.
	AdoptArgo bool
	// GuardMode is the mode of the guard of an object of argoproj.io that names
	// none; empty: that of any Rollout.
	GuardMode api.GuardMode
	// Seen, if not nil, is told of each Rollout that Serin runs, of each Experiment and
	// of each AnalysisRun that does not only show an analysis of Serin's, as the API
	// gives it, each time that it changes, its status included; gone: that it is not
	// there any more, or not Serin's. It must neither block nor keep the object.
	Seen func(o *unstructured.Unstructured, gone bool)
	// Log takes what an operator should know, such as an API server that does
	// not answer; nil drops it.
	Log *slog.Logger
	// Look is how often kinds that are not served are looked for; 30 s by
	// default. Each look asks once for each version of a group that lacks one.
	Look time.Duration
}

// withDefaults fills in what is not set.
func (o Options) withDefaults() Options {
	if len(o.Namespaces) == 0 {
		o.Namespaces = []string{""}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Look <= 0 {
		o.Look = 30 * time.Second
	}
	return o
}

// kinds says what the API server serves.
type kinds interface {
	ServerResourcesForGroupVersion(groupVersion string) (*metav1.APIResourceList, error)
}

// clients are the ways to ask the API server.
type clients struct {
	dynamic   dynamic.Interface
	metadata  metadata.Interface
	discovery kinds
	ready     func(context.Context) error // whether the API server serves all it has
}

// Source reads objects from the Kubernetes API.
type Source struct {
	opts    Options
	clients clients
	inbox   *inbox

	// end ends everything that Load began, and running waits for it.
	end     context.CancelFunc
	running sync.WaitGroup

	// What follows belongs to whoever is in Load or Run.

	model *model
	base  map[*watch]bool // watches that Load waits for
	named map[name]*watch // watches of single objects
	start func(*watch)    // begins to watch
}

// New gives a Source for the API server of config, which it does not ask yet.
// A config without limits gets some that suit a start in a large cluster.
func New(config *rest.Config, opts Options) (*Source, error) {
	config = rest.CopyConfig(config)
	if config.QPS == 0 && config.RateLimiter == nil {
		config.QPS, config.Burst = 100, 200
	}
	var c clients
	var err error
	if c.dynamic, err = dynamic.NewForConfig(config); err != nil {
		return nil, fmt.Errorf("connecting to Kubernetes: %w", err)
	}
	if c.metadata, err = metadata.NewForConfig(config); err != nil {
		return nil, fmt.Errorf("connecting to Kubernetes: %w", err)
	}
	found, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to Kubernetes: %w", err)
	}
	c.discovery = found
	c.ready = func(ctx context.Context) error {
		return found.RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	}
	return newSource(c, opts), nil
}

// newSource gives a Source that asks through the given clients.
func newSource(c clients, opts Options) *Source {
	return &Source{
		opts: opts.withDefaults(), clients: c, inbox: newInbox(), model: newModel(),
		base: map[*watch]bool{}, named: map[name]*watch{}, end: func() {},
	}
}

// Close ends what Load began and waits for it. It may be called more than once.
func (s *Source) Close() {
	s.end()
	s.running.Wait()
}
