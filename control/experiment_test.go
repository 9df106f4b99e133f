package control_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/control"
)

// laboratory is a double of who runs experiments: it keeps what was wanted last.
type laboratory struct {
	mu     sync.Mutex
	wanted control.ExperimentsWanted
	times  int
}

func (l *laboratory) Want(w control.ExperimentsWanted) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wanted = w
	l.times++
}

func (l *laboratory) Forget(api.Key) {}

// names lists what is wanted to run, and what is to be kept.
func (l *laboratory) names() (running, kept []string) {
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.wanted.Running {
		running = append(running, a.Name)
	}
	return running, l.wanted.Kept
}

const experimentStep = "{setWeight: 20}, {experiment: {duration: 1m, templates: [{name: a, specRef: stable}, {name: b, specRef: canary}], " +
	"analyses: [{name: x, templateName: latency, clusterScope: true, args: [{name: stable, valueFrom: {podTemplateHashValue: Stable}}, " +
	"{name: hash, value: \"{{templates.b.podTemplateHash}}\"}]}]}}, {pause: {}}"

// inLaboratory runs a test in which an experiment with pods is wanted.
func inLaboratory(t *testing.T, steps string, f func(w *world, l *laboratory)) {
	synctest.Test(t, func(t *testing.T) {
		l := &laboratory{}
		w := &world{t: t, fleet: newFleet(), disk: newDisk(), gauge: &gauge{values: map[string]any{}}, experiments: l}
		w.start()
		defer func() { w.stop() }()
		w.objects("v1", 1, 1)
		w.checked(steps, "")
		f(w, l)
	})
}

// experimentIs reports how the experiment stands.
func (w *world) experimentIs(phase api.AnalysisPhase, message string, analyses ...control.ExperimentAnalysis) {
	w.t.Helper()
	w.ExperimentReported(shop, control.ExperimentReport{Name: "shop-v2-1-1", Analyses: analyses, Status: api.ExperimentStatus{Phase: phase, Message: message}})
	synctest.Wait()
}

// TestExperimentApart: where somebody runs experiments with pods, a step has that do
// it, waits for its end, and ends as it did.
func TestExperimentApart(t *testing.T) {
	for phase, want := range map[api.AnalysisPhase]struct {
		phase  api.Phase
		weight float64
	}{
		api.AnalysisSuccessful:   {api.PhasePaused, 20},
		api.AnalysisFailed:       {api.PhaseDegraded, 0},
		api.AnalysisError:        {api.PhaseDegraded, 0},
		api.AnalysisInconclusive: {api.PhasePaused, 20},
	} {
		t.Run(string(phase), func(t *testing.T) {
			inLaboratory(t, experimentStep, func(w *world, l *laboratory) {
				w.is(api.PhaseProgressing, 20, "experiment")
				if running, kept := l.names(); !slices.Equal(running, []string{"shop-v2-1-1"}) || len(kept) > 0 {
					t.Fatalf("wanted are %q, kept %q", running, kept)
				}
				asked := l.wanted.Running[0]
				args := asked.Step.Analyses[0].Args
				if asked.Stable != "v1" || asked.Version != "v2" || *args[0].Value != "v1" || *args[1].Value != "{{templates.b.podTemplateHash}}" {
					t.Errorf("asked is %+v with %+v", asked, args)
				}
				if len(w.gauge.taken()) > 0 {
					t.Error("the loop measures what another measures")
				}
				w.experimentIs(api.AnalysisRunning, "")
				time.Sleep(time.Hour) // its time is who runs it's
				w.is(api.PhaseProgressing, 20, "experiment")
				w.experimentIs(phase, "because")
				w.is(want.phase, want.weight, "")
				running, kept := l.names()
				if wantKept := []string{"shop-v2-1-1"}; len(running) > 0 || !slices.Equal(kept, wantKept) {
					t.Errorf("wanted are %q, kept %q", running, kept)
				}
			})
		})
	}
}

// TestExperimentApartShows: what an experiment's analyses find is shown as that of
// others, but its objects are written by who runs it.
func TestExperimentApartShows(t *testing.T) {
	inLaboratory(t, experimentStep, func(w *world, _ *laboratory) {
		found := api.AnalysisRunStatus{Phase: api.AnalysisRunning, MetricResults: []api.MetricResult{{Name: "slow", Phase: api.AnalysisRunning, Count: 3, Successful: 3}}}
		w.experimentIs(api.AnalysisRunning, "", control.ExperimentAnalysis{Name: "shop-v2-1-1-x", Status: found})
		st := w.status()
		if st.Canary.CurrentExperiment != "shop-v2-1-1" {
			t.Errorf("the experiment is %q", st.Canary.CurrentExperiment)
		}
		if !slices.ContainsFunc(st.Evidence, func(e api.Evidence) bool { return e.Metric == "slow" && e.Judge == "experiment" }) {
			t.Errorf("the evidence is %+v", st.Evidence)
		}
		if runs := w.runs(); len(runs) != 1 || runs[0].Name != "shop-v2-1-1-x" {
			t.Errorf("the runs are %+v", runs)
		}
		own, err := w.OwnAnalysisRuns(context.Background(), shop)
		if err != nil || len(own) > 0 {
			t.Errorf("the loop's own are %+v %v", own, err)
		}
		w.ExperimentReported(shop, control.ExperimentReport{Name: "shop-v2-1-1", Failure: "no rights"})
		w.is(api.PhaseProgressing, 20, "its experiment cannot be made: no rights")
	})
}

