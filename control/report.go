package control

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serin-mesh/serin/api"
)

// AnalysisRuns gives the analyses of a Rollout that run and those that are kept,
// with their measurements, the oldest first.
func (c *Control) AnalysisRuns(ctx context.Context, key api.Key) ([]*api.AnalysisRun, error) {
	return c.analyses(ctx, key, func(t *trial) []*analysisRun { return t.Analyses })
}

// OwnAnalysisRuns is AnalysisRuns without those of experiments that somebody else
// runs.
func (c *Control) OwnAnalysisRuns(ctx context.Context, key api.Key) ([]*api.AnalysisRun, error) {
	return c.analyses(ctx, key, (*trial).own)
}

func (c *Control) analyses(ctx context.Context, key api.Key, of func(*trial) []*analysisRun) ([]*api.AnalysisRun, error) {
	out := []*api.AnalysisRun{}
	var found bool
	err := c.ask(ctx, func(l *loop) {
		rollout := l.canaries[key]
		if found = rollout != nil; !found {
			return
		}
		for _, t := range append(append([]*trial{}, rollout.past...), rollout.trials...) {
			for _, a := range of(t) {
				out = append(out, a.object(rollout.key, t))
			}
		}
	})
	if err != nil {
		return nil, err // the loop may still be writing the answer
	}
	if !found {
		return nil, fmt.Errorf("%w: %s", ErrNotFound, key)
	}
	return out, nil
}

// object gives an analysis as users know them.
func (a *analysisRun) object(rollout api.Key, t *trial) *api.AnalysisRun {
	kind := "Step"
	if t.Run.Beside {
		kind = "Background"
	}
	run := &api.AnalysisRun{
		TypeMeta: metav1.TypeMeta{APIVersion: "serin.dev/v1alpha1", Kind: "AnalysisRun"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: rollout.Namespace, Name: a.Name, CreationTimestamp: metav1.NewTime(t.Run.At),
			Labels: map[string]string{"rollout": rollout.Name, "rollout-type": kind},
		},
		Spec: a.Spec, Status: a.Status,
	}
	if t.Revision != "" {
		run.Annotations = map[string]string{"rollout.argoproj.io/revision": t.Revision}
	}
	return run
}

// analysesOf tells of the analyses of the attempt in a status.
func (c *canary) analysesOf(st *api.CanaryStatus) {
	for _, t := range c.attempts() {
		if t.Question.Experiment != nil && t.Outcome == "" {
			st.CurrentExperiment = c.runName(t.Run, "")
		}
		if len(t.Analyses) == 0 || t.Question.Experiment != nil {
			continue
		}
		a := t.Analyses[0]
		ref := &api.AnalysisRunRef{Name: a.Name, Status: a.Status.Phase, Message: a.Status.Message}
		if t.Run.Beside {
			st.CurrentBackgroundAnalysisRunStatus = ref
		} else {
			st.CurrentStepAnalysisRunStatus = ref
		}
	}
}

// verdicts lists the last verdict of each metric of the attempt's checks: of one
// that several checks ask for, the newest.
func (c *canary) verdicts() []api.Evidence {
	var out []api.Evidence
	add := func(e api.Evidence) {
		for i := range out {
			if out[i].Metric == e.Metric && out[i].Judge == e.Judge {
				out[i] = e
				return
			}
		}
		out = append(out, e)
	}
	for _, t := range c.attempts() {
		if t.Proof != nil {
			add(t.Proof.evidence("prove", t.Run.At))
		}
		for _, a := range t.Analyses {
			for i := range a.Status.MetricResults {
				add(verdictOf(&a.Status.MetricResults[i], t))
			}
		}
	}
	return out
}

// verdictOf puts where a metric stands into the words of a verdict.
func verdictOf(m *api.MetricResult, t *trial) api.Evidence {
	e := api.Evidence{Metric: m.Name, Judge: t.Question.judgeName(), Verdict: api.VerdictInconclusive, At: t.Run.At}
	switch m.Phase {
	case api.AnalysisSuccessful:
		e.Verdict = api.VerdictGood
	case api.AnalysisFailed:
		e.Verdict = api.VerdictHarm
	case api.AnalysisError:
		e.Verdict = api.VerdictCannotJudge
	}
	e.Message = fmt.Sprintf("%s after %d measurements: %d successful, %d failed, %d inconclusive, %d errors",
		m.Phase, m.Count+m.Error, m.Successful, m.Failed, m.Inconclusive, m.Error)
	if m.Message != "" {
		e.Message += "; " + m.Message
	}
	if n := len(m.Measurements); n > 0 {
		last := m.Measurements[n-1]
		if last.FinishedAt != nil {
			e.At = last.FinishedAt.Time
		}
		if last.Value != "" {
			e.Message += "; last " + last.Value
		}
		if last.Message != "" {
			e.Message += ": " + last.Message
		}
	}
	return e
}

// judgeName is what runs the metrics of a question.
func (q question) judgeName() string {
	switch {
	case q.Experiment != nil:
		return "experiment"
	case q.Gate != nil:
		return "gate"
	}
	return "analysis"
}
