package experiment

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/serin-mesh/serin/api"
)

// begin is when the experiments of these tests begin.
var begin = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// life is an experiment in a world whose pods do as the test says.
type life struct {
	t      *testing.T
	spec   api.ExperimentSpec
	status api.ExperimentStatus
	seen   Seen
	plan   Plan
	now    time.Time
}

func newLife(t *testing.T, spec api.ExperimentSpec) *life {
	l := &life{t: t, spec: spec, now: begin}
	for range spec.Templates {
		l.seen.Templates = append(l.seen.Templates, Template{})
	}
	for _, a := range spec.Analyses {
		l.seen.Analyses = append(l.seen.Analyses, Analysis{Name: a.Name, Required: a.RequiredForCompletion})
	}
	l.look()
	return l
}

// look asks the machine, and makes the ReplicaSets and runs that it plans.
func (l *life) look() {
	l.status, l.plan = Next(&l.spec, l.status, l.seen, l.now)
	for i := range l.seen.Templates {
		t := &l.seen.Templates[i]
		if t.Error == "" && (t.Hash != "" || !l.status.Phase.Completed()) {
			t.Hash, t.Current = fmt.Sprint("h", i), t.Current && t.Wanted == l.plan.Replicas[i]
			t.Wanted = l.plan.Replicas[i]
		}
	}
	for i := range l.seen.Analyses {
		if a := &l.seen.Analyses[i]; l.plan.Analyse && a.Run == "" && a.Phase == "" {
			a.Run, a.Phase = "run-"+a.Name, api.AnalysisRunning
		}
	}
}

// after lets time pass.
func (l *life) after(d time.Duration) { l.now = l.now.Add(d); l.look() }

// pods has so many pods of a template available.
func (l *life) pods(template int, n int32) {
	t := &l.seen.Templates[template]
	t.Replicas, t.Ready, t.Available, t.Current = n, n, n, true
	l.look()
}

// ends has an analysis end.
func (l *life) ends(analysis int, phase api.AnalysisPhase) {
	l.seen.Analyses[analysis].Phase = phase
	l.look()
}

func (l *life) is(phase api.AnalysisPhase, message string) {
	l.t.Helper()
	if l.status.Phase != phase || !strings.Contains(l.status.Message, message) {
		l.t.Fatalf("%s %q, want %s %q", l.status.Phase, l.status.Message, phase, message)
	}
}

func (l *life) wants(replicas ...int32) {
	l.t.Helper()
	if !slices.Equal(l.plan.Replicas, replicas) {
		l.t.Fatalf("pods wanted are %v, want %v", l.plan.Replicas, replicas)
	}
}

// two are templates of one and of two pods.
func two() []api.ExperimentTemplate {
	return []api.ExperimentTemplate{{Name: "a"}, {Name: "b", Replicas: new(int32(2))}}
}

func required(names ...string) (out []api.ExperimentAnalysis) {
	for _, n := range names {
		out = append(out, api.ExperimentAnalysis{Name: n, TemplateName: n, RequiredForCompletion: true})
	}
	return out
}

func TestAnalysesBeginWithAllPods(t *testing.T) {
	l := newLife(t, api.ExperimentSpec{Templates: two(), Analyses: required("x"), ScaleDownDelaySeconds: new(int32(5))})
	l.is(api.AnalysisPending, "")
	l.wants(1, 2)
	l.pods(0, 1)
	l.pods(1, 1)
	if l.is(api.AnalysisPending, ""); l.plan.Analyse {
		t.Fatal("it is analysed before its pods are there")
	}
	l.seen.Templates[1].Current = false // counted for another number
	l.seen.Templates[1].Available = 2
	l.look()
	l.is(api.AnalysisPending, "")
	l.pods(1, 2)
	if l.is(api.AnalysisRunning, ""); !l.plan.Analyse || !l.status.AvailableAt.Equal(at(begin)) {
		t.Fatal("it is not analysed although its pods are there")
	}
	l.pods(0, 0) // one fails: that ends nothing by itself
	l.is(api.AnalysisRunning, "")
	l.pods(0, 1)
	l.ends(0, api.AnalysisSuccessful)
	l.is(api.AnalysisSuccessful, "analysis x: Successful")
	l.wants(1, 2)
	l.after(4 * time.Second)
	l.wants(1, 2)
	l.seen.Templates[1].Held = true
	l.after(time.Second)
	l.wants(0, 2)
	l.seen.Templates[1].Held = false
	l.look()
	l.wants(0, 0)
	l.seen.Templates[1].Held = true // too late: what is gone does not come back
	l.look()
	l.wants(0, 0)
}

