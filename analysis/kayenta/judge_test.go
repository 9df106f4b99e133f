package kayenta

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// Two sides that differ, that are the same kind of numbers, and none.
const (
	higher = `{"control": [1, 2, 3, 4, 5, 6, 7, 8], "experiment": [11, 12, 13, 14, 15, "NaN", 16, 17]}`
	lower  = `{"control": [11, 12, 13, 14, 15, 16, 17, 18], "experiment": [1, 2, 3, 4, 5, 6, 7, 8]}`
	alike  = `{"control": [1, 2, 3, 4, 5, 6], "experiment": [1.1, 1.9, 3.1, 3.9, 5.1, 5.9]}`
	empty  = `{"control": [1, 2, 3, 4, 5], "experiment": ["NaN", "NaN"]}`
	single = `{"control": [1], "experiment": [2]}`
)

// judged judges metrics a, b, c ... with the settings and values given in
// pairs, all in one group.
func judged(t *testing.T, strict bool, pairs ...string) *Result {
	t.Helper()
	var metrics, data []string
	for i := 0; i < len(pairs); i += 2 {
		name := string(rune('a' + i/2))
		metrics = append(metrics, fmt.Sprintf(`{"name": %q, "groups": ["g"], "analysisConfigurations": {"canary": %s}}`, name, pairs[i]))
		data = append(data, fmt.Sprintf("%q: %s", name, pairs[i+1]))
	}
	c, err := ParseConfig([]byte(fmt.Sprintf(`{"strict": %v, "metrics": [%s], "classifier": {"scoreThresholds": {"pass": 95, "marginal": 50}}}`,
		strict, strings.Join(metrics, ", "))))
	if err != nil {
		t.Fatal(err)
	}
	d, err := ParseData([]byte("{" + strings.Join(data, ", ") + "}"))
	if err != nil {
		t.Fatal(err)
	}
	return Judge(c, d)
}

