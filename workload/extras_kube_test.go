//go:build kube

package workload

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/serin-mesh/serin/internal/kubelab"
	"github.com/serin-mesh/serin/rollout"
)

// pods gives the pods of a version that are to stay.
func (p *place) pods(ctx context.Context, version string) ([]core.Pod, error) {
	list, err := p.client.CoreV1().Pods(p.namespace).List(ctx, metav1.ListOptions{LabelSelector: LabelHash + "=" + version})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(list.Items, func(p core.Pod) bool { return p.DeletionTimestamp != nil }), nil
}

// untilPods waits until all pods of a version are as is said.
func (p *place) untilPods(version, what string, are func(core.Pod) bool) {
	p.Helper()
	p.must(kubelab.Until(p.ctx, what, func(ctx context.Context) (bool, error) {
		pods, err := p.pods(ctx, version)
		return err == nil && len(pods) > 0 && !slices.ContainsFunc(pods, func(p core.Pod) bool { return !are(p) }), err
	}))
}

// TestMetadata: pods carry what the side is given that they are on, also those
// that run when that changes, and it goes with the side.
func TestMetadata(t *testing.T) {
	const both = "canaryMetadata: {labels: {side: canary}, annotations: {note: new}}, stableMetadata: {labels: {side: stable}}"
	p := newPlace(t, kubelab.KubeletOptions{})
	v1 := p.first("shop:1", 2, both)
	p.untilPods(v1, "stable pods", func(p core.Pod) bool { return p.Labels["side"] == "stable" })
	w, v2 := p.canary(v1, both, 2)
	p.untilPods(v2, "canary pods", func(p core.Pod) bool { return p.Labels["side"] == "canary" && p.Annotations["note"] == "new" })
	p.start() // another knows nothing of before
	w.Stable, w.Canary = v2, rollout.Need{}
	p.workload.Want(w)
	p.untilPods(v2, "the promoted pods", func(p core.Pod) bool { return p.Labels["side"] == "stable" && p.Annotations["note"] == "" })
	p.untilPods(v1, "the old pods", func(p core.Pod) bool { return p.Labels["side"] == "" && p.Labels["app"] == "shop" })
	if s := p.set(v1); s.Annotations[annotationMetadata] != "" || s.Spec.Template.Labels["side"] != "" {
		t.Errorf("the old version still is %v", s.ObjectMeta)
	}
}

// TestRestart: all pods are replaced, never more at a time than may be missing,
// and that is reported.
func TestRestart(t *testing.T) {
	p := newPlace(t, kubelab.KubeletOptions{})
	v1 := p.first("shop:1", 4, "maxUnavailable: 1")
	before, err := p.pods(p.ctx, v1)
	p.must(err)
	at := metav1.NewTime(time.Now().Truncate(time.Second))
	p.must(kubelab.Until(p.ctx, "a second to pass", func(context.Context) (bool, error) { return time.Now().After(at.Add(time.Second)), nil }))
	r := p.read()
	r.Spec.RestartAt = &at
	least := p.lowWater(v1)
	p.workload.Want(Wanted{Rollout: r, Stable: v1, Version: v1, Busy: []string{v1}})
	p.until("the restart", func(r Report) bool { return r.RestartedAt.Equal(&at) })
	p.untilSize(v1, 4)
	after, err := p.pods(p.ctx, v1)
	p.must(err)
	for _, b := range before {
		if slices.ContainsFunc(after, func(a core.Pod) bool { return a.UID == b.UID }) {
			t.Errorf("pod %s was not restarted", b.Name)
		}
	}
	if n := least(); n < 3 {
		t.Errorf("at one time there were %d available pods", n)
	}
}

// lowWater notes the least number of available pods of a version, until the
// function that it gives is called.
func (p *place) lowWater(version string) func() int32 {
	p.Helper()
	w, err := p.client.AppsV1().ReplicaSets(p.namespace).Watch(p.ctx, metav1.ListOptions{LabelSelector: LabelHash + "=" + version})
	p.must(err)
	least := make(chan int32, 1)
	go func() {
		n := int32(1 << 30)
		for e := range w.ResultChan() {
			if s, ok := e.Object.(*apps.ReplicaSet); ok {
				n = min(n, s.Status.AvailableReplicas)
			}
		}
		least <- n
	}()
	return func() int32 { w.Stop(); return <-least }
}

