package api_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/serin-mesh/serin/api"
)

// related are objects that refer to each other, by what they are.
var related = []string{
	"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 80}]}\n",
	"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 81}]}\n",
	"apiVersion: v1\nkind: Service\nmetadata: {name: b}\nspec: {ports: [{port: 80}]}\n",
	gatewayNamed("x", 80), gatewayNamed("x", 81),
	routeTo("r", "a"), routeTo("r", "b"), routeTo("s", "b"),
	rolloutOf("a", "steps: [{analysis: {templates: [{templateName: t}]}}]"), rolloutOf("a", ""), rolloutOf("b", ""),
	templateOf("t", ""), templateOf("t", "templates: [{templateName: u}], "), templateOf("u", ""),
	"apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {k: YQ==}\n",
	releaseOf("m", "a"), releaseOf("m", "b"), releaseOf("o", "b"),
}

func gatewayNamed(name string, port int) string {
	p := "80"
	if port == 81 {
		p = "81"
	}
	return "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: " + name + "}\nspec: {gatewayClassName: s, listeners: [{name: l" + p + ", port: " + p + ", protocol: HTTP}]}\n"
}

func routeTo(name, service string) string {
	return "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: " + name + "}\nspec: {parentRefs: [{name: x, sectionName: l80}], rules: [{backendRefs: [{name: " + service + ", port: 80}]}]}\n"
}

func rolloutOf(name, canary string) string {
	return "apiVersion: serin.dev/v1alpha1\nkind: Rollout\nmetadata: {name: " + name + "}\nspec: {template: {metadata: {labels: {app.kubernetes.io/version: v1}}}, strategy: {canary: {" + canary + "}}}\n"
}

func templateOf(name, more string) string {
	return "apiVersion: serin.dev/v1alpha1\nkind: AnalysisTemplate\nmetadata: {name: " + name + "}\nspec: {" + more +
		"args: [{name: x, valueFrom: {secretKeyRef: {name: s, key: k}}}], metrics: [{name: " + name + ", count: 1, interval: 1s, successCondition: \"result > 1\", provider: {web: {url: \"http://x/{{args.x}}\", jsonPath: \"{$.a}\"}}}]}\n"
}

func releaseOf(name, member string) string {
	return "apiVersion: serin.dev/v1alpha1\nkind: Release\nmetadata: {name: " + name + "}\nspec: {rollouts: [{name: " + member + "}]}\n"
}

// TestRelationsAreThoseOfValidate: whatever came, changed and went, what is found
// is what Validate finds in the objects there are, but for what only concerns
// files.
func TestRelationsAreThoseOfValidate(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		x, there := api.NewRelations(), map[api.Ref]string{}
		for range rapid.IntRange(1, 30).Draw(rt, "changes") {
			text := rapid.SampledFrom(related).Draw(rt, "object")
			d, _ := api.DecodeObject(content(t, text))
			ref := api.Ref{Kind: d.Kind, Key: d.Key}
			if rapid.IntRange(0, 3).Draw(rt, "gone") == 0 {
				x.Remove(ref)
				delete(there, ref)
			} else {
				x.Set(d)
				there[ref] = text
			}
			if rapid.Bool().Draw(rt, "look") {
				x.Check()
			}
		}
		x.Check()
		var all []string
		for _, text := range there {
			all = append(all, text)
		}
		slices.Sort(all)
		docs, _ := api.Decode("f.yaml", []byte(strings.Join(all, "---\n")))
		if got, want := plain(x.All()), plain(api.Validate(docs)); got != want {
			rt.Fatalf("found\n%s\nValidate finds\n%s", got, want)
		}
	})
}

// plain writes findings without their place, sorted.
func plain(findings []api.Finding) string {
	var out []string
	for _, f := range findings {
		if f.Code == api.CodeRolloutSlices {
			continue // pods that start are no mistake
		}
		message, _, _ := strings.Cut(f.Message, " at ")
		message, _, _ = strings.Cut(message, " in ")
		out = append(out, f.Kind+" "+f.Key.String()+" "+string(f.Code)+" "+f.Path+" "+message)
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// TestCheckSaysWhatChanged: Check gives the objects whose findings changed, and
// whether other Secrets are named.
func TestCheckSaysWhatChanged(t *testing.T) {
	x := api.NewRelations()
	set := func(text string) ([]api.Ref, bool) {
		d, _ := api.DecodeObject(content(t, text))
		x.Set(d)
		return x.Check()
	}
	if changed, _ := set(routeTo("r", "a")); len(changed) != 1 || changed[0].Kind != "HTTPRoute" {
		t.Errorf("changed %v", changed)
	}
	if changed, _ := set(related[2]); len(changed) != 0 {
		t.Errorf("another Service changed %v", changed)
	}
	if changed, _ := set(related[0]); len(changed) != 1 {
		t.Errorf("the Service changed %v", changed)
	}
	set(templateOf("t", ""))
	if _, secrets := set(related[8]); !secrets || len(x.Secrets()) != 1 {
		t.Errorf("Secrets %v, changed %v", x.Secrets(), secrets)
	}
	x.Remove(api.Ref{Kind: "AnalysisTemplate", Key: api.Key{Namespace: "default", Name: "t"}})
	x.Check()
	if changed, _ := set(templateOf("u", "")); len(changed) != 1 {
		t.Errorf("another template, which is named beside the missing one, changed %v", changed)
	}
	set(templateOf("t", ""))
	x.Remove(api.Ref{Kind: "Rollout", Key: api.Key{Namespace: "default", Name: "a"}})
	if _, secrets := x.Check(); !secrets || len(x.Secrets()) != 0 {
		t.Errorf("Secrets %v, changed %v", x.Secrets(), secrets)
	}
}
