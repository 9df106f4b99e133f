package run

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serin-mesh/serin/api"
)

// Task is one measurement to take now.
type Task struct {
	// Metric is the one to measure, as the spec has it: [Resolve] fills in its
	// arguments.
	Metric api.Metric
	// Number counts the metric's measurements from 1, errors too.
	Number int
	// StartedAt is when the run began, for providers that look back to there.
	StartedAt time.Time
}

// Next says what to measure now, and when to ask again if nothing happens until
// then; the zero time where nothing is waited for but the measurements under
// way. The tasks' measurements are under way in the status that comes back. The
// first call starts the run; one whose spec cannot be run ends there, as an
// error.
func Next(spec *api.AnalysisRunSpec, status api.AnalysisRunStatus, now time.Time) (api.AnalysisRunStatus, []Task, time.Time) {
	if Ended(status) {
		return status, nil, time.Time{}
	}
	status = clone(status)
	if status.StartedAt == nil {
		status.StartedAt = at(now)
		status.Phase = api.AnalysisRunning
	}
	all, err := newRules(spec)
	if err != nil {
		return end(status, api.AnalysisError, "the analysis cannot be run: "+err.Error(), now), nil, time.Time{}
	}
	if status = assess(spec, all, status, now); Ended(status) {
		return status, nil, time.Time{}
	}
	var tasks []Task
	var wake time.Time
	for i := range all {
		due, ok := all[i].due(&status)
		switch {
		case !ok:
		case due.After(now):
			if wake.IsZero() || due.Before(wake) {
				wake = due
			}
		default:
			tasks = append(tasks, all[i].begin(spec.Metrics[i], &status, now))
		}
	}
	return status, tasks, wake
}

// due gives the time of the next measurement; false where none comes, or where
// one is under way.
func (r *rules) due(status *api.AnalysisRunStatus) (time.Time, bool) {
	result := find(status, r.name)
	if result == nil || len(result.Measurements) == 0 && result.Count+result.Error == 0 {
		return status.StartedAt.Add(r.delay), true
	}
	if result.Phase.Completed() {
		return time.Time{}, false
	}
	last := last(result)
	switch {
	case last == nil:
		// Those that were kept are gone with an interruption.
		return status.StartedAt.Time, true
	case !last.Phase.Completed():
		return time.Time{}, false
	case last.Phase == api.AnalysisError:
		return last.FinishedAt.Add(retry), true
	}
	return last.FinishedAt.Add(r.interval), true
}

// begin puts a measurement under way.
func (r *rules) begin(metric api.Metric, status *api.AnalysisRunStatus, now time.Time) Task {
	result := find(status, r.name)
	if result == nil {
		status.MetricResults = append(status.MetricResults, api.MetricResult{Name: r.name, DryRun: r.dryRun})
		result = &status.MetricResults[len(status.MetricResults)-1]
	}
	result.Phase = api.AnalysisRunning
	result.Measurements = append(result.Measurements, api.Measurement{Phase: api.AnalysisRunning, StartedAt: at(now)})
	r.trim(result)
	return Task{Metric: metric, Number: int(result.Count+result.Error) + 1, StartedAt: status.StartedAt.Time}
}

// trim forgets the oldest measurements beyond those to keep. The one under way
// comes on top: it takes the place of the oldest when it ends.
func (r *rules) trim(result *api.MetricResult) {
	keep := r.kept
	if l := last(result); l != nil && !l.Phase.Completed() {
		keep++
	}
	if more := len(result.Measurements) - keep; more > 0 {
		result.Measurements = result.Measurements[more:]
	}
}

// at gives a time as statuses have it.
func at(t time.Time) *metav1.Time {
	m := metav1.NewTime(t)
	return &m
}