func TestMetricClasses(t *testing.T) {
	tests := []struct {
		name, settings, values string
		class                  Class
		critical               bool
		ratio                  float64
	}{
		{"any difference is bad by default", `{}`, higher, High, false, 14 / 4.5},
		{"for an unknown word too", `{"direction": "sideways"}`, lower, Low, false, 4.5 / 14.5},
		{"an increase", `{"direction": "increase"}`, higher, High, false, 14 / 4.5},
		{"no decrease, where an increase is bad", `{"direction": "increase"}`, lower, Pass, false, 4.5 / 14.5},
		{"no increase, where a decrease is bad", `{"direction": "decrease"}`, higher, Pass, false, 14 / 4.5},
		{"alike", `{}`, alike, Pass, false, 1},
		{"critical", `{"critical": true}`, higher, High, true, 14 / 4.5},
		{"critical, but not by that much", `{"critical": true, "effectSize": {"criticalIncrease": 10}}`, higher, High, false, 14 / 4.5},
		{"allowed", `{"effectSize": {"allowedIncrease": 4}}`, higher, Pass, false, 14 / 4.5},
		{"pairs", `{"effectSize": {"measure": "cles"}}`, higher, High, false, 1},
		{"pairs, a decrease", `{"effectSize": {"measure": "cles"}}`, lower, Low, false, 0},
		{"no data", `{}`, empty, Nodata, false, 1},
		{"no data where it must be", `{"mustHaveData": true}`, empty, NodataFailMetric, false, 1},
		{"no data of a critical metric", `{"mustHaveData": true, "critical": true}`, empty, Nodata, true, 1},
		{"missing values that are 0", `{"nanStrategy": "replace"}`, empty, Low, false, math.NaN()},
		{"no values at all, and missing ones are 0", `{"nanStrategy": "replace"}`, `{"control": [1]}`, Pass, false, 1},
		{"one value each", `{}`, single, Error, false, 1},
		{"constants that differ", `{}`, `{"control": [1, 1, 1, 1, 1], "experiment": [2, 2, 2, 2, 2]}`, High, false, 2},
		{"one constant", `{}`, `{"control": [7, 7, 7], "experiment": [7, 7]}`, Pass, false, 1},
		{"too large to compare", `{}`, `{"control": [1e308, 1.1e308], "experiment": [-1e308, -1.2e308]}`, Error, false, 1},
		{
			"outliers left out", `{"outliers": {"strategy": "remove", "outlierFactor": 1}}`,
			`{"control": [1, 1, 1, 1, 1, 1], "experiment": [1, 1, 1, 1, 1, 1, 1]}`, Pass, false, 1,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := judged(t, false, tt.settings, tt.values).Metrics["a"]
			want := MetricResult{Classification: tt.class, Ratio: tt.ratio, Critical: tt.critical}
			if diff := cmp.Diff(want, got, cmpopts.EquateNaNs(), cmpopts.EquateApprox(0, 1e-12),
				cmpopts.IgnoreFields(MetricResult{}, "Reason")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestScores(t *testing.T) {
	const muted = `{"muted": true}`
	tests := []struct {
		name    string
		pairs   []string
		score   float64
		group   float64
		verdict Verdict
	}{
		{"all pass", []string{`{}`, alike}, 100, 100, Passed},
		{"one of two", []string{`{}`, alike, `{}`, higher}, 50, 50, Marginal},
		{"one of three, rounded", []string{`{}`, alike, `{}`, higher, `{}`, lower}, 33.33, 33.33, Failed},
		{"two of three, rounded", []string{`{}`, alike, `{}`, alike, `{}`, lower}, 66.67, 66.67, Marginal},
		{"a critical one fails all", []string{`{}`, alike, `{"critical": true}`, higher}, 0, 50, Failed},
		{"a critical one without data too", []string{`{}`, alike, `{}`, alike, `{"critical": true}`, empty}, 0, 100, Failed},
		{"a third without data", []string{`{}`, alike, `{}`, alike, `{}`, empty}, 100, 100, Passed},
		{"half without data", []string{`{}`, alike, `{}`, empty}, 0, 100, Failed},
		{"all without data", []string{`{}`, empty}, 0, 0, Failed},
		{"data that must be there", []string{`{}`, alike, `{"mustHaveData": true}`, empty}, 50, 50, Marginal},
		{"errors do not count", []string{`{}`, single}, 100, 100, Passed},
		{"nor what is muted", []string{`{}`, alike, muted, higher}, 100, 100, Passed},
		{"even if critical", []string{`{}`, alike, `{"muted": true, "critical": true}`, higher}, 100, 100, Passed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := judged(t, false, tt.pairs...)
			if r.Score != tt.score || r.Classification != tt.verdict || r.Groups["g"].Score != tt.group {
				t.Errorf("got %v, %s, group %v; want %v, %s, group %v",
					r.Score, r.Classification, r.Groups["g"].Score, tt.score, tt.verdict, tt.group)
			}
		})
	}
}

func TestAllMuted(t *testing.T) {
	r := judged(t, false, `{"muted": true}`, higher)
	if r.Classification != NothingJudged || len(r.Groups) != 0 || r.Metrics["a"].Classification != High {
		t.Errorf("got %+v", r)
	}
}

func TestGroupWeights(t *testing.T) {
	in := func(class Class, groups ...string) scored { return scored{class: class, groups: groups} }
	tests := []struct {
		name    string
		metrics []scored
		weights map[string]float64
		want    float64
	}{
		{"equal without any", []scored{in(Pass, "a"), in(High, "b")}, nil, 50},
		{"the rest is shared", []scored{in(Pass, "a"), in(Pass, "b"), in(High, "c")}, map[string]float64{"a": 50}, 75},
		{"a group of the weights that has no metric", []scored{in(Pass, "a")}, map[string]float64{"b": 40}, 60},
		{"a metric in two groups", []scored{in(Pass, "a", "b"), in(High, "b")}, nil, 75},
		{"twice in one group", []scored{in(Pass, "a", "a"), in(High, "a")}, nil, 50},
		{"half up", []scored{in(Pass, "a")}, map[string]float64{"a": 0.125}, 0.13},
		{"no group", []scored{in(Pass)}, nil, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, _ := total(tt.metrics, tallies(tt.metrics), tt.weights); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// The same values give the same result, whatever their order.
func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Pair{Control: values(t, "control"), Experiment: values(t, "experiment")}
		shuffled := Pair{
			Control:    rapid.Permutation(p.Control).Draw(t, "control again"),
			Experiment: rapid.Permutation(p.Experiment).Draw(t, "experiment again"),
		}
		a, b := Classify(p, Settings{}), Classify(shuffled, Settings{})
		if diff := cmp.Diff(a, b, cmpopts.EquateNaNs(), cmpopts.EquateApprox(1e-9, 0)); diff != "" {
			t.Fatalf("(-one +other):\n%s", diff)
		}
	})
}

// What the sides are called decides the direction, nothing else.
func TestMirrored(t *testing.T) {
	mirror := map[Class]Class{High: Low, Low: High, Pass: Pass, Error: Error}
	rapid.Check(t, func(t *rapid.T) {
		p := Pair{Control: generic(t, "control", 5, 30), Experiment: generic(t, "experiment", 5, 30)}
		// Beyond reach of the thresholds, so that only the ranks decide.
		out := 0.0
		s := Settings{EffectSize: EffectSize{AllowedIncrease: &out, AllowedDecrease: new(float64)}}
		*s.EffectSize.AllowedDecrease = math.Inf(1)
		i, err := MannWhitney(p.Experiment, p.Control, confidence)
		if err != nil || min(math.Abs(i.Lower-band*math.Abs(i.Estimate)), math.Abs(i.Upper+band*math.Abs(i.Estimate))) < 10*tolerance {
			return // at the edge the tolerance decides
		}
		a, b := Classify(p, s), Classify(Pair{Control: p.Experiment, Experiment: p.Control}, s)
		if mirror[a.Class] != b.Class {
			t.Fatalf("%s, and mirrored %s", a.Class, b.Class)
		}
	})
}

func TestResultAsJSON(t *testing.T) {
	r := judged(t, true, `{"nanStrategy": "replace"}`, empty, `{}`, alike)
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	const metric = `"a":{"classification":"Low","ratio":"NaN","critical":false,`
	if !strings.Contains(string(text), metric) {
		t.Errorf("no %s in %s", metric, text)
	}
	var again Result
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, &again, cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
