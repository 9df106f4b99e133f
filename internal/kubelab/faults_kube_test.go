//go:build kube

package kubelab_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serin-mesh/serin/internal/kubelab"
)

// TestHold: pods that are held are not ready, however they were.
func TestHold(t *testing.T) {
	p := newPlace(t, "hold")
	k := p.kubelet(kubelab.KubeletOptions{})
	p.deploy(2)
	addresses := p.untilReady(2)
	k.Hold(func(pod *core.Pod) bool { return pod.Status.PodIP == addresses[0] })
	if left := p.untilReady(1); left[0] != addresses[1] {
		t.Errorf("left is %s, and %s is held", left[0], addresses[0])
	}
	if _, err := get(p.ctx, addresses[0]); err != nil {
		t.Errorf("a pod that is held runs no more: %v", err)
	}
	k.Hold(nil)
	p.untilReady(2)
}

// TestReadyAfter: a pod is not ready before its time.
func TestReadyAfter(t *testing.T) {
	p := newPlace(t, "delay")
	const delay = 500 * time.Millisecond
	started := make(chan time.Time, 1)
	p.kubelet(kubelab.KubeletOptions{ReadyAfter: func(*core.Pod) time.Duration {
		started <- time.Now()
		return delay
	}})
	p.deploy(1)
	p.untilReady(1)
	if took := time.Since(<-started); took < delay {
		t.Errorf("ready after %s", took)
	}
}

// TestFailNode: what runs on a failed node vanishes, new pods go elsewhere, and
// with the node its pods come back.
func TestFailNode(t *testing.T) {
	p := newPlace(t, "fail")
	k := p.kubelet(kubelab.KubeletOptions{})
	p.deploy(4)
	p.untilReady(4)
	var lost []string
	for ip, pod := range p.pods() {
		if pod.Spec.NodeName == p.namespace+"-a" {
			lost = append(lost, ip)
		}
	}
	if len(lost) == 0 {
		t.Fatal("no pod is on the node")
	}
	p.must(k.FailNode(p.ctx, p.namespace+"-a"))
	for _, ip := range lost {
		if _, err := get(p.ctx, ip); err == nil {
			t.Errorf("%s answers after its node has failed", ip)
		}
	}
	for _, ip := range p.untilReady(4 - len(lost)) {
		if slices.Contains(lost, ip) {
			t.Errorf("%s is said to be ready", ip)
		}
	}
	p.deploy(6)
	p.untilReady(6 - len(lost))
	p.must(k.RecoverNode(p.ctx, p.namespace+"-a"))
	for _, ip := range lost {
		if all := p.untilReady(6); !slices.Contains(all, ip) {
			t.Errorf("%s did not come back: %v", ip, all)
		}
	}
	if err := k.FailNode(p.ctx, "no-such"); err == nil {
		t.Error("a node that does not exist has failed")
	}
}

// TestJob: the outcome of a Job is what the hook says, and a Job that is deleted
// ends the hook.
func TestJob(t *testing.T) {
	p := newPlace(t, "job")
	began, ended := make(chan struct{}), make(chan struct{})
	p.kubelet(kubelab.KubeletOptions{JobOutcome: func(ctx context.Context, pod *core.Pod) bool {
		if pod.Labels["job-name"] == "long" {
			close(began)
			<-ctx.Done()
			close(ended)
		}
		return pod.Labels["job-name"] == "good"
	}})
	for _, name := range []string{"good", "bad", "long"} {
		p.apply(fmt.Sprintf(`
apiVersion: batch/v1
kind: Job
metadata: {name: %s, namespace: $NS}
spec:
  backoffLimit: 0
  template: {spec: {restartPolicy: Never, containers: [{name: main, image: "job:1"}]}}
`, name))
	}
	for name, want := range map[string]string{"good": "Complete", "bad": "Failed"} {
		p.until("job "+name, func(ctx context.Context) (bool, error) {
			j, err := p.client.BatchV1().Jobs(p.namespace).Get(ctx, name, meta.GetOptions{})
			if err != nil {
				return false, err
			}
			for _, c := range j.Status.Conditions {
				if string(c.Type) == want && c.Status == core.ConditionTrue {
					return true, nil
				}
			}
			return false, fmt.Errorf("it has %v", j.Status.Conditions)
		})
	}
	<-began
	background := meta.DeletePropagationBackground
	p.must(p.client.BatchV1().Jobs(p.namespace).Delete(p.ctx, "long", meta.DeleteOptions{PropagationPolicy: &background}))
	<-ended
}
