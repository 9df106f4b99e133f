package api

import (
	"strings"
	"testing"
)

// workloadText makes a Rollout whose template is in a workload of a version.
func workloadText(head, version string) string {
	return "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: shop}\nspec:\n" +
		"  workloadRef: {apiVersion: apps/v1, kind: " + strings.Fields(head)[3] + ", name: w}\n  strategy: {canary: {}}\n---\n" +
		strings.Replace(head, "TEMPLATE", "template: {metadata: {labels: {app.kubernetes.io/version: "+version+"}}, spec: {any: [thing]}}", 1)
}

const deploymentText = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: w}\nspec: {replicas: 3, TEMPLATE, more: [x]}\n"

// TestWorkload proves that a Rollout without a template has the version of its
// workload, of any kind that Argo takes, and none where that is elsewhere.
func TestWorkload(t *testing.T) {
	const podTemplate = "apiVersion: v1\nkind: PodTemplate\nmetadata: {name: w}\nTEMPLATE\n"
	tests := map[string]struct {
		text    string
		version string // "": there is none
	}{
		"Deployment":        {workloadText(deploymentText, "v2"), "v2"},
		"ReplicaSet":        {workloadText(strings.Replace(deploymentText, "Deployment", "ReplicaSet", 1), "v2"), "v2"},
		"PodTemplate":       {workloadText(podTemplate, "v2"), "v2"},
		"another kind":      {workloadText(strings.Replace(deploymentText, "Deployment", "DaemonSet", 1), "v2"), ""},
		"another name":      {workloadText(strings.Replace(deploymentText, "{name: w}", "{name: x}", 1), "v2"), ""},
		"another namespace": {workloadText(strings.Replace(deploymentText, "{name: w}", "{name: w, namespace: x}", 1), "v2"), ""},
		"another group":     {workloadText(strings.Replace(deploymentText, "apps/v1", "apps.example/v1", 1), "v2"), ""},
		"no template":       {strings.Replace(workloadText(deploymentText, "v2"), "template:", "templat:", 1), ""},
		"a template beside": {strings.Replace(workloadText(deploymentText, "v2"), "  strategy", "  template: {metadata: {labels: {app.kubernetes.io/version: v3}}}\n  strategy", 1), "v3"},
	}
	for name, test := range tests {
		docs, findings := Decode("f.yaml", []byte(test.text))
		findings = append(findings, Validate(docs)...)
		if HasErrors(findings) {
			t.Errorf("%s: %v", name, findings)
			continue
		}
		absent := strings.Contains(listed(findings), "W224")
		r := Collect(docs, nil).Rollouts[Key{"default", "shop"}]
		if absent != (test.version == "") || !absent && r.Version() != test.version {
			t.Errorf("%s: version %s, findings %v", name, r.Version(), findings)
		}
	}
}

// listed gives findings as one text.
func listed(findings []Finding) string {
	var b strings.Builder
	for _, f := range findings {
		b.WriteString(f.String() + "\n")
	}
	return b.String()
}

// TestWorkloadChanges proves that a change of the workload is one of the Rollout,
// and that the version in it is looked at.
func TestWorkloadChanges(t *testing.T) {
	docs, _ := Decode("f.yaml", []byte(workloadText(deploymentText, "v1")))
	one := Collect(docs, nil)
	if same := Collect(docs, one); same != one {
		t.Error("an equal set is another set")
	}
	again, _ := Decode("f.yaml", []byte(strings.Replace(workloadText(deploymentText, "v1"), "[thing]", "[other]", 1)))
	if two := Collect(again, one); two == one || len(Compare(one, again)) != 1 {
		t.Errorf("another template under an equal version: %v", Compare(one, again))
	}
	bad, _ := Decode("f.yaml", []byte(workloadText(deploymentText, "v/1")))
	if found := listed(Validate(bad)); !strings.Contains(found, `f.yaml:5:16: E211 spec.workloadRef: "v/1" is no version`) {
		t.Error(found)
	}
}
