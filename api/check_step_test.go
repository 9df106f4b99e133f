package api

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// stepsHead begins a canary up to its steps, which begin at line 9.
const stepsHead = rolloutHead + "  strategy:\n    canary:\n      steps:\n"

// TestCheckSteps has what is wrong with the steps that need more than a number.
func TestCheckSteps(t *testing.T) {
	const at = "spec.strategy.canary.steps[1]"
	tests := map[string]struct {
		step string // after a setWeight
		want []string
	}{
		"prove":    {"prove: {maxIncrease: 0.01, confidence: 0.9, timeout: 30m, onTimeout: abort}", nil},
		"prove {}": {"prove: {}", nil},
		"prove nothing": {"prove: {maxIncrease: 0, confidence: 1, timeout: 0, onTimeout: cry}", []string{
			"10:30: E214 " + at + ".prove.maxIncrease: the increase is a share of requests: above 0 and below 1, such as 0.005, not 0",
			"10:45: E214 " + at + ".prove.confidence: the confidence must be 0.5 or more and below 1, such as 0.95, not 1",
			"10:57: E214 " + at + ".prove.timeout: the timeout must be above 0; leave it out to wait without end",
			`10:71: E214 ` + at + `.prove.onTimeout: unknown answer "cry"; write pause, continue or abort`}},
		"prove without end": {"prove: {maxIncrease: 1, confidence: 0.4, onTimeout: pause}", []string{
			"10:30: E214 " + at + ".prove.maxIncrease: the increase is a share of requests: above 0 and below 1, such as 0.005, not 1",
			"10:45: E214 " + at + ".prove.confidence: the confidence must be 0.5 or more and below 1, such as 0.95, not 0.4",
			"10:61: W226 " + at + ".prove.onTimeout: without a timeout, onTimeout has no effect; add timeout"}},
		"gate": {"gate: {web: {url: 'https://a/b', method: POST, jsonBody: {a: b}}, interval: 1s}", nil},
		"gate to nowhere": {"gate: {interval: 10ms}", []string{
			"10:15: E215 " + at + ".gate.web: the gate has nothing to ask; add web: {url: http://HOST/PATH}",
			"10:26: E215 " + at + ".gate.interval: the interval must be 100ms or more"}},
		"gate with arguments": {"gate: {web: {url: 'http://a/{{args.x}}', jsonPath: '{$.a}', method: 'G T'}}", []string{
			`10:27: E215 ` + at + `.gate.web.url: "http://a/{{args.x}}" is no address to ask; write http(s)://HOST..., without arguments`,
			"10:60: E215 " + at + ".gate.web.jsonPath: a gate looks at the status of the answer only; remove jsonPath",
			`10:77: W522 ` + at + `.gate.web.method: "G T" is no method, so each request is an error; write GET, POST or PUT`}},
		"analysis of nothing": {"analysis: {args: [{}]}", []string{
			"10:19: E109 " + at + ".analysis.templates: the analysis names no template; add templates: [{templateName: NAME}]",
			"10:27: E109 " + at + ".analysis.args[0].name: the argument has no name; add one"}},
		"analysis of no name": {"analysis: {templates: [{clusterScope: true}]}", []string{
			"10:32: E109 " + at + ".analysis.templates[0].templateName: the reference names no template; add templateName"}},
		"experiment":                         {"experiment: {duration: 5m, analyses: [{name: a, templateName: t}]}", nil},
		"experiment until its analysis ends": {"experiment: {analyses: [{name: a, templateName: t, requiredForCompletion: true}]}", nil},
		"experiment without end": {"experiment: {templates: [{name: a, specRef: canary}, {name: a, specRef: old}, {specRef: stable}], analyses: [{name: b, templateName: t}, {name: b}]}", []string{
			"10:21: W227 " + at + ".experiment: the experiment ends with a failure or a person only; add duration, or requiredForCompletion to an analysis",
			"10:33: W222 " + at + ".experiment.templates: the experiment's templates have no effect: Serin runs no pods for files; its analyses run",
			`10:69: E216 ` + at + `.experiment.templates[1].name: the name "a" is there twice; rename one`,
			`10:81: E216 ` + at + `.experiment.templates[1].specRef: unknown version "old"; write stable or canary`,
			"10:87: E109 " + at + ".experiment.templates[2].name: there is no name; add one",
			"10:146: E109 " + at + ".experiment.analyses[1].templateName: the analysis names no template; add templateName",
			`10:153: E216 ` + at + `.experiment.analyses[1].name: the name "b" is there twice; rename one`}},
		"experiment, how long": {"experiment: {duration: long}", []string{
			`10:32: E505 ` + at + `.experiment.duration: "long" is no duration: write one such as 30s, 5m or 1h`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, bare(stepsHead+"      - setWeight: 10\n      - "+test.step+"\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestCheckBackground has what is wrong with the analysis beside the steps.
func TestCheckBackground(t *testing.T) {
	const head = stepsHead + "      - setWeight: 10\n      - pause: {}\n      analysis: {templates: [{templateName: t}], startingStep: "
	tests := map[string][]string{
		"0": nil, "1": nil,
		"2":  {"11:64: W226 spec.strategy.canary.analysis.startingStep: there is no step 2, so the analysis never starts; steps count from 0, and there are 2"},
		"-1": {"11:64: E301 spec.strategy.canary.analysis.startingStep: the step must be 0 or more, not -1"},
	}
	for step, want := range tests {
		if diff := cmp.Diff(want, bare(head+step+"}\n")); diff != "" {
			t.Errorf("%s: %s", step, diff)
		}
	}
}

// TestCheckOrder has steps that do nothing where they are, and those that wait
// for what cannot come.
func TestCheckOrder(t *testing.T) {
	const route = "{setHeaderRoute: {name: r, match: [{headerName: a, headerValue: {exact: b}}]}}"
	const unroute = "{setHeaderRoute: {name: r}}"
	const mirror = "{setMirrorRoute: {name: m, match: [{}]}}"
	tests := map[string]struct {
		steps string
		want  []string // CODE path
	}{
		"up and down":                  {"{setWeight: 0}, {setWeight: 10}, {setWeight: 100}, {setWeight: 50}, {pause: {requests: 5}}, {prove: {}}", nil},
		"the same again":               {"{setWeight: 10}, {pause: {}}, {setWeight: 10}", []string{"W226 [2].setWeight"}},
		"nothing twice":                {"{setWeight: 0}, {setWeight: 0}", []string{"W226 [1].setWeight"}},
		"routes there and gone":        {route + ", " + mirror + ", {pause: {}}, " + unroute + ", {setMirrorRoute: {name: m}}", nil},
		"a route that is not there":    {unroute + ", {setMirrorRoute: {name: m}}", []string{"W226 [0].setHeaderRoute", "W226 [1].setMirrorRoute"}},
		"a route gone twice":           {route + ", " + unroute + ", " + unroute, []string{"W226 [2].setHeaderRoute"}},
		"a route beside everything":    {"{setWeight: 100}, " + route, []string{"W226 [1].setHeaderRoute"}},
		"requests at nothing":          {"{pause: {requests: 5}}", []string{"W227 [0].pause.requests"}},
		"requests by a route":          {route + ", {pause: {requests: 5}}", []string{"W227 [1].pause.requests"}},
		"requests after a route":       {mirror + ", {setMirrorRoute: {name: m}}, {pause: {requests: 5}}", []string{"W227 [2].pause.requests"}},
		"requests at nothing again":    {"{setWeight: 5}, {setWeight: 0}, {pause: {requests: 5}}", []string{"W227 [2].pause.requests"}},
		"time at nothing":              {"{pause: {duration: 5}}, {pause: {}}", nil},
		"a proof at nothing":           {"{prove: {}}", []string{"W227 [0].prove"}},
		"a proof at everything":        {"{setWeight: 100}, {prove: {}}", []string{"W227 [1].prove"}},
		"a proof with a time":          {"{prove: {timeout: 5m}}, {setWeight: 100}, {prove: {timeout: 5m}}", nil},
		"not looked at beside a fault": {"{setWeight: 101}, {prove: {}}", []string{"E205 [0].setWeight"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, findings := Decode("f.yaml", []byte(rolloutHead+"  strategy: {canary: {trafficRouting: {managedRoutes: [{name: r}, {name: m}]}, steps: ["+test.steps+"]}}\n"))
			var got []string
			for _, f := range findings {
				got = append(got, string(f.Code)+" "+f.Path[len("spec.strategy.canary.steps"):])
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestPromotion has the condition of promotion, as it is and as it cannot be.
func TestPromotion(t *testing.T) {
	const at = "spec.strategy.canary.guard.promotion"
	tests := map[string]struct {
		guard, steps string
		want         []string // CODE path
	}{
		"as it is":          {"{promotion: {prove: {maxIncrease: 0.01, confidence: 0.9, timeout: 30m, onTimeout: abort}}}", "{setWeight: 20}, {setWeight: 100}", nil},
		"defaults":          {"{promotion: {prove: {}}}", "{setWeight: 20}, {pause: {}}", nil},
		"out of range":      {"{promotion: {prove: {confidence: 1}}}", "{setWeight: 20}", []string{"E214 " + at + ".prove.confidence"}},
		"nothing asked":     {"{promotion: {}}", "{setWeight: 20}", []string{"W226 " + at}},
		"nobody looks":      {"{mode: 'off', promotion: {prove: {}}}", "{setWeight: 20}", []string{"W226 " + at}},
		"nothing is held":   {"{mode: observe, promotion: {prove: {}}}", "{setWeight: 20}", []string{"W226 " + at}},
		"no requests":       {"{promotion: {prove: {}}}", "{pause: {}}", []string{"W227 " + at}},
		"no stable ones":    {"{promotion: {prove: {}}}", "{setWeight: 100}", []string{"W227 " + at}},
		"no steps, a time":  {"{promotion: {prove: {timeout: 1m}}}", "", nil},
		"no such condition": {"{promotion: {trust: {}}}", "{setWeight: 20}", []string{"E102 " + at + ".trust"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, findings := Decode("f.yaml", []byte(rolloutHead+"  strategy: {canary: {guard: "+test.guard+", steps: ["+test.steps+"]}}\n"))
			var got []string
			for _, f := range findings {
				got = append(got, string(f.Code)+" "+f.Path)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	docs, _ := Decode("f.yaml", []byte(rolloutHead+"  strategy: {canary: {guard: {promotion: {prove: {maxIncrease: 0.01}}}}}\n"))
	got := docs[0].Object.(*Rollout).Guard().Promotion
	if got == nil || *got != (ProveTerms{MaxIncrease: 0.01, Confidence: 0.95, OnTimeout: OnTimeoutPause}) {
		t.Errorf("got %+v", got)
	}
	if line, column := docs[0].PromotionAt(); line != 6 || column == 0 {
		t.Errorf("it is at %d:%d", line, column)
	}
	if (&Rollout{}).Guard().Promotion != nil {
		t.Error("a Rollout that asks for nothing has a condition")
	}
}

// TestProveTerms proves that what is written overwrites the defaults, and that
// a gate and a request have theirs.
func TestProveTerms(t *testing.T) {
	if got := (&Prove{}).Terms(); got != (ProveTerms{MaxIncrease: 0.005, Confidence: 0.95, OnTimeout: OnTimeoutPause}) {
		t.Errorf("got %+v", got)
	}
	increase, confidence, timeout := 0.01, 0.9, NewDuration(60e9)
	p := &Prove{MaxIncrease: &increase, Confidence: &confidence, Timeout: &timeout, OnTimeout: OnTimeoutAbort}
	if got := p.Terms(); got != (ProveTerms{0.01, 0.9, 60e9, OnTimeoutAbort}) {
		t.Errorf("got %+v", got)
	}
	if got := (&Gate{}).Every(); got != 10e9 {
		t.Errorf("a gate asks every %s", got)
	}
	if got := (&Gate{Interval: &timeout}).Every(); got != 60e9 {
		t.Errorf("a gate asks every %s", got)
	}
	if none, five := (&WebMetric{}).Timeout(), (&WebMetric{TimeoutSeconds: 5}).Timeout(); none != 10e9 || five != 5e9 {
		t.Errorf("requests take %s and %s", none, five)
	}
}

// TestStepParts proves that a step that Argo lets do several things becomes steps
// of one kind each, and that the analysis beside them keeps its place.
func TestStepParts(t *testing.T) {
	const text = stepsHead + `      - setWeight: 5
      - {pause: {duration: 15}, setCanaryScale: {replicas: 1}, setMirrorRoute: {name: m, match: [{}]}, setHeaderRoute: {name: r, match: [{headerName: a, headerValue: {exact: b}}]}}
      - {setHeaderRoute: {name: r}, setWeight: null}
      - setWeight: 50
      trafficRouting: {managedRoutes: [{name: r}, {name: m}]}
      analysis: {templates: [{templateName: nowhere}], startingStep: 3}
`
	docs, findings := Decode("f.yaml", []byte(text))
	if HasErrors(findings) {
		t.Fatal(findings)
	}
	var got []string
	r := docs[0].Object.(*Rollout)
	for i := range r.Steps() {
		kinds := r.Steps()[i].Kinds()
		if len(kinds) != 1 {
			t.Errorf("step %d has %v", i, kinds)
		}
		got = append(got, kinds...)
	}
	want := []string{"setWeight", "setHeaderRoute", "setMirrorRoute", "pause", "setHeaderRoute", "setWeight"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if at := *r.Spec.Strategy.Canary.Analysis.StartingStep; at != 5 {
		t.Errorf("the analysis begins at step %d, want 5", at)
	}
	if diff := cmp.Diff([]int{0, 1, 1, 1, 2, 3}, docs[0].steps); diff != "" {
		t.Errorf("where the steps are written: %s", diff)
	}
	const message = "the step is played as 3 steps, one after another: setHeaderRoute, setMirrorRoute, pause; write them so, for steps are counted"
	told := slices.ContainsFunc(findings, func(f Finding) bool {
		return f.Code == CodeStepParts && f.Message == message && f.Line == 10
	})
	if !told {
		t.Errorf("got %v", findings)
	}
}

// TestStepPartsKeep proves for any steps that dividing loses nothing and makes
// nothing up, and that it is idempotent.
func TestStepPartsKeep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var steps []CanaryStep
		kinds := map[string]int{}
		for range rapid.IntRange(0, 6).Draw(t, "steps") {
			var s CanaryStep
			if rapid.Bool().Draw(t, "header") {
				s.SetHeaderRoute = &SetHeaderRoute{}
			}
			if rapid.Bool().Draw(t, "mirror") {
				s.SetMirrorRoute = &SetMirrorRoute{}
			}
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 1:
				s.Pause = &Pause{}
			case 2:
				s.SetWeight = new(Decimal)
			case 3:
				s.Analysis = &RolloutAnalysis{}
			}
			for _, kind := range s.Kinds() {
				kinds[kind]++
			}
			steps = append(steps, s)
		}
		c := &Canary{Steps: steps}
		divideSteps(c)
		for i := range c.Steps {
			if n := len(c.Steps[i].Kinds()); n > 1 {
				t.Fatalf("step %d has %d kinds", i, n)
			}
			for _, kind := range c.Steps[i].Kinds() {
				kinds[kind]--
			}
		}
		for kind, n := range kinds {
			if n != 0 {
				t.Fatalf("%d too few of %s", n, kind)
			}
		}
		again := &Canary{Steps: c.Steps}
		divideSteps(again)
		if diff := cmp.Diff(c.Steps, again.Steps); diff != "" {
			t.Fatal(diff)
		}
	})
}
