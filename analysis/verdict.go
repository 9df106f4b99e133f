package analysis

import (
	"cmp"
	"fmt"
	"math"

	"github.com/serin-mesh/serin/api"
)

// Result is a verdict with everything it was computed from.
type Result struct {
	Verdict api.Verdict // harm, inconclusive or cannot judge
	Message string      // one plain sentence

	Evidence  float64 // the e-process now
	Threshold float64 // 1/Alpha: reached by a good canary with probability Alpha at most
	Weight    float64 // of the last failure, 0 to 1

	Total   Counts // since the canary began
	Since   Counts // since the likeliest onset of the trouble
	Ignored uint64 // failures at a weight of 0 or 1: counted, no evidence

	// P1 and P0 are the shares of the canary's and of stable's requests that
	// failed since the likeliest onset, 0 to 1; 0 where Since is not Known.
	P1, P0 float64
	Metric string // what was counted, as Config says
	Bad    string // what happened to those that were counted
	// Ratio is the likeliest number of times that the canary fails as often as
	// stable: one of the grid's, or +Inf.
	Ratio float64
}

// failed is what happened to a request that is counted where Config does not say.
const failed = "failed"

// Verdict says what follows from everything taken so far. The same state gives
// the same result. It never says good: failures alone cannot prove that.
func (e *ErrorRate) Verdict() Result {
	at := e.mixture.likeliest()
	onset := e.mixture.onset[at]
	r := Result{
		Verdict:   api.VerdictInconclusive,
		Evidence:  e.Evidence(),
		Threshold: 1 / e.config.Alpha,
		Weight:    e.weight,
		Total:     e.total,
		Since:     e.total.since(onset),
		Ignored:   e.ignored,
		Ratio:     e.mixture.ratio(at),
		Metric:    cmp.Or(e.config.Metric, "error-rate"),
		Bad:       cmp.Or(e.config.Bad, failed),
	}
	r.P1, r.P0 = r.Since.shares()
	e.judge(&r)
	return r
}

// judge sets the verdict and its sentence. The excess and the hosts can only make
// harm rarer, so the promise holds with them.
func (e *ErrorRate) judge(r *Result) {
	lone, without := e.loneHost()
	switch {
	case e.schedule.failures == 0 && e.ignored > 0:
		r.Verdict = api.VerdictCannotJudge
		r.Message = fmt.Sprintf("all %d failures came while one version had no traffic: there is nothing to compare", e.ignored)
	case r.Total.CanaryFailures+r.Total.StableFailures == 0:
		r.Message = fmt.Sprintf("no proof of harm: there is no request of either version that %s", cmp.Or(e.config.Bad, failed))
	case r.Evidence < r.Threshold:
		r.Message = fmt.Sprintf("no proof of harm: %s", r.comparison())
	case r.Since.Known && r.P1-r.P0 <= e.config.MaxIncrease:
		r.Message = fmt.Sprintf("the canary is worse, by no more than the %s tolerated: %s",
			percent(e.config.MaxIncrease), r.comparison())
	case lone != "":
		r.Verdict = cmp.Or(e.config.LoneHost, r.Verdict)
		r.Message = fmt.Sprintf("it may be one of the canary's %d hosts alone, %s, without which the evidence is %.3g of %.4g: %s",
			e.hosts.count, lone, without, e.hostThreshold(), r.comparison())
	default:
		r.Verdict = api.VerdictHarm
		r.Message = fmt.Sprintf("the canary is worse: %s%s", r.comparison(), e.flags.note())
	}
}

// loneHost names the host on whose failures alone the evidence may rest, with the
// evidence that there is without it; an empty name where it rests on more, or where
// the canary has one host only.
func (e *ErrorRate) loneHost() (name string, without float64) {
	if e.hosts.count < 2 {
		return "", 0
	}
	group, without := e.hosts.alone()
	if without += mean(&patient.over) * e.schedule.rest(); without >= e.hostThreshold() {
		return "", without
	}
	return e.hosts.worst(group), without
}

// hostThreshold is what the evidence must reach without any one host.
func (e *ErrorRate) hostThreshold() float64 { return min(1/e.config.Alpha, hostThreshold) }

// comparison gives the numbers behind a verdict in words.
func (r *Result) comparison() string {
	s := r.Since
	if !s.Known && r.Bad == failed {
		return fmt.Sprintf("%d failures of the canary against %d of stable, at weight %s (evidence %.3g of %.4g)",
			s.CanaryFailures, s.StableFailures, percent(r.Weight), r.Evidence, r.Threshold)
	}
	if !s.Known {
		return fmt.Sprintf("%d of the canary's requests %s against %d of stable's, at weight %s (evidence %.3g of %.4g)",
			s.CanaryFailures, r.Bad, s.StableFailures, percent(r.Weight), r.Evidence, r.Threshold)
	}
	return fmt.Sprintf("%s of its requests %s (%d of %.0f) against %s of stable's (%d of %.0f), at weight %s (evidence %.3g of %.4g)",
		percent(r.P1), r.Bad, s.CanaryFailures, max(s.CanaryRequests, float64(s.CanaryFailures)),
		percent(r.P0), s.StableFailures, max(s.StableRequests, float64(s.StableFailures)),
		percent(r.Weight), r.Evidence, r.Threshold)
}

// percent writes a share with three digits.
func percent(x float64) string { return fmt.Sprintf("%.3g%%", 100*x) }

// since gives what was counted after an onset. Requests are known only where
// they were known then and are now.
func (c Counts) since(onset Counts) Counts {
	return Counts{
		CanaryFailures: c.CanaryFailures - onset.CanaryFailures,
		StableFailures: c.StableFailures - onset.StableFailures,
		CanaryRequests: max(c.CanaryRequests-onset.CanaryRequests, 0),
		StableRequests: max(c.StableRequests-onset.StableRequests, 0),
		Known:          c.Known && onset.Known,
	}
}

// shares gives the failing parts of the canary's and of stable's requests. A
// report of requests comes later than a failure, so there are at least as many
// requests as failures.
func (c Counts) shares() (p1, p0 float64) {
	if !c.Known {
		return 0, 0
	}
	return share(c.CanaryFailures, c.CanaryRequests), share(c.StableFailures, c.StableRequests)
}

// share gives failures over requests, 0 where nothing was seen.
func share(failures uint64, requests float64) float64 {
	f := float64(failures)
	if f == 0 {
		return 0
	}
	return f / max(f, requests)
}

// Record gives the result as it is shown and stored; the caller adds the time.
func (r Result) Record() api.Evidence {
	return api.Evidence{
		Metric:         cmp.Or(r.Metric, "error-rate"),
		Judge:          "guard",
		Verdict:        r.Verdict,
		Message:        r.Message,
		Evidence:       r.Evidence,
		Threshold:      r.Threshold,
		CanaryFailures: r.Total.CanaryFailures,
		StableFailures: r.Total.StableFailures,
		CanaryRequests: whole(r.Total.CanaryRequests),
		StableRequests: whole(r.Total.StableRequests),
		Weight:         100 * r.Weight,
	}
}

// whole rounds an estimate to a count.
func whole(x float64) uint64 { return uint64(min(math.Round(x), 1<<53)) }
