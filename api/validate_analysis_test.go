package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// metricOf makes a metric with a name and further fields.
func metricOf(name, fields string) string {
	return "{name: " + name + ", " + fields + webProvider + "}"
}

// templateOf makes an AnalysisTemplate.
func templateOf(name, spec string) string {
	return "---\napiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: {name: " + name + "}\nspec: {" + spec + "}\n"
}

// between gives what is wrong between the objects of a text as CODE path:
// message, but for what a Rollout lacks of Services.
func between(t *testing.T, text string) []string {
	t.Helper()
	docs, findings := Decode("f.yaml", []byte(text))
	for _, f := range findings {
		if f.IsError() && !strings.Contains(text, "broken") {
			t.Fatalf("the text has a fault of its own: %s", f)
		}
	}
	var out []string
	for _, f := range Validate(docs) {
		if f.Code != CodeRolloutService {
			path := strings.TrimPrefix(f.Path, "spec.strategy.canary.")
			out = append(out, fmt.Sprintf("%s %s: %s", f.Code, path, f.Message))
		}
	}
	return out
}

// TestValidateAnalysis has what is wrong between a step's analysis and the
// templates that it names.
func TestValidateAnalysis(t *testing.T) {
	once := metricOf("m", "")
	tests := map[string]struct {
		analysis  string // of a step
		templates string
		want      []string
	}{
		"a template": {"templates: [{templateName: a}]", templateOf("a", "metrics: ["+once+"]"), nil},
		"no template": {"templates: [{templateName: b}]", templateOf("a", "metrics: ["+once+"]") + templateOf("c", "metrics: ["+once+"]"), []string{
			"E406 steps[0].analysis.templates[0].templateName: there is no AnalysisTemplate default/b; there are a, c"}},
		"no cluster template": {"templates: [{templateName: a, clusterScope: true}]", templateOf("a", "metrics: ["+once+"]"), []string{
			"E406 steps[0].analysis.templates[0].templateName: there is no ClusterAnalysisTemplate a; there is none in the files"}},
		"a cluster template": {"templates: [{templateName: a, clusterScope: true}]",
			strings.Replace(templateOf("a", "metrics: ["+once+"]"), "kind: A", "kind: ClusterA", 1), nil},
		"a template with faults of its own": {"templates: [{templateName: a}]", templateOf("a", "broken: 1"), nil},
		"a template in another namespace": {"templates: [{templateName: a}]", templateOf("a, namespace: other", "metrics: ["+once+"]"), []string{
			"E406 steps[0].analysis.templates[0].templateName: there is no AnalysisTemplate default/a; there is none in the files"}},
		"nested, in a circle": {"templates: [{templateName: a}]",
			templateOf("a", "metrics: ["+once+"], templates: [{templateName: b}]") + templateOf("b", "templates: [{templateName: a}]"), nil},
		"nested, not there": {"templates: [{templateName: a}]", templateOf("a", "templates: [{templateName: b}]"), []string{
			"E406 steps[0].analysis.templates[0].templateName: there is no AnalysisTemplate default/b, which the template a refers to; there are a"}},
		"twice the same": {"templates: [{templateName: a}, {templateName: a}]", templateOf("a", "metrics: ["+once+"]"), nil},
		"two metrics of one name": {"templates: [{templateName: a}, {templateName: b}]",
			templateOf("a", "metrics: ["+once+"]") + templateOf("b", "metrics: ["+once+"]"), []string{
				`E501 steps[0].analysis: the templates a and b both have a metric "m"; rename one`}},
		"without end": {"templates: [{templateName: a}]", templateOf("a", "metrics: ["+metricOf("m", "interval: 1m, ")+"]"), []string{
			`E508 steps[0].analysis: metric "m" of template a has an interval and no count, so the step never ends; add count, or run it beside the steps`}},
		"until successes": {"templates: [{templateName: a}]", templateOf("a", "metrics: ["+metricOf("m", "interval: 1m, consecutiveSuccessLimit: 3, ")+"]"), nil},
		"a rule": {"templates: [{templateName: a}], dryRun: [{metricName: m}, {metricName: x}], measurementRetention: [{metricName: y, limit: 1}]",
			templateOf("a", "metrics: ["+once+"], dryRun: [{metricName: z}], measurementRetention: [{metricName: ., limit: 1}, {metricName: w, limit: 1}]"), []string{
				`W524 steps[0].analysis: no metric has a name that "w" matches, which measurementRetention of template a says`,
				`W524 steps[0].analysis: no metric has a name that "z" matches, which dryRun of template a says`,
				`W524 steps[0].analysis.dryRun[1].metricName: no metric has a name that "x" matches`,
				`W524 steps[0].analysis.measurementRetention[0].metricName: no metric has a name that "y" matches`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			text := rolloutHead + "  strategy: {canary: {steps: [{analysis: {" + test.analysis + "}}]}}\n" + test.templates
			if diff := cmp.Diff(test.want, between(t, text)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestValidateArguments has what is wrong with the values that templates get.
func TestValidateArguments(t *testing.T) {
	const uses = "successCondition: 'result < {{args.x}}', "
	const secret = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {k: v}\n"
	tests := map[string]struct {
		args      string // of the Rollout
		templates string // a is used, and b
		want      []string
	}{
		"given":   {"{name: x, value: '1'}", templateOf("a", "args: [{name: x}], metrics: ["+metricOf("m", uses)+"]"), nil},
		"default": {"", templateOf("a", "args: [{name: x, value: '1'}], metrics: ["+metricOf("m", uses)+"]"), nil},
		"no value": {"", templateOf("a", "args: [{name: x}, {name: w}], metrics: ["+metricOf("m", uses)+"]"), []string{
			`E507 analysis: the argument "w" has no value; add args: [{name: w, value: ...}]`,
			`E507 analysis: the argument "x" has no value; add args: [{name: x, value: ...}]`}},
		"an empty value": {"{name: x}", templateOf("a", "args: [{name: x}], metrics: ["+metricOf("m", "")+"]"), nil},
		"not declared": {"", templateOf("a", "metrics: ["+metricOf("m", uses)+"]"), []string{
			`E507 analysis: metric "m" of template a wants {{args.x}}, which is no argument of it; add it to args`}},
		"no argument at all": {"", templateOf("a", "args: [{name: x, value: '1'}], metrics: [{name: m, provider: {web: {url: 'http://a/{{x}}'}}}]"), []string{
			`E507 analysis: metric "m" of template a wants {{x}}, which is no argument of it; add it to args`}},
		"declared by the other": {"", templateOf("a", "metrics: ["+metricOf("m", uses)+"]") + templateOf("b", "args: [{name: x, value: '1'}], metrics: ["+metricOf("n", "")+"]"), nil},
		"not asked for": {"{name: x, value: '1'}, {name: z, value: '1'}", templateOf("a", "args: [{name: x}], metrics: ["+metricOf("m", uses)+"]"), []string{
			`W525 analysis.args[1].name: no template asks for the argument "z"; remove it or correct the name`}},
		"a condition that breaks": {"{name: x, value: '1 +'}", templateOf("a", "args: [{name: x}], metrics: ["+metricOf("m", uses)+"]"), []string{
			`E504 analysis: with these arguments, successCondition of metric "m" of template a: the condition "result < 1 +" does not compile: unexpected token EOF`}},
		"an interval that breaks": {"{name: x, value: often}", templateOf("a", "args: [{name: x}], metrics: ["+metricOf("m", "interval: '{{args.x}}', ")+"]"), []string{
			`E505 analysis: with these arguments, interval of metric "m" of template a: "often" is no duration: write one such as 30s, 5m or 1h`}},
		"a count that breaks": {"{name: x, value: many}", templateOf("a", "args: [{name: x}], metrics: ["+metricOf("m", "interval: 1m, count: '{{args.x}}', ")+"]"), []string{
			`E505 analysis: with these arguments, count of metric "m" of template a: "many" is no whole number; write one, or {{args.NAME}}`}},
		"quotes and lines":   {`{name: x, value: "a\"b\nc"}`, templateOf("a", "args: [{name: x}], metrics: ["+metricOf("m", "successCondition: '`{{args.x}}` == result', ")+"]"), nil},
		"known when it runs": {"{name: x, valueFrom: {podTemplateHashValue: Latest}}", templateOf("a", "args: [{name: x}], metrics: ["+metricOf("m", uses)+"]"), nil},
		"values that differ": {"", templateOf("a", "args: [{name: x, value: '1'}], metrics: ["+metricOf("m", "")+"]") + templateOf("b", "args: [{name: x, value: '2'}], metrics: ["+metricOf("n", "")+"]"), []string{
			`E506 analysis: the template b gives the argument "x" another value than the ones before it; make them agree`}},
		"a secret": {"", templateOf("a", "args: [{name: x, valueFrom: {secretKeyRef: {name: s, key: k}}}], metrics: ["+metricOf("m", uses)+"]") + secret, nil},
		"no secret": {"", templateOf("a", "args: [{name: x, valueFrom: {secretKeyRef: {name: q, key: k}}}], metrics: ["+metricOf("m", uses)+"]") + secret, []string{
			`W428 analysis: the argument "x" is from the Secret default/q, which is in none of the files`}},
		"no key": {"", templateOf("a", "args: [{name: x, valueFrom: {secretKeyRef: {name: s, key: z}}}], metrics: ["+metricOf("m", uses)+"]") + secret, []string{
			`W428 analysis: the argument "x" is from the key "z" of the Secret default/s, which has no such key`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			refs := "{templateName: a}"
			if strings.Contains(test.templates, "{name: b}") {
				refs += ", {templateName: b}"
			}
			text := rolloutHead + "  strategy: {canary: {analysis: {templates: [" + refs + "], args: [" + test.args + "]}}}\n" + test.templates
			if diff := cmp.Diff(test.want, between(t, text)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestValidateExperiment proves that the analyses of an experiment are checked as
// others are, each at its place, and that its duration ends them.
func TestValidateExperiment(t *testing.T) {
	endless := templateOf("a", "args: [{name: x}], metrics: ["+metricOf("m", "interval: 1m, ")+"]")
	const step = "  strategy: {canary: {steps: [{setWeight: 5}, {experiment: {%sanalyses: [{name: one, templateName: a, args: [{name: x, value: '{{templates.canary.podTemplateHash}}'}], requiredForCompletion: true}, {name: two, templateName: z}]}}]}}\n"
	missing := "E406 steps[1].experiment.analyses[1].templateName: there is no AnalysisTemplate default/z; there are a"
	if diff := cmp.Diff([]string{missing}, between(t, rolloutHead+fmt.Sprintf(step, "duration: 5m, ")+endless)); diff != "" {
		t.Error(diff)
	}
	want := []string{`E508 steps[1].experiment.analyses[0]: metric "m" of template a has an interval and no count, so the step never ends; add count, or run it beside the steps`, missing}
	if diff := cmp.Diff(want, between(t, rolloutHead+fmt.Sprintf(step, "")+endless)); diff != "" {
		t.Error(diff)
	}
}

// TestValidateDivided proves that what is wrong with a step is found where it is
// written, also behind a step that is divided.
func TestValidateDivided(t *testing.T) {
	const text = rolloutHead + `  strategy:
    canary:
      trafficRouting: {managedRoutes: [{name: r}]}
      steps:
      - {setWeight: 5, setHeaderRoute: {name: r, match: [{headerName: a, headerValue: {exact: b}}]}}
      - analysis: {templates: [{templateName: z}]}
`
	docs, _ := Decode("f.yaml", []byte(text))
	for _, f := range Validate(docs) {
		if f.Code == CodeNoAnalysis && (f.Line != 11 || f.Path != "spec.strategy.canary.steps[1].analysis.templates[0].templateName") {
			t.Error(f)
		}
	}
}

// TestRelease has what is wrong with Releases, by themselves and between them.
func TestRelease(t *testing.T) {
	release := func(name, spec string) string {
		return "---\napiVersion: serin.dev/v1alpha1\nkind: Release\nmetadata: {name: " + name + "}\nspec: {" + spec + "}\n"
	}
	shop := rolloutHead + "  strategy: {canary: {}}\n"
	tests := map[string]struct{ text, want string }{
		"one":       {shop + release("a", "rollouts: [{name: shop}], order: Parallel, onAbort: Keep"), ""},
		"empty":     {release("a", "rollouts: []"), "f.yaml:5:18: E407 spec.rollouts: the Release has no members; add rollouts: [{name: NAME}]"},
		"no words":  {shop + release("a", "rollouts: [{name: shop}], order: Random, onAbort: Cry"), "f.yaml:11:41: E301 spec.order: unknown order \"Random\"; write Sequential or Parallel\nf.yaml:11:58: E301 spec.onAbort: unknown answer \"Cry\"; write RollBack or Keep"},
		"twice":     {shop + release("a", "rollouts: [{name: shop}, {name: shop}, {}]"), "f.yaml:11:40: E407 spec.rollouts[1].name: the Rollout \"shop\" is there twice; remove one\nf.yaml:11:47: E109 spec.rollouts[2].name: the member has no name; add that of a Rollout"},
		"not there": {release("a", "rollouts: [{name: shop}]"), "f.yaml:5:26: E407 spec.rollouts[0].name: there is no Rollout default/shop; add it or correct the name"},
		"shared":    {shop + release("a", "rollouts: [{name: shop}]") + release("b", "rollouts: [{name: shop}]"), "f.yaml:16:26: E407 spec.rollouts[0].name: the Rollout default/shop already belongs to Release default/a at f.yaml:8:1; a Rollout has one Release"},
		"elsewhere": {shop + release("a, namespace: other", "rollouts: [{name: shop}]"), "f.yaml:11:26: E407 spec.rollouts[0].name: there is no Rollout other/shop; add it or correct the name"},
		"of Argo's": {strings.Replace(release("a", "rollouts: []"), "serin.dev", "argoproj.io", 1), "f.yaml:3:7: W112 kind: Release of argoproj.io/v1alpha1 is not Serin's and is left alone"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			docs, findings := Decode("f.yaml", []byte(test.text))
			var got []string
			for _, f := range append(findings, Validate(docs)...) {
				if f.Code != CodeRolloutService {
					got = append(got, f.String())
				}
			}
			if diff := cmp.Diff(test.want, strings.Join(got, "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestReleaseDefaults proves what holds where a Release says nothing.
func TestReleaseDefaults(t *testing.T) {
	r := &Release{Spec: ReleaseSpec{Rollouts: []ReleaseMember{{"b"}, {"a"}}}}
	r.Name, r.Namespace = "all", "shops"
	if r.Order() != ReleaseSequential || r.OnAbort() != ReleaseRollBack {
		t.Errorf("got %s, %s", r.Order(), r.OnAbort())
	}
	if diff := cmp.Diff([]Key{{"shops", "b"}, {"shops", "a"}}, r.Members()); diff != "" || r.Key() != (Key{"shops", "all"}) {
		t.Errorf("key %s, members %s", r.Key(), diff)
	}
	if s := r.WithStatus(ReleaseStatus{Phase: PhaseHealthy}); s.Status.Phase != PhaseHealthy || r.Status.Phase != "" {
		t.Errorf("the status is %q, and was %q", s.Status.Phase, r.Status.Phase)
	}
}
