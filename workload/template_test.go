package workload

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serin-mesh/serin/api"
)

// TestHash: names are those that Argo Rollouts 1.10 gives, from its own function.
func TestHash(t *testing.T) {
	tests := []struct{ template, hash, second string }{
		{`{}`, "658c46c486", "6746d5bbc"},
		{`{"metadata":{"labels":{"app":"shop"}},"spec":{"containers":[{"name":"shop","image":"shop:1","ports":[{"name":"http","containerPort":8080}]}]}}`,
			"844c667964", "7dcf77bfb5"},
		{`{"metadata":{"labels":{"app":"shop"},"annotations":{"a":"b"}},"spec":{"containers":[{"name":"shop","image":"shop:1",
			"resources":{"requests":{"cpu":"0.1","memory":"128Mi"}},"env":[{"name":"A","value":"b"}]}],
			"volumes":[{"name":"v","ephemeral":{"volumeClaimTemplate":{"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}}}}],
			"terminationGracePeriodSeconds":0}}`, "589cddb8b6", "6549bb4df9"},
	}
	for _, test := range tests {
		var a api.Template
		if err := json.Unmarshal([]byte(test.template), &a); err != nil {
			t.Fatal(err)
		}
		p, err := PodTemplate(&a)
		if err != nil {
			t.Fatal(err)
		}
		if first, second := Hash(&p, 0), Hash(&p, 1); first != test.hash || second != test.second {
			t.Errorf("%s\nhas hashes %s and %s", test.template, first, second)
		}
	}
	if _, err := PodTemplate(&api.Template{Spec: json.RawMessage(`{"containers": 7}`)}); err == nil {
		t.Error("a template that is none has a hash")
	}
}

// shop is a Rollout whose canary is as the text says.
func shop(t *testing.T, canary string) *api.Rollout {
	t.Helper()
	r := &api.Rollout{}
	err := json.Unmarshal([]byte(`{"apiVersion": "serin.dev/v1alpha1", "kind": "Rollout",
		"metadata": {"name": "shop", "namespace": "prod", "uid": "u1", "generation": 3},
		"spec": {"replicas": 4, "selector": {"matchLabels": {"app": "shop"}},
			"template": {"metadata": {"labels": {"app": "shop"}}, "spec": {"containers": [{"name": "a", "image": "shop:1"}]}},
			"strategy": {"canary": {`+canary+`}}}}`), r)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func sourceOf(t *testing.T, r *api.Rollout) source {
	t.Helper()
	p, err := PodTemplate(&r.Spec.Template)
	if err != nil {
		t.Fatal(err)
	}
	return source{template: p, selector: r.Spec.Selector}
}

// TestNewSet: a ReplicaSet is named, labelled, selected and owned as Argo's.
func TestNewSet(t *testing.T) {
	r := shop(t, "")
	from := sourceOf(t, r)
	s := newSet(r, from, "abc")
	labels := map[string]string{"app": "shop", LabelHash: "abc"}
	owner := []metav1.OwnerReference{{APIVersion: "serin.dev/v1alpha1", Kind: "Rollout", Name: "shop", UID: "u1", Controller: new(true), BlockOwnerDeletion: new(true)}}
	for what, diff := range map[string]string{
		"name":      cmp.Diff("prod/shop-abc", s.Namespace+"/"+s.Name),
		"labels":    cmp.Diff(labels, s.Labels),
		"selector":  cmp.Diff(labels, s.Spec.Selector.MatchLabels),
		"template":  cmp.Diff(labels, s.Spec.Template.Labels),
		"owner":     cmp.Diff(owner, s.OwnerReferences),
		"replicas":  cmp.Diff(int32(0), *s.Spec.Replicas),
		"untouched": cmp.Diff(map[string]string{"app": "shop"}, from.template.Labels),
		"selectors": cmp.Diff(map[string]string{"app": "shop"}, r.Spec.Selector.MatchLabels),
	} {
		if diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	r.Spec.Selector, r.APIVersion, r.Kind = nil, "", ""
	s = newSet(r, source{template: from.template}, "abc")
	if diff := cmp.Diff(labels, s.Spec.Selector.MatchLabels); diff != "" || s.OwnerReferences[0].Kind != "Rollout" || s.OwnerReferences[0].APIVersion == "" {
		t.Errorf("without a selector: %v, %s", s.OwnerReferences, diff)
	}
}

// TestTerms: defaults are Argo's, and what is no value is none.
func TestTerms(t *testing.T) {
	r := &api.Rollout{}
	got := termsOf(r)
	if got.replicas != 1 || got.history != 10 || got.delay != nil || got.abortDelay != nil || got.delayed != -1 || got.minPods != 0 {
		t.Errorf("without anything: %+v", got)
	}
	r = shop(t, `"scaleDownDelaySeconds": 30, "abortScaleDownDelaySeconds": 0, "scaleDownDelayRevisionLimit": 2, "minPodsPerReplicaSet": 2,
		"dynamicStableScale": true, "maxUnavailable": "50%", "replicaProgressThreshold": {"type": "Percentage", "value": 70}`)
	got = termsOf(r)
	if *got.delay != *sec(30) || *got.abortDelay != 0 || got.delayed != 2 || got.minPods != 2 || !got.dynamic || got.missing(4) != 2 || *got.threshold.Value != 70 {
		t.Errorf("with everything: %+v", got)
	}
	for _, test := range []struct {
		canary   string
		replicas int32
		missing  int32
	}{
		{``, 8, 2}, {``, 3, 1}, {``, 0, 1}, {`"maxUnavailable": 0`, 8, 1}, {`"maxUnavailable": 3`, 8, 3}, {`"maxUnavailable": 30`, 8, 8}, {`"maxUnavailable": "many"`, 8, 1},
	} {
		if n := termsOf(shop(t, test.canary)).missing(test.replicas); n != test.missing {
			t.Errorf("%q of %d: %d may be missing", test.canary, test.replicas, n)
		}
	}
}

// TestAffinity: the canary keeps away from the stable version's nodes, once, and
// what the template has stays.
func TestAffinity(t *testing.T) {
	own := core.PodAffinityTerm{TopologyKey: "zone", LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "shop"}}}
	template := &core.Affinity{PodAntiAffinity: &core.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []core.PodAffinityTerm{own}}}
	required := shop(t, `"antiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {}}`)
	preferred := shop(t, `"antiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": {"weight": 7}}`)

	a := apart(template, required, "v1")
	want := []core.PodAffinityTerm{own, termFor(required, "v1")}
	if diff := cmp.Diff(want, a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution); diff != "" {
		t.Errorf("required (-want +got):\n%s", diff)
	}
	a = apart(a, required, "v2")
	if diff := cmp.Diff([]core.PodAffinityTerm{own, termFor(required, "v2")}, a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution); diff != "" {
		t.Errorf("of another version (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(template, withoutTerm(a)); diff != "" {
		t.Errorf("taken out (-want +got):\n%s", diff)
	}
	a = apart(nil, preferred, "v1")
	if p := a.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution; len(p) != 1 || p[0].Weight != 7 || p[0].PodAffinityTerm.LabelSelector.MatchExpressions[0].Values[0] != "v1" {
		t.Errorf("preferred: %v", p)
	}
	if a = withoutTerm(a); a != nil {
		t.Errorf("taken out: %v", a)
	}
	if a = apart(template, shop(t, ``), "v1"); a != template {
		t.Errorf("nobody asked: %v", a)
	}
	if len(template.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution) != 1 {
		t.Error("the template was changed")
	}
}
