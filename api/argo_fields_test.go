package api

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// argoSchema gives the schema of a kind of Argo's, from its CRD.
func argoSchema(t *testing.T, file string) map[string]any {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(argoDir(t), "manifests", "crds", file))
	if err != nil {
		t.Fatal(err)
	}
	var crd struct {
		Spec struct {
			Versions []struct {
				Schema struct {
					OpenAPIV3Schema map[string]any `json:"openAPIV3Schema"`
				} `json:"schema"`
			} `json:"versions"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal(data, &crd); err != nil {
		t.Fatal(err)
	}
	return crd.Spec.Versions[0].Schema.OpenAPIV3Schema
}

// fieldDiff gives the fields that only the schema has, as -PATH, and those that
// only the type has, as +PATH. What a type keeps as it is written, and types of
// Kubernetes, are not looked into.
func fieldDiff(schema map[string]any, t reflect.Type, at string) []string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if items, ok := schema["items"].(map[string]any); ok && t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8 {
		return fieldDiff(items, t.Elem(), at+"[]")
	}
	opaque := reflect.PointerTo(t).Implements(unmarshalerType) || strings.Contains(t.PkgPath(), "k8s.io")
	if t.Kind() != reflect.Struct || opaque {
		return nil
	}
	var out []string
	known := fieldsOf(t)
	properties, _ := schema["properties"].(map[string]any)
	for name, property := range properties {
		if ft, ok := known[name]; ok {
			out = append(out, fieldDiff(property.(map[string]any), ft, at+"."+name)...)
		} else {
			out = append(out, "-"+at+"."+name)
		}
	}
	for name := range known {
		if _, ok := properties[name]; !ok {
			out = append(out, "+"+at+"."+name)
		}
	}
	return out
}

// TestArgoFields proves that every field of Argo's CRDs is known here by its
// name, and lists those that Serin adds.
func TestArgoFields(t *testing.T) {
	own := map[string][]string{
		"rollout-crd.yaml": {
			"+.strategy.canary.guard", "+.strategy.canary.steps[].gate", "+.strategy.canary.steps[].prove",
			"+.strategy.canary.steps[].pause.requests",
			"+.strategy.canary.analysis.args[].valueFrom.secretKeyRef",
			"+.strategy.canary.steps[].analysis.args[].valueFrom.secretKeyRef",
			"+.strategy.canary.steps[].experiment.analyses[].args[].valueFrom.secretKeyRef",
		},
		"analysis-template-crd.yaml": {
			"+.args[].valueFrom.podTemplateHashValue", "+.metrics[].compat", "+.metrics[].provider.envoy",
			"+.metrics[].provider.job.command", "+.metrics[].provider.kayenta.config",
			"+.metrics[].provider.kayenta.series", "+.metrics[].provider.kayenta.strict",
		},
	}
	own["cluster-analysis-template-crd.yaml"] = own["analysis-template-crd.yaml"]
	own["analysis-run-crd.yaml"] = own["analysis-template-crd.yaml"]
	own["experiment-crd.yaml"] = []string{"+.analyses[].args[].valueFrom.podTemplateHashValue"}
	types := map[string]reflect.Type{
		"rollout-crd.yaml":                   reflect.TypeFor[RolloutSpec](),
		"analysis-template-crd.yaml":         reflect.TypeFor[AnalysisTemplateSpec](),
		"cluster-analysis-template-crd.yaml": reflect.TypeFor[AnalysisTemplateSpec](),
		"analysis-run-crd.yaml":              reflect.TypeFor[AnalysisRunSpec](),
		"experiment-crd.yaml":                reflect.TypeFor[ExperimentSpec](),
	}
	for file, of := range types {
		schema := argoSchema(t, file)["properties"].(map[string]any)["spec"].(map[string]any)
		got, want := fieldDiff(schema, of, ""), slices.Clone(own[file])
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
	}
}

// TestArgoFeaturesWhole proves that each field of a canary, a step, a metric and
// a provider in Argo's CRDs is in the table of features.
func TestArgoFeaturesWhole(t *testing.T) {
	find := func(file string, way ...string) map[string]any {
		schema := argoSchema(t, file)["properties"].(map[string]any)["spec"].(map[string]any)
		for _, name := range way {
			if schema = schema["properties"].(map[string]any)[name].(map[string]any); schema["items"] != nil {
				schema = schema["items"].(map[string]any)
			}
		}
		return schema["properties"].(map[string]any)
	}
	places := []struct {
		frames []string
		fields map[string]any
	}{
		{[]string{"spec", "strategy", "workload"}, find("rollout-crd.yaml")},
		{[]string{"canary"}, find("rollout-crd.yaml", "strategy", "canary")},
		{[]string{"canary"}, find("rollout-crd.yaml", "strategy", "canary", "trafficRouting")},
		{[]string{"step"}, find("rollout-crd.yaml", "strategy", "canary", "steps")},
		{[]string{"metric"}, find("analysis-template-crd.yaml", "metrics")},
		{[]string{"provider"}, find("analysis-template-crd.yaml", "metrics", "provider")},
		{[]string{"template"}, find("analysis-template-crd.yaml")},
	}
	for _, place := range places {
		var text strings.Builder
		for _, f := range argoFeatures {
			if slices.Contains(place.frames, f.in) {
				text.WriteString(strings.Replace(argoFrames[f.in], "%s", f.text, 1))
			}
		}
		for name := range place.fields {
			if !strings.Contains(text.String(), name+":") {
				t.Errorf("no feature of %q is about %s", place.frames, name)
			}
		}
	}
}

// TestArgoRunStatus proves that a run's status has Argo's names, all of them and
// no other: scripts and dashboards read it.
func TestArgoRunStatus(t *testing.T) {
	schema := argoSchema(t, "analysis-run-crd.yaml")["properties"].(map[string]any)["status"].(map[string]any)
	if diff := fieldDiff(schema, reflect.TypeFor[AnalysisRunStatus](), ""); len(diff) > 0 {
		t.Error(diff)
	}
	for phase, done := range map[AnalysisPhase]bool{"": false, AnalysisPending: false, AnalysisRunning: false,
		AnalysisSuccessful: true, AnalysisFailed: true, AnalysisError: true, AnalysisInconclusive: true} {
		if phase.Completed() != done {
			t.Errorf("%q is completed: %v", phase, !done)
		}
	}
}
