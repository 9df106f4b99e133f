package kayenta

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// Name is the name of the judge in Kayenta's configs, `judge.name`.
const Name = "NetflixACAJudge-v1.0"

// The thresholds where the config has none: those that Spinnaker offers.
const (
	defaultPass     = 95
	defaultMarginal = 75
)

// mostWeight is where a weight is a mistake. Kayenta takes weights over 100.
const mostWeight = 1e6

// Config is a canary config as Kayenta's API has it. Fields that the judge does
// not read, such as each metric's query, are accepted and left out.
type Config struct {
	Name       string     `json:"name,omitempty"`
	Judge      JudgeRef   `json:"judge,omitzero"`
	Metrics    []Metric   `json:"metrics"`
	Classifier Classifier `json:"classifier"`

	// Strict refuses a verdict that rests on a known fault; ours, not Kayenta's.
	Strict bool `json:"strict,omitempty"`
}

// JudgeRef names the judge that a config was written for.
type JudgeRef struct {
	Name string `json:"name,omitempty"`
}

// Metric is one metric of a config.
type Metric struct {
	Name   string   `json:"name"`
	Groups []string `json:"groups,omitempty"`
	// Analysis is `analysisConfigurations`; the judge reads its `canary`.
	Analysis Analysis `json:"analysisConfigurations,omitzero"`
}

// Analysis holds the settings of a metric by kind of analysis.
type Analysis struct {
	Canary Settings `json:"canary,omitzero"`
}

// Settings say how a metric is judged.
type Settings struct {
	// Direction is the bad one: "increase", "decrease", or either, for any
	// other word.
	Direction string `json:"direction,omitempty"`
	// NaNStrategy is "replace" (missing values are 0) or remove, for any other
	// word.
	NaNStrategy string `json:"nanStrategy,omitempty"`
	// Critical makes the whole canary fail where this metric does.
	Critical bool `json:"critical,omitempty"`
	// MustHaveData makes the metric fail where it has no values.
	MustHaveData bool `json:"mustHaveData,omitempty"`
	// Muted metrics are judged and not scored.
	Muted      bool       `json:"muted,omitempty"`
	EffectSize EffectSize `json:"effectSize,omitzero"`
	Outliers   Outliers   `json:"outliers,omitzero"`
}

// EffectSize says how large a difference must be to count. Absent numbers are
// 1.0, and 0.5 for the measure "cles".
type EffectSize struct {
	// Measure is "cles" (the chance that a value of the experiment is the
	// larger one) or the ratio of the means, for any other word.
	Measure          string   `json:"measure,omitempty"`
	AllowedIncrease  *float64 `json:"allowedIncrease,omitempty"`
	AllowedDecrease  *float64 `json:"allowedDecrease,omitempty"`
	CriticalIncrease *float64 `json:"criticalIncrease,omitempty"`
	CriticalDecrease *float64 `json:"criticalDecrease,omitempty"`
}

// Outliers says whether values far from the others are left out.
type Outliers struct {
	// Strategy is "remove" or keep, for any other word.
	Strategy string `json:"strategy,omitempty"`
	// OutlierFactor is the width of the fences in interquartile ranges; 3.0
	// where absent.
	OutlierFactor *float64 `json:"outlierFactor,omitempty"`
}

// Classifier says how metrics make a score, and the score a class.
type Classifier struct {
	// GroupWeights are percents. Groups without one share what is left of 100.
	GroupWeights map[string]float64 `json:"groupWeights,omitempty"`
	// ScoreThresholds are 95 and 75 where absent.
	ScoreThresholds *Thresholds `json:"scoreThresholds,omitempty"`
}

// Thresholds are scores, 0 to 100.
type Thresholds struct {
	Pass     float64 `json:"pass"`
	Marginal float64 `json:"marginal"`
}

// ParseConfig reads a canary config. It is an error if there is no metric, a
// metric has no name, two have the same, or a weight is beyond reason.
func ParseConfig(text []byte) (*Config, error) {
	var c Config
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, fmt.Errorf("reading canary config: %w", err)
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("reading canary config: %w", err)
	}
	return &c, nil
}

// check finds what would make results ambiguous.
func (c *Config) check() error {
	if len(c.Metrics) == 0 {
		return errors.New("metrics: there are none")
	}
	seen := map[string]bool{}
	for i, m := range c.Metrics {
		if m.Name == "" {
			return fmt.Errorf("metrics[%d].name: it is empty", i)
		}
		if seen[m.Name] {
			return fmt.Errorf("metrics[%d].name: %q is there twice", i, m.Name)
		}
		seen[m.Name] = true
	}
	for name, w := range c.Classifier.GroupWeights {
		if math.Abs(w) > mostWeight {
			return fmt.Errorf("classifier.groupWeights[%q]: %v is no percentage", name, w)
		}
	}
	return nil
}

// thresholds gives the scores from which a canary passes or is marginal.
func (c *Config) thresholds() Thresholds {
	if t := c.Classifier.ScoreThresholds; t != nil {
		return *t
	}
	return Thresholds{Pass: defaultPass, Marginal: defaultMarginal}
}

// thresholds gives the sizes with which a difference counts, and with which it
// is critical, for the metric's measure.
func (e EffectSize) thresholds() (allowed, critical limits) {
	absent := 1.0
	if e.cles() {
		absent = 0.5
	}
	allowed = limits{or(e.AllowedIncrease, absent), or(e.AllowedDecrease, absent)}
	critical = limits{or(e.CriticalIncrease, absent), or(e.CriticalDecrease, absent)}
	return allowed, critical
}

func (e EffectSize) cles() bool { return e.Measure == "cles" }

// limits are the least effect of an increase and the largest of a decrease.
type limits struct{ increase, decrease float64 }

// or gives a number, or what stands for an absent one.
func or(p *float64, absent float64) float64 {
	if p == nil {
		return absent
	}
	return *p
}
