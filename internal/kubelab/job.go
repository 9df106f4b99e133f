package kubelab

import (
	"context"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

// ofJob reports whether a Job made a pod.
func ofJob(pod *core.Pod) bool {
	owner := meta.GetControllerOf(pod)
	return owner != nil && owner.Kind == "Job"
}

// startJob asks for the outcome of a Job's pod, beside, and gives how to end that.
func (k *Kubelet) startJob(name cache.ObjectName, pod *core.Pod) func(time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		ok := k.options.JobOutcome == nil || k.options.JobOutcome(ctx, pod)
		if ctx.Err() == nil {
			k.finish(name, pod.UID, ok)
		}
	}()
	return func(time.Duration) {
		cancel()
		<-done
	}
}

// finish notes how a Job's pod came out.
func (k *Kubelet) finish(name cache.ObjectName, uid types.UID, ok bool) {
	k.mu.Lock()
	if r := k.runs[name]; r != nil && r.uid == uid {
		r.outcome = &ok
	}
	k.mu.Unlock()
	k.queue.Add(name)
}
