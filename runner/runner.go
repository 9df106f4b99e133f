package runner

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"

	"github.com/serin-mesh/serin/analysis/run"
	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/workload"
)

// Options say what a Runner works with.
type Options struct {
	// Measure takes a measurement. It returns soon after its context is done, and may
	// be called from any goroutine.
	Measure func(context.Context, Measurement) run.Result
	// Version gives what the pods of a Rollout's version are made from.
	Version func(ctx context.Context, r *api.Rollout, version string) (workload.Version, error)
	// Report is told how an Experiment of a Rollout stands, when that has changed. It
	// must not block for long.
	Report func(Report)
	// Reads is told how far back the AnalysisRuns that are under way look at what the
	// Envoys report of a Rollout, when that has changed; 0: none does. It must not block
	// for long.
	Reads func(rollout api.Key, length time.Duration)
	// Event is told what became of an object, for its users; nil: nobody is. It must
	// not block.
	Event func(about core.ObjectReference, warning bool, reason, message string)
	// Namespaces are those whose objects are run; empty: all.
	Namespaces []string
	// Log is told what failed and is tried again; nil: nobody is.
	Log *slog.Logger
	// Workers is how many objects are looked after at a time; 0: 4.
	Workers int
}

// Measurement is a measurement to take for an AnalysisRun.
type Measurement struct {
	Task   run.Task
	Args   []api.Argument
	Secret func(name, key string) (string, error)
	// Rollout is the one whose versions are measured. Its name is empty for a run that
	// names none: by its label rollout, or that of its Experiment.
	Rollout api.Key
	Run     string                // the AnalysisRun's name
	Owner   metav1.OwnerReference // the AnalysisRun, for what is made for the measurement
}

const defaultWorkers = 4

// id names an object that is looked after.
type id struct {
	group, kind string
	key         api.Key
}

// The kinds that are looked after.
const (
	kindRun        = "AnalysisRun"
	kindExperiment = "Experiment"
	kindRollout    = "Rollout" // what it wants of its Experiments
	kindReads      = "reads"   // how far back the runs look that have a Rollout
)

// Runner runs Experiments and AnalysisRuns.
type Runner struct {
	client    kubernetes.Interface
	dynamic   dynamic.Interface
	options   Options
	queue     workqueue.TypedRateLimitingInterface[id]
	factories []informers.SharedInformerFactory
	informers []cache.SharedIndexInformer
	measuring sync.WaitGroup

	mu       sync.Mutex             // guards what follows
	under    func() context.Context // of all that is measured
	runs     map[id]*analysis
	trials   map[id]*trial
	rollouts map[api.Key]*wanting
	sets     map[types.UID]map[string]*apps.ReplicaSet // by Experiment and template
	objects  *api.Objects
	reads    map[api.Key]time.Duration // as was told, by Rollout
}

// New makes a Runner. It does nothing before Run.
func New(config *rest.Config, o Options) (*Runner, error) {
	config = rest.CopyConfig(config)
	config.WarningHandler = rest.NoWarnings{} // the objects are other people's, and they were warned
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making a client for experiments: %w", err)
	}
	objects, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making a client for experiments: %w", err)
	}
	return with(client, objects, o), nil
}

// with makes a Runner that uses clients.
func with(client kubernetes.Interface, objects dynamic.Interface, o Options) *Runner {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Report == nil {
		o.Report = func(Report) {}
	}
	if o.Reads == nil {
		o.Reads = func(api.Key, time.Duration) {}
	}
	if o.Event == nil {
		o.Event = func(core.ObjectReference, bool, string, string) {}
	}
	if o.Workers <= 0 {
		o.Workers = defaultWorkers
	}
	r := &Runner{
		client: client, dynamic: objects, options: o, under: context.Background,
		runs: map[id]*analysis{}, trials: map[id]*trial{}, rollouts: map[api.Key]*wanting{},
		sets: map[types.UID]map[string]*apps.ReplicaSet{}, objects: &api.Objects{}, reads: map[api.Key]time.Duration{},
		queue: workqueue.NewTypedRateLimitingQueue(
			workqueue.NewTypedItemExponentialFailureRateLimiter[id](20*time.Millisecond, 30*time.Second)),
	}
	r.watchSets()
	return r
}

// Run runs objects until the context ends. It is called once.
func (r *Runner) Run(ctx context.Context) error {
	r.mu.Lock()
	r.under = func() context.Context { return ctx }
	r.mu.Unlock()
	defer r.measuring.Wait()
	for _, f := range r.factories {
		f.Start(ctx.Done())
		defer f.Shutdown()
	}
	for _, i := range r.informers {
		if !cache.WaitForCacheSync(ctx.Done(), i.HasSynced) {
			r.queue.ShutDown()
			return nil
		}
	}
	var running sync.WaitGroup
	for range r.options.Workers {
		running.Go(func() { r.work(ctx) })
	}
	<-ctx.Done()
	r.queue.ShutDown()
	running.Wait()
	return nil
}

// work looks after one object after the other.
func (r *Runner) work(ctx context.Context) {
	for {
		i, end := r.queue.Get()
		if end {
			return
		}
		err := r.look(ctx, i)
		switch {
		case err != nil && ctx.Err() == nil:
			r.options.Log.Warn("what runs as an object is tried again", "kind", i.kind, "object", i.key, "error", err)
			r.queue.AddRateLimited(i)
		default:
			r.queue.Forget(i)
		}
		r.queue.Done(i)
	}
}

// look brings one object a step on.
func (r *Runner) look(ctx context.Context, i id) error {
	switch i.kind {
	case kindRun:
		return r.lookRun(ctx, i)
	case kindExperiment:
		return r.lookExperiment(ctx, i)
	case kindReads:
		r.tellReads(i.key)
		return nil
	default:
		return r.lookRollout(ctx, i)
	}
}

// again has an object looked at when a time has come; zero: never.
func (r *Runner) again(i id, at, now time.Time) {
	if !at.IsZero() {
		r.queue.AddAfter(i, max(at.Sub(now), 0))
	}
}

// Objects takes the set of objects in force, of which it reads the templates and the
// Secrets. It must not be changed any more.
func (r *Runner) Objects(o *api.Objects) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.objects = o
}

// secrets gives the values of the Secrets of a namespace, as they are now.
func (r *Runner) secrets(namespace string) func(name, key string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.objects.SecretsIn(namespace)
}
