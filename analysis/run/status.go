package run

import (
	"maps"
	"slices"

	"github.com/serin-mesh/serin/api"
)

// Ended reports whether nothing more comes.
func Ended(status api.AnalysisRunStatus) bool { return status.Phase.Completed() }

// clone gives a status that can be changed without changing the one given. The
// times are shared: nothing changes them.
func clone(status api.AnalysisRunStatus) api.AnalysisRunStatus {
	status.MetricResults = slices.Clone(status.MetricResults)
	for i := range status.MetricResults {
		r := &status.MetricResults[i]
		r.Measurements = slices.Clone(r.Measurements)
		r.Metadata = maps.Clone(r.Metadata)
	}
	return status
}

// find gives a metric's result, nil where there is none yet.
func find(status *api.AnalysisRunStatus, name string) *api.MetricResult {
	for i := range status.MetricResults {
		if status.MetricResults[i].Name == name {
			return &status.MetricResults[i]
		}
	}
	return nil
}

// last gives a metric's last measurement, nil where there is none.
func last(result *api.MetricResult) *api.Measurement {
	if len(result.Measurements) == 0 {
		return nil
	}
	return &result.Measurements[len(result.Measurements)-1]
}

// Interrupted takes back the measurements under way: whoever took them is gone.
// [Next] takes them again at once.
func Interrupted(status api.AnalysisRunStatus) api.AnalysisRunStatus {
	if Ended(status) {
		return status
	}
	status = clone(status)
	for i := range status.MetricResults {
		status.MetricResults[i].Measurements = completed(status.MetricResults[i].Measurements)
	}
	return status
}

// completed leaves out a last measurement that is under way.
func completed(all []api.Measurement) []api.Measurement {
	if n := len(all); n > 0 && !all[n-1].Phase.Completed() {
		return all[:n-1]
	}
	return all
}
