package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/serin-mesh/serin/api"
)

// violations lists what of a value a schema refuses, as PATH: WHY. It knows the
// words of JSON Schema that the schemas here use, and panics on any other.
func violations(schema map[string]any, v any, path string) []string {
	var out []string
	bad := func(format string, args ...any) { out = append(out, path+": "+fmt.Sprintf(format, args...)) }
	object, _ := v.(map[string]any)
	fields, _ := schema["properties"].(map[string]any)
	for word, want := range schema {
		switch word {
		case "$schema", "title", "description", "format", "properties":
		case "type":
			if !hasType(v, want) {
				bad("want %v", want)
			}
		case "enum":
			if !slices.Contains(want.([]any), v) {
				bad("want one of %v", want)
			}
		case "const":
			if v != want {
				bad("want %v", want)
			}
		case "pattern":
			if text, ok := v.(string); ok && !regexp.MustCompile(want.(string)).MatchString(text) {
				bad("want %v", want)
			}
		case "minProperties":
			if float64(len(object)) < want.(float64) {
				bad("want a field")
			}
		case "required":
			for _, name := range want.([]any) {
				if _, ok := object[name.(string)]; !ok {
					bad("want %v", name)
				}
			}
		case "items":
			list, _ := v.([]any)
			for i, item := range list {
				out = append(out, violations(want.(map[string]any), item, fmt.Sprintf("%s[%d]", path, i))...)
			}
		case "additionalProperties":
			for name, value := range object {
				if _, known := fields[name]; known {
					continue
				}
				if of, ok := want.(map[string]any); ok {
					out = append(out, violations(of, value, path+"."+name)...)
				} else {
					bad("unknown field %s", name)
				}
			}
		default:
			panic("a word that is not known here: " + word)
		}
	}
	for name, of := range fields {
		if value, ok := object[name]; ok {
			out = append(out, violations(of.(map[string]any), value, path+"."+name)...)
		}
	}
	return out
}

// hasType says whether a value has a type of JSON Schema, or one of several.
func hasType(v, want any) bool {
	if list, ok := want.([]any); ok {
		return slices.ContainsFunc(list, func(w any) bool { return hasType(v, w) })
	}
	switch v := v.(type) {
	case nil:
		return want == "null"
	case string:
		return want == "string"
	case bool:
		return want == "boolean"
	case float64:
		return want == "number" || want == "integer" && v == math.Trunc(v)
	case []any:
		return want == "array"
	}
	return want == "object"
}

// printedSchema is what `serin schema` prints.
func printedSchema(t *testing.T) map[string]any {
	t.Helper()
	code, stdout, stderr := program(t, "schema")
	if code != exitOK {
		t.Fatalf("got %d %s", code, stderr)
	}
	if _, again, _ := program(t, "schema", "rollout"); again != stdout {
		t.Error("the kind changes what is printed, or it varies")
	}
	var schema map[string]any
	if err := json.Unmarshal([]byte(stdout), &schema); err != nil {
		t.Fatal(err)
	}
	return schema
}

// refusedBy lists what the schema has against a YAML document.
func refusedBy(t *testing.T, schema map[string]any, text string) []string {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return violations(schema, v, "")
}

// TestSchemaTakesExamples proves that the schema takes each Rollout of the
// examples in the repository.
func TestSchemaTakesExamples(t *testing.T) {
	schema, seen := printedSchema(t), 0
	for _, name := range []string{"../../envoy-configs/edge/objects.yaml", "../../envoy-configs/sidecar/objects.yaml"} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for text := range strings.SplitSeq(string(data), "\n---\n") {
			if !strings.Contains(text, "kind: Rollout") {
				continue
			}
			seen++
			if found := refusedBy(t, schema, text); len(found) > 0 {
				t.Errorf("%s: %q", name, found)
			}
		}
	}
	if seen < 2 {
		t.Errorf("only %d Rollouts were found", seen)
	}
}

// TestSchemaAgrees proves that the schema refuses what the decoder refuses by
// its form, at the same place, and takes what the decoder takes.
func TestSchemaAgrees(t *testing.T) {
	schema := printedSchema(t)
	const frame = "apiVersion: %s/v1alpha1\nkind: Rollout\nmetadata: {name: shop}\n" +
		"spec: {template: {metadata: {labels: {app.kubernetes.io/version: v1}}}, strategy: {canary: {steps: [{setWeight: 5}], %s}}}\n"
	tests := []struct {
		canary string
		at     string // place that is refused; empty: taken
	}{
		{"", ""},
		{"guard: {mode: observe, onHarm: pause, confidence: 0.99, errorRate: {margin: 1, maxIncrease: 0.01}, warmup: 30s}", ""},
		{"guard: {warmup: 30}", ""}, {"guard: {warmup: '30'}", ""}, {"guard: {warmup: 1h30m}", ""}, {"guard: {warmup: .5s}", ""},
		{"stableService: a, canaryService: b", ""},
		{"maxSurge: 25%", ""}, {"maxSurge: 1", ""}, {"scaleDownDelaySeconds: 5", ""},
		{"trafficRouting: {maxTrafficWeight: 1000, istio: {virtualService: {name: x}}}", ""},
		{"analysis: {templates: [{templateName: x}]}", ""},
		{"canaryMetadata: {labels: {a: b}}", ""},

		{"stepps: []", ".spec.strategy.canary"}, // an unknown name is told where it stands
		{"guard: {mode: 5}", ".spec.strategy.canary.guard.mode"},
		{"guard: {warmup: soon}", ".spec.strategy.canary.guard.warmup"},
		{"guard: {warmup: [1]}", ".spec.strategy.canary.guard.warmup"},
		{"guard: {confidence: high}", ".spec.strategy.canary.guard.confidence"},
		{"guard: []", ".spec.strategy.canary.guard"},
		{"stableService: 5", ".spec.strategy.canary.stableService"},
		{"maxSurge: [1]", ".spec.strategy.canary.maxSurge"},
		{"scaleDownDelaySeconds: 1.5", ".spec.strategy.canary.scaleDownDelaySeconds"},
		{"dynamicStableScale: 'yes'", ".spec.strategy.canary.dynamicStableScale"},
	}
	for _, group := range []string{"serin.dev", "argoproj.io"} {
		for _, tt := range tests {
			text := fmt.Sprintf(frame, group, tt.canary)
			_, findings := api.Decode("shop.yaml", []byte(text))
			decoded := !slices.ContainsFunc(findings, func(f api.Finding) bool {
				return f.Code == api.CodeUnknownField || f.Code == api.CodeWrongType || f.Code == api.CodeGuard && strings.Contains(tt.canary, "mode: 5")
			})
			found := refusedBy(t, schema, text)
			if decoded != (tt.at == "") || decoded != (len(found) == 0) {
				t.Errorf("%s: the decoder says %v, the schema %q", tt.canary, findings, found)
			}
			if tt.at != "" && !strings.HasPrefix(strings.Join(found, "\n"), tt.at+": ") {
				t.Errorf("%s: refused at %q, want %s", tt.canary, found, tt.at)
			}
		}
	}
}

