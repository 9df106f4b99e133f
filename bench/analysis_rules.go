package main

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/serin-mesh/serin/analysis/kayenta"
)

// clock says when something is due that is done at fixed times.
type clock struct{ every, passed float64 }

func (c *clock) due(seconds float64) bool {
	c.passed += seconds
	if c.passed < c.every-1e-6 {
		return false
	}
	c.passed = 0
	return true
}

// window sums the last minute up.
type window struct{ spans []reported }

func (w *window) add(r *reported) {
	seconds := 0.0
	for i := len(w.spans) - 1; i >= 0; i-- {
		if seconds += w.spans[i].seconds; seconds+r.seconds > 60+1e-6 {
			w.spans = append(w.spans[:0], w.spans[i+1:]...)
			break
		}
	}
	w.spans = append(w.spans, *r)
}

// share gives which part of an arm's requests failed; NaN where there were none.
func (w *window) share(arm int) float64 {
	var failed, all float64
	for i := range w.spans {
		failed, all = failed+w.spans[i].failed[arm], all+w.spans[i].requests[arm]
	}
	return failed / all
}

// threshold is a rule of the kind that Argo Rollouts and Flagger have: the
// canary's success rate over the last minute, measured again and again, and a
// number of failed measurements that ends the rollout. A minute without a
// request fails nothing.
type threshold struct {
	clock
	window
	success float64
	enough  int // failed measurements, in all
	failed  int
}

// argo is a successCondition of result >= success each minute. More failures
// than failureLimit, 3, fail the run.
func argo(success float64) *threshold {
	return &threshold{clock: clock{every: 60}, success: success, enough: 4}
}

// flagger is request-success-rate with min 99 and an interval of a minute, looked
// at each 10 s; with the threshold 5, the fifth failed check rolls back.
func flagger() *threshold { return &threshold{clock: clock{every: 10}, success: 0.99, enough: 5} }

func (t *threshold) see(r *reported) (bool, int) {
	t.add(r)
	if t.due(r.seconds) && 1-t.share(canaryArm) < t.success {
		t.failed++
	}
	return t.failed >= t.enough, int(r.failed[canaryArm] + r.failed[stableArm])
}

// zTest compares the two error rates since the start each minute, with the test
// of two proportions, one-sided, as if each look were the only one.
type zTest struct {
	clock
	limit         float64
	failed, count [2]float64
}

func newZTest(alpha float64) *zTest {
	return &zTest{clock: clock{every: 60}, limit: distuv.UnitNormal.Quantile(1 - alpha)}
}

func (z *zTest) see(r *reported) (bool, int) {
	for arm := range z.failed {
		z.failed[arm] += r.failed[arm]
		z.count[arm] += r.requests[arm]
	}
	if !z.due(r.seconds) {
		return false, 0
	}
	pooled := (z.failed[0] + z.failed[1]) / (z.count[0] + z.count[1])
	sd := math.Sqrt(pooled * (1 - pooled) * (1/z.count[0] + 1/z.count[1]))
	score := (z.failed[canaryArm]/z.count[canaryArm] - z.failed[stableArm]/z.count[stableArm]) / sd
	return score > z.limit, int(r.failed[canaryArm] + r.failed[stableArm])
}

// kayentaJudge compares the error rates of all minutes so far as Kayenta does,
// with its defaults: a rise is bad, and it passes or it does not.
type kayentaJudge struct {
	minute clock
	judge  clock
	window
	config *kayenta.Config
	values kayenta.Pair
}

// kayentaConfig is one metric that may not rise.
var kayentaConfig = &kayenta.Config{
	Metrics: []kayenta.Metric{{Name: "errors", Groups: []string{"errors"},
		Analysis: kayenta.Analysis{Canary: kayenta.Settings{Direction: "increase"}}}},
	Classifier: kayenta.Classifier{ScoreThresholds: &kayenta.Thresholds{Pass: 95, Marginal: 75}},
}

// newKayenta looks each so many seconds.
func newKayenta(every float64) *kayentaJudge {
	return &kayentaJudge{minute: clock{every: 60}, judge: clock{every: every}, config: kayentaConfig}
}

func (k *kayentaJudge) see(r *reported) (bool, int) {
	k.add(r)
	if k.minute.due(r.seconds) {
		k.values.Experiment = append(k.values.Experiment, k.share(canaryArm))
		k.values.Control = append(k.values.Control, k.share(stableArm))
	}
	if !k.judge.due(r.seconds) {
		return false, 0
	}
	result := kayenta.Judge(k.config, kayenta.Data{"errors": k.values})
	return result.Classification == kayenta.Failed, int(r.failed[canaryArm] + r.failed[stableArm])
}
