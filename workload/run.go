package workload

import (
	"context"
	"sync"

	"k8s.io/client-go/tools/cache"
)

// Run looks after the pods until the context ends. It is called once.
func (w *Workload) Run(ctx context.Context) error {
	defer w.workloads.close()
	defer w.queue.ShutDown()
	for _, f := range w.factories {
		f.Start(ctx.Done())
		defer f.Shutdown()
	}
	for _, i := range w.sets {
		if !cache.WaitForCacheSync(ctx.Done(), i.HasSynced) {
			return nil
		}
	}
	var running sync.WaitGroup
	for range w.options.Workers {
		running.Go(func() { w.work(ctx) })
	}
	<-ctx.Done()
	w.queue.ShutDown()
	running.Wait()
	return nil
}

// work looks after one Rollout after the other.
func (w *Workload) work(ctx context.Context) {
	for {
		key, end := w.queue.Get()
		if end {
			return
		}
		if err := w.reconcile(ctx, key); err != nil && ctx.Err() == nil {
			w.options.Log.Warn("the pods of a rollout are tried again", "rollout", key, "error", err)
			w.queue.AddRateLimited(key)
		} else {
			w.queue.Forget(key)
		}
		w.queue.Done(key)
	}
}
