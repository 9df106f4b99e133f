package control

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
)

// Experiments runs experiments with pods and analyses of their own. Its methods must
// not block.
type Experiments interface {
	// Want says what a Rollout wants now, in place of what it wanted before.
	Want(w ExperimentsWanted)
	// Forget says that a Rollout is gone.
	Forget(key api.Key)
}

// ExperimentsWanted is what one Rollout wants of experiments.
type ExperimentsWanted struct {
	Rollout *api.Rollout
	Running []ExperimentAsked // that steps wait for
	Kept    []string          // names of those that have ended and are kept
	Busy    []string          // versions that an Envoy may still use, sorted
}

// ExperimentAsked is an experiment that a step asks for.
type ExperimentAsked struct {
	Name     string `json:"name"`
	Stable   string `json:"stable"`
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"` // of Version, where it is known
	// Step has the arguments of the analyses filled in, but for what they say of the
	// templates.
	Step *api.ExperimentStep `json:"step"`
}

// ExperimentReport is how an experiment stands.
type ExperimentReport struct {
	Name     string
	Status   api.ExperimentStatus
	Analyses []ExperimentAnalysis
	Failure  string // why it cannot be made; empty: it can
}

// ExperimentAnalysis is one analysis of an experiment that has begun.
type ExperimentAnalysis struct {
	Name     string // the AnalysisRun's
	Required bool
	Spec     api.AnalysisRunSpec
	Status   api.AnalysisRunStatus
}

// apart is an experiment that somebody else runs.
type apart struct {
	Asked   ExperimentAsked      `json:"asked"`
	Status  api.ExperimentStatus `json:"status"`
	Failure string               `json:"failure,omitempty"`
}

// beginApart has an experiment run with pods of its own.
func (c *canary) beginApart(t *trial) error {
	step := *t.Question.Experiment
	step.Analyses = slices.Clone(step.Analyses)
	for i := range step.Analyses {
		args, err := c.arguments(step.Analyses[i].Args)
		if err != nil {
			return err
		}
		step.Analyses[i].Args = args
	}
	t.Apart = &apart{Asked: ExperimentAsked{
		Name: c.runName(t.Run, ""), Stable: c.state.Stable, Version: c.state.Version, Revision: c.pods.report.Revision, Step: &step,
	}}
	return nil
}

// outcome is what an experiment comes to, empty while that is open. One that has
// nothing to wait for has shown that its pods come up.
func (a *apart) outcome() (rollout.Outcome, string) {
	step := a.Asked.Step
	if a.Status.Phase == api.AnalysisRunning && step.Duration == "" && len(step.Analyses) == 0 {
		return rollout.Passed, "its pods are available"
	}
	return outcomes[a.Status.Phase], a.said()
}

// weighted says whether the experiment's versions are to have traffic of their own.
func (a *apart) weighted() bool {
	return slices.ContainsFunc(a.Asked.Step.Templates, func(t api.ExperimentStepTemplate) bool { return t.Weight != nil && *t.Weight > 0 })
}

// traffic gives what the experiment's versions are to have of the traffic while it
// runs, in the order of its templates; whole is what their weights are parts of.
func (a *apart) traffic(whole int32) (parts []rollout.Part) {
	if a.Status.Phase != api.AnalysisRunning {
		return nil
	}
	for _, t := range a.Asked.Step.Templates {
		i := slices.IndexFunc(a.Status.TemplateStatuses, func(s api.ExperimentTemplateStatus) bool { return s.Name == t.Name })
		if t.Weight == nil || *t.Weight <= 0 || i < 0 || a.Status.TemplateStatuses[i].PodTemplateHash == "" {
			continue
		}
		weight := int64(rollout.Total) * int64(*t.Weight) / int64(max(whole, 1))
		parts = append(parts, rollout.Part{Version: a.Status.TemplateStatuses[i].PodTemplateHash, Weight: rollout.Weight(min(weight, int64(rollout.Total)))})
	}
	return parts
}

// lacks says what keeps an experiment from its pods or its traffic; empty: nothing does.
func (c *canary) lacks(l *loop, a *apart) string {
	if a.Failure != "" {
		return "its experiment cannot be made: " + a.Failure
	}
	if c.object == nil {
		return ""
	}
	for _, p := range a.traffic(c.object.MaxTrafficWeight()) {
		if l.builder.ReadyEndpoints(c.service, p.Version) == 0 {
			return fmt.Sprintf("%s of its experiment has no traffic: the Service %s has no ready endpoint of it", p.Version, c.service)
		}
	}
	return ""
}

func (a *apart) said() string {
	if a.Status.Message == "" {
		return string(a.Status.Phase)
	}
	return a.Status.Message
}

// wantExperiments tells who runs experiments what the Rollout wants, if that is news.
func (c *canary) wantExperiments(l *loop) {
	if l.experiments == nil || c.object == nil {
		return
	}
	w := ExperimentsWanted{Rollout: c.object, Busy: c.pods.wanted.Busy}
	for _, t := range c.trials {
		if t.Apart != nil && t.Outcome == "" {
			w.Running = append(w.Running, t.Apart.Asked)
		}
	}
	for _, t := range c.past {
		if t.Apart != nil {
			w.Kept = append(w.Kept, t.Apart.Asked.Name)
		}
	}
	if c.experiments == nil || !reflect.DeepEqual(w, *c.experiments) {
		c.experiments = &w
		l.experiments.Want(w)
	}
}

// ExperimentReported takes how an experiment of a Rollout stands.
func (c *Control) ExperimentReported(key api.Key, r ExperimentReport) {
	c.tell(func(l *loop) {
		if of := l.canaries[key]; of != nil {
			of.seeExperiment(l, r)
		}
	})
}

// seeExperiment notes how the experiment of a trial stands.
func (c *canary) seeExperiment(l *loop, r ExperimentReport) {
	for _, t := range c.trials {
		if t.Apart == nil || t.Apart.Asked.Name != r.Name || t.Outcome != "" {
			continue
		}
		t.Apart.Status, t.Apart.Failure = r.Status, r.Failure
		t.Analyses = nil
		for _, a := range r.Analyses {
			t.Analyses = append(t.Analyses, &analysisRun{Name: a.Name, Required: a.Required, Spec: a.Spec, Status: a.Status})
		}
		l.asking[c] = true
		c.changed(l)
	}
}