// TestExperimentApartEnds: an experiment is not wanted any more when its canary is
// aborted, or when a person promotes past it; a late answer changes nothing.
func TestExperimentApartEnds(t *testing.T) {
	for _, verb := range []string{"abort", "promote"} {
		t.Run(verb, func(t *testing.T) {
			inLaboratory(t, experimentStep, func(w *world, l *laboratory) {
				w.experimentIs(api.AnalysisRunning, "")
				if err := w.act(verb); err != nil {
					t.Fatal(err)
				}
				if running, _ := l.names(); len(running) > 0 {
					t.Errorf("wanted are %q", running)
				}
				before := w.decided()
				w.experimentIs(api.AnalysisFailed, "late")
				if after := w.decided(); after.Phase != before.Phase || after.Abort != before.Abort {
					t.Errorf("it was %s and is %s", before.Phase, after.Phase)
				}
			})
		})
	}
}

// TestExperimentApartRestart: an experiment is wanted again after a restart, as it was
// asked for, and goes on.
func TestExperimentApartRestart(t *testing.T) {
	inLaboratory(t, experimentStep, func(w *world, l *laboratory) {
		w.experimentIs(api.AnalysisRunning, "")
		time.Sleep(2 * time.Second) // what is known of it is stored
		w.stop()
		l.wanted = control.ExperimentsWanted{}
		w.start()
		w.checked(experimentStep, "")
		if running, _ := l.names(); !slices.Equal(running, []string{"shop-v2-1-1"}) || l.wanted.Running[0].Stable != "v1" {
			t.Fatalf("wanted are %+v", l.wanted.Running)
		}
		w.experimentIs(api.AnalysisSuccessful, "")
		w.is(api.PhasePaused, 20, "")
	})
}

// TestExperimentApartPods: a step that only has pods come up passes when they are.
func TestExperimentApartPods(t *testing.T) {
	steps := strings.Replace(experimentStep[:strings.Index(experimentStep, ", analyses")]+"}}, {pause: {}}", "duration: 1m, ", "", 1)
	inLaboratory(t, steps, func(w *world, _ *laboratory) {
		w.experimentIs(api.AnalysisPending, "")
		w.is(api.PhaseProgressing, 20, "experiment")
		w.experimentIs(api.AnalysisRunning, "")
		w.is(api.PhasePaused, 20, "")
	})
}

// TestExperimentApartTraffic: versions of an experiment have the weights of its
// templates while it runs, as parts of maxTrafficWeight, and none where its Service has no
// endpoint of them, which the message says.
func TestExperimentApartTraffic(t *testing.T) {
	steps := "{setWeight: 20}, {experiment: {duration: 1m, templates: [{name: a, specRef: stable, weight: 10}, {name: b, specRef: canary, weight: 20}, " +
		"{name: c, specRef: canary}]}}, {pause: {}}"
	inLaboratory(t, steps, func(w *world, l *laboratory) {
		with := func(e1 int) {
			text := fmt.Sprintf(rolloutOf, "v2", "{}")
			text = text[:strings.Index(text, "steps:")] + "trafficRouting: {maxTrafficWeight: 200}, steps: [" + steps + "]}}\n"
			w.files(map[string]string{"shop.yaml": objectsOf + slice("v1", 1) + slice("v2", 1) + slice("e1", e1) + slice("e2", 1) + text})
		}
		with(0)
		w.is(api.PhaseProgressing, 10, "experiment")
		now := api.ExperimentStatus{Phase: api.AnalysisPending, TemplateStatuses: []api.ExperimentTemplateStatus{
			{Name: "a", PodTemplateHash: "e1"}, {Name: "b", PodTemplateHash: "e2"}, {Name: "c", PodTemplateHash: "e3"}}}
		report := func(phase api.AnalysisPhase) {
			now.Phase = phase
			running, _ := l.names()
			w.ExperimentReported(shop, control.ExperimentReport{Name: running[0], Status: now})
			synctest.Wait()
		}
		report(api.AnalysisPending)
		if more := w.status().Canary.Weights.Additional; len(more) > 0 {
			t.Fatalf("before its pods are there it has %+v", more)
		}
		report(api.AnalysisRunning)
		w.is(api.PhaseProgressing, 10, "e1 of its experiment has no traffic: the Service default/shop has no ready endpoint of it")
		with(1)
		w.is(api.PhaseProgressing, 10, "5% to e1, 10% to e2")
		w.reads("v2+e1+e2", map[string]float64{"v1": 75, "v2": 10, "e1": 5, "e2": 10})
		report(api.AnalysisSuccessful)
		w.is(api.PhasePaused, 10, "")
		w.reads("v2", map[string]float64{"v1": 90, "v2": 10})
	})
}
