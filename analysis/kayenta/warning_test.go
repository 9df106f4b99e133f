package kayenta

import (
	"slices"
	"strings"
	"testing"
)

// codes gives the codes of warnings.
func codes(all []Warning) []Code {
	var out []Code
	for _, w := range all {
		out = append(out, w.Code)
	}
	return out
}

func TestWarnings(t *testing.T) {
	// Three differences in ten are about 1, the others about 50: the lower limit
	// is 1, and the band a quarter of 50.
	const wide = `{"control": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0], "experiment": [2, 2.1, 2.2, 50, 51, 52, 53, 54, 55, 56]}`
	tests := []struct {
		name             string
		settings, values string
		want             []Code
	}{
		{"none", `{}`, alike, nil},
		{"few", `{}`, `{"control": [1, 2, 3, 4, 5], "experiment": [1.5, 2, 3, 4]}`, []Code{FewValues}},
		{"few, after the missing ones are gone", `{}`, `{"control": [1, 2, 3, 4, 5], "experiment": [1.5, 2, 3, 4, "NaN"]}`, []Code{FewValues}},
		{"no data is not few", `{}`, empty, nil},
		{"an error, the only metric", `{}`, single, []Code{FewValues, NotCompared, AllErrors}},
		{"muted", `{"muted": true}`, single, nil},
		{"wide", `{}`, wide, []Code{NotMonotone}},
		{"wide, in the good direction", `{"direction": "decrease"}`, wide, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := judged(t, true, tt.settings, tt.values)
			if got := codes(r.Warnings); !slices.Equal(got, tt.want) {
				t.Errorf("warnings %v, want %v", got, tt.want)
			}
			fault := slices.ContainsFunc(tt.want, func(c Code) bool { return Warning{Code: c}.fault() })
			if got := r.CannotJudge != ""; got != fault {
				t.Errorf("cannot judge is %q, want it there: %v", r.CannotJudge, fault)
			}
		})
	}
}

func TestOnlyStrictRefuses(t *testing.T) {
	if r := judged(t, false, `{}`, single); r.CannotJudge != "" || len(r.Warnings) == 0 {
		t.Errorf("got %+v, want warnings only", r)
	}
}

// Tied data, of which a published vector says that only the tolerance of the
// search gives its verdict.
func TestSolverDecides(t *testing.T) {
	tied := Pair{Control: make(Series, 210), Experiment: make(Series, 210)}
	for i := range 40 {
		tied.Experiment[i] = float64(i + 1)
	}
	for i := range 12 {
		tied.Control[i] = float64(i + 1)
	}
	got := Classify(tied, Settings{})
	if got.Class != High {
		t.Fatalf("class %s, want High", got.Class)
	}
	if exact := standard.exact(tied.Experiment, tied.Control, Settings{}); exact != Pass {
		t.Errorf("exact class %s, want Pass: most differences are 0", exact)
	}
	r := MetricResult{Classification: got.Class, Ratio: got.Ratio}
	if all := codes(aboutMetric(Metric{Name: "m", Groups: []string{"g"}}, tied, r)); !slices.Equal(all, []Code{SolverDecides}) {
		t.Errorf("warnings %v", all)
	}
}

func TestWarningsAboutConfig(t *testing.T) {
	c, err := ParseConfig([]byte(`{"judge": {"name": "dredd-v1.0"}, "metrics": [{"name": "a"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	d, err := ParseData([]byte(`{"a": ` + alike + `, "b": ` + alike + `}`))
	if err != nil {
		t.Fatal(err)
	}
	r := Judge(c, d)
	if got, want := codes(r.Warnings), []Code{OtherJudge, DefaultThresholds, NotInConfig, NoGroup}; !slices.Equal(got, want) {
		t.Errorf("warnings %v, want %v", got, want)
	}
	for _, w := range r.Warnings {
		if named := strings.Contains(w.String(), "metric "); named != (w.Metric != "") {
			t.Errorf("%q names the metric %q: %v", w, w.Metric, named)
		}
	}
}
