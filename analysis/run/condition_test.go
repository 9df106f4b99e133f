package run

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/serin-mesh/serin/api"
)

func TestEvaluate(t *testing.T) {
	nan := math.NaN()
	object := map[string]any{"rate": 0.5, "n": "12", "none": nil, "list": []any{1.0, 2.0}}
	tests := []struct {
		name             string
		success, failure string
		value            any
		want, argo       api.AnalysisPhase // argo: "" is the same
	}{
		{"neither", "", "", 7.0, api.AnalysisSuccessful, ""},
		{"neither, of nothing", "", "", []float64{}, api.AnalysisSuccessful, ""},
		{"only success, true", "result > 5", "", 7.0, api.AnalysisSuccessful, ""},
		{"only success, false", "result > 5", "", 3.0, api.AnalysisFailed, ""},
		{"only failure, true", "", "result > 5", 7.0, api.AnalysisFailed, ""},
		{"only failure, false", "", "result > 5", 3.0, api.AnalysisSuccessful, ""},
		{"both, success", "result > 5", "result < 1", 7.0, api.AnalysisSuccessful, ""},
		{"both, failure", "result > 5", "result < 1", 0.5, api.AnalysisFailed, ""},
		{"both, neither", "result > 5", "result < 1", 3.0, api.AnalysisInconclusive, ""},
		{"both, both: failure wins", "result > 5", "result > 6", 7.0, api.AnalysisFailed, ""},

		{"a vector", "result[0] >= 0.95", "", []float64{0.99}, api.AnalysisSuccessful, ""},
		{"all of a vector", "all(result, # > 1)", "", []float64{2, 3}, api.AnalysisSuccessful, ""},
		{"a field", "result.rate < 1 && asInt(result.n) == 12", "", object, api.AnalysisSuccessful, ""},
		{"a field of text as a float", "asFloat(result.n) > 11.5", "", object, api.AnalysisSuccessful, ""},
		{"a list in an object", "result.list[1] == 2", "", object, api.AnalysisSuccessful, ""},
		{"text", `result == "ok"`, "", "ok", api.AnalysisSuccessful, ""},
		{"a bool", "result", "", true, api.AnalysisSuccessful, ""},
		{"infinite", "", "isInf(result)", math.Inf(-1), api.AnalysisFailed, ""},

		{"not a bool", "result", "", 7.0, api.AnalysisError, ""},
		{"no condition at all", "result >", "", 7.0, api.AnalysisError, ""},
		{"a name that is not there", "results > 1", "", 7.0, api.AnalysisError, ""},
		{"a wrong type", "result > 1", "", []float64{2}, api.AnalysisError, ""},
		{"text that is no number", "asInt(result) > 1", "", "many", api.AnalysisError, ""},
		{"an object that is no number", "asFloat(result) > 1", "", object, api.AnalysisError, ""},
		{"an error in the second", "result > 5", "result.x", 7.0, api.AnalysisError, ""},

		{"an empty vector", "result[0] > 5", "", []float64{}, api.AnalysisInconclusive, api.AnalysisError},
		{"null", "result > 5", "", nil, api.AnalysisInconclusive, api.AnalysisError},
		{"an empty vector that passes by itself", "all(result, # > 5)", "", []float64{}, api.AnalysisInconclusive, api.AnalysisSuccessful},
		{"an empty vector that does not fail", "", "any(result, # > 5)", []float64{}, api.AnalysisInconclusive, api.AnalysisSuccessful},
		{"an empty vector that is asked for", "len(result) == 0 || result[0] > 5", "", []float64{}, api.AnalysisSuccessful, ""},
		{"an empty vector that is asked for as bad", "", "len(result) == 0", []float64{}, api.AnalysisFailed, ""},
		{"null that is asked for", "isNil(result) || result > 5", "", nil, api.AnalysisSuccessful, ""},
		{"null by its name", "result == nil || result > 5", "", nil, api.AnalysisSuccessful, ""},
		{"null with a default", "default(result, 0) < 5", "", nil, api.AnalysisSuccessful, ""},
		{"null with another default", "(result ?? 9) < 5", "", nil, api.AnalysisFailed, ""},
		{"a broken condition of nothing", "result[0] >", "", []float64{}, api.AnalysisError, ""},

		{"NaN, only failure", "", "result > 5", nan, api.AnalysisInconclusive, api.AnalysisSuccessful},
		{"NaN in a vector, only failure", "", "result[0] > 5", []float64{nan}, api.AnalysisInconclusive, api.AnalysisSuccessful},
		{"NaN, failing", "", "!(result < 5)", nan, api.AnalysisFailed, ""},
		{"NaN that is asked for", "", "!isNaN(result) && result > 5", nan, api.AnalysisSuccessful, ""},
		{"NaN, only success", "result < 5", "", nan, api.AnalysisFailed, ""},
		{"NaN, both", "result < 5", "result >= 5", nan, api.AnalysisInconclusive, ""},

		{"a field that is null", "isNil(result.none) && !isNil(result.rate)", "", object, api.AnalysisSuccessful, ""},
		{"a default of a field", "default(result.none, 3) == 3 && default(result.rate, 3) == 0.5", "", object, api.AnalysisSuccessful, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := api.Metric{SuccessCondition: tt.success, FailureCondition: tt.failure}
			got, err := Evaluate(m, tt.value)
			if got != tt.want || (err != nil) != (tt.want == api.AnalysisError) {
				t.Errorf("got %s, %v; want %s", got, err, tt.want)
			}
			argo := tt.argo
			if argo == "" {
				argo = tt.want
			}
			m.Compat = api.CompatArgo
			if got, err := Evaluate(m, tt.value); got != argo {
				t.Errorf("compat: argo: got %s, %v; want %s", got, err, argo)
			}
		})
	}
}

