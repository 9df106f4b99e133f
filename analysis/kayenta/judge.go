package kayenta

import "encoding/json"

// Verdict says what the score means.
type Verdict string

// The verdicts on a canary.
const (
	Passed   Verdict = "Pass"
	Marginal Verdict = "Marginal"
	Failed   Verdict = "Fail"
	// NothingJudged is the verdict where no metric is left to score: all are
	// muted.
	NothingJudged Verdict = "Nodata"
)

// Result is the judgement of a canary.
type Result struct {
	// Score is 0 to 100, rounded half up to two decimals.
	Score          float64                 `json:"score"`
	Classification Verdict                 `json:"classification"`
	Metrics        map[string]MetricResult `json:"metrics"`
	Groups         map[string]GroupResult  `json:"groups"`

	// Reason says why the score is 0 where that is not the sum of the groups.
	Reason string `json:"reason,omitempty"`
	// Warnings are what to know before one believes the result, in the order of
	// the metrics.
	Warnings []Warning `json:"warnings,omitempty"`
	// CannotJudge says why the result is not to be used, with [Config.Strict]
	// only. The other fields are still what Kayenta gives.
	CannotJudge string `json:"cannotJudge,omitempty"`
}

// MetricResult is the judgement of one metric, muted ones too.
type MetricResult struct {
	Classification Class `json:"classification"`
	// Ratio is [Classification.Ratio]; in JSON the text "NaN" where there is
	// none.
	Ratio    float64 `json:"ratio"`
	Critical bool    `json:"critical"`
	Reason   string  `json:"reason,omitempty"`
}

// metricJSON is a MetricResult as JSON has it.
type metricJSON struct {
	Classification Class  `json:"classification"`
	Ratio          number `json:"ratio"`
	Critical       bool   `json:"critical"`
	Reason         string `json:"reason,omitempty"`
}

// MarshalJSON writes a ratio that is not a number as text.
func (m MetricResult) MarshalJSON() ([]byte, error) {
	return json.Marshal(metricJSON{m.Classification, number(m.Ratio), m.Critical, m.Reason})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (m *MetricResult) UnmarshalJSON(text []byte) error {
	var read metricJSON
	if err := json.Unmarshal(text, &read); err != nil {
		return err
	}
	*m = MetricResult{read.Classification, float64(read.Ratio), read.Critical, read.Reason}
	return nil
}

// GroupResult is the score of one group.
type GroupResult struct {
	// Score is 0 to 100; 0 where no metric of the group has data.
	Score float64 `json:"score"`
}

// Judge compares all metrics of a config. A metric that data does not have has
// no values; one that the config does not have is not judged, with a warning.
func Judge(c *Config, data Data) *Result {
	r := &Result{Metrics: map[string]MetricResult{}, Groups: map[string]GroupResult{}}
	var counted []scored
	for _, m := range c.Metrics {
		s := m.Analysis.Canary
		k := Classify(data[m.Name], s)
		r.Metrics[m.Name] = MetricResult{k.Class, k.Ratio, k.Critical, k.Reason}
		if !s.Muted {
			counted = append(counted, scored{k.Class, m.Groups, k.Critical})
		}
	}
	groups := tallies(counted)
	for name, g := range groups {
		r.Groups[name] = GroupResult{g.shown()}
	}
	r.Score, r.Reason = total(counted, groups, c.Classifier.GroupWeights)
	r.Classification = c.thresholds().classify(r.Score)
	if len(counted) == 0 {
		r.Classification, r.Reason = NothingJudged, "no metric is left to score"
	}
	r.Warnings = warnings(c, data, r)
	if c.Strict {
		r.CannotJudge = faults(r.Warnings)
	}
	return r
}

// classify gives the verdict of a score.
func (t Thresholds) classify(score float64) Verdict {
	switch {
	case score >= t.Pass:
		return Passed
	case score >= t.Marginal:
		return Marginal
	}
	return Failed
}
