package run

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/serin-mesh/serin/api"
)

// noSecret is for metrics that name none.
func noSecret(string, string) (string, error) { return "", errors.New("there are no secrets") }

func text(s string) *intstr.IntOrString { v := intstr.FromString(s); return &v }

func TestResolve(t *testing.T) {
	args := []api.Argument{arg("svc", `sh"op`), arg("n", "5"), arg("every", "30s"), arg("brackets", "{{args.svc}}"), arg("none"), secretArg("token", "s", "k")}
	metric := api.Metric{
		Name: "m", Interval: "{{args.every}}", Count: text("{{ args.n }}"), SuccessCondition: `result < {{args.n}}`,
		Provider: api.MetricProvider{Web: &api.WebMetric{
			URL: "http://x/{{args.svc}}/{{args.n}}{{args.n}}", TimeoutSeconds: 20,
			Headers:  []api.WebHeader{{Key: "Authorization", Value: "Bearer {{args.token}}"}},
			JSONBody: []byte(`{"{{args.n}}":{"big":12345678901234567890,"q":"{{args.brackets}} {a} <&>"}}`),
		}},
	}
	got, secrets, err := Resolve(metric, args, func(name, key string) (string, error) { return name + "/" + key, nil })
	if err != nil {
		t.Fatal(err)
	}
	want := api.Metric{
		Name: "m", Interval: "30s", Count: text("5"), SuccessCondition: "result < 5",
		Provider: api.MetricProvider{Web: &api.WebMetric{
			URL: `http://x/sh"op/55`, TimeoutSeconds: 20,
			Headers:  []api.WebHeader{{Key: "Authorization", Value: "Bearer s/k"}},
			JSONBody: []byte(`{"5":{"big":12345678901234567890,"q":"{{args.svc}} {a} \u003c\u0026\u003e"}}`),
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(Secrets{"s/k"}, secrets); diff != "" {
		t.Errorf("secrets (-want +got):\n%s", diff)
	}
	if metric.Interval != "{{args.every}}" {
		t.Error("the metric that was given changed")
	}
}

func TestResolveErrors(t *testing.T) {
	args := []api.Argument{arg("a", "1"), arg("none"), secretArg("token", "s", "k")}
	tests := []struct{ text, want string }{
		{"{{args.b}}", `{{args.b}}: there is no such argument`},
		{"{{args.none}}", `{{args.none}}: the argument has no value`},
		{"{{args.token}}", `{{args.token}}: there are no secrets`},
		{"{{a}}", `{{a}} is not an argument: write {{args.NAME}}`},
		{"{{}}", `{{}} is not an argument`},
		{"{{args.a}} and {{args.a", `"{{args.a" has no end`},
		{"{{{args.a}}}", `{{{args.a}} is not an argument`},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			_, _, err := Resolve(api.Metric{Name: "m", SuccessCondition: tt.text}, args, noSecret)
			if !says(err, `metric "m": `+tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// A secret is asked for only by the metrics that name it.
func TestResolveAsksForUsedSecrets(t *testing.T) {
	if _, secrets, err := Resolve(api.Metric{SuccessCondition: "{{args.a}}"}, []api.Argument{arg("a", "1"), secretArg("token", "s", "k")}, noSecret); err != nil || secrets != nil {
		t.Errorf("got %v, %v", secrets, err)
	}
}

func TestSecretsAreHidden(t *testing.T) {
	secrets := Secrets{`p"w/&`, ""}
	for _, form := range []string{`p"w/&`, `p\"w/\u0026`, "p%22w%2F%26", "p%22w%2F&", "cCJ3LyY="} {
		if got := secrets.Hide("a " + form + " b"); got != "a ***** b" {
			t.Errorf("%q is shown as %q", form, got)
		}
	}
	v := Value{Result: 1.0, Text: `is p"w/&`, Message: `m p"w/&`, Metadata: map[string]string{"k": `p"w/&`}, About: map[string]string{"q": `p"w/&`}}
	r := Judge(api.Metric{}, v, nil, secrets)
	want := Result{Phase: api.AnalysisSuccessful, Value: "is *****", Message: "m *****", Metadata: map[string]string{"k": "*****"}, About: map[string]string{"q": "*****"}}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if v.Metadata["k"] != `p"w/&` {
		t.Error("the value that was given changed")
	}
	if r := Judge(api.Metric{}, Value{}, errors.New(`Get "http://x/?p=p%22w%2F%26"`), secrets); strings.Contains(r.Message, "%22") {
		t.Errorf("the message is %q", r.Message)
	}
	if r := Unusable(errors.New(`p"w/&`), secrets); r.Message != hidden || !r.Unusable {
		t.Errorf("got %+v", r)
	}
}

// A secret of several lines is hidden line by line, and a long text is cut only
// after that: at no length is a part of the secret left.
func TestSecretsInLongTexts(t *testing.T) {
	secret := "-----BEGIN KEY-----\nc2VjcmV0c2VjcmV0\n"
	secrets := Secrets{secret, "tokentokentoken"}
	if got := secrets.Hide("x c2VjcmV0c2VjcmV0 y"); got != "x ***** y" {
		t.Errorf("a line is shown: %q", got)
	}
	for n := range 2000 {
		r := Judge(api.Metric{}, Value{Text: strings.Repeat("é", n/2) + "tokentokentoken" + strings.Repeat("b", 1500)}, nil, secrets)
		if strings.Contains(r.Value, "token") || strings.Contains(r.Value, "kento") || len(r.Value) > 1100 {
			t.Fatalf("after %d bytes it is %q", n, r.Value)
		}
	}
}

func TestJudge(t *testing.T) {
	tests := []struct {
		name    string
		v       Value
		err     error
		phase   api.AnalysisPhase
		message string
	}{
		{"by the conditions", Value{Result: 3.0}, nil, api.AnalysisFailed, ""},
		{"by the provider", Value{Result: 3.0, Phase: api.AnalysisSuccessful, Message: "exit code 0"}, nil, api.AnalysisSuccessful, "exit code 0"},
		{"an error", Value{Result: 9.0, Phase: api.AnalysisSuccessful}, errors.New("refused"), api.AnalysisError, "refused"},
		{"an error of a condition", Value{Result: "x"}, nil, api.AnalysisError, `evaluating successCondition "result > 5"`},
		{"nothing", Value{}, nil, api.AnalysisInconclusive, "no data"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := Judge(api.Metric{SuccessCondition: "result > 5"}, tt.v, tt.err, nil)
			if r.Phase != tt.phase || !strings.HasPrefix(r.Message, tt.message) || tt.message == "" && r.Message != "" {
				t.Errorf("got %s, %q; want %s, %q", r.Phase, r.Message, tt.phase, tt.message)
			}
		})
	}
}

// A text without brackets stays as it is; with an argument it is cut in no other
// place.
func FuzzExpand(f *testing.F) {
	f.Add("a{{args.x}}b", "v")
	f.Add("{{ args.x }}{{args.x}}", "}}{{")
	f.Add("{{args.x", "v")
	f.Add("{{{args.x}}}", "v")
	f.Fuzz(func(t *testing.T, text, value string) {
		names := 0
		got, err := expand(text, func(name string) (string, error) {
			names++
			if name != "x" {
				return "", errors.New("no such argument")
			}
			return value, nil
		})
		if err != nil {
			return
		}
		if !strings.Contains(text, "{{") && got != text {
			t.Errorf("%q became %q", text, got)
		}
		if names != strings.Count(text, "{{") && !strings.Contains(text, "{{{") {
			t.Errorf("%d arguments in %q", names, text)
		}
		if names == 1 && !strings.Contains(got, value) {
			t.Errorf("no %q in %q", value, got)
		}
	})
}
