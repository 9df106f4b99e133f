package api

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestCheckCondition has conditions as people write them for Argo, and what is
// wrong with others.
func TestCheckCondition(t *testing.T) {
	for _, good := range []string{
		"result[0] >= 0.95", "result < 5", "len(result) == 0 || isNaN(result[0]) || result[0] < 1",
		"result.ok && result.successPercent >= 0.90", `asInt(result) < 400 and asFloat(result) > 1.5`,
		"default(result, 0) < 0.05", "isNil(result) or result == 'a'", "all(result, {# < 1})", "isInf(result[0])",
		"result", "true", `result["a b"] in [1, 2]`, "result.data.errors matches '^0$'",
	} {
		if err := CheckCondition(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	bad := map[string]string{
		"":                   "unexpected token EOF",
		"result >=":          "unexpected token EOF",
		"result[0":           "unexpected token EOF",
		"results > 1":        "unknown name results",
		"result + 1 > 'a' +": "unexpected token EOF",
		"'a'":                "expected bool, but got string",
		"asFloat(result)":    "expected bool, but got float64",
		"asFloat() > 1":      "not enough arguments to call asFloat",
		"isNaN('a')":         "cannot use string as argument (type float64) to call isNaN",
		"1 and true":         "invalid operation: and (mismatched types int and bool)",
	}
	for condition, want := range bad {
		err := CheckCondition(condition)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: got %v, want %q", condition, err, want)
		}
	}
}

func TestPlaceholders(t *testing.T) {
	tests := map[string][]string{
		"": nil, "a": nil, "{{args.a}}": {"args.a"}, "x{{ args.a }}y{{b}}": {"args.a", "b"}, "{{open": nil, "}}{{a}}": {"a"}, "{a}": nil,
	}
	for text, want := range tests {
		if diff := cmp.Diff(want, placeholders(text)); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

// TestFillIn proves that a text is filled in whole, or not at all.
func TestFillIn(t *testing.T) {
	values := map[string]string{"args.a": "1", "args.b": "{{args.a}}"}
	tests := []struct {
		text, want string
		ok         bool
	}{
		{"", "", true}, {"plain", "plain", true}, {"{{args.a}}", "1", true}, {"x{{ args.a }}y{{args.a}}z", "x1y1z", true},
		{"{{args.b}}", "{{args.a}}", true}, {"{{args.c}}", "", false}, {"a {{open", "a {{open", true},
	}
	for _, test := range tests {
		if got, ok := fillIn(test.text, values); got != test.want || ok != test.ok {
			t.Errorf("%q: got %q %v", test.text, got, ok)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`([a-z ]|\{\{|\}\}|args\.a)*`).Draw(t, "text")
		filled, ok := fillIn(text, map[string]string{"args.a": "1"})
		known := true
		for _, name := range placeholders(text) {
			known = known && name == "args.a"
		}
		if ok != known || ok && len(placeholders(filled)) > 0 {
			t.Fatalf("%q became %q, %v", text, filled, ok)
		}
	})
}
