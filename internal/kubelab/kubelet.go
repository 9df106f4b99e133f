package kubelab

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	core "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
)

// KubeletOptions say which nodes are played, and how.
type KubeletOptions struct {
	// Nodes are the names of the nodes; empty means one, node-1.
	Nodes []string
	// Namespace is whose pods are played; empty means all. Kubelets with
	// different namespaces and nodes do not see each other.
	Namespace string
	// Backend is what runs in pods; nil: nothing does, and they are ready.
	Backend Backend
	// ReadyAfter gives how long a pod takes from its start until it is ready; nil:
	// no time.
	ReadyAfter func(*core.Pod) time.Duration
	// JobOutcome gives whether a pod of a Job succeeds, in place of a Backend. The
	// pod runs as long as the call takes, and the context ends when the pod is
	// deleted. Nil: all succeed at once.
	JobOutcome func(context.Context, *core.Pod) bool
	// Logger is told what went wrong and is tried again; nil: nobody is.
	Logger *slog.Logger
}

// Kubelet plays the scheduler and the nodes of a cluster. Pods are bound to the
// nodes in turn. A pod that is deleted is no longer ready, has its grace period to
// end, and is gone then.
type Kubelet struct {
	options   KubeletOptions
	client    kubernetes.Interface
	informers informers.SharedInformerFactory
	pods      listers.PodLister
	queue     workqueue.TypedRateLimitingInterface[cache.ObjectName]
	addresses *addresses
	cancel    context.CancelFunc
	running   sync.WaitGroup // workers, and ends of pods

	mu     sync.Mutex // guards all below
	runs   map[cache.ObjectName]*run
	failed map[string]bool      // nodes
	turn   int                  // whose turn the next pod is, of options.Nodes
	hold   func(*core.Pod) bool // nil: no pod is held
}

// workers is the number of pods that are looked after at a time.
const workers = 4

// StartKubelet creates the nodes and plays them until Close; the context is for
// the start alone. The config is of a user who may do everything. Pods that are
// on these nodes already start again, under other addresses.
func StartKubelet(ctx context.Context, config *rest.Config, o KubeletOptions) (*Kubelet, error) {
	if len(o.Nodes) == 0 {
		o.Nodes = []string{"node-1"}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if err := ensureRange(); err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making the client of a kubelet: %w", err)
	}
	k := &Kubelet{
		options: o, client: client, addresses: newAddresses(),
		informers: informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(o.Namespace)),
		queue: workqueue.NewTypedRateLimitingQueue(
			workqueue.NewTypedItemExponentialFailureRateLimiter[cache.ObjectName](10*time.Millisecond, time.Second)),
		runs: map[cache.ObjectName]*run{}, failed: map[string]bool{},
	}
	for _, name := range o.Nodes {
		if err := k.createNode(ctx, name); err != nil {
			return nil, err
		}
	}
	return k, k.begin(ctx)
}

// begin starts watching pods and looking after them.
func (k *Kubelet) begin(ctx context.Context) error {
	life, cancel := context.WithCancel(context.Background())
	k.cancel = cancel
	pods := k.informers.Core().V1().Pods()
	k.pods = pods.Lister()
	_, err := pods.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    k.enqueue,
		UpdateFunc: func(_, now any) { k.enqueue(now) },
		DeleteFunc: k.enqueue,
	})
	if err != nil {
		return errors.Join(fmt.Errorf("watching pods: %w", err), k.Close())
	}
	k.informers.Start(life.Done())
	if !cache.WaitForCacheSync(ctx.Done(), pods.Informer().HasSynced) {
		return errors.Join(fmt.Errorf("reading the pods: %w", ctx.Err()), k.Close())
	}
	for range workers {
		k.running.Go(func() { k.work(life) })
	}
	return nil
}

// enqueue has a pod looked at.
func (k *Kubelet) enqueue(object any) {
	if name, err := cache.DeletionHandlingObjectToName(object); err == nil {
		k.queue.Add(name)
	}
}

// work looks after one pod after the other.
func (k *Kubelet) work(ctx context.Context) {
	for {
		name, end := k.queue.Get()
		if end {
			return
		}
		if err := k.sync(ctx, name); err != nil && ctx.Err() == nil {
			k.options.Logger.Warn("a pod is tried again", "pod", name.String(), "error", err)
			k.queue.AddRateLimited(name)
		} else {
			k.queue.Forget(name)
		}
		k.queue.Done(name)
	}
}

// Close ends what runs in the pods at once and stops playing. The objects stay as
// they are.
func (k *Kubelet) Close() error {
	k.cancel()
	k.queue.ShutDown()
	k.stopRuns(func(*run) bool { return true })
	k.running.Wait()
	k.stopRuns(func(*run) bool { return true }) // what a worker was just starting
	k.informers.Shutdown()
	return nil
}
