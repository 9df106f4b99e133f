package workload

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apps "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/serin-mesh/serin/api"
)

// made is the ReplicaSet of a version of a Rollout, as the server has it.
func made(t *testing.T, r *api.Rollout, version, revision string) *apps.ReplicaSet {
	t.Helper()
	s := newSet(r, sourceOf(t, r), version)
	s.UID, s.ResourceVersion = types.UID("uid-"+version), "10"
	if revision != "" {
		s.Annotations[AnnotationRevision] = revision
	}
	return s
}

// TestRevision: a version that is wanted is the youngest, and knows what it was.
func TestRevision(t *testing.T) {
	r := shop(t, "")
	first, second := made(t, r, "v1", "3"), made(t, r, "v2", "5")
	own := []*apps.ReplicaSet{first, second}
	fresh := newSet(r, sourceOf(t, r), "v3")
	setRevision(fresh, own)
	setRevision(second, own)
	if fresh.Annotations[AnnotationRevision] != "6" || second.Annotations[AnnotationRevision] != "5" || second.Annotations[annotationHistory] != "" {
		t.Errorf("a new one has %v, the youngest %v", fresh.Annotations, second.Annotations)
	}
	setRevision(first, own)
	if first.Annotations[AnnotationRevision] != "6" || first.Annotations[annotationHistory] != "3" {
		t.Errorf("wanted again: %v", first.Annotations)
	}
	second.Annotations[AnnotationRevision] = "9"
	setRevision(first, own)
	if first.Annotations[AnnotationRevision] != "10" || first.Annotations[annotationHistory] != "3,6" {
		t.Errorf("wanted once more: %v", first.Annotations)
	}
}

// TestDress: each side gets what is its, and a ReplicaSet that has that is left
// alone.
func TestDress(t *testing.T) {
	r := shop(t, `"canaryMetadata": {"labels": {"side": "canary"}}, "stableMetadata": {"labels": {"side": "stable"}, "annotations": {"n": "s"}},
		"antiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {}}`)
	r.Spec.MinReadySeconds = 5
	own := []*apps.ReplicaSet{made(t, r, "v1", "1"), made(t, r, "v2", "2"), made(t, r, "v3", "")}
	for _, s := range own {
		delete(s.Annotations, annotationDesired)
		s.Spec.MinReadySeconds = 0
	}
	v := view{terms: termsOf(r), Wanted: Wanted{Rollout: r, Stable: "v2", Version: "v3"}, asked: "v3"}
	old, stable, fresh := v.dress(own[0], 4, own), v.dress(own[1], 4, own), v.dress(own[2], 2, own)
	if *old.Spec.Replicas != 4 || old.Spec.Template.Labels["side"] != "" || old.Annotations[annotationDesired] != "" || old.Spec.MinReadySeconds != 0 {
		t.Errorf("an old one: %v", old)
	}
	if stable.Spec.Template.Labels["side"] != "stable" || stable.Spec.Template.Annotations["n"] != "s" || stable.Annotations[annotationDesired] != "4" ||
		stable.Spec.MinReadySeconds != 5 || stable.Spec.Template.Spec.Affinity != nil {
		t.Errorf("the stable one: %v", stable)
	}
	if fresh.Spec.Template.Labels["side"] != "canary" || fresh.Annotations[AnnotationRevision] != "3" || fresh.Spec.Template.Spec.Affinity == nil {
		t.Errorf("the new one: %v", fresh)
	}
	for _, s := range []*apps.ReplicaSet{old, stable, fresh} {
		if diff := cmp.Diff(s, v.dress(s, *s.Spec.Replicas, []*apps.ReplicaSet{old, stable, fresh})); diff != "" {
			t.Errorf("%s is not left alone:\n%s", s.Name, diff)
		}
	}
	// What is put in for a time makes no other template.
	if !sameTemplate(fresh, made(t, r, "v9", "")) {
		t.Error("the new one's template is another")
	}
	v.Stable, v.Version = "v3", "v3"
	if s := v.dress(fresh, 4, own); s.Spec.Template.Labels["side"] != "stable" || len(s.Spec.Template.Labels) != 3 {
		t.Errorf("promoted: %v", s.Spec.Template.Labels)
	}
	if s := v.dress(stable, 4, own); s.Spec.Template.Labels["side"] != "" || s.Annotations[annotationMetadata] != "" {
		t.Errorf("no longer stable: %v", s)
	}
}

