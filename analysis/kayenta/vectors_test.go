package kayenta

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// vector is one published case: numbers in, numbers out.
type vector struct {
	ID     int    `json:"id"`
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	Config struct {
		Settings
		GroupWeights map[string]float64 `json:"groupWeights"`
		Tolerance    float64            `json:"tolerance"`
		Confidence   float64            `json:"confLevel"`
		Measure      string             `json:"measure"`
		Allowed      *pairOfLimits      `json:"effectSizeThresholds"`
		CriticalAt   *pairOfLimits      `json:"criticalThresholds"`
		Detector     string             `json:"detector"`
		Factor       float64            `json:"factor"`
		Wide         bool               `json:"reduceSensitivity"`
		K            float64            `json:"k"`
		Op           string             `json:"op"`
		Value        float64            `json:"value"`
		P            float64            `json:"p"`
		Mu           float64            `json:"mu"`
		Quantile     float64            `json:"quantile"`
	} `json:"config"`
	Inputs struct {
		Pair
		Data    Series  `json:"data"`
		P       float64 `json:"p"`
		Metrics []struct {
			Classification Class    `json:"classification"`
			Groups         []string `json:"groups"`
			Critical       bool     `json:"critical"`
		} `json:"metrics"`
	} `json:"inputs"`
	Expected json.RawMessage `json:"expected"`
}

type pairOfLimits struct {
	Increase float64 `json:"increase"`
	Decrease float64 `json:"decrease"`
}

// kinds check a vector of each kind.
var kinds = map[string]func(*vector, *testing.T){
	"classify_mann_whitney":     (*vector).mannWhitneyClass,
	"classify_mean_inequality":  (*vector).meanInequality,
	"score":                     (*vector).score,
	"percentile_r7":             (*vector).percentile,
	"outlier_detect":            (*vector).outliers,
	"transform":                 (*vector).transform,
	"mean_ratio":                (*vector).meanRatio,
	"cles":                      (*vector).cles,
	"cohen_d":                   (*vector).cohen,
	"summary":                   (*vector).summary,
	"normal_quantile":           (*vector).normalQuantile,
	"wilcoxon_z":                (*vector).wilcoxonZ,
	"mann_whitney_ci":           (*vector).mannWhitneyInterval,
	"mann_whitney_intermediate": (*vector).mannWhitneyInside,
}