// TestTakeOver: ReplicaSets whose names another release made are found by their
// templates, and none is made beside them.
func TestTakeOver(t *testing.T) {
	p := newPlace(t, kubelab.KubeletOptions{})
	r := p.rollout("shop:1", 2, "")
	tmpl, err := PodTemplate(&r.Spec.Template)
	p.must(err)
	old := newSet(r, source{template: tmpl, selector: r.Spec.Selector}, "5d4c8f")
	old.Annotations[AnnotationRevision] = "7"
	setMetadata(old, r.Spec.Strategy.Canary.CanaryMetadata)
	*old.Spec.Replicas = 2
	_, err = p.client.AppsV1().ReplicaSets(p.namespace).Create(p.ctx, old, metav1.CreateOptions{})
	p.must(err)
	p.untilSize("5d4c8f", 2)
	if v := p.version(Wanted{}); v != "5d4c8f" {
		t.Fatalf("the version is %q", v)
	}
	p.until("its revision", func(r Report) bool { return r.Revision == "7" })
	p.rollout("shop:2", 2, "")
	v2 := p.version(Wanted{Stable: "5d4c8f", Version: "5d4c8f"})
	p.until("the next revision", func(r Report) bool { return r.Revision == "8" && r.Version == v2 })
	list, err := p.client.AppsV1().ReplicaSets(p.namespace).List(p.ctx, metav1.ListOptions{})
	p.must(err)
	if len(list.Items) != 2 {
		t.Errorf("there are %d ReplicaSets", len(list.Items))
	}
}

// TestCollision: a name that something else has leads to another version, also
// after a new start.
func TestCollision(t *testing.T) {
	p := newPlace(t, kubelab.KubeletOptions{})
	r := p.rollout("shop:1", 1, "")
	tmpl, err := PodTemplate(&r.Spec.Template)
	p.must(err)
	taken := newSet(r, source{template: tmpl, selector: r.Spec.Selector}, Hash(&tmpl, 0))
	taken.OwnerReferences = nil
	_, err = p.client.AppsV1().ReplicaSets(p.namespace).Create(p.ctx, taken, metav1.CreateOptions{})
	p.must(err)
	v := p.version(Wanted{})
	if v != Hash(&tmpl, 1) {
		t.Errorf("the version is %q", v)
	}
	p.until("the count", func(r Report) bool { return r.CollisionCount != nil && *r.CollisionCount == 1 })
	p.start()
	p.mu.Lock()
	p.last = Report{}
	p.mu.Unlock()
	if again := p.version(Wanted{}); again != v {
		t.Errorf("after a new start the version is %q, not %q", again, v)
	}
}

// TestHistory: the oldest ReplicaSets go beyond the limit.
func TestHistory(t *testing.T) {
	p := newPlace(t, kubelab.KubeletOptions{})
	var versions []string
	for i := range 4 {
		p.rollout(fmt.Sprintf("shop:%d", i), 1, "")
		patch := []byte(`{"spec":{"revisionHistoryLimit":1}}`)
		_, err := p.objects.Resource(rolloutKind).Namespace(p.namespace).Patch(p.ctx, "shop", types.MergePatchType, patch, metav1.PatchOptions{})
		p.must(err)
		v := p.version(Wanted{})
		versions = append(versions, v)
		p.workload.Want(Wanted{Rollout: p.read(), Stable: v, Version: v})
		p.untilSize(v, 1)
	}
	for i, v := range versions[:2] {
		p.must(kubelab.Until(p.ctx, fmt.Sprintf("version %d to go", i), func(ctx context.Context) (bool, error) {
			_, err := p.client.AppsV1().ReplicaSets(p.namespace).Get(ctx, "shop-"+v, metav1.GetOptions{})
			return apierrors.IsNotFound(err), nil
		}))
	}
	p.untilSize(versions[2], 0)
}

// TestIdle: nothing is asked while nothing happens, and what a canary costs is
// counted.
func TestIdle(t *testing.T) {
	p := newPlace(t, kubelab.KubeletOptions{})
	v1 := p.first("shop:1", 2, "")
	before := p.asked.Load()
	p.canary(v1, "", 2)
	t.Logf("a canary took %d requests", p.asked.Load()-before)
	p.until("rest", func(r Report) bool { return r.AvailableReplicas == 3 })
	before = p.asked.Load()
	began := time.Now()
	p.must(kubelab.Until(p.ctx, "two seconds to pass", func(context.Context) (bool, error) { return time.Since(began) > 2*time.Second, nil }))
	if n := p.asked.Load() - before; n != 0 {
		t.Errorf("in two seconds at rest there were %d requests", n)
	}
}

