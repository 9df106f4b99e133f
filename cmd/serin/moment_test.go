package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/snapshot"
)

// twoRollouts holds shop, wanted at v3 with slices of v1 to v3, and cart, wanted
// at v2 with slices of v1 and, through its canary Service, v2.
func twoRollouts(t *testing.T) *api.Objects {
	t.Helper()
	const rolloutText = `
apiVersion: serin.dev/v1alpha1
kind: Rollout
metadata: {name: NAME}
spec:
  template: {metadata: {labels: {app.kubernetes.io/version: VERSION}}}
  strategy: {canary: {MORE steps: [{setWeight: 20}, {pause: {}}, {setWeight: 50}]}}
`
	const sliceText = `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: NAME-VERSION, labels: {kubernetes.io/service-name: NAME, app.kubernetes.io/version: VERSION}}
addressType: IPv4
endpoints: [{addresses: [127.0.0.1]}]
ports: [{port: 9001}]
`
	var texts []string
	add := func(text, name, version, more string) {
		texts = append(texts, strings.NewReplacer("NAME", name, "VERSION", version, "MORE", more).Replace(text))
	}
	add(rolloutText, "shop", "v3", "")
	add(rolloutText, "cart", "v2", "canaryService: cart-canary,")
	for _, v := range []string{"v1", "v2", "v3"} {
		add(sliceText, "shop", v, "")
	}
	add(sliceText, "cart", "v1", "")
	add(sliceText, "cart-canary", "v2", "")
	docs, findings := api.Decode("two.yaml", []byte(strings.Join(texts, "---")))
	if api.HasErrors(findings) {
		t.Fatal(findings)
	}
	return api.Collect(docs, nil)
}

// TestMoment is the table of how traffic divides, by the flags.
func TestMoment(t *testing.T) {
	stable := func(v string) *snapshot.Split { return &snapshot.Split{Stable: v} }
	canary := func(from, to string, percent uint32) *snapshot.Split {
		return &snapshot.Split{Stable: from, Canary: to, Weight: percent * snapshot.Total / 100}
	}
	tests := []struct {
		name       string
		m          moment
		shop, cart *snapshot.Split
		err        string
	}{
		{"nothing said", moment{}, stable("v3"), stable("v2"), ""},
		{"a stable version", moment{rollout: "shop", stable: "v1"}, stable("v1"), stable("v2"), ""},
		{"one at a step", moment{given: true, rollout: "default/cart"}, stable("v3"), canary("v1", "v2", 20), ""},
		{"at a pause", moment{given: true, step: 1, rollout: "cart"}, stable("v3"), canary("v1", "v2", 20), ""},
		{"at the next weight", moment{given: true, step: 2, rollout: "cart"}, stable("v3"), canary("v1", "v2", 50), ""},
		{"all steps over", moment{given: true, step: 3, rollout: "cart"}, stable("v3"), canary("v1", "v2", 100), ""},
		{"several others", moment{given: true}, nil, nil, "several versions beside v3; say with --stable and --rollout which is stable: v1 or v2"},
		{"which is said", moment{given: true, rollout: "shop", stable: "v2"}, canary("v2", "v3", 20), stable("v2"), ""},
		{"the same for all", moment{given: true, stable: "v1"}, canary("v1", "v3", 20), canary("v1", "v2", 20), ""},
		{"a version of no slice", moment{given: true, rollout: "shop", stable: "v0"}, canary("v0", "v3", 20), stable("v2"), ""},
		{"already there", moment{given: true, rollout: "shop", stable: "v3"}, stable("v3"), stable("v2"), ""},
		{"past the end", moment{given: true, step: 4, rollout: "cart"}, nil, nil, "there is no step 4; want 0 to 3"},
		{"before the start", moment{given: true, step: -1, rollout: "cart"}, nil, nil, "there is no step -1"},
		{"no such Rollout", moment{rollout: "desk"}, nil, nil, "no Rollout default/desk among the objects; there is default/cart or default/shop"},
		{"no name", moment{rollout: "a/b/c"}, nil, nil, `reading the Rollout "a/b/c"`},
	}
	objects := twoRollouts(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.m.splits(objects)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := map[api.Key]*snapshot.Split{{Namespace: "default", Name: "shop"}: tt.shop, {Namespace: "default", Name: "cart"}: tt.cart}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestMomentWithoutOthers proves that a Service with one version stays as it is.
func TestMomentWithoutOthers(t *testing.T) {
	objects := twoRollouts(t)
	objects.EndpointSlices = nil
	got, err := (&moment{given: true, step: 2}).splits(objects)
	if err != nil {
		t.Fatal(err)
	}
	for service, split := range got {
		if split.Canary != "" || split.Stable == "" {
			t.Errorf("%s: got %+v", service, split)
		}
	}
}
