package control

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/serin-mesh/serin/analysis/experiment"
	"github.com/serin-mesh/serin/analysis/run"
	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
)

// question is what a check asks: one of its fields is set. It travels through
// the machine, and through the store, as JSON.
type question struct {
	Analysis   *api.RolloutAnalysis `json:"analysis,omitempty"`
	Experiment *api.ExperimentStep  `json:"experiment,omitempty"`
	Prove      *api.ProveTerms      `json:"prove,omitempty"`
	Gate       *api.Gate            `json:"gate,omitempty"`

	// Promotion asks for a proof from all that was seen of the attempt: the
	// judge's.
	Promotion *api.ProveTerms `json:"promotion,omitempty"`
}

// text is the question for the machine.
func (q question) text() string {
	raw, err := json.Marshal(q)
	if err != nil { // what came from JSON goes back to JSON
		return ""
	}
	return string(raw)
}

// checkOf translates a step that asks; nil where it is none.
func checkOf(s api.CanaryStep) *rollout.Check {
	var q question
	c := &rollout.Check{}
	switch {
	case s.Analysis != nil:
		q.Analysis, c.Name = s.Analysis, analysisName(s.Analysis)
	case s.Experiment != nil:
		q.Experiment, c.Name = s.Experiment, "experiment"
	case s.Prove != nil:
		terms := s.Prove.Terms()
		q.Prove, c.Name = &terms, "prove"
		c.Timeout, c.OnTimeout = terms.Timeout, onTimeout[terms.OnTimeout]
	case s.Gate != nil:
		q.Gate, c.Name = s.Gate, "gate"
	default:
		return nil
	}
	c.What = q.text()
	return c
}

// promotionOf is the check after the last step. What the guard's mode is does not
// matter to it: a change of that is no change of the steps.
func promotionOf(terms api.ProveTerms) *rollout.Check {
	return &rollout.Check{
		Name: "the proof before promotion", What: question{Promotion: &terms}.text(), After: true,
		Timeout: terms.Timeout, OnTimeout: onTimeout[terms.OnTimeout],
	}
}

// ProofOf reads what a check asks: the terms of a proof, and whether it is from
// all that was seen of the attempt rather than from its own beginning; nil where
// it asks for none.
func ProofOf(check rollout.Check) (terms *api.ProveTerms, whole bool) {
	var q question
	if err := json.Unmarshal([]byte(check.What), &q); err != nil {
		return nil, false
	}
	if q.Promotion != nil {
		return q.Promotion, true
	}
	return q.Prove, false
}

var onTimeout = map[api.OnTimeout]rollout.Outcome{
	api.OnTimeoutPause:    rollout.Inconclusive,
	api.OnTimeoutContinue: rollout.Passed,
	api.OnTimeoutAbort:    rollout.Failed,
}

// backgroundOf translates the analysis beside the steps; nil where there is
// none.
func backgroundOf(r *api.Rollout) *rollout.Background {
	canary := r.Spec.Strategy.Canary
	if canary == nil || canary.Analysis == nil {
		return nil
	}
	b := canary.Analysis
	out := &rollout.Background{Name: "background " + analysisName(&b.RolloutAnalysis), What: question{Analysis: &b.RolloutAnalysis}.text()}
	if b.StartingStep != nil {
		out.From = int(*b.StartingStep)
	}
	return out
}

func analysisName(a *api.RolloutAnalysis) string {
	names := make([]string, len(a.Templates))
	for i, t := range a.Templates {
		names[i] = t.TemplateName
	}
	return "analysis " + strings.Join(names, ", ")
}

// begin fills in what a trial needs to find its answer.
func (q question) begin(c *canary, l *loop, t *trial) error {
	switch {
	case q.Analysis != nil:
		a := q.Analysis
		spec, err := c.merge(l, a.Templates, a.Args, a.DryRun, a.MeasurementRetention)
		if err != nil {
			return err
		}
		t.Analyses = []*analysisRun{{Name: c.runName(t.Run, ""), Required: true, Spec: spec}}
	case q.Experiment != nil:
		if l.experiments != nil {
			return c.beginApart(t)
		}
		return c.beginExperiment(l, t)
	case q.Prove != nil:
		t.Proof = c.beginProof(l, q.Prove)
	case q.Promotion != nil: // the judge has it
	case q.Gate != nil:
		t.Analyses = []*analysisRun{{Name: c.runName(t.Run, "gate"), Spec: gateSpec(q.Gate)}}
	default:
		return fmt.Errorf("the check of step %d asks nothing that this version knows", t.Run.Step)
	}
	return nil
}

