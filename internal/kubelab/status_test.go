package kubelab

import (
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestLookKeepsTimes: a condition has the time since when it has been so, whatever
// else is written, and conditions of others stay.
func TestLookKeepsTimes(t *testing.T) {
	at := func(s int64) meta.Time { return meta.NewTime(time.Unix(s, 0)) }
	containers := []core.Container{{Name: "shop", Image: "shop:1"}}
	pod := &core.Pod{}
	pod.Status.Conditions = []core.PodCondition{{Type: "example.org/gate", Status: core.ConditionTrue}}

	steps := []struct {
		look  look
		at    int64
		since int64 // of Ready
	}{
		{look{phase: core.PodRunning, ip: "198.18.0.1", reason: "Starting"}, 10, 10},
		{look{phase: core.PodRunning, ip: "198.18.0.1", reason: "Held"}, 20, 10},
		{look{phase: core.PodRunning, ip: "198.18.0.1", ready: true}, 30, 30},
		{look{phase: core.PodRunning, ip: "198.18.0.2", ready: true}, 40, 30},
		{look{phase: core.PodFailed, ip: "198.18.0.2", reason: "PodFailed"}, 50, 50},
	}
	for _, s := range steps {
		if s.look.seen(pod) {
			t.Errorf("%+v is seen before it is written", s.look)
		}
		s.look.write(&pod.Status, containers, at(s.at))
		if !s.look.seen(pod) {
			t.Errorf("%+v is not seen after it is written: %+v", s.look, pod.Status)
		}
		ready := pod.Status.Conditions[3]
		if ready.Type != core.PodReady || ready.LastTransitionTime != at(s.since) || ready.Reason != s.look.reason {
			t.Errorf("%+v gives condition %+v", s.look, ready)
		}
		if c := pod.Status.ContainerStatuses; len(c) != 1 || c[0].Ready != s.look.ready {
			t.Errorf("%+v gives containers %+v", s.look, c)
		}
	}
	if n := len(pod.Status.Conditions); n != 4 || *pod.Status.StartTime != at(10) {
		t.Errorf("%d conditions, started %s", n, pod.Status.StartTime)
	}
	if ended := pod.Status.ContainerStatuses[0].State.Terminated; ended == nil || ended.ExitCode != 1 {
		t.Errorf("a pod that failed has container state %+v", pod.Status.ContainerStatuses[0].State)
	}
}
