package workload

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"

	"github.com/serin-mesh/serin/api"
)

// Options say where and how the pods are looked after.
type Options struct {
	// Report is told how the pods of a Rollout are, when that has changed. It is
	// called from several goroutines, never twice at a time for one Rollout, and
	// must not block.
	Report func(Report)
	// Namespaces are those whose Rollouts are looked after; empty: all.
	Namespaces []string
	// Log is told what failed and is tried again; nil: nobody is.
	Log *slog.Logger
	// Workers is how many Rollouts are looked after at a time; 0: 8.
	Workers int
}

// What the client may ask of the API server, where the config does not say it.
// Nothing is asked while nothing changes: the rate bounds a burst, such as that of
// a start. The first pods of a canary take four or five requests.
const (
	defaultQPS   = 200
	defaultBurst = 400
)

const defaultWorkers = 8

// Workload looks after the pods of Rollouts.
type Workload struct {
	client    kubernetes.Interface
	options   Options
	queue     workqueue.TypedRateLimitingInterface[api.Key]
	factories []informers.SharedInformerFactory
	sets      []cache.SharedIndexInformer // one for each namespace, or one for all
	written   *written
	workloads *workloads

	mu      sync.Mutex // guards entries
	entries map[api.Key]*entry
}

// New makes a Workload. It does nothing before Run.
func New(config *rest.Config, o Options) (*Workload, error) {
	client, err := kubernetes.NewForConfig(tuned(config))
	if err != nil {
		return nil, fmt.Errorf("making a client for workloads: %w", err)
	}
	return with(client, o), nil
}

// tuned gives a config with our rate, where it has none, and without warnings: the
// objects are other people's, and they were warned.
func tuned(config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	if config.QPS == 0 && config.Burst == 0 && config.RateLimiter == nil {
		config.QPS, config.Burst = defaultQPS, defaultBurst
	}
	if config.WarningHandler == nil && config.WarningHandlerWithContext == nil {
		config.WarningHandler = rest.NoWarnings{}
	}
	return config
}

// with makes a Workload that uses a client.
func with(client kubernetes.Interface, o Options) *Workload {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Report == nil {
		o.Report = func(Report) {}
	}
	if o.Workers <= 0 {
		o.Workers = defaultWorkers
	}
	w := &Workload{
		client: client, options: o, entries: map[api.Key]*entry{}, written: newWritten(),
		queue: workqueue.NewTypedRateLimitingQueue(
			workqueue.NewTypedItemExponentialFailureRateLimiter[api.Key](5*time.Millisecond, 30*time.Second)),
	}
	w.workloads = newWorkloads(client, w.queue.Add)
	w.watch()
	return w
}

// Want says what is wanted for a Rollout from now on. It never blocks.
func (w *Workload) Want(wanted Wanted) {
	key := wanted.Rollout.Key()
	w.mu.Lock()
	e := w.entries[key]
	if e == nil {
		e = &entry{}
		w.entries[key] = e
	}
	e.wanted = wanted
	w.mu.Unlock()
	w.queue.Add(key)
}

// Forget ends the care for a Rollout. Its ReplicaSets stay as they are; the
// cluster removes those of a Rollout that is deleted. It never blocks.
func (w *Workload) Forget(key api.Key) {
	w.mu.Lock()
	delete(w.entries, key)
	w.mu.Unlock()
	w.queue.Add(key)
}