func TestEvaluateNamesTheCondition(t *testing.T) {
	_, err := Evaluate(api.Metric{FailureCondition: "nothing > 1"}, 1.0)
	if want := `evaluating failureCondition "nothing > 1": unknown name nothing`; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestNumbers(t *testing.T) {
	for _, in := range []any{3, int8(3), uint16(3), 3.0, float32(3), "3"} {
		if got, err := asInt(in); got != 3 || err != nil {
			t.Errorf("asInt(%T) = %v, %v", in, got, err)
		}
		if got, err := asFloat(in); got != 3 || err != nil {
			t.Errorf("asFloat(%T) = %v, %v", in, got, err)
		}
	}
	if got, _ := asInt(-2.9); got != -2 {
		t.Errorf("asInt(-2.9) = %d, want it cut off", got)
	}
}

// Whatever a condition is and a value, there is an answer, the same one again.
func FuzzEvaluate(f *testing.F) {
	f.Add("result > 5", "result[0] < 1", `7`)
	f.Add("len(result) == 0 || all(result, # > 1)", "", `[1, 2]`)
	f.Add("default(result.a, asInt(\"1\")) == 1", "isNaN(asFloat(result.b))", `{"b": "NaN"}`)
	f.Fuzz(func(t *testing.T, success, failure, text string) {
		var value any
		if json.Unmarshal([]byte(text), &value) != nil || len(success)+len(failure) > 60 {
			return // long ones only find how slow nested loops are
		}
		for _, word := range []string{"now", "date", "map", "filter", "..", "repeat"} {
			if strings.Contains(success+failure, word) {
				return // gives another answer each time, or takes long
			}
		}
		m := api.Metric{SuccessCondition: success, FailureCondition: failure}
		got, err := Evaluate(m, value)
		if !got.Completed() || (err != nil) != (got == api.AnalysisError) {
			t.Fatalf("got %q, %v", got, err)
		}
		if again, _ := Evaluate(m, value); again != got {
			t.Fatalf("got %s, and then %s", got, again)
		}
	})
}
