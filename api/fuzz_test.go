package api

import (
	"encoding/json"
	"strings"
	"testing"
)

// FuzzDecode reads any text. Whatever it is, decoding ends without a panic;
// each finding has a place in the text; objects come only without errors, and
// survive JSON; and the same text gives the same again.
func FuzzDecode(f *testing.F) {
	f.Add(objectsText)
	f.Add(strings.Join([]string{gatewayText, routeText, serviceText, sliceText, rolloutText}, documentMark))
	f.Add("a: &x {b: *x}\n---\n<<: [1]\n? - a\n: |\n  x\n")
	f.Add("{\n\t\"kind\": \"List\", \"items\": [1, {}]}")
	f.Add("%YAML 1.2\n---\n!!str a: !!x\n...\n# c\n--- >\n x")
	f.Add("\r\"")
	f.Add("apiVersion: serin.dev/v1alpha1\nkind: Rollout\nspec: {strategy: {canary: {steps: [{setWeight: 1e400}]}}}")
	f.Add("apiVersion: serin.dev/v1alpha1\nkind: Rollout\nmetadata: {name: a}\nspec: {template: {}, strategy: {canary: {trafficRouting: {managedRoutes: [{name: r}]}, steps: [" +
		"{setHeaderRoute: {name: r, match: [{headerName: x, headerValue: {regex: '('}}]}}, {setMirrorRoute: {name: s, percentage: -1, match: [{path: {exact: a}, headers: {b: {}}}]}}, {pause: {requests: 0}}]}}}")
	f.Add(templateHead + "interval: '{{args.x}}', count: '{{args.x}}', successCondition: 'result < {{args.x}}', " + webProvider + "}]\n  args: [{name: x}]\n---\n" +
		stepsHead + "      - {setHeaderRoute: {name: r}, analysis: {templates: [{templateName: t}, {templateName: c, clusterScope: true}], args: [{name: x, value: '{{'}]}}\n" +
		"      - experiment: {templates: [{name: a, specRef: stable}], analyses: [{name: a, templateName: t}]}\n      - prove: {maxIncrease: 1e-9}\n      - gate: {web: {url: 'http://a'}}\n" +
		"      analysis: {templates: [{templateName: t}], startingStep: 1}\n")
	f.Add(strings.Replace(templateHead, "AnalysisTemplate", "ClusterAnalysisTemplate", 1) + "failureCondition: 'all(result, {# > 1})', provider: {envoy: {metric: latencyQuantile, quantile: .9}}}]\n  templates: [{templateName: t}]\n")
	f.Add("apiVersion: serin.dev/v1alpha1\nkind: Release\nmetadata: {name: a}\nspec: {rollouts: [{name: shop}, {name: shop}]}\n---\n" + secretText)
	f.Add("apiVersion: argoproj.io/v1alpha1\nkind: AnalysisRun\nmetadata: {generateName: a-}\nspec: {metrics: []}\n---\napiVersion: argoproj.io/v1alpha1\nkind: Experiment\nmetadata: {name: a}\nspec: {templates: []}\n")
	f.Fuzz(func(t *testing.T, text string) {
		docs, findings := Decode("f.yaml", []byte(text))
		all := append(findings, Validate(docs)...)
		rows := strings.Count(text, "\n") + strings.Count(text, "\r") + 1 // as YAML breaks lines
		for _, found := range all {
			if found.Line < 0 || found.Line > rows || found.Line > 0 && found.Column < 1 {
				t.Errorf("%s is outside the %d lines of the text", found, rows)
			}
			if Codes[found.Code] == "" || found.Message == "" {
				t.Errorf("%s says nothing", found)
			}
		}
		for _, d := range docs {
			if d.Object == nil {
				continue
			}
			if _, err := json.Marshal(d.Object); err != nil {
				t.Errorf("%s %s: %v", d.Kind, d.Key, err)
			}
		}
		kept := DecodeFile("f.yaml", []byte(text), nil).WithoutSecrets([]byte(text))
		if _, bad := Decode("f.yaml", kept); !HasErrors(all) && HasErrors(bad) {
			t.Errorf("what is kept has errors: %v in %q", bad, kept)
		}
		set := Collect(docs, nil)
		again, _ := Decode("f.yaml", []byte(text))
		if Collect(again, set) != set {
			t.Error("the same text gives another set")
		}
	})
}
