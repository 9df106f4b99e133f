package kubelab

import (
	"fmt"
	"sync"
	"time"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

// run is what a node has of a pod. Kubelet.mu guards it.
type run struct {
	uid     types.UID
	node    string
	ip      string
	stop    func(time.Duration) // nil: nothing runs
	readyAt time.Time
	outcome *bool // whether a Job's pod has succeeded; nil: it runs, or is of no Job
	ending  bool  // it has its grace
	ended   bool  // and is gone
}

// start has something run in a pod, unless it does. It gives nil if the node has
// failed meanwhile.
func (k *Kubelet) start(name cache.ObjectName, pod *core.Pod) (*run, error) {
	r, err := k.runOf(name, pod)
	if err != nil || r.stop != nil {
		return r, err
	}
	stop, err := k.launch(name, pod, r.ip)
	if err != nil {
		k.drop(name, "")
		return nil, fmt.Errorf("starting pod %q: %w", pod.Name, err)
	}
	var after time.Duration
	if k.options.ReadyAfter != nil {
		after = k.options.ReadyAfter(pod)
	}
	k.mu.Lock()
	if k.failed[r.node] {
		k.mu.Unlock()
		stop(0)
		return nil, nil
	}
	defer k.mu.Unlock()
	r.stop, r.readyAt = stop, time.Now().Add(after)
	return r, nil
}

// runOf gives the run of a pod, a new one with an address if there is none.
func (k *Kubelet) runOf(name cache.ObjectName, pod *core.Pod) (*run, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if r := k.runs[name]; r != nil {
		return r, nil
	}
	ip, err := k.addresses.take()
	if err != nil {
		return nil, err
	}
	r := &run{uid: pod.UID, node: pod.Spec.NodeName, ip: ip}
	k.runs[name] = r
	return r, nil
}

// launch starts what is to run in a pod.
func (k *Kubelet) launch(name cache.ObjectName, pod *core.Pod, ip string) (func(time.Duration), error) {
	switch {
	case ofJob(pod):
		return k.startJob(name, pod), nil
	case k.options.Backend == nil:
		return func(time.Duration) {}, nil
	}
	return k.options.Backend.Start(pod, ip)
}

// drop forgets what runs under a name, unless it is of the pod with the id, and
// ends it at once.
func (k *Kubelet) drop(name cache.ObjectName, except types.UID) {
	k.mu.Lock()
	r := k.runs[name]
	if r == nil || r.uid == except {
		k.mu.Unlock()
		return
	}
	delete(k.runs, name)
	stop := r.stop
	k.mu.Unlock()
	if stop != nil {
		stop(0)
	}
	k.addresses.release(r.ip)
}

// stopRuns ends at once what runs in some pods, all at a time, and returns when it
// is gone. The function is called with Kubelet.mu held.
func (k *Kubelet) stopRuns(which func(*run) bool) {
	var stopping sync.WaitGroup
	k.mu.Lock()
	for _, r := range k.runs {
		if stop := r.stop; stop != nil && which(r) {
			r.stop = nil
			stopping.Go(func() { stop(0) })
		}
	}
	k.mu.Unlock()
	stopping.Wait()
}

// ending gives how to end what runs under a name; nil if that has begun. Where
// nothing runs, or no more, it has ended.
func (k *Kubelet) ending(name cache.ObjectName) (stop func(time.Duration), ended bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch r := k.runs[name]; {
	case r == nil || r.ended || r.stop == nil:
		return nil, true
	case r.ending:
		return nil, false
	default:
		return r.stop, false
	}
}

func (k *Kubelet) setEnding(name cache.ObjectName) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if r := k.runs[name]; r != nil {
		r.ending = true
	}
}

func (k *Kubelet) setEnded(name cache.ObjectName, uid types.UID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if r := k.runs[name]; r != nil && r.uid == uid {
		r.ended = true
	}
}

func (k *Kubelet) hasFailed(node string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.failed[node]
}