// TestSameTemplate: a difference of the user's is one.
func TestSameTemplate(t *testing.T) {
	a, b := made(t, shop(t, ""), "v1", ""), made(t, shop(t, ""), "v2", "")
	if !sameTemplate(a, b) {
		t.Error("equal ones differ")
	}
	b.Spec.Template.Spec.Containers[0].Image = "shop:2"
	if sameTemplate(a, b) {
		t.Error("images are not looked at")
	}
}

// TestSeen reads a ReplicaSet as the planner sees it.
func TestSeen(t *testing.T) {
	s := made(t, shop(t, ""), "v1", "4")
	s.Generation, s.Status = 7, apps.ReplicaSetStatus{ObservedGeneration: 6, Replicas: 3, ReadyReplicas: 2, AvailableReplicas: 1,
		Conditions: []apps.ReplicaSetCondition{{Type: apps.ReplicaSetReplicaFailure, Status: "True", Message: "no room"}}}
	want := set{name: "shop-v1", version: "v1", revision: 4, have: 3, ready: 2, available: 1, failure: "no room"}
	if got := seen(s); got != want {
		t.Errorf("got %+v", got)
	}
	s.Status.ObservedGeneration, s.Status.Conditions[0].Status = 7, "False"
	if got := seen(s); !got.seen || got.failure != "" {
		t.Errorf("later %+v", got)
	}
}

// TestStrip: of a cached ReplicaSet only what is looked at stays.
func TestStrip(t *testing.T) {
	s := made(t, shop(t, ""), "v1", "4")
	s.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "x"}}
	s.Annotations["kubectl.kubernetes.io/last-applied-configuration"] = "long"
	if _, err := strip(s); err != nil || s.ManagedFields != nil || len(s.Annotations) != 2 || s.Spec.Template.Spec.Containers != nil || s.Spec.Template.Labels["app"] != "shop" {
		t.Errorf("left is %v, %v", s, err)
	}
	if o, err := strip("other"); o != "other" || err != nil {
		t.Errorf("something else becomes %v, %v", o, err)
	}
}

// TestWritten: what we wrote counts until the cache has it, and no longer.
func TestWritten(t *testing.T) {
	at := func(version, rv string, replicas int32) *apps.ReplicaSet {
		s := made(t, shop(t, ""), version, "")
		s.ResourceVersion = rv
		*s.Spec.Replicas = replicas
		return s
	}
	sizes := func(sets []*apps.ReplicaSet) (n []int32) {
		for _, s := range sets {
			n = append(n, *s.Spec.Replicas)
		}
		return n
	}
	w := newWritten()
	w.put(at("v1", "11", 5))
	w.put(at("v1", "10", 4)) // an answer that came late
	w.put(at("v2", "12", 2)) // made, and not in the cache yet
	steps := []struct {
		name   string
		cached []*apps.ReplicaSet
		owner  types.UID
		want   []int32
	}{
		{"an older cache", []*apps.ReplicaSet{at("v1", "9", 1)}, "u1", []int32{5, 2}},
		{"somebody else's", nil, "u2", nil},
		{"the same in the cache", []*apps.ReplicaSet{at("v1", "11", 5)}, "u1", []int32{5, 2}},
		{"a newer cache", []*apps.ReplicaSet{at("v1", "100", 7), at("v2", "13", 3)}, "u1", []int32{7, 3}},
		{"it was forgotten", []*apps.ReplicaSet{at("v1", "9", 1)}, "u1", []int32{1}},
	}
	for _, s := range steps {
		if diff := cmp.Diff(s.want, sizes(w.newest(s.cached, s.owner))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", s.name, diff)
		}
	}
	w.put(at("v3", "20", 1))
	w.forget("uid-v3")
	if sets := w.newest(nil, "u1"); len(sets) != 0 {
		t.Errorf("left are %v", sets)
	}
}