// merge makes the spec of an AnalysisRun.
func (c *canary) merge(l *loop, refs []api.AnalysisTemplateRef, args []api.Argument, dry []api.DryRun, keep []api.MeasurementRetention) (api.AnalysisRunSpec, error) {
	templates, err := run.Flatten(refs, c.key.Namespace, l.objects.AnalysisTemplateSpec)
	if err != nil {
		return api.AnalysisRunSpec{}, err
	}
	values, err := c.arguments(args)
	if err != nil {
		return api.AnalysisRunSpec{}, err
	}
	return run.Merge(templates, values, dry, keep)
}

// beginExperiment begins the analyses of an experiment: for files it has no pods
// of its own, and its versions are those of the rollout.
func (c *canary) beginExperiment(l *loop, t *trial) error {
	e := t.Question.Experiment
	d, err := e.Duration.Duration()
	if err != nil {
		return fmt.Errorf("the duration of the experiment: %w", err)
	}
	if d > 0 {
		until := l.now.Add(d)
		t.Until = &until
	}
	for i := range e.Analyses {
		a := &e.Analyses[i]
		spec, err := c.merge(l, []api.AnalysisTemplateRef{a.Ref()}, experiment.Arguments(a.Args, c.templates(e.Templates)), e.DryRun, nil)
		if err != nil {
			return fmt.Errorf("analysis %q: %w", a.Name, err)
		}
		t.Analyses = append(t.Analyses, &analysisRun{Name: c.runName(t.Run, a.Name), Required: a.RequiredForCompletion, Spec: spec})
	}
	return nil
}

// gateSpec asks until it is answered: no refusal and no error ends it, and one
// answer does.
func gateSpec(g *api.Gate) api.AnalysisRunSpec {
	never, once := intstr.FromInt32(-1), intstr.FromInt32(1)
	return api.AnalysisRunSpec{Metrics: []api.Metric{{
		Name: "gate", Interval: api.DurationText(g.Every().String()), Provider: api.MetricProvider{Web: g.Web},
		FailureLimit: &never, InconclusiveLimit: &never, ConsecutiveErrorLimit: &never,
		ConsecutiveSuccessLimit: &once,
	}}}
}

// judge makes of a measurement what it is to the question: of a gate an error is
// a refusal, to be asked again after the interval.
func (q question) judge(r run.Result) run.Result {
	if q.Gate == nil || r.Unusable {
		return r
	}
	if r.Phase == api.AnalysisError {
		r.Phase = api.AnalysisFailed
	} else {
		r.Phase = api.AnalysisSuccessful
	}
	r.Value = "" // what else the answer says is nobody's business
	return r
}

// outcome is the answer to the question, empty while there is none.
func (q question) outcome(t *trial, now time.Time) (rollout.Outcome, string) {
	switch {
	case t.Proof != nil:
		return t.Proof.outcome()
	case t.Apart != nil:
		return t.Apart.outcome()
	}
	all := make([]experiment.Analysis, len(t.Analyses))
	for i, a := range t.Analyses {
		all[i] = experiment.Analysis{Required: a.Required, Phase: a.Status.Phase}
	}
	phase, by := experiment.Assess(all, t.Until, now)
	if phase == api.AnalysisSuccessful && q.Gate != nil {
		return rollout.Passed, q.Gate.Web.URL + " answered"
	}
	said := make([]string, len(by))
	for i, k := range by {
		said[i] = t.Analyses[k].summary()
	}
	if len(said) == 0 {
		said = append(said, "its time is over")
	}
	return outcomes[phase], strings.Join(said, "; ")
}

// outcomes are the answers that the ends of analyses are; of one that is open there is
// none.
var outcomes = map[api.AnalysisPhase]rollout.Outcome{
	api.AnalysisSuccessful:   rollout.Passed,
	api.AnalysisFailed:       rollout.Failed,
	api.AnalysisError:        rollout.Failed,
	api.AnalysisInconclusive: rollout.Inconclusive,
}

// summary says how an AnalysisRun ended, in one line.
func (a *analysisRun) summary() string {
	text := string(a.Status.Phase)
	if a.Status.Message != "" {
		text += ": " + a.Status.Message
	}
	for _, m := range a.Status.MetricResults {
		if n := len(m.Measurements); n > 0 && m.Measurements[n-1].Value != "" {
			text += fmt.Sprintf("; %s %s", m.Name, m.Measurements[n-1].Value)
		}
	}
	return text
}