// TestDeployment: the template comes from a Deployment, which gives its pods up as
// scaleDown says.
func TestDeployment(t *testing.T) {
	for _, how := range []string{"never", "onsuccess", "progressively"} {
		t.Run(how, func(t *testing.T) {
			p := newPlace(t, kubelab.KubeletOptions{})
			const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: old, namespace: $NS}
spec:
  replicas: 3
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {terminationGracePeriodSeconds: 0, containers: [{name: shop, image: "shop:1"}]}
`
			const shop = `
apiVersion: serin.dev/v1alpha1
kind: Rollout
metadata: {name: shop, namespace: $NS}
spec:
  replicas: 3
  workloadRef: {apiVersion: apps/v1, kind: Deployment, name: old, scaleDown: $HOW}
  strategy: {canary: {}}
`
			p.apply(strings.ReplaceAll(shop, "$HOW", how))
			p.workload.Want(Wanted{Rollout: p.read()})
			p.until("the lack", func(r Report) bool { return strings.Contains(r.Err, `there is no Deployment "old"`) })
			p.apply(deployment)
			v := p.until("a version", func(r Report) bool { return r.Version != "" && r.Selector == "app=shop" && r.Err == "" }).Version
			p.workload.Want(Wanted{Rollout: p.read(), Stable: v, Version: v})
			p.untilSize(v, 3)
			want := int32(0)
			if how == "never" {
				want = 3
			}
			p.must(kubelab.Until(p.ctx, "the Deployment", func(ctx context.Context) (bool, error) {
				d, err := p.client.AppsV1().Deployments(p.namespace).Get(ctx, "old", metav1.GetOptions{})
				return err == nil && *d.Spec.Replicas == want && d.Status.Replicas == want, err
			}))
			p.apply(strings.ReplaceAll(deployment, "shop:1", "shop:2"))
			v2 := p.until("the next version", func(r Report) bool { return r.Version != v && r.Revision == "2" }).Version
			p.must(p.client.AppsV1().Deployments(p.namespace).Delete(p.ctx, "old", metav1.DeleteOptions{}))
			p.until("the lack again", func(r Report) bool { return strings.Contains(r.Err, "there is no Deployment") && r.Version == v2 })
		})
	}
}

// TestWorkloads: the template comes from a ReplicaSet or a PodTemplate too, and from
// another kind it does not.
func TestWorkloads(t *testing.T) {
	p := newPlace(t, kubelab.KubeletOptions{})
	refer := func(kind, name string) {
		p.apply(strings.NewReplacer("$KIND", kind, "$NAME", name).Replace(`
apiVersion: serin.dev/v1alpha1
kind: Rollout
metadata: {name: shop, namespace: $NS}
spec:
  replicas: 1
  selector: {matchLabels: {app: shop}}
  workloadRef: {apiVersion: v1, kind: $KIND, name: $NAME}
  strategy: {canary: {}}
`))
		p.workload.Want(Wanted{Rollout: p.read()})
	}
	const pods = `{metadata: {labels: {app: shop, pod-template-hash: abc}}, spec: {containers: [{name: shop, image: "shop:$V"}]}}`
	p.apply("{apiVersion: v1, kind: PodTemplate, metadata: {name: one, namespace: $NS}, template: " + strings.ReplaceAll(pods, "$V", "1") + "}")
	p.apply("{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: two, namespace: $NS}, spec: {replicas: 0, selector: {matchLabels: {app: shop, pod-template-hash: abc}}, template: " +
		strings.ReplaceAll(pods, "$V", "2") + "}}")
	refer("PodTemplate", "one")
	v1 := p.until("the version of the PodTemplate", func(r Report) bool { return r.Version != "" && r.Err == "" }).Version
	if labels := p.set(v1).Spec.Template.Labels; labels["pod-template-hash"] != "" || labels["app"] != "shop" {
		t.Errorf("its pods have %v", labels)
	}
	refer("ReplicaSet", "two")
	p.until("the version of the ReplicaSet", func(r Report) bool { return r.Version != v1 && r.Version != "" && r.Revision == "2" && r.Err == "" })
	refer("DaemonSet", "three")
	p.until("the lack", func(r Report) bool {
		return strings.Contains(r.Err, "names a DaemonSet; it may name a Deployment, ReplicaSet or PodTemplate")
	})
}
