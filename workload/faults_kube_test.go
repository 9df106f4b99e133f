//go:build kube

package workload

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/serin-mesh/serin/internal/kubelab"
	"github.com/serin-mesh/serin/rollout"
)

// canary brings a second version up, half of the traffic wide.
func (p *place) canary(v1, strategy string, replicas int) (Wanted, string) {
	p.Helper()
	r := p.rollout("shop:2", replicas, strategy)
	v2 := p.version(Wanted{Stable: v1, Version: v1})
	w := Wanted{Rollout: r, Stable: v1, Version: v2, Canary: need(v2, 50), Busy: []string{v1, v2}, AtMost: rollout.Total / 2}
	p.workload.Want(w)
	p.until("the canary's pods", func(r Report) bool { return r.Pods.Need == w.Canary && r.Pods.Met })
	return w, v2
}

// TestAbortWhileStableIsUnready: the canary's pods go when nobody uses them,
// whatever the stable version's are like.
func TestAbortWhileStableIsUnready(t *testing.T) {
	p := newPlace(t, kubelab.KubeletOptions{})
	v1 := p.first("shop:1", 2, "")
	w, v2 := p.canary(v1, "", 2)
	p.kubelet.Hold(func(pod *core.Pod) bool { return pod.Labels[LabelHash] == v1 })
	p.until("unready pods", func(r Report) bool { return r.AvailableReplicas == 1 && r.Replicas == 3 })

	now := time.Now()
	w.Canary, w.Aborted = rollout.Need{}, &now
	p.workload.Want(w)
	p.until("no demand", func(r Report) bool { return r.Pods == rollout.Pods{} })
	p.untilSize(v2, 1)
	w.Busy = []string{v1}
	p.workload.Want(w)
	p.untilSize(v2, 0)
	if n := *p.set(v1).Spec.Replicas; n != 2 {
		t.Errorf("the stable version has %d replicas", n)
	}
}

// TestScale: what an autoscaler does to the scale subresource reaches stable
// version and canary, and the canary is met for it.
func TestScale(t *testing.T) {
	p := newPlace(t, kubelab.KubeletOptions{})
	v1 := p.first("shop:1", 2, "")
	w, v2 := p.canary(v1, "", 2)
	for _, n := range []int32{6, 3} {
		patch := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, n)
		_, err := p.objects.Resource(rolloutKind).Namespace(p.namespace).Patch(p.ctx, "shop", types.MergePatchType, patch, metav1.PatchOptions{}, "scale")
		p.must(err)
		w.Rollout = p.read()
		p.workload.Want(w)
		p.untilSize(v1, n)
		p.untilSize(v2, (n+1)/2)
		p.until("the pods", func(r Report) bool {
			return r.Pods.Met && r.HPAReplicas == n+(n+1)/2 && r.Generation == w.Rollout.Generation
		})
		if d := p.set(v2).Annotations[annotationDesired]; d != fmt.Sprint(n) {
			t.Errorf("desired replicas are %q", d)
		}
	}
}

// TestAPIServerRestarts: what is wanted meanwhile is done when it is back.
func TestAPIServerRestarts(t *testing.T) {
	p := newPlace(t, kubelab.KubeletOptions{})
	v1 := p.first("shop:1", 2, "")
	w, v2 := p.canary(v1, "", 2)
	p.must(p.cluster.StopAPIServer())
	w.Canary = need(v2, 100)
	p.workload.Want(w)
	p.must(p.cluster.StartAPIServer(p.ctx))
	p.until("all pods", func(r Report) bool { return r.Pods.Need == w.Canary && r.Pods.Met })
	p.untilSize(v2, 2)
}