// TestSchemaSteps proves what the schema says of steps and of the head.
func TestSchemaSteps(t *testing.T) {
	schema := printedSchema(t)
	const frame = "%s\nmetadata: {name: shop}\nspec: {strategy: {canary: {steps: [%s]}}, template: {}}\n"
	const head = "apiVersion: serin.dev/v1alpha1\nkind: Rollout"
	for _, tt := range []struct {
		head, steps string
		taken       bool
	}{
		{head, "{setWeight: 12.5}, {pause: {}}, {pause: {duration: 10}}, {pause: {duration: 10m}}, {pause: {requests: 500}}", true},
		{head + "\nstatus: {phase: Healthy, anything: [1]}", "", true},
		{head, "{}", false}, {head, "{setWait: 5}", false}, {head, "{setWeight: '5'}", false},
		{head, "{pause: {duration: -1s}}", false}, {head, "{pause: 5}", false}, {head, "5", false},
		{"apiVersion: apps/v1\nkind: Rollout", "", false}, {"apiVersion: serin.dev/v1alpha1\nkind: Service", "", false},
		{"kind: Rollout", "", false}, {head + "\nextra: 1", "", false},
	} {
		if found := refusedBy(t, schema, fmt.Sprintf(frame, tt.head, tt.steps)); (len(found) == 0) != tt.taken {
			t.Errorf("%s %s: got %q", tt.head, tt.steps, found)
		}
	}
}

// TestSchemaKinds proves that each kind has its own schema, which takes and
// refuses by form what the decoder does.
func TestSchemaKinds(t *testing.T) {
	const metric = "{name: m, interval: '{{args.x}}', count: 3, failureLimit: '{{args.w}}', successCondition: result < 1, "
	tests := map[string]map[string]bool{
		"AnalysisTemplate": {
			"spec: {metrics: [" + metric + "provider: {envoy: {metric: errorRatio}}}], args: [{name: x, value: 10s}, {name: w, valueFrom: {secretKeyRef: {name: s, key: k}}}]}": true,
			"spec: {metrics: [" + metric + "provider: {prometheus: {address: 'http://p', query: up, timeout: 5}}}]}":                                                            true,
			"spec: {metrics: [" + metric + "provider: {web: {url: 'http://p', jsonBody: {a: [1]}}}}]}":                                                                          true,
			"spec: {metrics: [" + metric + "provider: {job: {spec: {any: thing}, command: [a, b]}}}]}":                                                                          true,
			"spec: {metrics: [" + metric + "provider: {envoy: {metric: [errorRatio]}}}]}":                                                                                       false,
			"spec: {metrics: [" + metric + "providers: {}}]}":                                                                                                                   false,
			"spec: {metrics: [{name: m, count: [1]}]}":                                                                                                                          false,
			"spec: {templates: [{templateName: a, clusterScope: 'yes'}]}":                                                                                                       false,
		},
		"ClusterAnalysisTemplate": {"spec: {metrics: []}": true, "spec: {metric: []}": false},
		"Release": {
			"spec: {rollouts: [{name: a}, {name: b}], order: Parallel, onAbort: Keep}": true,
			"spec: {rollouts: [a]}": false, "spec: {rollouts: [{name: a}], order: [x]}": false,
		},
	}
	for kind, bodies := range tests {
		code, stdout, stderr := program(t, "schema", strings.ToLower(kind))
		if code != exitOK {
			t.Fatalf("%s: got %d %s", kind, code, stderr)
		}
		var schema map[string]any
		if err := json.Unmarshal([]byte(stdout), &schema); err != nil {
			t.Fatal(err)
		}
		for body, taken := range bodies {
			text := "apiVersion: serin.dev/v1alpha1\nkind: " + kind + "\nmetadata: {name: a}\n" + body + "\n"
			_, findings := api.Decode("f.yaml", []byte(text))
			decoded := !slices.ContainsFunc(findings, func(f api.Finding) bool { return f.Code == api.CodeUnknownField || f.Code == api.CodeWrongType })
			if found := refusedBy(t, schema, text); decoded != taken || (len(found) == 0) != taken {
				t.Errorf("%s %s: the decoder says %v, the schema %q", kind, body, findings, found)
			}
		}
	}
}