func TestEnds(t *testing.T) {
	minute := api.DurationText("1m")
	both := []api.ExperimentAnalysis{{Name: "x"}, {Name: "y"}}
	for name, c := range map[string]struct {
		spec    api.ExperimentSpec
		play    func(*life)
		phase   api.AnalysisPhase
		message string
	}{
		"the time is not over":               {api.ExperimentSpec{Duration: minute}, func(l *life) { l.after(59 * time.Second) }, api.AnalysisRunning, ""},
		"the time is over":                   {api.ExperimentSpec{Duration: minute}, func(l *life) { l.after(time.Minute) }, api.AnalysisSuccessful, ""},
		"what is not required is stopped":    {api.ExperimentSpec{Duration: minute, Analyses: both}, func(l *life) { l.after(time.Minute) }, api.AnalysisSuccessful, ""},
		"what is required is waited for":     {api.ExperimentSpec{Duration: minute, Analyses: required("x")}, func(l *life) { l.after(time.Hour) }, api.AnalysisRunning, ""},
		"required, and the time is not over": {api.ExperimentSpec{Duration: minute, Analyses: required("x")}, func(l *life) { l.ends(0, api.AnalysisSuccessful) }, api.AnalysisRunning, ""},
		"all analyses, nothing required":     {api.ExperimentSpec{Analyses: both}, func(l *life) { l.ends(0, api.AnalysisSuccessful) }, api.AnalysisRunning, ""},
		"all analyses, and all passed": {api.ExperimentSpec{Analyses: both}, func(l *life) {
			l.ends(0, api.AnalysisSuccessful)
			l.ends(1, api.AnalysisSuccessful)
		}, api.AnalysisSuccessful, "analysis x: Successful; analysis y: Successful"},
		"nothing to wait for runs on":    {api.ExperimentSpec{}, func(l *life) { l.after(1000 * time.Hour) }, api.AnalysisRunning, ""},
		"one fails that is not required": {api.ExperimentSpec{Duration: minute, Analyses: both}, func(l *life) { l.ends(1, api.AnalysisFailed) }, api.AnalysisFailed, "analysis y: Failed"},
		"one is inconclusive":            {api.ExperimentSpec{Analyses: both}, func(l *life) { l.ends(0, api.AnalysisInconclusive) }, api.AnalysisInconclusive, "x"},
		"the worst one decides": {api.ExperimentSpec{Analyses: both}, func(l *life) {
			l.seen.Analyses[0].Phase = api.AnalysisInconclusive
			l.ends(1, api.AnalysisFailed)
		}, api.AnalysisFailed, "y"},
		"terminated": {api.ExperimentSpec{Analyses: both}, func(l *life) { l.spec.Terminate = true; l.look() }, api.AnalysisSuccessful, "terminated"},
		"terminated, but one had failed": {api.ExperimentSpec{Analyses: both}, func(l *life) {
			l.spec.Terminate = true
			l.ends(0, api.AnalysisFailed)
		}, api.AnalysisFailed, "x"},
		"no duration":         {api.ExperimentSpec{Duration: "soon"}, func(*life) {}, api.AnalysisError, "spec.duration"},
		"pods that cannot be": {api.ExperimentSpec{}, func(l *life) { l.seen.Templates[0].Error = "no image"; l.look() }, api.AnalysisError, "template a: no image"},
	} {
		t.Run(name, func(t *testing.T) {
			c.spec.Templates = two()
			l := newLife(t, c.spec)
			l.pods(0, 1)
			l.pods(1, 2)
			c.play(l)
			l.is(c.phase, c.message)
			if ended := c.phase.Completed(); l.plan.Stop != ended || l.plan.Analyse == ended {
				t.Errorf("ended: %v, but analyses begin: %v, stop: %v", ended, l.plan.Analyse, l.plan.Stop)
			}
		})
	}
}

func TestDeadline(t *testing.T) {
	l := newLife(t, api.ExperimentSpec{Templates: two(), ProgressDeadlineSeconds: new(int32(30)), ScaleDownDelaySeconds: new(int32(0))})
	l.pods(0, 1)
	if want := begin.Add(30 * time.Second); !l.plan.Next.Equal(want) {
		t.Fatalf("it looks again at %s, want %s", l.plan.Next, want)
	}
	l.seen.Templates[1].Failure = "quota exceeded"
	l.after(29 * time.Second)
	l.is(api.AnalysisPending, "")
	l.after(time.Second)
	l.is(api.AnalysisFailed, "template b: 0 of 2 pods are available after 30s, its progressDeadlineSeconds: quota exceeded")
	l.wants(0, 0)
	if a, b := l.status.TemplateStatuses[0].Status, l.status.TemplateStatuses[1].Status; a != api.TemplateSuccessful || b != api.TemplateFailed {
		t.Errorf("the templates are %s and %s", a, b)
	}
}