// TestDifference: a patch holds what changed, and which state it is for.
func TestDifference(t *testing.T) {
	before := made(t, shop(t, ""), "v1", "1")
	after := before.DeepCopy()
	*after.Spec.Replicas = 3
	after.Annotations[annotationDesired] = "9"
	base := before.DeepCopy()
	base.ResourceVersion = "12"
	got, err := difference(before, after, base)
	want := `{"metadata":{"annotations":{"rollout.argoproj.io/desired-replicas":"9"},"resourceVersion":"12","uid":"uid-v1"},"spec":{"replicas":3}}`
	if string(got) != want || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
}

// TestChange: only what was given is taken back.
func TestChange(t *testing.T) {
	on := metav1.ObjectMeta{Labels: map[string]string{"app": "shop", "side": "canary"}}
	first := &api.PodMetadata{Labels: map[string]string{"side": "canary", "gone": "x"}}
	if !change(&on, first, &api.PodMetadata{Annotations: map[string]string{"n": "1"}}) || on.Labels["side"] != "" || on.Labels["app"] != "shop" || on.Annotations["n"] != "1" {
		t.Errorf("now it is %v", on)
	}
	if change(&on, nil, nil) || change(&on, nil, &api.PodMetadata{Annotations: map[string]string{"n": "1"}}) {
		t.Error("nothing is a change")
	}
	patch := steps(map[string]string{"a": "1", "b": "2", "c": "3"}, map[string]string{"a": "1", "b": "x", "d": "4"})
	if diff := cmp.Diff(map[string]any{"b": "x", "c": nil, "d": "4"}, patch); diff != "" {
		t.Errorf("patch (-want +got):\n%s", diff)
	}
	r := shop(t, `"canaryMetadata": {"labels": {"side": "canary"}}, "stableMetadata": {"annotations": {"n": "s"}}`)
	all := given(r, `{"labels": {"old": "x"}}`)
	if len(all.Labels) != 2 || len(all.Annotations) != 1 {
		t.Errorf("given was %v", all)
	}
}

// TestLeft: a Deployment gives way once, as it is said.
func TestLeft(t *testing.T) {
	at := func(available int32, revision int64) set {
		s := rs("v1", 4)
		s.available, s.revision = available, revision
		return s
	}
	tests := []struct {
		name, how, version string
		set                set
		now, want          int32
	}{
		{"never", "never", "v1", at(4, 1), 3, 3},
		{"nothing said", "", "v1", at(4, 1), 3, 3},
		{"not all there", "onsuccess", "v1", at(3, 1), 3, 3},
		{"all there", "onsuccess", "v1", at(4, 1), 3, 0},
		{"later versions", "onsuccess", "v1", at(4, 2), 3, 3},
		{"during a canary", "onsuccess", "v2", at(4, 1), 3, 3},
		{"bit by bit", "progressively", "v1", at(2, 1), 4, 2},
		{"it is smaller already", "progressively", "v1", at(1, 1), 2, 2},
		{"more are there than needed", "progressively", "v1", at(6, 1), 2, 0},
	}
	for _, test := range tests {
		v := view{terms: terms{replicas: 4}, Wanted: Wanted{Stable: "v1", Version: test.version}, sets: []set{test.set}}
		if got := v.left(test.how, test.now); got != test.want {
			t.Errorf("%s: %d are left", test.name, got)
		}
	}
}

// TestJobName: one measurement has one name, two have two, and it is a label.
func TestJobName(t *testing.T) {
	m, other := &api.JobMetric{Spec: []byte(`{"a":1}`)}, &api.JobMetric{Spec: []byte(`{"a":2}`)}
	a := JobName("run", m, 1)
	if a != JobName("run", m, 1) || a == JobName("run", m, 2) || a == JobName("run", other, 1) || a == JobName("ran", m, 1) {
		t.Errorf("names are not one a measurement: %s", a)
	}
	long := JobName(time.Unix(0, 0).String()+"-a-very-long-name-of-a-run-that-goes-on-and-on-and-on", m, 1000)
	if len(long) > 63 {
		t.Errorf("%s has %d letters", long, len(long))
	}
}