// TestVectors plays all of the published cases.
func TestVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []*vector `json:"vectors"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) != 90 {
		t.Errorf("there are %d vectors, want 90", len(file.Vectors))
	}
	for _, v := range file.Vectors {
		t.Run(v.Kind+"/"+v.Name, func(t *testing.T) {
			check, ok := kinds[v.Kind]
			if !ok {
				t.Fatalf("there is no check for the kind %q", v.Kind)
			}
			check(v, t)
		})
	}
}

// expect reads what the vector expects.
func expect[T any](t *testing.T, v *vector) T {
	t.Helper()
	var want T
	if err := json.Unmarshal(v.Expected, &want); err != nil {
		t.Fatal(err)
	}
	return want
}

// settings gives the settings of the vector's classifier.
func (v *vector) settings() Settings {
	s := v.Config.Settings
	s.EffectSize.Measure = v.Config.Measure
	// The classifier's own defaults are 1.0, for cles too.
	allowed, critical := pairOfLimits{1, 1}, pairOfLimits{1, 1}
	if p := v.Config.Allowed; p != nil {
		allowed = *p
	}
	if p := v.Config.CriticalAt; p != nil {
		critical = *p
	}
	s.EffectSize.AllowedIncrease, s.EffectSize.AllowedDecrease = &allowed.Increase, &allowed.Decrease
	s.EffectSize.CriticalIncrease, s.EffectSize.CriticalDecrease = &critical.Increase, &critical.Decrease
	return s
}

func (v *vector) mannWhitneyClass(t *testing.T) {
	want := expect[struct {
		Classification *Class  `json:"classification"`
		Critical       *bool   `json:"critical"`
		Deviation      *number `json:"deviation"`
		Reason         bool    `json:"reasonNonEmpty"`
	}](t, v)
	s := v.settings()
	got := test{v.Config.Tolerance, v.Config.Confidence, tolerance}.
		classify(v.Inputs.Experiment.prepare(s), v.Inputs.Control.prepare(s), s)
	if want.Classification != nil && got.Class != *want.Classification {
		t.Errorf("class %s, want %s", got.Class, *want.Classification)
	}
	if want.Critical != nil && got.Critical != *want.Critical {
		t.Errorf("critical %v, want %v", got.Critical, *want.Critical)
	}
	if want.Deviation != nil {
		near(t, "ratio", got.Ratio, *want.Deviation, 1e-9)
	}
	if want.Reason && got.Reason == "" {
		t.Error("no reason")
	}
}

func (v *vector) meanInequality(t *testing.T) {
	want := expect[struct {
		Classification Class `json:"classification"`
	}](t, v)
	if got := MeanInequality(v.Inputs.Experiment, v.Inputs.Control, v.Config.Settings); got != want.Classification {
		t.Errorf("class %s, want %s", got, want.Classification)
	}
}

func (v *vector) score(t *testing.T) {
	want := expect[struct {
		Score  float64   `json:"score"`
		Groups []float64 `json:"groupScoresSorted"`
	}](t, v)
	var metrics []scored
	for _, m := range v.Inputs.Metrics {
		// There a metric's critical is what the config says: it matters only
		// where the metric does not pass.
		metrics = append(metrics, scored{m.Classification, m.Groups, m.Critical && m.Classification != Pass})
	}
	groups := tallies(metrics)
	if got, _ := total(metrics, groups, v.Config.GroupWeights); got != want.Score {
		t.Errorf("score %v, want %v", got, want.Score)
	}
	var shown []float64
	for _, g := range groups {
		shown = append(shown, g.shown())
	}
	slices.Sort(shown)
	if want.Groups != nil && !slices.Equal(shown, want.Groups) {
		t.Errorf("groups %v, want %v", shown, want.Groups)
	}
}

func (v *vector) percentile(t *testing.T) {
	v.value(t, Percentile(v.Inputs.Data, v.Config.P))
}

func (v *vector) meanRatio(t *testing.T) {
	v.value(t, MeanRatio(v.Inputs.Experiment, v.Inputs.Control))
}

func (v *vector) cles(t *testing.T) {
	v.value(t, CLES(v.Inputs.Experiment, v.Inputs.Control))
}

func (v *vector) cohen(t *testing.T) {
	v.value(t, CohenD(v.Inputs.Experiment, v.Inputs.Control))
}

func (v *vector) normalQuantile(t *testing.T) {
	v.value(t, quantile(v.Inputs.P))
}

func (v *vector) wilcoxonZ(t *testing.T) {
	want := expect[struct{ Z, Tol number }](t, v)
	s := newShifts(v.Inputs.Experiment, v.Inputs.Control, tolerance)
	near(t, "z", s.z(v.Config.Mu)-v.Config.Quantile, want.Z, want.Tol)
}

func (v *vector) mannWhitneyInterval(t *testing.T) {
	want := expect[struct{ CILow, CIHigh, Estimate, Tol, EstimateTol number }](t, v)
	got, err := MannWhitney(v.Inputs.Experiment, v.Inputs.Control, v.Config.Confidence)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "lower limit", got.Lower, want.CILow, want.Tol)
	near(t, "upper limit", got.Upper, want.CIHigh, want.Tol)
	near(t, "estimate", got.Estimate, want.Estimate, want.EstimateTol)
}

func (v *vector) mannWhitneyInside(t *testing.T) {
	want := expect[struct {
		MuMin, MuMax, ZLower, FLower1, FUpper1, FLower2, FUpper2, CILower, CIUpper, Estimate, Tol number
	}](t, v)
	s := newShifts(v.Inputs.Experiment, v.Inputs.Control, tolerance)
	z := quantile((1 + v.Config.Confidence) / 2)
	near(t, "least shift", s.low.x, want.MuMin, want.Tol)
	near(t, "largest shift", s.high.x, want.MuMax, want.Tol)
	near(t, "quantile", z, want.ZLower, want.Tol)
	near(t, "at the least, lower", s.low.y-z, want.FLower1, want.Tol)
	near(t, "at the largest, lower", s.high.y-z, want.FUpper1, want.Tol)
	near(t, "at the least, upper", s.low.y+z, want.FLower2, want.Tol)
	near(t, "at the largest, upper", s.high.y+z, want.FUpper2, want.Tol)
	near(t, "lower limit", s.search(z), want.CILower, want.Tol)
	near(t, "upper limit", s.search(-z), want.CIUpper, want.Tol)
	near(t, "estimate", s.search(0), want.Estimate, want.Tol)
}

func (v *vector) summary(t *testing.T) {
	want := expect[struct {
		Min, Max, Mean, Std, Tol number
		Count                    int
	}](t, v)
	got := Summarize(v.Inputs.Data)
	near(t, "min", got.Min, want.Min, want.Tol)
	near(t, "max", got.Max, want.Max, want.Tol)
	near(t, "mean", got.Mean, want.Mean, want.Tol)
	near(t, "std", got.Std, want.Std, want.Tol)
	if got.Count != want.Count {
		t.Errorf("count %d, want %d", got.Count, want.Count)
	}
}

// marks gives the outliers by the vector's detector.
func (v *vector) marks() []bool {
	if v.Config.Detector == "ksigma" {
		return KSigma(v.Inputs.Data, v.Config.K)
	}
	return outliers(v.Inputs.Data, v.Config.Factor, v.Config.Wide)
}

func (v *vector) outliers(t *testing.T) {
	want := expect[struct{ Outlier []bool }](t, v)
	if diff := cmp.Diff(want.Outlier, v.marks()); diff != "" {
		t.Errorf("outliers (-want +got):\n%s", diff)
	}
}

func (v *vector) transform(t *testing.T) {
	want := expect[struct{ Data Series }](t, v)
	var got []float64
	switch v.Config.Op {
	case "removeNaN":
		got = removeNaN(v.Inputs.Data)
	case "replaceNaN":
		got = replaceNaN(v.Inputs.Data, v.Config.Value)
	case "removeOutliers":
		got = without(v.Inputs.Data, v.marks())
	default:
		t.Fatalf("there is no op %q", v.Config.Op)
	}
	if diff := cmp.Diff([]float64(want.Data), got); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
}

// value compares with the one number that the vector expects.
func (v *vector) value(t *testing.T, got float64) {
	t.Helper()
	want := expect[struct{ Value, Tol number }](t, v)
	near(t, v.Kind, got, want.Value, want.Tol)
}

// near compares two numbers; NaN is near to NaN.
func near(t *testing.T, what string, got float64, want, tol number) {
	t.Helper()
	if math.IsNaN(got) && math.IsNaN(float64(want)) {
		return
	}
	if !(math.Abs(got-float64(want)) <= float64(tol)) {
		t.Errorf("%s is %v, want %v (+-%v)", what, got, want, tol)
	}
}
