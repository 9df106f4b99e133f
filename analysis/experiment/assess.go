package experiment

import (
	"time"

	"github.com/serin-mesh/serin/api"
)

// Analysis is where one analysis of an experiment stands.
type Analysis struct {
	Name     string // among the experiment's
	Run      string // the AnalysisRun's name; "": it has not begun
	Required bool   // the experiment waits for its end
	Phase    api.AnalysisPhase
	Message  string
}

// severity orders the phases in which an analysis may end, the worst last.
var severity = map[api.AnalysisPhase]int{
	api.AnalysisInconclusive: 1,
	api.AnalysisError:        2,
	api.AnalysisFailed:       3,
}

// Assess says what the analyses of an experiment that has its pods come to, "" while
// that is open, and which of them say so. The worst one that ended badly decides at
// once. Else everything that is waited for has to pass: the time until when it runs,
// and what is required; of an experiment without either that is all analyses.
//
// Argo lets one without either go on until a person ends it.
func Assess(all []Analysis, until *time.Time, now time.Time) (phase api.AnalysisPhase, by []int) {
	worst := 0
	waited := until != nil
	for i, a := range all {
		if s := severity[a.Phase]; s > worst {
			worst, phase, by = s, a.Phase, []int{i}
		}
		waited = waited || a.Required
	}
	if worst > 0 || until != nil && now.Before(*until) {
		return phase, by
	}
	for i, a := range all {
		switch {
		case a.Phase.Completed():
			by = append(by, i)
		case a.Required || !waited:
			return "", nil
		}
	}
	return api.AnalysisSuccessful, by
}
