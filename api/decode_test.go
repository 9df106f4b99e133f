package api

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lines gives everything wrong with a text, as users see it.
func lines(text string) []string {
	docs, findings := Decode("f.yaml", []byte(text))
	findings = append(findings, Validate(docs)...)
	SortFindings(findings)
	var out []string
	for _, f := range findings {
		out = append(out, f.String())
	}
	return out
}

// objectsText is the smallest whole example: one of each kind, nothing wrong.
const objectsText = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: serin
  listeners: [{name: http, protocol: HTTP, port: 10000}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec:
  parentRefs: [{name: edge}]
  hostnames: [shop.example]
  rules: [{backendRefs: [{name: shop, port: 80}]}]
---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: shop-v1, labels: {kubernetes.io/service-name: shop, app.kubernetes.io/version: v1}}
addressType: IPv4
endpoints: [{addresses: [127.0.0.1]}]
ports: [{name: http, port: 9001}]
---
apiVersion: serin.dev/v1alpha1
kind: Rollout
metadata: {name: shop}
spec:
  template: {metadata: {labels: {app.kubernetes.io/version: v1}}}
  strategy:
    canary:
      steps:
      - setWeight: 20
      - pause: {duration: 1m}
`

func TestDecodeWhole(t *testing.T) {
	if got := lines(objectsText); got != nil {
		t.Fatalf("findings in a valid file: %q", got)
	}
	docs, _ := Decode("f.yaml", []byte(objectsText))
	var got []string
	for _, d := range docs {
		if d.Object == nil {
			t.Errorf("%s %s has no object", d.Kind, d.Key)
		}
		got = append(got, d.Kind+" "+d.Key.String())
	}
	want := []string{"Gateway default/edge", "HTTPRoute default/shop", "Service default/shop",
		"EndpointSlice default/shop-v1", "Rollout default/shop"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if docs[3].Line != 21 || docs[3].Column != 1 {
		t.Errorf("the slice begins at %d:%d, want 21:1", docs[3].Line, docs[3].Column)
	}
}

// TestDecodeText has what is wrong with text and fields, whatever the kind.
func TestDecodeText(t *testing.T) {
	const service = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n"
	tests := map[string]struct {
		text string
		want []string
	}{
		"unknown field": {service + "spec: {portz: []}\n",
			[]string{"f.yaml:4:8: E102 spec.portz: unknown field; did you mean ports?"}},
		"unknown field like no other": {service + "spec: {zzzzzzzz: 1}\n",
			[]string{"f.yaml:4:8: E102 spec.zzzzzzzz: unknown field; remove it"}},
		"wrong case": {service + "Spec: {}\n",
			[]string{"f.yaml:4:1: E102 Spec: unknown field; did you mean spec?"}},
		"all at once": {service + "spec:\n  ports:\n  - port: x\n    nam: http\n  - port: 1.5\n",
			[]string{
				`f.yaml:6:11: E104 spec.ports[0].port: wants a whole number, not the string "x"`,
				"f.yaml:7:5: E102 spec.ports[0].nam: unknown field; did you mean name?",
				"f.yaml:8:11: E104 spec.ports[1].port: wants a whole number that fits 32 bits, not 1.5"}},
		"key twice": {service + "spec: {}\nspec: {}\n",
			[]string{"f.yaml:5:1: E103 spec: written twice; keep one of them (first at line 4)"}},
		"label twice, second document": {"---\n" + service + "---\napiVersion: v1\nkind: Service\nmetadata:\n  name: b\n  labels:\n    x: y\n    x: z\n",
			[]string{"f.yaml:12:5: E103 metadata.labels.x: written twice; keep one of them (first at line 11)"}},
		"number for a string": {"apiVersion: v1\nkind: Service\nmetadata: {name: a, labels: {v: 1.0}}\n",
			[]string{`f.yaml:3:33: E104 metadata.labels.v: wants a string: put it in quotes, "1.0"`}},
		"number too large": {service + "spec: {ports: [{port: 4294967296}]}\n",
			[]string{"f.yaml:4:23: E104 spec.ports[0].port: wants a whole number that fits 32 bits, not 4294967296"}},
		"object for a list": {service + "spec: {ports: {port: 80}}\n",
			[]string{"f.yaml:4:15: E104 spec.ports: wants a list, not an object"}},
		"list for an object": {service + "spec: []\n",
			[]string{"f.yaml:4:7: E104 spec: wants an object, not a list"}},
		"string for a bool": {"apiVersion: serin.dev/v1alpha1\nkind: Rollout\nmetadata: {name: a}\nspec:\n  paused: yes\n",
			[]string{`f.yaml:5:11: E104 spec.paused: wants true or false, not the string "yes"`}},
		"tab": {service + "spec:\n\tports: []\n",
			[]string{"f.yaml:5:1: E101 not valid YAML: found character '\t' that cannot start any token"}},
		"open bracket": {service + "spec: {ports: [\n",
			[]string{"f.yaml:4:15: E101 not valid YAML: sequence end token ']' not found"}},
		"no such anchor": {service + "spec: *x\n",
			[]string{"f.yaml:4:7: E101 no anchor &x stands before this alias"}},
		"not UTF-8":   {"a: \xff\n", []string{"f.yaml: E101 the file is not UTF-8 text"}},
		"a bare word": {"hello\n", []string{`f.yaml:1:1: E105 the document is the string "hello", not an object with apiVersion and kind`}},
		"no kind": {"apiVersion: v1\nmetadata: {name: a}\n",
			[]string{"f.yaml:1:1: E105 kind: the object has no kind; " + kindsRead}},
		"no apiVersion": {"kind: Service\n",
			[]string{"f.yaml:1:1: E105 apiVersion: the object has no apiVersion; " + kindsRead}},
		"mistyped kind": {"apiVersion: serin.dev/v1alpha1\nkind: Rolout\n",
			[]string{`f.yaml:2:7: E106 kind: unknown kind "Rolout" in serin.dev/v1alpha1; ` + kindsRead}},
		"wrong version": {"apiVersion: gateway.networking.k8s.io/v1alpha2\nkind: HTTPRoute\n",
			[]string{`f.yaml:1:13: E106 apiVersion: HTTPRoute has no version "v1alpha2" that Serin reads; write gateway.networking.k8s.io/v1`}},
		"kind not used": {"apiVersion: gateway.networking.k8s.io/v1\nkind: GRPCRoute\nmetadata: {name: a}\nspec: {whatever: 1}\n",
			[]string{"f.yaml:2:7: W111 kind: GRPCRoute is read but not used by this version"}},
		"made anew each time": {"apiVersion: argoproj.io/v1alpha1\nkind: AnalysisRun\nmetadata: {generateName: a-}\nspec: {metrics: []}\n",
			[]string{"f.yaml:2:7: W526 kind: nothing runs it: for files an analysis is part of a Rollout; name its templates there",
				"f.yaml:4:17: W522 spec.metrics: the run measures nothing, which is an error; add metrics"}},
		"no name for good": {"apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {generateName: a-}\nspec: {template: {}, strategy: {canary: {}}}\n",
			[]string{"f.yaml:3:11: E109 metadata.name: the object has no name; add metadata.name"}},
		"kind of others": {"apiVersion: apps/v1\nkind: Deployment\n",
			[]string{"f.yaml:2:7: W112 kind: Deployment of apps/v1 is not Serin's and is left alone"}},
		"others' kind of the same name": {"apiVersion: serving.knative.dev/v1\nkind: Service\n",
			[]string{"f.yaml:2:7: W112 kind: Service of serving.knative.dev/v1 is not Serin's and is left alone"}},
		"no name": {"apiVersion: v1\nkind: Service\n",
			[]string{"f.yaml:1:1: E109 metadata.name: the object has no name; add metadata.name"}},
		"bad name": {"apiVersion: v1\nkind: Service\nmetadata: {name: a/b, namespace: C}\n",
			[]string{
				`f.yaml:3:18: E107 metadata.name: "a/b" is no name: use lower-case letters, digits, '-' and '.'`,
				`f.yaml:3:34: E107 metadata.namespace: "C" is no namespace: use lower-case letters, digits and '-'`}},
		"a broken document hides no other": {service + "---\na: [\n---\nkind: Service\n",
			[]string{
				"f.yaml:5:4: E101 not valid YAML: sequence end token ']' not found",
				"f.yaml:7:1: E105 apiVersion: the object has no apiVersion; " + kindsRead}},
		"in a list": {"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Service\n  metadata: {name: a}\n  spc: {}\n",
			[]string{"f.yaml:7:3: E102 spc: unknown field; did you mean spec?"}},
		"status of others": {service + "status: {anything: [1]}\n", nil},
		"empty file":       {"", nil},
		"comments only":    {"# nothing\n---\n# here\n", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, lines(test.text)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestDecodeJSON reads JSON as others write it.
func TestDecodeJSON(t *testing.T) {
	text := "{\n\t\"apiVersion\": \"v1\",\n\t\"kind\": \"Service\",\n\t\"metadata\": {\"name\": \"a\", \"annotations\": {\"x\": \"\\u00e9\\/\"}},\n" +
		"\t\"spec\": {\"ports\": [{\"port\": 8e1, \"nome\": \"x\"}]}\n}\n"
	want := []string{
		"f.yaml:5:30: E104 spec.ports[0].port: wants a whole number that fits 32 bits, not 8e1",
		"f.yaml:5:35: E102 spec.ports[0].nome: unknown field; did you mean name?"}
	if diff := cmp.Diff(want, lines(text)); diff != "" {
		t.Error(diff)
	}
	docs, _ := Decode("f.json", []byte(strings.Replace(strings.Replace(text, "8e1", "80", 1), "nome", "name", 1)))
	s, ok := docs[0].Object.(*Service)
	if !ok || s.Spec.Ports[0].Port != 80 || s.Annotations["x"] != "é/" {
		t.Errorf("decoded %+v", docs[0].Object)
	}
}

func TestDecodeKustomization(t *testing.T) {
	docs, findings := Decode("dir/kustomization.yaml", []byte("resources: [a.yaml]\n"))
	if len(docs) != 0 || len(findings) != 1 || findings[0].Code != CodeForeignKind {
		t.Errorf("docs %v, findings %v", docs, findings)
	}
}

// TestDecodeFileShares proves that an edit of one document leaves the objects of
// the others as they are, at their new lines.
func TestDecodeFileShares(t *testing.T) {
	one := DecodeFile("f.yaml", []byte(objectsText), nil)
	edited := "# a comment\n" + strings.Replace(objectsText, "port: 80}]}", "port: 81}]}", 1)
	two := DecodeFile("f.yaml", []byte(edited), one)
	var same []bool
	for i := range one.Docs {
		same = append(same, one.Docs[i].Object == two.Docs[i].Object)
		if two.Docs[i].Line != one.Docs[i].Line+1 {
			t.Errorf("document %d begins at line %d, was at %d", i, two.Docs[i].Line, one.Docs[i].Line)
		}
	}
	// The first holds the comment, the second the edit.
	if diff := cmp.Diff([]bool{false, false, true, true, true}, same); diff != "" {
		t.Error(diff)
	}
	broken := strings.Replace(edited, "kind: Rollout", "kind: Rollout\nspac: 1", 1)
	three := DecodeFile("f.yaml", []byte("\n\n"+broken), two)
	if diff := cmp.Diff("f.yaml:33:1: E102 spac: unknown field; did you mean spec?", three.Findings[0].String()); diff != "" {
		t.Error(diff)
	}
}
