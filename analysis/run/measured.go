package run

import (
	"fmt"
	"maps"
	"time"

	"github.com/serin-mesh/serin/api"
)

// Measured takes the result of a measurement that was under way. Where the
// metric's limits are passed, or all metrics are done, the run ends. A result
// that nobody waits for changes nothing: of an ended run, or of a metric that
// has no measurement under way.
func Measured(spec *api.AnalysisRunSpec, status api.AnalysisRunStatus, metric string, result Result, now time.Time) api.AnalysisRunStatus {
	if Ended(status) {
		return status
	}
	status = clone(status)
	m := find(&status, metric)
	if m == nil || last(m) == nil || last(m).Phase.Completed() {
		return status
	}
	if result.Unusable {
		return end(status, api.AnalysisError, "unable to resolve metric arguments: "+result.Message, now)
	}
	all, err := newRules(spec)
	if err != nil {
		return end(status, api.AnalysisError, "the analysis cannot be run: "+err.Error(), now)
	}
	record(m, result, now)
	for i := range all {
		if all[i].name == metric {
			all[i].trim(m)
		}
	}
	return assess(spec, all, status, now)
}

// record enters a result into the measurement under way, and counts it.
func record(m *api.MetricResult, result Result, now time.Time) {
	l := last(m)
	l.Phase, l.Value, l.Message, l.FinishedAt = result.Phase, result.Value, result.Message, at(now)
	l.Metadata = maps.Clone(result.Metadata)
	if m.Metadata == nil && len(result.About) > 0 {
		m.Metadata = map[string]string{}
	}
	maps.Copy(m.Metadata, result.About)
	good, bad := m.ConsecutiveSuccess, m.ConsecutiveError
	m.ConsecutiveSuccess, m.ConsecutiveError = 0, 0
	switch result.Phase {
	case api.AnalysisSuccessful:
		m.Successful++
		m.ConsecutiveSuccess = good + 1
	case api.AnalysisFailed:
		m.Failed++
	case api.AnalysisInconclusive:
		m.Inconclusive++
	default:
		l.Phase = api.AnalysisError
		m.Error++
		m.ConsecutiveError = bad + 1
		return
	}
	m.Count++
}

// Stop ends a run early, as when its canary is aborted or its step is over. A
// metric that did not end badly is Successful.
func Stop(spec *api.AnalysisRunSpec, status api.AnalysisRunStatus, now time.Time) api.AnalysisRunStatus {
	if Ended(status) {
		return status
	}
	stopped := *spec
	stopped.Terminate = true
	status, _, _ = Next(&stopped, status, now)
	return status
}

// end ends a run. Measurements under way are taken back.
func end(status api.AnalysisRunStatus, phase api.AnalysisPhase, message string, now time.Time) api.AnalysisRunStatus {
	status.Phase, status.Message = phase, message
	status.CompletedAt = at(now)
	for i := range status.MetricResults {
		r := &status.MetricResults[i]
		r.Measurements = completed(r.Measurements)
	}
	return status
}

// passed says which limit of a metric is passed: by which phase, and why; ""
// for none. A limit is passed when the number is greater.
func (r *rules) passed(m *api.MetricResult) (api.AnalysisPhase, string) {
	switch {
	case over(m.Failed, r.failures):
		return api.AnalysisFailed, fmt.Sprintf("failed (%d) > failureLimit (%d)", m.Failed, r.failures)
	case over(m.Inconclusive, r.inconclusive):
		return api.AnalysisInconclusive, fmt.Sprintf("inconclusive (%d) > inconclusiveLimit (%d)", m.Inconclusive, r.inconclusive)
	case over(m.ConsecutiveError, r.errors):
		return api.AnalysisError, fmt.Sprintf("consecutiveErrors (%d) > consecutiveErrorLimit (%d)", m.ConsecutiveError, r.errors)
	}
	return "", ""
}

func over(n, limit int32) bool { return limit != unlimited && n > limit }

// outcome gives the phase of a metric whose last measurement ended, and why
// where it is not plain success.
func (r *rules) outcome(m *api.MetricResult) (api.AnalysisPhase, string) {
	if phase, why := r.passed(m); phase != "" {
		return phase, why
	}
	enough := r.successes > 0
	switch {
	case enough && m.ConsecutiveSuccess >= r.successes:
		return api.AnalysisSuccessful, ""
	case r.count == 0 || m.Count < r.count:
		return api.AnalysisRunning, ""
	case enough && r.failures == unlimited:
		return api.AnalysisFailed, fmt.Sprintf("consecutiveSuccessLimit (%d) not reached in count (%d)", r.successes, r.count)
	case enough:
		return api.AnalysisInconclusive,
			fmt.Sprintf("neither consecutiveSuccessLimit (%d) nor failureLimit (%d) reached in count (%d)", r.successes, r.failures, r.count)
	}
	return api.AnalysisSuccessful, ""
}
