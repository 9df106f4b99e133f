package run

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/api"
)

// arg makes an argument; without a value it asks for one.
func arg(name string, value ...string) api.Argument {
	a := api.Argument{Name: name}
	if len(value) > 0 {
		a.Value = &value[0]
	}
	return a
}

// secretArg makes an argument whose value is a secret's.
func secretArg(name, secret, key string) api.Argument {
	return api.Argument{Name: name, ValueFrom: &api.ValueFrom{SecretKeyRef: &api.SecretKeyRef{Name: secret, Key: key}}}
}

// template makes a template with metrics of the names given.
func template(names string, args ...api.Argument) api.AnalysisTemplateSpec {
	s := api.AnalysisTemplateSpec{Args: args}
	for _, name := range strings.Fields(names) {
		s.Metrics = append(s.Metrics, api.Metric{Name: name, Provider: api.MetricProvider{Web: &api.WebMetric{URL: "http://x"}}})
	}
	return s
}

func TestFlatten(t *testing.T) {
	ref := func(name string) api.AnalysisTemplateRef { return api.AnalysisTemplateRef{TemplateName: name} }
	cluster := func(name string) api.AnalysisTemplateRef {
		return api.AnalysisTemplateRef{TemplateName: name, ClusterScope: true}
	}
	nested := func(names string, refs ...api.AnalysisTemplateRef) *api.AnalysisTemplateSpec {
		s := template(names)
		s.Templates = refs
		return &s
	}
	templates := map[api.Key]*api.AnalysisTemplateSpec{
		{Namespace: "shop", Name: "a"}:    nested("a"),
		{Namespace: "shop", Name: "b"}:    nested("b", ref("a"), cluster("c")),
		{Name: "c"}:                       nested("c", ref("loop")),
		{Namespace: "shop", Name: "loop"}: nested("loop", ref("b")),
		{Namespace: "shop", Name: "bad"}:  nested("bad", cluster("gone")),
		{Namespace: "other", Name: "far"}: nested("far"),
	}
	find := func(k api.Key) (*api.AnalysisTemplateSpec, bool) { s, ok := templates[k]; return s, ok }
	tests := []struct {
		name string
		refs []api.AnalysisTemplateRef
		want string
		err  string
	}{
		{"one", []api.AnalysisTemplateRef{ref("a")}, "a", ""},
		{"each once, in the order of their names, in a circle too", []api.AnalysisTemplateRef{ref("b"), ref("a")}, "b a c loop", ""},
		{"named twice", []api.AnalysisTemplateRef{ref("a"), ref("a")}, "a", ""},
		{"a missing one", []api.AnalysisTemplateRef{ref("d")}, "", `there is no AnalysisTemplate "d"`},
		{"a missing nested one", []api.AnalysisTemplateRef{ref("bad")}, "", `there is no ClusterAnalysisTemplate "gone"`},
		{"of another namespace", []api.AnalysisTemplateRef{ref("far")}, "", `there is no AnalysisTemplate "far"`},
		{"of the cluster, but named as one of the namespace", []api.AnalysisTemplateRef{ref("c")}, "", `there is no AnalysisTemplate "c"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			all, err := Flatten(tt.refs, "shop", find)
			var names []string
			for _, s := range all {
				names = append(names, s.Metrics[0].Name)
			}
			if got := strings.Join(names, " "); got != tt.want || !says(err, tt.err) {
				t.Errorf("got %q, %v; want %q, %q", got, err, tt.want, tt.err)
			}
		})
	}
}

// says reports whether an error has a text, or is none for none.
func says(err error, want string) bool {
	if want == "" {
		return err == nil
	}
	return err != nil && strings.Contains(err.Error(), want)
}

func TestMergeArgs(t *testing.T) {
	tests := []struct {
		name      string
		templates [][]api.Argument
		given     []api.Argument
		want      []api.Argument
		err       string
	}{
		{"a default", [][]api.Argument{{arg("a", "1")}}, nil, []api.Argument{arg("a", "1")}, ""},
		{"one given", [][]api.Argument{{arg("a")}}, []api.Argument{arg("a", "2")}, []api.Argument{arg("a", "2")}, ""},
		{"one given over a default", [][]api.Argument{{arg("a", "1")}}, []api.Argument{arg("a", "2")}, []api.Argument{arg("a", "2")}, ""},
		{"one that no template has", [][]api.Argument{{arg("a", "1")}}, []api.Argument{arg("b", "2")}, []api.Argument{arg("a", "1")}, ""},
		{"none", [][]api.Argument{{arg("a")}}, nil, nil, `the argument "a" has no value`},
		{"one given without a value", [][]api.Argument{{arg("a")}}, []api.Argument{arg("a")}, nil, `the argument "a" has no value`},
		{"the same twice", [][]api.Argument{{arg("a", "1")}, {arg("a", "1")}}, nil, []api.Argument{arg("a", "1")}, ""},
		{"a clash", [][]api.Argument{{arg("a", "1")}, {arg("a", "2")}}, nil, nil, `two templates give the argument "a" different values`},
		{"a clash, though one is given", [][]api.Argument{{arg("a", "1")}, {arg("a", "2")}}, []api.Argument{arg("a", "3")}, nil, "different values"},
		{"only the second has a value", [][]api.Argument{{arg("a")}, {arg("a", "2")}}, nil, []api.Argument{arg("a", "2")}, ""},
		{"only the first has a value", [][]api.Argument{{arg("a", "1")}, {arg("a")}}, nil, []api.Argument{arg("a", "1")}, ""},
		{"a secret stays a reference", [][]api.Argument{{secretArg("a", "s", "k")}}, nil, []api.Argument{secretArg("a", "s", "k")}, ""},
		{"a secret over a default", [][]api.Argument{{arg("a", "1")}}, []api.Argument{secretArg("a", "s", "k")}, []api.Argument{secretArg("a", "s", "k")}, ""},
		{"one given over a secret", [][]api.Argument{{secretArg("a", "s", "k")}}, []api.Argument{arg("a", "2")}, []api.Argument{arg("a", "2")}, ""},
		{
			"what only a rollout knows", [][]api.Argument{{{Name: "a", ValueFrom: &api.ValueFrom{FieldRef: &api.FieldRef{FieldPath: "metadata.name"}}}}},
			nil, nil, `the argument "a" has no value`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var templates []api.AnalysisTemplateSpec
			for i, args := range tt.templates {
				templates = append(templates, template(string(rune('p'+i)), args...))
			}
			got, err := Merge(templates, tt.given, nil, nil)
			if !says(err, tt.err) {
				t.Fatalf("error %v, want %q", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, got.Args); err == nil && diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestMergeRules(t *testing.T) {
	dry := func(names ...string) (out []api.DryRun) {
		for _, n := range names {
			out = append(out, api.DryRun{MetricName: n})
		}
		return out
	}
	keep := func(names ...string) (out []api.MeasurementRetention) {
		for _, n := range names {
			out = append(out, api.MeasurementRetention{MetricName: n, Limit: 3})
		}
		return out
	}
	a, b := template("x y"), template("z")
	a.DryRun, b.DryRun = dry("x"), dry("y")
	a.MeasurementRetention = keep("x")
	got, err := Merge([]api.AnalysisTemplateSpec{a, b}, nil, dry("z"), keep("z"))
	if err != nil {
		t.Fatal(err)
	}
	want := api.AnalysisRunSpec{Metrics: append(a.Metrics, b.Metrics...), DryRun: dry("z", "x", "y"), MeasurementRetention: keep("z", "x")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, tt := range []struct {
		name      string
		templates []api.AnalysisTemplateSpec
		dryRun    []api.DryRun
		retention []api.MeasurementRetention
		want      string
	}{
		{"metrics", []api.AnalysisTemplateSpec{a, template("z x")}, nil, nil, `two metrics have the name "x"`},
		{"dry runs", []api.AnalysisTemplateSpec{a, b}, dry("x"), nil, `two rules of dryRun have the metricName "x"`},
		{"retention", []api.AnalysisTemplateSpec{a, b}, nil, keep("x"), `two rules of measurementRetention have the metricName "x"`},
	} {
		if _, err := Merge(tt.templates, nil, tt.dryRun, tt.retention); !says(err, tt.want) {
			t.Errorf("%s twice: %v, want %q", tt.name, err, tt.want)
		}
	}
}
