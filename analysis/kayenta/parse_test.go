package kayenta

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestParseConfigErrors(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"no JSON", `metrics:`, "reading canary config: invalid character"},
		{"no metrics", `{}`, "metrics: there are none"},
		{"no name", `{"metrics": [{"name": "a"}, {}]}`, "metrics[1].name: it is empty"},
		{"twice", `{"metrics": [{"name": "a"}, {"name": "a"}]}`, `metrics[1].name: "a" is there twice`},
		{"a weight beyond reason", `{"metrics": [{"name": "a"}], "classifier": {"groupWeights": {"g": 1e300}}}`, `groupWeights["g"]: 1e+300`},
		{"a number as text", `{"metrics": [{"name": "a", "analysisConfigurations": {"canary": {"critical": "yes"}}}]}`, "critical"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := ParseConfig([]byte(tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestParseData(t *testing.T) {
	got, err := ParseData([]byte(`{"a": {"control": [1, -2.5e3, "NaN"]}, "b": {}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := Data{"a": {Control: Series{1, -2500, math.NaN()}}, "b": {}}
	if diff := cmp.Diff(want, got, cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseDataErrors(t *testing.T) {
	for _, value := range []string{`"1"`, `"nan"`, `null`, `true`, `[1]`, `1e999`, `"Infinity"`} {
		t.Run(value, func(t *testing.T) {
			_, err := ParseData([]byte(`{"a": {"control": [` + value + `]}}`))
			if err == nil || !strings.Contains(err.Error(), "reading the metrics' values: ") {
				t.Errorf("got %v, want an error", err)
			}
		})
	}
}

// Whatever is read can be judged, and gives JSON.
func FuzzJudge(f *testing.F) {
	f.Add([]byte(`{"metrics": [{"name": "a", "groups": ["g"]}]}`), []byte(`{"a": `+higher+`}`))
	f.Add([]byte(`{"metrics": [{"name": "a", "analysisConfigurations": {"canary": {"outliers": {"strategy": "remove"}}}}]}`), []byte(`{"a": `+empty+`}`))
	f.Add([]byte(`{"metrics": [{"name": "a"}], "classifier": {"groupWeights": {"g": 100}}}`), []byte(`{"a": {"control": [1e308, -1e308], "experiment": [0, 5e-324]}}`))
	f.Fuzz(func(t *testing.T, config, data []byte) {
		if bytes.Count(data, []byte(",")) > 200 {
			return // too long to be worth the time
		}
		c, err := ParseConfig(config)
		if err != nil {
			return
		}
		d, err := ParseData(data)
		if err != nil {
			return
		}
		r := Judge(c, d)
		if len(r.Metrics) != len(c.Metrics) {
			t.Errorf("%d results of %d metrics", len(r.Metrics), len(c.Metrics))
		}
		if _, err := json.Marshal(r); err != nil {
			t.Error(err)
		}
	})
}
