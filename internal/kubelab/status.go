package kubelab

import (
	"context"
	"fmt"
	"slices"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// look is how a pod is to be seen.
type look struct {
	phase  core.PodPhase
	ready  bool
	ip     string
	reason string // why it is not ready
}

// report writes how a pod is, unless its object says so already.
func (k *Kubelet) report(ctx context.Context, pod *core.Pod, l look) error {
	if l.seen(pod) {
		return nil
	}
	pod = pod.DeepCopy() // the other belongs to the cache
	l.write(&pod.Status, pod.Spec.Containers, meta.Now())
	_, err := k.client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, pod, meta.UpdateOptions{})
	if err != nil && !overtaken(err) {
		return fmt.Errorf("writing the status of pod %q: %w", pod.Name, err)
	}
	return nil
}

// seen reports whether a pod's object shows this look.
func (l look) seen(pod *core.Pod) bool {
	if pod.Status.Phase != l.phase || pod.Status.PodIP != l.ip {
		return false
	}
	return slices.ContainsFunc(pod.Status.Conditions, func(c core.PodCondition) bool {
		return c.Type == core.PodReady && c.Status == truth(l.ready) && c.Reason == l.reason
	})
}

// write puts the look into the status of a pod with these containers.
func (l look) write(s *core.PodStatus, containers []core.Container, now meta.Time) {
	s.Phase, s.PodIP, s.PodIPs = l.phase, l.ip, []core.PodIP{{IP: l.ip}}
	if s.StartTime == nil {
		s.StartTime = &now
	}
	setCondition(s, core.PodCondition{Type: core.PodInitialized, Status: core.ConditionTrue, LastTransitionTime: now})
	for _, kind := range []core.PodConditionType{core.ContainersReady, core.PodReady} {
		setCondition(s, core.PodCondition{Type: kind, Status: truth(l.ready), Reason: l.reason, LastTransitionTime: now})
	}
	s.ContainerStatuses = nil
	for _, c := range containers {
		s.ContainerStatuses = append(s.ContainerStatuses, core.ContainerStatus{
			Name: c.Name, Image: c.Image, ImageID: c.Image, Ready: l.ready, Started: new(l.phase == core.PodRunning),
			State: l.state(*s.StartTime, now),
		})
	}
}

// setCondition sets a condition, and keeps the time since when it has been so.
func setCondition(s *core.PodStatus, c core.PodCondition) {
	for i, before := range s.Conditions {
		if before.Type != c.Type {
			continue
		}
		if before.Status == c.Status {
			c.LastTransitionTime = before.LastTransitionTime
		}
		s.Conditions[i] = c
		return
	}
	s.Conditions = append(s.Conditions, c)
}

// state gives the state of each container of a pod.
func (l look) state(started, now meta.Time) core.ContainerState {
	ended := &core.ContainerStateTerminated{StartedAt: started, FinishedAt: now}
	switch l.phase {
	case core.PodSucceeded:
		ended.Reason = "Completed"
	case core.PodFailed:
		ended.Reason, ended.ExitCode = "Error", 1
	default:
		return core.ContainerState{Running: &core.ContainerStateRunning{StartedAt: started}}
	}
	return core.ContainerState{Terminated: ended}
}

func truth(is bool) core.ConditionStatus {
	if is {
		return core.ConditionTrue
	}
	return core.ConditionFalse
}
