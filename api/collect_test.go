package api

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// collect decodes texts and collects their objects.
func collect(t *testing.T, before *Objects, texts ...string) *Objects {
	t.Helper()
	docs, findings := Decode("f.yaml", []byte(strings.Join(texts, documentMark)))
	if HasErrors(findings) {
		t.Fatalf("findings: %v", findings)
	}
	return Collect(docs, before)
}

func TestCollectShares(t *testing.T) {
	one := collect(t, nil, gatewayText, routeText, serviceText, sliceText, rolloutText)
	if len(one.Gateways)+len(one.HTTPRoutes)+len(one.Services)+len(one.EndpointSlices)+len(one.Rollouts) != 5 {
		t.Fatalf("collected %+v", one)
	}
	// The same in another order and layout is the same set.
	if same := collect(t, one, "# x", rolloutText, sliceText, serviceText, routeText, gatewayText); same != one {
		t.Error("an equal set is another set")
	}
	two := collect(t, one, gatewayText, routeText, edit(t, serviceText, "port: 80", "port: 81"), sliceText, rolloutText)
	shop := Key{"default", "shop"}
	if two == one || two.Services[shop] == one.Services[shop] {
		t.Error("a changed Service is the same as before")
	}
	if two.Rollouts[shop] != one.Rollouts[shop] || two.Gateways[Key{"default", "edge"}] != one.Gateways[Key{"default", "edge"}] {
		t.Error("objects that did not change are not shared")
	}
	three := collect(t, two, gatewayText)
	if three == two || len(three.Services) != 0 || len(three.Gateways) != 1 {
		t.Errorf("after removing all but the Gateway: %+v", three)
	}
}

func TestCollectTakesTheFirst(t *testing.T) {
	got := collect(t, nil, serviceText, edit(t, serviceText, "port: 80", "port: 81"))
	if port := got.Services[Key{"default", "shop"}].Spec.Ports[0].Port; port != 80 {
		t.Errorf("took port %d, want the first's", port)
	}
}

func TestCompare(t *testing.T) {
	labelled := edit(t, rolloutText, "{labels: {app.kubernetes.io/version: v1}}", "{labels: {app.kubernetes.io/version: v1, a: b}}")
	bare := edit(t, rolloutText, "app.kubernetes.io/version: v1", "")
	tests := map[string]struct {
		before, now string
		want        []string
	}{
		"the same":    {rolloutText, rolloutText, nil},
		"new version": {rolloutText, edit(t, labelled, "v1, a", "v2, a"), nil},
		"other steps": {rolloutText, edit(t, rolloutText, "canary: {", "canary: {steps: [{pause: {}}]"), nil},
		"no label":    {bare, edit(t, bare, "{labels: {}}", "{labels: {a: b}}"), nil},
		"new":         {serviceText, rolloutText, nil},
		"same version": {rolloutText, labelled, []string{
			"f.yaml:1:138: W427 spec.template.metadata.labels.app.kubernetes.io/version: the template changed but its version is still v1, so no canary starts; give it a version of its own"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			before := collect(t, nil, test.before)
			docs, _ := Decode("f.yaml", []byte(test.now))
			var got []string
			for _, f := range Compare(before, docs) {
				got = append(got, f.String())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	docs, _ := Decode("f.yaml", []byte(labelled))
	if got := Compare(nil, docs); got != nil {
		t.Errorf("compared with nothing: %v", got)
	}
}

// TestCollectKinds proves that a set holds, and shares, the objects of each of
// its maps: a kind that Collect forgot would be none of them.
func TestCollectKinds(t *testing.T) {
	text := strings.Join([]string{gatewayText, routeText, serviceText, sliceText, rolloutText, secretText,
		"apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: {name: a}\nspec: {templates: [{templateName: b}]}\n",
		"apiVersion: argoproj.io/v1alpha1\nkind: ClusterAnalysisTemplate\nmetadata: {name: a, namespace: b}\nspec: {templates: [{templateName: b}]}\n",
		"apiVersion: argoproj.io/v1alpha1\nkind: AnalysisRun\nmetadata: {name: a}\nspec: {metrics: []}\n",
		"apiVersion: argoproj.io/v1alpha1\nkind: Experiment\nmetadata: {name: a}\nspec: {templates: []}\n",
		"apiVersion: serin.dev/v1alpha1\nkind: Release\nmetadata: {name: a}\nspec: {rollouts: [{name: b}]}\n"}, documentMark)
	set := collect(t, nil, text)
	maps := reflect.ValueOf(*set)
	for i := range maps.NumField() {
		if n := maps.Field(i).Len(); n != 1 {
			t.Errorf("%s has %d objects", maps.Type().Field(i).Name, n)
		}
	}
	key := Key{Name: "a"}
	if c := set.ClusterAnalysisTemplates[key]; c == nil || c.Namespace != "" || KeyOf(c) != key || key.String() != "a" {
		t.Errorf("the ClusterAnalysisTemplate is at %v", set.ClusterAnalysisTemplates)
	}
	if again := collect(t, set, text); again != set {
		t.Error("an equal set is another set")
	}
	for kind, change := range map[string][2]string{
		"AnalysisTemplates": {"AnalysisTemplate\nmetadata: {name: a}", "AnalysisTemplate\nmetadata: {name: c}"},
		"Releases":          {"rollouts: [{name: b}]", "rollouts: [{name: c}]"}, "Secrets": {"token: hush}", "token: husj}"},
		"AnalysisRuns": {"spec: {metrics: []}", "spec: {metrics: [], terminate: true}"}, "Experiments": {"spec: {templates: []}", "spec: {templates: [], duration: 1m}"},
	} {
		next := collect(t, set, edit(t, text, change[0], change[1]))
		if next == set {
			t.Errorf("a change in %s makes no new set", kind)
			continue
		}
		now := reflect.ValueOf(*next)
		for i := range maps.NumField() {
			name := maps.Type().Field(i).Name
			was, is := maps.Field(i).MapRange(), now.Field(i).MapRange()
			was.Next()
			is.Next()
			if shared := was.Value().Pointer() == is.Value().Pointer(); shared == (name == kind) {
				t.Errorf("after a change in %s, %s is shared: %v", kind, name, shared)
			}
		}
	}
}
