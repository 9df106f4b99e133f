package main

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/serin-mesh/serin/analysis/provider"
	analyses "github.com/serin-mesh/serin/analysis/run"
	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/control"
	"github.com/serin-mesh/serin/runner"
)

// trials are the Experiments and AnalysisRuns that stand as objects, as the control
// loop and the providers of measurements know them.
type trials struct {
	runner    *runner.Runner
	control   *control.Control
	providers *provider.Set
}

// seen shows objects, as the API server gives them, to those who write into them.
func seen(s *statuses, t *trials) func(*unstructured.Unstructured, bool) {
	return func(o *unstructured.Unstructured, gone bool) {
		if o.GetKind() == "Rollout" {
			s.See(o, gone)
			return
		}
		t.runner.See(o, gone)
	}
}

// Want says what a Rollout wants of Experiments now. Source: control.Experiments.
func (t *trials) Want(w control.ExperimentsWanted) {
	wanted := runner.Wanted{Rollout: w.Rollout, Kept: w.Kept, Busy: w.Busy}
	for _, a := range w.Running {
		wanted.Running = append(wanted.Running, runner.Asked(a))
	}
	t.runner.Want(wanted)
}

// Forget says that a Rollout is gone. Source: control.Experiments.
func (t *trials) Forget(key api.Key) { t.runner.Forget(key) }

// report tells the control loop how an Experiment stands.
func (t *trials) report(r runner.Report) {
	told := control.ExperimentReport{Name: r.Name, Status: r.Status, Failure: r.Failure}
	for _, a := range r.Analyses {
		told.Analyses = append(told.Analyses, control.ExperimentAnalysis(a))
	}
	t.control.ExperimentReported(r.Rollout, told)
}

// reads tells the control loop how far back AnalysisRuns look.
func (t *trials) reads(rollout api.Key, length time.Duration) { t.control.Reads(rollout, length) }

// measure takes a measurement of an AnalysisRun.
func (t *trials) measure(ctx context.Context, m runner.Measurement) analyses.Result {
	return t.providers.Take(ctx, m.Task, m.Args, m.Secret, provider.Subject{Rollout: m.Rollout, Run: m.Run, Owner: &m.Owner})
}
