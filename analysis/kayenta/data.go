package kayenta

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// Data holds the values of each metric by its name.
type Data map[string]Pair

// Pair is one metric's values: the control is the baseline that the experiment,
// the canary, is compared with. The order of the values does not matter.
type Pair struct {
	Control    Series `json:"control"`
	Experiment Series `json:"experiment"`
}

// Series is a metric's values on one side. A missing value is NaN, in JSON the
// text "NaN".
type Series []float64

// ParseData reads `{"METRIC": {"control": [...], "experiment": [...]}}`.
func ParseData(text []byte) (Data, error) {
	var d Data
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("reading the metrics' values: %w", err)
	}
	return d, nil
}

// UnmarshalJSON reads numbers and "NaN".
func (s *Series) UnmarshalJSON(text []byte) error {
	var values []number
	if err := json.Unmarshal(text, &values); err != nil {
		return err
	}
	*s = make(Series, len(values))
	for i, v := range values {
		(*s)[i] = float64(v)
	}
	return nil
}

// MarshalJSON writes numbers and "NaN".
func (s Series) MarshalJSON() ([]byte, error) {
	values := make([]number, len(s))
	for i, v := range s {
		values[i] = number(v)
	}
	return json.Marshal(values)
}

// number is a float64 that JSON can hold where it is not a number.
type number float64

func (n *number) UnmarshalJSON(text []byte) error {
	if string(text) == `"NaN"` {
		*n = number(math.NaN())
		return nil
	}
	v, err := strconv.ParseFloat(string(text), 64)
	if err != nil || text[0] == '"' {
		return fmt.Errorf("%s is neither a number nor %q", text, "NaN")
	}
	*n = number(v)
	return nil
}

func (n number) MarshalJSON() ([]byte, error) {
	if f := float64(n); !math.IsNaN(f) && !math.IsInf(f, 0) {
		return json.Marshal(f)
	}
	return json.Marshal(strconv.FormatFloat(float64(n), 'g', -1, 64))
}

// prepare gives the values to compare, by the settings: missing ones removed or
// 0, outliers left out where asked for.
func (s Series) prepare(settings Settings) []float64 {
	values := removeNaN(s)
	if settings.replaceNaN() {
		values = replaceNaN(s, 0)
	}
	if settings.Outliers.Strategy == "remove" {
		values = without(values, outliers(values, or(settings.Outliers.OutlierFactor, 3), true))
	}
	return values
}

func (s Settings) replaceNaN() bool { return s.NaNStrategy == "replace" }

// removeNaN gives the values that are there.
func removeNaN(values []float64) []float64 {
	out := make([]float64, 0, len(values))
	for _, v := range values {
		if !math.IsNaN(v) {
			out = append(out, v)
		}
	}
	return out
}

// replaceNaN gives the values with others in the place of missing ones.
func replaceNaN(values []float64, by float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		if math.IsNaN(v) {
			v = by
		}
		out[i] = v
	}
	return out
}

// without leaves out the values that are marked.
func without(values []float64, marked []bool) []float64 {
	out := make([]float64, 0, len(values))
	for i, v := range values {
		if !marked[i] {
			out = append(out, v)
		}
	}
	return out
}