// TestConflictingWriter: somebody changes the ReplicaSet all the time, and scales
// it once. Both versions get to where they are wanted, and what is not ours stays.
func TestConflictingWriter(t *testing.T) {
	p := newPlace(t, kubelab.KubeletOptions{})
	v1 := p.first("shop:1", 2, "")
	w, v2 := p.canary(v1, "", 2)
	ctx, cancel := context.WithCancel(p.ctx)
	done := make(chan int)
	go func() {
		n := 0
		for ; ctx.Err() == nil; n++ {
			patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"example.org/n":"%d"}}}`, n)
			_, _ = p.client.AppsV1().ReplicaSets(p.namespace).Patch(ctx, "shop-"+v2, types.MergePatchType, patch, metav1.PatchOptions{})
		}
		done <- n
	}()
	for _, percent := range []uint32{100, 50, 100} {
		w.Canary, w.AtMost = need(v2, percent), rollout.Weight(percent)*rollout.Total/100
		p.workload.Want(w)
		p.until("the pods", func(r Report) bool { return r.Pods.Need == w.Canary && r.Pods.Met })
		p.untilSize(v2, int32(percent/50))
	}
	_, err := p.client.AppsV1().ReplicaSets(p.namespace).Patch(p.ctx, "shop-"+v1, types.MergePatchType, []byte(`{"spec":{"replicas":0}}`), metav1.PatchOptions{})
	p.must(err)
	p.untilSize(v1, 2)
	cancel()
	t.Logf("the other wrote %d times", <-done)
	if p.set(v2).Annotations["example.org/n"] == "" {
		t.Error("what the other wrote is gone")
	}
}

// TestNodeGone: the pods of a lost node are missing, and are said to be.
func TestNodeGone(t *testing.T) {
	p := newPlace(t, kubelab.KubeletOptions{})
	v1 := p.first("shop:1", 2, "")
	w, v2 := p.canary(v1, "", 2)
	w.Canary = need(v2, 100)
	p.workload.Want(w)
	p.until("both pods", func(r Report) bool { return r.Pods.Need == w.Canary && r.Pods.Met })
	p.must(p.kubelet.FailNode(p.ctx, p.namespace+"-a"))
	p.until("the loss", func(r Report) bool {
		return !r.Pods.Met && r.AvailableReplicas == 2 && r.Pods.Message == "1 of 2 pods are available"
	})
	p.must(p.kubelet.RecoverNode(p.ctx, p.namespace+"-a"))
	p.until("the return", func(r Report) bool { return r.Pods.Met })
}

// TestRefused: pods that cannot be made are named with the reason, and abort works.
func TestRefused(t *testing.T) {
	p := newPlace(t, kubelab.KubeletOptions{})
	v1 := p.first("shop:1", 2, "")
	p.apply("{apiVersion: v1, kind: Namespace, metadata: {name: $NS, labels: {pod-security.kubernetes.io/enforce: restricted}}}")
	p.must(kubelab.Until(p.ctx, "pods to be refused", func(ctx context.Context) (bool, error) {
		pod := &core.Pod{ObjectMeta: metav1.ObjectMeta{Name: "more"}, Spec: core.PodSpec{Containers: []core.Container{{Name: "a", Image: "a"}}}}
		_, err := p.client.CoreV1().Pods(p.namespace).Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return err != nil && strings.Contains(err.Error(), "violates PodSecurity"), nil
	}))
	r := p.rollout("shop:2", 2, "")
	v2 := p.version(Wanted{Stable: v1, Version: v1})
	w := Wanted{Rollout: r, Stable: v1, Version: v2, Canary: need(v2, 50)}
	p.workload.Want(w)
	p.until("the reason", func(r Report) bool {
		return strings.Contains(r.Err, "violates PodSecurity") && !r.Pods.Met && strings.Contains(r.Pods.Message, "0 of 1 pods are available: ")
	})
	now := time.Now()
	w.Canary, w.Aborted = rollout.Need{}, &now
	p.workload.Want(w)
	p.untilSize(v2, 0)
	p.until("no failure", func(r Report) bool { return r.Err == "" })
}

// TestTwo: two that want the same do not hinder each other, and come to rest. One
// that is behind, and then learns of it, leaves no pods too many or too few.
func TestTwo(t *testing.T) {
	p := newPlace(t, kubelab.KubeletOptions{})
	v1 := p.first("shop:1", 2, "")
	other, _ := p.another(func(Report) {})
	r := p.rollout("shop:2", 2, "")
	other.Want(Wanted{Rollout: r, Stable: v1, Version: v1})
	v2 := p.version(Wanted{Stable: v1, Version: v1})
	for _, percent := range []uint32{50, 100, 0, 100} {
		w := Wanted{Rollout: r, Stable: v1, Version: v2, Canary: need(v2, percent)}
		other.Want(w)
		p.workload.Want(w)
		p.until("the pods", func(r Report) bool { return r.Pods.Need == w.Canary && r.Pods.Met })
		p.untilSize(v2, int32(percent/50))
	}
	list, err := p.client.AppsV1().ReplicaSets(p.namespace).List(p.ctx, metav1.ListOptions{})
	p.must(err)
	if len(list.Items) != 2 {
		t.Errorf("there are %d ReplicaSets", len(list.Items))
	}
	now := time.Now()
	out := Wanted{Rollout: r, Stable: v1, Version: v2, Aborted: &now}
	p.workload.Want(out) // the other still wants the canary
	p.until("the abort", func(r Report) bool { return r.Pods == rollout.Pods{} })
	other.Want(out)
	p.untilSize(v2, 0)
	p.untilSize(v1, 2)
}
