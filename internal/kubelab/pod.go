package kubelab

import (
	"context"
	"fmt"
	"slices"
	"time"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
)

// sync brings one pod a step nearer to what its object asks for. It is never
// called twice at a time for one pod, and is called again after each change.
func (k *Kubelet) sync(ctx context.Context, name cache.ObjectName) error {
	if ctx.Err() != nil {
		return ctx.Err() // Close ends what runs
	}
	pod, err := k.pods.Pods(name.Namespace).Get(name.Name)
	if apierrors.IsNotFound(err) {
		k.drop(name, "")
		return nil
	}
	if err != nil {
		return err
	}
	k.drop(name, pod.UID) // a pod of that name that was before
	switch node := pod.Spec.NodeName; {
	case node == "":
		return k.bind(ctx, pod)
	case !slices.Contains(k.options.Nodes, node):
		return nil
	case k.hasFailed(node):
		return k.reportUnready(ctx, pod, "NodeFailed")
	case pod.DeletionTimestamp != nil:
		return k.end(ctx, name, pod)
	case pod.Status.Phase == core.PodSucceeded || pod.Status.Phase == core.PodFailed:
		return nil
	}
	return k.keep(ctx, name, pod)
}

// bind gives a pod to the node whose turn it is.
func (k *Kubelet) bind(ctx context.Context, pod *core.Pod) error {
	node := k.nextNode()
	if node == "" || pod.DeletionTimestamp != nil {
		return nil
	}
	err := k.client.CoreV1().Pods(pod.Namespace).Bind(ctx, &core.Binding{
		ObjectMeta: meta.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace, UID: pod.UID},
		Target:     core.ObjectReference{Kind: "Node", Name: node},
	}, meta.CreateOptions{})
	if err != nil && !overtaken(err) {
		return fmt.Errorf("binding pod %q: %w", pod.Name, err)
	}
	return nil
}

// overtaken reports whether an error says that the object has changed meanwhile:
// the change leads to the next look at it.
func overtaken(err error) bool { return apierrors.IsNotFound(err) || apierrors.IsConflict(err) }

// keep has a pod run, and says how it is.
func (k *Kubelet) keep(ctx context.Context, name cache.ObjectName, pod *core.Pod) error {
	r, err := k.start(name, pod)
	if err != nil || r == nil {
		return err
	}
	l, again := k.look(pod, r)
	if again > 0 {
		k.queue.AddAfter(name, again)
	}
	return k.report(ctx, pod, l)
}

// look gives how a pod that runs, or has run, is to be seen, and when to look
// again; 0: at the next change.
func (k *Kubelet) look(pod *core.Pod, r *run) (l look, again time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	l = look{phase: core.PodRunning, ip: r.ip}
	switch wait := time.Until(r.readyAt); {
	case r.outcome != nil && *r.outcome:
		l.phase, l.reason = core.PodSucceeded, "PodCompleted"
	case r.outcome != nil:
		l.phase, l.reason = core.PodFailed, "PodFailed"
	case k.hold != nil && k.hold(pod):
		l.reason = "Held"
	case wait > 0:
		l.reason, again = "Starting", wait
	default:
		l.ready = true
	}
	return l, again
}

// reportUnready says of a pod that runs, as far as its object knows, why it is not
// ready.
func (k *Kubelet) reportUnready(ctx context.Context, pod *core.Pod, reason string) error {
	if pod.Status.Phase != core.PodRunning {
		return nil
	}
	return k.report(ctx, pod, look{phase: core.PodRunning, ip: pod.Status.PodIP, reason: reason})
}

// end lets a pod that is deleted end: it is not ready, has its grace, and goes.
func (k *Kubelet) end(ctx context.Context, name cache.ObjectName, pod *core.Pod) error {
	stop, ended := k.ending(name)
	if ended {
		return k.remove(ctx, pod)
	}
	if err := k.reportUnready(ctx, pod, "Terminating"); err != nil {
		return err
	}
	if stop == nil {
		return nil // it has its grace just now
	}
	k.setEnding(name)
	grace := time.Duration(*pod.DeletionGracePeriodSeconds) * time.Second
	k.running.Go(func() {
		stop(grace)
		k.setEnded(name, pod.UID)
		k.queue.Add(name)
	})
	return nil
}

// remove removes the object of a pod that has ended.
func (k *Kubelet) remove(ctx context.Context, pod *core.Pod) error {
	now := meta.NewDeleteOptions(0)
	now.Preconditions = meta.NewUIDPreconditions(string(pod.UID))
	err := k.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, *now)
	if err != nil && !overtaken(err) {
		return fmt.Errorf("removing pod %q: %w", pod.Name, err)
	}
	return nil
}
