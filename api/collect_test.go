package api

import (
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
