package run

import (
	"fmt"
	"time"

	"github.com/serin-mesh/serin/api"
)

// severity orders the phases that a metric can end in, the worst last.
var severity = map[api.AnalysisPhase]int{
	api.AnalysisSuccessful:   1,
	api.AnalysisInconclusive: 2,
	api.AnalysisError:        3,
	api.AnalysisFailed:       4,
}

// assess finds what the metrics have come to, and ends the run where that is
// decided: by the first metric that ends badly, by all that end, or by whoever
// wants it over.
func assess(spec *api.AnalysisRunSpec, all []rules, status api.AnalysisRunStatus, now time.Time) api.AnalysisRunStatus {
	bad := false
	for i := range all {
		if m := find(&status, all[i].name); m != nil {
			all[i].assess(m)
			bad = bad || !all[i].dryRun && severity[m.Phase] > severity[api.AnalysisSuccessful]
		}
	}
	over := bad || spec.Terminate
	if over {
		conclude(&status)
	}
	s := sum(all, &status)
	status.RunSummary, status.DryRunSummary = s.counted, &s.dry
	switch {
	case over:
		if s.message == "" && spec.Terminate {
			s.message = "Run Terminated"
		}
	case s.open > 0:
		return status
	}
	return end(status, s.worst, s.message, now)
}

// assess finds what a metric has come to.
func (r *rules) assess(m *api.MetricResult) {
	l := last(m)
	if m.Phase.Completed() || l == nil || !l.Phase.Completed() {
		return
	}
	phase, why := r.outcome(m)
	if phase == m.Phase {
		return
	}
	m.Phase = phase
	m.Message = l.Message
	if r.dryRun && why != "" {
		m.Message = fmt.Sprintf("Metric assessed %s due to %s", phase, why)
	}
}

// conclude ends the metrics that are open when the run is over: nothing bad was
// found of them.
func conclude(status *api.AnalysisRunStatus) {
	for i := range status.MetricResults {
		if m := &status.MetricResults[i]; !m.Phase.Completed() {
			m.Phase = api.AnalysisSuccessful
		}
	}
}

// summary is what the metrics of a run add up to.
type summary struct {
	counted, dry api.RunSummary
	open         int // metrics that are not done
	worst        api.AnalysisPhase
	message      string // why, where the worst is not success
}

// sum adds the metrics up. Those of a dry run are waited for, and do not make it
// worse.
func sum(all []rules, status *api.AnalysisRunStatus) summary {
	s := summary{worst: api.AnalysisSuccessful}
	for i := range all {
		r := &all[i]
		into := &s.counted
		if r.dryRun {
			into = &s.dry
		}
		into.Count++
		m := find(status, r.name)
		if m == nil || !m.Phase.Completed() {
			s.open++
			continue
		}
		tally(into, m.Phase)
		if !r.dryRun && severity[m.Phase] > severity[s.worst] {
			s.worst, s.message = m.Phase, r.explain(m)
		}
	}
	return s
}

// tally counts a metric by its phase.
func tally(s *api.RunSummary, phase api.AnalysisPhase) {
	switch phase {
	case api.AnalysisSuccessful:
		s.Successful++
	case api.AnalysisFailed:
		s.Failed++
	case api.AnalysisInconclusive:
		s.Inconclusive++
	case api.AnalysisError:
		s.Error++
	}
}

// explain says why a metric ended badly, as Argo puts it.
func (r *rules) explain(m *api.MetricResult) string {
	_, why := r.outcome(m)
	text := fmt.Sprintf("Metric %q assessed %s due to %s", r.name, m.Phase, why)
	if m.Message != "" {
		text += fmt.Sprintf(`: "Error Message: %s"`, m.Message)
	}
	return text
}