func TestConditions(t *testing.T) {
	l := newLife(t, api.ExperimentSpec{Templates: two(), Analyses: required("x")})
	show := func() (out string) {
		l.status.Conditions = Conditions(l.status, 1, l.now)
		for _, c := range l.status.Conditions {
			out += fmt.Sprintf("%s=%s since %s %s; ", c.Type, c.Status, c.LastTransitionTime.Sub(begin), c.Reason)
		}
		return out
	}
	if got, want := show(), "Progressing=True since 0s Pending; Ready=False since 0s Pending; Reconciling=True since 0s Pending; "; got != want {
		t.Errorf("at first\n%s, want\n%s", got, want)
	}
	l.after(time.Minute)
	l.pods(0, 1)
	l.pods(1, 2)
	if got, want := show(), "Progressing=True since 0s Running; Ready=False since 0s Running; Reconciling=True since 0s Running; "; got != want {
		t.Errorf("running\n%s, want\n%s", got, want)
	}
	l.ends(0, api.AnalysisFailed)
	if got, want := show(), "Progressing=False since 1m0s Failed; Ready=False since 0s Failed; Stalled=True since 1m0s Failed; "; got != want {
		t.Errorf("failed\n%s, want\n%s", got, want)
	}
}

func TestArguments(t *testing.T) {
	text := "{{templates.a.podTemplateHash}} {{ templates.b.podTemplateHash }} {{templates.a.replicaset.name}} {{templates.c.podTemplateHash}}"
	args := []api.Argument{{Name: "x", Value: &text}, {Name: "y"}}
	got := Arguments(args, map[string]Facts{"a": {Hash: "h1", ReplicaSet: "e-a"}, "b": {Hash: "h2"}})
	if want := "h1 h2 e-a {{templates.c.podTemplateHash}}"; *got[0].Value != want || got[1].Value != nil {
		t.Errorf("%q, want %q", *got[0].Value, want)
	}
	if !strings.HasPrefix(*args[0].Value, "{{") {
		t.Error("what was given has changed")
	}
}

// TestAlways plays random lives and checks what always holds, also that a status
// which went through JSON goes on as if it had not.
func TestAlways(t *testing.T) {
	phases := []api.AnalysisPhase{api.AnalysisRunning, api.AnalysisSuccessful, api.AnalysisFailed, api.AnalysisError, api.AnalysisInconclusive}
	rapid.Check(t, func(r *rapid.T) {
		spec := api.ExperimentSpec{Templates: two(), Analyses: required("x", "y"),
			ScaleDownDelaySeconds: new(rapid.Int32Range(0, 40).Draw(r, "delay")), ProgressDeadlineSeconds: new(rapid.Int32Range(1, 100).Draw(r, "deadline"))}
		spec.Analyses[1].RequiredForCompletion = rapid.Bool().Draw(r, "required")
		if rapid.Bool().Draw(r, "timed") {
			spec.Duration = "20s"
		}
		l := newLife(t, spec)
		var ended api.AnalysisPhase
		gone := make([]bool, 2)
		for range rapid.IntRange(1, 40).Draw(r, "events") {
			switch k := rapid.IntRange(0, 1).Draw(r, "which"); rapid.IntRange(0, 5).Draw(r, "event") {
			case 0:
				l.after(time.Duration(rapid.IntRange(0, 30_000).Draw(r, "ms")) * time.Millisecond)
			case 1:
				n := rapid.Int32Range(0, 2).Draw(r, "pods")
				l.pods(k, min(n, l.seen.Templates[k].Wanted))
			case 2:
				if a := l.seen.Analyses[k]; a.Run != "" && !a.Phase.Completed() {
					l.ends(k, rapid.SampledFrom(phases).Draw(r, "phase"))
				}
			case 3:
				l.seen.Templates[k].Held = rapid.Bool().Draw(r, "held")
				l.look()
			case 4:
				l.spec.Terminate = rapid.IntRange(0, 9).Draw(r, "terminate") == 0
				l.look()
			case 5:
				text, err := json.Marshal(l.status)
				if err != nil {
					r.Fatal(err)
				}
				var back api.ExperimentStatus
				if err := json.Unmarshal(text, &back); err != nil {
					r.Fatal(err)
				}
				l.status = back
				l.look()
			}
			if ended != "" && l.status.Phase != ended {
				r.Fatalf("it ended %s and is %s now", ended, l.status.Phase)
			}
			if l.status.Phase.Completed() {
				ended = l.status.Phase
			}
			for i, a := range l.seen.Analyses {
				if a.Run != "" && l.status.AvailableAt == nil {
					r.Fatalf("analysis %d began before all pods were there", i)
				}
			}
			for i, n := range l.plan.Replicas {
				switch s := l.seen.Templates[i]; {
				case ended == "" && n != Replicas(&spec.Templates[i]):
					r.Fatalf("%d pods of template %d while it runs", n, i)
				case gone[i] && n > 0:
					r.Fatalf("template %d has pods again after its end", i)
				case ended != "" && n == 0 && s.Held && !gone[i]:
					r.Fatalf("template %d is held and was scaled down", i)
				}
				gone[i] = ended != "" && n == 0
			}
			once, plan := Next(&l.spec, l.status, l.seen, l.now)
			if twice, same := Next(&l.spec, once, l.seen, l.now); fmt.Sprint(once, plan) != fmt.Sprint(twice, same) {
				r.Fatalf("asked twice at once it gives\n%v %v and\n%v %v", once, plan, twice, same)
			}
		}
	})
}
