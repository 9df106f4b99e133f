package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// jsonOf gives the documents of a chunk as JSON.
func jsonOf(t *testing.T, text string) []string {
	t.Helper()
	roots, bad := parse(text)
	if bad != nil {
		t.Fatalf("parsing %q: %v", text, bad)
	}
	var out []string
	for _, root := range roots {
		out = append(out, string(root.appendJSON(nil)))
	}
	return out
}

func TestParseValues(t *testing.T) {
	tests := map[string]string{
		"a: 1\nb: 1.50\nc: -2\n":                        `{"a":1,"b":1.50,"c":-2}`,
		"a: 0x10\nb: 1_000\nc: 1e3\nd: .5\n":            `{"a":16,"b":1000,"c":1e3,"d":0.5}`,
		"a: .inf\nb: .nan\n":                            `{"a":".inf","b":".nan"}`,
		"a: true\nb: yes\nc: 'true'\n":                  `{"a":true,"b":"yes","c":"true"}`,
		"a: ~\nb:\nc: null\nd: 'null'\n":                `{"a":null,"b":null,"c":null,"d":"null"}`,
		"a: \"1\"\nb: '1'\nc: !!str 1\n":                `{"a":"1","b":"1","c":"1"}`,
		"a: |\n  x\n  y\nb: >-\n  x\n  y\n":             `{"a":"x\ny\n","b":"x y"}`,
		"a: &x {b: 1}\nc: *x\n":                         `{"a":{"b":1},"c":{"b":1}}`,
		"a: &x {b: 1, c: 2}\nd: {<<: *x, b: 3}":         `{"a":{"b":1,"c":2},"d":{"b":3,"c":2}}`,
		"a: &x {b: 1}\nc: &y {d: 2}\ne: {<<: [*x, *y]}": `{"a":{"b":1},"c":{"d":2},"e":{"b":1,"d":2}}`,
		"a: [1, [2, {b: c}], []]\nd: {}\n":              `{"a":[1,[2,{"b":"c"}],[]],"d":{}}`,
		"? a\n: b\n":                                    `{"a":"b"}`,
		"1: a\ntrue: b\n":                               `{"1":"a","true":"b"}`,
		"a: 1\na: 2\n":                                  `{"a":1}`,
		"a: 2024-01-01\nb: 12:30\nc: 1.2.3\n":           `{"a":"2024-01-01","b":"12:30","c":"1.2.3"}`,
		"a: 1\r\nb: x\r\n":                              `{"a":1,"b":"x"}`,
		"é: \"\\u00e9\"\n":                              `{"é":"é"}`,
	}
	for text, want := range tests {
		if diff := cmp.Diff([]string{want}, jsonOf(t, text)); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func TestParsePlaces(t *testing.T) {
	text := "a:\n  b: {c: [1, x]}\n  d:\n  - e: ü\n    f: \"q\"\n\n  - g\n"
	roots, bad := parse(text)
	if bad != nil {
		t.Fatal(bad)
	}
	tests := []struct {
		path path
		want string
	}{
		{nil, "1:1"}, {path{"a"}, "2:3"}, {path{"a", "b"}, "2:6"}, {path{"a", "b", "c", 1}, "2:14"},
		{path{"a", "d"}, "4:3"}, {path{"a", "d", 0}, "4:5"}, {path{"a", "d", 0, "f"}, "5:8"}, {path{"a", "d", 1}, "7:5"},
		// What is not there gives the deepest that is.
		{path{"a", "b", "nope", "x"}, "2:6"}, {path{"a", "d", 9}, "4:3"},
	}
	for _, test := range tests {
		n := roots[0].find(test.path)
		if got := fmt.Sprintf("%d:%d", n.line, n.column); got != test.want {
			t.Errorf("%s is at %s, want %s", test.path, got, test.want)
		}
	}
}

func TestPathString(t *testing.T) {
	p := path{"spec", "rules", 0, "matches", 12, "path"}
	if got := p.String(); got != "spec.rules[0].matches[12].path" {
		t.Errorf("got %s", got)
	}
	a, b := p.with("x"), p.with("y")
	if a.String() == b.String() {
		t.Errorf("two longer paths share their end: %s", a)
	}
}

func TestParseLimits(t *testing.T) {
	laughs := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i < 9; i++ {
		refs := strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", ")
		laughs += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, refs)
	}
	tests := map[string]string{
		"nested aliases": laughs,
		"brackets":       strings.Repeat("[", 100_000),
		"entries":        strings.Repeat("- ", 100_000) + "x",
	}
	for name, text := range tests {
		if _, bad := parse(text); bad == nil || bad.code != CodeTooLarge {
			t.Errorf("%s: got %v, want code %s", name, bad, CodeTooLarge)
		}
	}
}

func TestSplit(t *testing.T) {
	tests := []struct {
		text  string
		lines []int
	}{
		{"", nil},
		{"\n\n", nil},
		{"a: 1\n", []int{1}},
		{"a: 1\n---\nb: 2", []int{1, 2}},
		{"---\na: 1\n--- # x\nb: 2\n---", []int{1, 3, 5}},
		{"a: |\n  ---\n  x\n", []int{1}},
		{"a: 1\n---x: 2\n", []int{1}},
		{"%YAML 1.2\n---\na: 1\n---\nb: 2\n", []int{1, 4}},
		{"a: 1\r\n---\r\nb: 2\r\n", []int{1, 2}},
		{"\ufeffa: 1\n", []int{1}},
	}
	for _, test := range tests {
		chunks, lines := split([]byte(test.text))
		if diff := cmp.Diff(test.lines, lines); diff != "" {
			t.Errorf("%q: %s", test.text, diff)
		}
		if got, want := strings.Join(chunks, ""), strings.TrimPrefix(test.text, "\ufeff"); len(chunks) > 0 && got != want {
			t.Errorf("%q: chunks hold %q", test.text, got)
		}
	}
}
