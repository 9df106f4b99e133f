package control_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/analysis/run"
	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/control"
	"github.com/serin-mesh/serin/stats"
)

// This file proves what becomes of a check: who is measured with which
// arguments, what the answers do to the rollout, and that it all goes on over a
// restart.

// gauge is a double of the providers: every metric has the value that was set
// for it, and is judged by the rules of analyses.
type gauge struct {
	mu     sync.Mutex
	values map[string]any // by metric; an error is one
	took   []string       // what was measured: run, metric, secret
	block  bool           // a measurement lasts until it is given up
}

func (g *gauge) Measure(ctx context.Context, m control.Measurement) run.Result {
	metric, secrets, err := run.Resolve(m.Task.Metric, m.Args, m.Secret)
	if err != nil {
		return run.Unusable(err, secrets)
	}
	g.mu.Lock()
	took := m.Run + " " + metric.Name
	if p := metric.Provider.Prometheus; p != nil {
		took += " " + p.Query
	}
	if w := metric.Provider.Web; w != nil {
		took += " " + w.URL
	}
	g.took = append(g.took, took)
	value, block := g.values[metric.Name], g.block
	g.mu.Unlock()
	if block {
		<-ctx.Done()
		return run.Judge(metric, run.Value{}, ctx.Err(), secrets)
	}
	if err, ok := value.(error); ok {
		return run.Judge(metric, run.Value{}, err, secrets)
	}
	return run.Judge(metric, run.Value{Result: value, Text: fmt.Sprint(value)}, nil, secrets)
}

func (g *gauge) set(metric string, value any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.values[metric] = value
}

func (g *gauge) hang(block bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.block = block
}

func (g *gauge) taken() []string {
	synctest.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.took...)
}

const templatesOf = `---
apiVersion: serin.dev/v1alpha1
kind: AnalysisTemplate
metadata: {name: rate}
spec:
  args: [{name: version}, {name: team, value: nobody}, {name: token, valueFrom: {secretKeyRef: {name: keys, key: token}}}]
  metrics:
  - name: success
    interval: 10s
    count: 3
    successCondition: result >= 0.95
    failureCondition: result < 0.9
    provider: {prometheus: {address: "http://prometheus", query: "up{version='{{args.version}}',team='{{args.team}}'} {{args.token}}"}}
---
apiVersion: serin.dev/v1alpha1
kind: ClusterAnalysisTemplate
metadata: {name: latency}
spec:
  metrics: [{name: slow, interval: 10s, failureCondition: "result > 1", provider: {web: {url: "http://web/latency"}}}]
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {token: s3cr3t}
`

// checked hands the loop a folder in which v2 is rolled out by steps, in the
// form of YAML's flow, with more of the canary's fields, and more objects.
func (w *world) checked(steps, more string, objects ...string) {
	w.t.Helper()
	text := fmt.Sprintf(rolloutOf, "v2", "{}")
	from := "steps:"
	if strings.HasPrefix(more, "guard:") {
		from = "guard:"
	}
	text = text[:strings.Index(text, from)] + more + "steps: [" + steps + "]}}\n"
	text = strings.Replace(text, "metadata: {name: shop}", "metadata: {name: shop, labels: {my.org/team: web}}", 1)
	w.files(map[string]string{"shop.yaml": objectsOf + slice("v1", 1) + slice("v2", 1) + templatesOf + strings.Join(objects, "") + text})
}

const rateStep = "{analysis: {templates: [{templateName: rate}], args: [{name: version, valueFrom: {podTemplateHashValue: Latest}}, " +
	"{name: team, valueFrom: {fieldRef: {fieldPath: \"metadata.labels['my.org/team']\"}}}]}}"

func (w *world) is(phase api.Phase, percent float64, message string) {
	w.t.Helper()
	st := w.decided()
	if st.Phase != phase || st.Canary.Weights.Canary.Weight != percent || !strings.Contains(st.Message, message) {
		w.t.Fatalf("%s at %g%%: %s; want %s at %g%%: %s", st.Phase, st.Canary.Weights.Canary.Weight, st.Message, phase, percent, message)
	}
}

func (w *world) runs() []*api.AnalysisRun {
	w.t.Helper()
	synctest.Wait()
	all, err := w.AnalysisRuns(context.Background(), shop)
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

func TestAnalysisStep(t *testing.T) {
	inWorld(t, func(w *world) {
		w.gauge.set("success", 0.99)
		w.checked("{setWeight: 20}, "+rateStep+", {setWeight: 50}, {pause: {}}", "")
		w.is(api.PhaseProgressing, 20, "analysis rate runs")
		want := []string{"shop-v2-1-1 success up{version='v2',team='web'} s3cr3t"}
		if d := cmp.Diff(want, w.gauge.taken()); d != "" {
			t.Fatalf("measured (-want +got)\n%s", d)
		}
		st := w.status()
		if ref := st.Canary.CurrentStepAnalysisRunStatus; ref == nil || ref.Name != "shop-v2-1-1" || ref.Status != api.AnalysisRunning {
			t.Errorf("the status shows %+v", ref)
		}
		time.Sleep(19 * time.Second)
		w.is(api.PhaseProgressing, 20, "analysis rate runs")
		time.Sleep(time.Second)
		w.is(api.PhasePaused, 50, "")
		runs := w.runs()
		if len(runs) != 1 || runs[0].Status.Phase != api.AnalysisSuccessful || runs[0].Status.MetricResults[0].Count != 3 {
			t.Errorf("%+v", runs)
		}
		for _, a := range runs[0].Spec.Args {
			if a.Value != nil && strings.Contains(*a.Value, "s3cr3t") {
				t.Errorf("the secret is in the run: %+v", a)
			}
		}
	})
}

// TestSecretsStayWithTheProvider: whatever an analysis with a secret says, the
// secret is in no status, run, evidence or journal, and in nothing that is stored.
func TestSecretsStayWithTheProvider(t *testing.T) {
	inWorld(t, func(w *world) {
		w.gauge.set("success", errors.New("the server refused s3cr3t"))
		w.checked("{setWeight: 20}, "+rateStep+", {setWeight: 50}", "")
		time.Sleep(time.Minute)
		w.is(api.PhaseDegraded, 0, "the server refused")
		if taken := w.gauge.taken(); len(taken) == 0 || !strings.Contains(taken[0], "s3cr3t") {
			t.Fatalf("the provider was asked without it: %q", taken)
		}
		journal, err := w.History(context.Background(), shop)
		if err != nil {
			t.Fatal(err)
		}
		runs, status := w.runs(), w.status()
		w.disk.mu.Lock()
		defer w.disk.mu.Unlock()
		stored := w.disk.saved.Rollouts[shop]
		if len(stored.Trials) == 0 || len(runs) == 0 {
			t.Fatal("no run is stored")
		}
		for what, of := range map[string]any{"the status": status, "the runs": runs, "the journal": journal,
			"what is stored": stored, "the stored journal": w.disk.journal[shop]} {
			raw, err := json.Marshal(of)
			if err != nil {
				t.Fatal(err)
			}
			if text := string(raw) + string(stored.Trials) + string(stored.Evidence); strings.Contains(text, "s3cr3t") {
				t.Errorf("the secret is in %s", what)
			}
		}
	})
}

func TestAnalysisThatFails(t *testing.T) {
	for _, c := range []struct {
		value   any
		phase   api.Phase
		percent float64
		message string
	}{
		{0.5, api.PhaseDegraded, 0, "RolloutAborted: v2: analysis rate: Failed"},
		{0.93, api.PhasePaused, 20, "InconclusiveAnalysisRun: analysis rate: Inconclusive"},
		{errors.New("no route to prometheus"), api.PhaseDegraded, 0, "no route to prometheus"},
	} {
		inWorld(t, func(w *world) {
			w.gauge.set("success", c.value)
			w.checked("{setWeight: 20}, "+rateStep+", {setWeight: 50}", "")
			time.Sleep(time.Minute) // five errors, ten seconds apart
			w.is(c.phase, c.percent, c.message)
		})
	}
}

func TestPromotePastAnAnalysis(t *testing.T) {
	inWorld(t, func(w *world) {
		w.gauge.hang(true)
		w.checked("{setWeight: 20}, "+rateStep+", {setWeight: 50}, {pause: {}}", "")
		if err := w.act("promote"); err != nil {
			t.Fatal(err)
		}
		w.is(api.PhasePaused, 50, "")
		if r := w.runs()[0]; r.Status.Phase != api.AnalysisSuccessful { // as one without a count that is stopped
			t.Errorf("the run is %s: %s", r.Status.Phase, r.Status.Message)
		}
	})
}

func TestBackgroundAnalysis(t *testing.T) {
	const beside = "analysis: {templates: [{templateName: latency, clusterScope: true}], startingStep: 2}, "
	inWorld(t, func(w *world) {
		w.gauge.set("slow", 0.1)
		w.checked("{setWeight: 20}, {pause: {duration: 1m}}, {setWeight: 50}, {pause: {duration: 1m}}", beside)
		w.is(api.PhasePaused, 20, "")
		if took := w.gauge.taken(); len(took) != 0 {
			t.Errorf("before its step it measured %q", took)
		}
		time.Sleep(time.Minute + 30*time.Second)
		w.is(api.PhasePaused, 50, "")
		if took := w.gauge.taken(); len(took) != 4 || took[0] != "shop-v2-1 slow http://web/latency" {
			t.Errorf("in half a minute it measured %q", took)
		}
		if ref := w.status().Canary.CurrentBackgroundAnalysisRunStatus; ref == nil || ref.Status != api.AnalysisRunning {
			t.Errorf("the status shows %+v", ref)
		}
		time.Sleep(30 * time.Second)
		w.is(api.PhaseHealthy, 0, "")
		n := len(w.gauge.taken())
		if time.Sleep(time.Minute); len(w.gauge.taken()) != n {
			t.Error("it measures on after the promotion")
		}
	})
	inWorld(t, func(w *world) {
		w.gauge.set("slow", 0.1)
		w.checked("{setWeight: 20}, {pause: {}}", strings.Replace(beside, "2", "0", 1))
		time.Sleep(15 * time.Second)
		w.gauge.set("slow", 2)
		time.Sleep(5 * time.Second)
		w.is(api.PhaseDegraded, 0, "background analysis latency: Failed")
	})
}

func TestExperimentStep(t *testing.T) {
	step := func(required bool) string {
		return "{setWeight: 20}, {experiment: {duration: 1m, templates: [{name: old, specRef: stable}, {name: new, specRef: canary}], analyses: [" +
			fmt.Sprintf("{name: rate, templateName: rate, requiredForCompletion: %v, args: [{name: version, value: \"{{templates.new.podTemplateHash}}\"}, {name: team, value: x}]}, ", required) +
			"{name: slow, templateName: latency, clusterScope: true}]}}, {setWeight: 50}, {pause: {}}"
	}
	inWorld(t, func(w *world) {
		w.gauge.set("success", 0.99)
		w.gauge.set("slow", 0.1)
		w.checked(step(true), "")
		if st := w.status(); st.Canary.CurrentExperiment != "shop-v2-1-1" {
			t.Errorf("the experiment is called %q", st.Canary.CurrentExperiment)
		}
		if took := w.gauge.taken(); len(took) != 2 || !strings.Contains(took[0]+took[1], "version='v2'") {
			t.Errorf("measured %q", took)
		}
		time.Sleep(59 * time.Second)
		w.is(api.PhaseProgressing, 20, "experiment runs")
		time.Sleep(time.Second)
		w.is(api.PhasePaused, 50, "")
	})
	inWorld(t, func(w *world) { // what is required may take longer than the experiment
		w.gauge.set("slow", 0.1)
		w.gauge.set("success", errors.New("not yet"))
		w.checked(step(true), "")
		time.Sleep(35 * time.Second)
		w.gauge.set("success", 0.99)
		time.Sleep(24 * time.Second)
		w.is(api.PhaseProgressing, 20, "")
		time.Sleep(time.Minute)
		w.is(api.PhasePaused, 50, "")
	})
	inWorld(t, func(w *world) {
		w.gauge.set("success", 0.99)
		w.gauge.set("slow", 9)
		w.checked(step(false), "")
		w.is(api.PhaseDegraded, 0, "experiment: Failed")
	})
}

func TestGateStep(t *testing.T) {
	inWorld(t, func(w *world) {
		w.gauge.set("gate", errors.New("503 Service Unavailable"))
		w.checked("{setWeight: 20}, {gate: {web: {url: \"http://web/go\"}, interval: 3s}}, {setWeight: 50}, {pause: {}}", "")
		time.Sleep(time.Hour)
		w.is(api.PhaseProgressing, 20, "gate runs")
		if took := w.gauge.taken(); len(took) != 1201 {
			t.Errorf("asked %d times in an hour, want every 3 s", len(took))
		}
		w.gauge.set("gate", nil) // an answer without a body
		time.Sleep(3 * time.Second)
		w.is(api.PhasePaused, 50, "")
	})
}

// TestTwoGatesAreOneEvidence: of what several checks ask for the newest counts.
func TestTwoGatesAreOneEvidence(t *testing.T) {
	inWorld(t, func(w *world) {
		w.gauge.set("gate", nil)
		w.checked("{setWeight: 20}, {gate: {web: {url: \"http://web/a\"}}}, {gate: {web: {url: \"http://web/b\"}}}, {pause: {}}", "")
		w.is(api.PhasePaused, 20, "")
		n := 0
		for _, e := range w.status().Evidence {
			if e.Judge == "gate" {
				n++
			}
		}
		if n != 1 || len(w.runs()) != 2 {
			t.Errorf("%d evidences of %d gates, want one of two", n, len(w.runs()))
		}
	})
}

func TestProveStep(t *testing.T) {
	report := func(w *world, ok, bad uint64) {
		time.Sleep(time.Second)
		w.Load(stats.Load{Node: "edge-1", Gateway: "default/edge", Received: time.Now(), Clusters: []stats.ClusterLoad{
			{Cluster: "default/shop/80/v2", Interval: time.Second, Issued: ok + bad, Success: ok, Error: bad}}})
	}
	inWorld(t, func(w *world) {
		w.checked("{setWeight: 20}, {prove: {}}, {setWeight: 50}, {pause: {}}", "")
		report(w, 700, 0)
		w.is(api.PhaseProgressing, 20, "prove runs")
		report(w, 87, 5)
		w.is(api.PhaseProgressing, 20, "prove runs")
		if e := w.status().Evidence; len(e) != 2 || e[1].Judge != "prove" || e[1].Verdict != api.VerdictInconclusive || e[1].CanaryRequests != 787 {
			t.Errorf("evidence %+v", e)
		}
		w.stop() // the proof outlives a restart
		w.start()
		w.checked("{setWeight: 20}, {prove: {}}, {setWeight: 50}, {pause: {}}", "")
		w.is(api.PhaseProgressing, 20, "prove runs")
		report(w, 0, 0)
		report(w, 1, 0)
		w.is(api.PhasePaused, 50, "")
	})
	inWorld(t, func(w *world) { // a failure of the canary makes it longer
		w.checked("{setWeight: 20}, {prove: {}}, {setWeight: 50}, {pause: {}}", "")
		time.Sleep(3 * time.Second) // until then the weight may have been 0
		w.fails("v2")
		report(w, 800, 0)
		w.is(api.PhaseProgressing, 20, "prove runs")
		w.fails("v1", "v1", "v1", "v1", "v1", "v1", "v1", "v1")
		report(w, 500, 0)
		w.is(api.PhasePaused, 50, "")
	})
	inWorld(t, func(w *world) { // what a header route sends there was not drawn, and has its own cluster
		routed := func(own, direct uint64) {
			time.Sleep(time.Second)
			w.Load(stats.Load{Node: "edge-1", Gateway: "default/edge", Received: time.Now(), Clusters: []stats.ClusterLoad{
				{Cluster: "default/shop/80/v2", Interval: time.Second, Issued: own, Success: own},
				{Cluster: "default/shop/80/v2/direct", Interval: time.Second, Issued: direct, Success: direct}}})
		}
		w.checked("{setHeaderRoute: {name: inside, match: [{headerName: x, headerValue: {exact: \"y\"}}]}}, {setWeight: 20}, {prove: {timeout: 1m}}, {setWeight: 50}",
			"trafficRouting: {managedRoutes: [{name: inside}]}, ")
		routed(0, 5000)
		w.is(api.PhaseProgressing, 20, "prove runs")
		if e := w.status().Evidence; len(e) != 2 || e[1].Verdict != api.VerdictInconclusive || e[1].CanaryRequests != 0 {
			t.Errorf("evidence %+v", e)
		}
		routed(800, 5000)
		if st := w.status(); st.StableRS != "v2" {
			t.Errorf("with a proof beside the route: %s %s", st.Phase, st.Message)
		}
	})
}

// TestProofBeforePromotion: what was served from the beginning counts, over all
// steps and a restart; without the proof all traffic does not move over, and
// whoever promotes passes it.
func TestProofBeforePromotion(t *testing.T) {
	report := func(w *world, ok uint64) {
		time.Sleep(time.Second)
		w.Load(stats.Load{Node: "edge-1", Gateway: "default/edge", Received: time.Now(), Clusters: []stats.ClusterLoad{
			{Cluster: "default/shop/80/v2", Interval: time.Second, Issued: ok, Success: ok}}})
	}
	const steps = "{setWeight: 20}, {pause: {duration: 10s}}, {setWeight: 50}, {pause: {duration: 10s}}"
	const asks = "guard: {promotion: {prove: {timeout: 1m}}}, "
	proof := func(w *world) api.Evidence {
		w.t.Helper()
		for _, e := range w.status().Evidence {
			if e.Judge == "promotion" {
				return e
			}
		}
		w.t.Fatalf("no proof in %+v", w.status().Evidence)
		return api.Evidence{}
	}
	t.Run("had already", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.checked(steps, asks)
			report(w, 400)
			time.Sleep(10 * time.Second)
			report(w, 400) // at the next weight
			if e := proof(w); e.Verdict != api.VerdictGood || e.CanaryRequests != 800 || e.Metric != "error-rate" {
				t.Errorf("evidence %+v", e)
			}
			time.Sleep(20 * time.Second)
			if st := w.status(); st.Phase != api.PhaseHealthy || st.StableRS != "v2" || st.CurrentStepIndex != 4 {
				t.Errorf("%s, %s is stable, step %d", st.Phase, st.StableRS, st.CurrentStepIndex)
			}
		})
	})
	t.Run("waited for", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.checked(steps, asks)
			report(w, 400)
			time.Sleep(25 * time.Second)
			w.is(api.PhaseProgressing, 50, "the steps are over: the proof before promotion")
			if st := w.status(); st.CurrentStepIndex != 4 {
				t.Errorf("step %d", st.CurrentStepIndex)
			}
			w.stop()
			w.start()
			w.checked(steps, asks)
			w.is(api.PhaseProgressing, 50, "the proof before promotion")
			if e := proof(w); e.CanaryRequests != 400 {
				t.Errorf("after a restart: %+v", e)
			}
			report(w, 0)
			report(w, 400)
			if st := w.status(); st.Phase != api.PhaseHealthy || st.StableRS != "v2" {
				t.Errorf("%s, %s is stable", st.Phase, st.StableRS)
			}
		})
	})
	t.Run("too late", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.checked(steps, asks)
			time.Sleep(25*time.Second + time.Minute)
			w.is(api.PhasePaused, 50, "no answer within 1m0s")
		})
	})
	t.Run("passed over", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.checked(steps, asks)
			time.Sleep(25 * time.Second)
			if err := w.act("promote"); err != nil {
				t.Fatal(err)
			}
			if st := w.status(); st.StableRS != "v2" {
				t.Errorf("%s, %s is stable: %s", st.Phase, st.StableRS, st.Message)
			}
		})
	})
	t.Run("only looked at", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.checked(steps, strings.Replace(asks, "promotion", "mode: observe, promotion", 1))
			report(w, 400)
			if e := proof(w); e.Verdict != api.VerdictInconclusive {
				t.Errorf("evidence %+v", e)
			}
			time.Sleep(25 * time.Second)
			if st := w.status(); st.StableRS != "v2" {
				t.Errorf("%s, %s is stable: %s", st.Phase, st.StableRS, st.Message)
			}
		})
	})
	t.Run("a new attempt begins anew", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.checked(steps, asks)
			report(w, 900)
			if err := w.act("abort"); err != nil {
				t.Fatal(err)
			}
			if err := w.act("retry"); err != nil {
				t.Fatal(err)
			}
			if e := proof(w); e.CanaryRequests != 0 || e.Evidence != 1 {
				t.Errorf("evidence %+v", e)
			}
		})
	})
	t.Run("the traffic is elsewhere", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.checked(steps, asks)
			for range 8 { // a tenth where a fifth was put
				time.Sleep(time.Second)
				w.Load(stats.Load{Node: "edge-1", Gateway: "default/edge", Received: time.Now(), Clusters: []stats.ClusterLoad{
					{Cluster: "default/shop/80/v1", Interval: time.Second, Issued: 9000, Success: 9000},
					{Cluster: "default/shop/80/v2", Interval: time.Second, Issued: 1000, Success: 1000}}})
			}
			if e := proof(w); e.Verdict != api.VerdictCannotJudge || !strings.Contains(e.Message, "not where it was put") {
				t.Errorf("evidence %+v", e)
			}
		})
	})
}

// TestAnalysisOverARestart: it goes on where it was, and what was under way is
// measured again.
func TestAnalysisOverARestart(t *testing.T) {
	inWorld(t, func(w *world) {
		w.gauge.set("success", 0.99)
		const steps = "{setWeight: 20}, " + rateStep + ", {setWeight: 50}, {pause: {}}"
		w.checked(steps, "")
		time.Sleep(12 * time.Second) // two measured
		w.gauge.hang(true)
		time.Sleep(9 * time.Second) // the third is under way
		w.stop()
		w.gauge.hang(false)
		w.start()
		w.checked(steps, "")
		w.is(api.PhasePaused, 50, "")
		if took := w.gauge.taken(); len(took) != 4 {
			t.Errorf("measured %q", took)
		}
		if runs := w.runs(); len(runs) != 1 || runs[0].Status.MetricResults[0].Count != 3 {
			t.Errorf("%+v", runs)
		}
	})
}

// TestWhatCannotBeAsked is an error, which aborts.
func TestWhatCannotBeAsked(t *testing.T) {
	inWorld(t, func(w *world) {
		w.checked("{setWeight: 20}, "+strings.Replace(rateStep, "my.org/team", "my.org/tame", 1)+", {setWeight: 50}", "")
		w.is(api.PhaseDegraded, 0, "the Rollout has no field metadata.labels['my.org/tame']")
	})
}

func TestConditions(t *testing.T) {
	inWorld(t, func(w *world) {
		statuses := func() string {
			var out []string
			for _, c := range w.status().Conditions {
				out = append(out, c.Type+"="+c.Status)
			}
			return strings.Join(out, " ")
		}
		check := func(when, want string) {
			t.Helper()
			if got := statuses(); got != want {
				t.Errorf("%s: %s, want %s", when, got, want)
			}
		}
		check("stable", "Available=True Progressing=True Paused=False Completed=True Healthy=True")
		since := w.status().Conditions[0].LastTransitionTime
		time.Sleep(time.Second)
		w.objects("v2", 1, 1)
		check("paused", "Available=True Progressing=Unknown Paused=True Completed=False Healthy=False")
		if c := w.status().Conditions; !c[0].LastTransitionTime.Equal(since) || c[2].LastTransitionTime.Equal(since) || c[2].Reason != "RolloutPaused" {
			t.Errorf("%+v: the first did not change at %s, the third did", c, since)
		}
		w.stop()
		w.start()
		w.objects("v2", 1, 1)
		if c := w.status().Conditions; !c[0].LastTransitionTime.Equal(since) {
			t.Errorf("after a restart %+v, want since %s", c[0], since)
		}
		if err := w.act("abort"); err != nil {
			t.Fatal(err)
		}
		check("aborted", "Available=True Progressing=False Paused=False Completed=False Healthy=False")
		w.files(map[string]string{"shop.yaml": "kind: Nonsense\n"})
		check("errors in the folder", "Available=True Progressing=False Paused=False Completed=False Healthy=False InvalidSpec=True")
	})
}

func TestFreezeInTheStatus(t *testing.T) {
	inWorld(t, func(w *world) {
		if err := w.act("freeze"); err != nil {
			t.Fatal(err)
		}
		if f := w.status().Frozen; f == nil || f.All || f.Actor != "ana" || f.Reason != "why not" {
			t.Errorf("one is frozen: %+v", f)
		}
		if err := w.FreezeAll(context.Background(), api.Action{Verb: "freeze", Actor: "bo"}); err != nil {
			t.Fatal(err)
		}
		if f := w.status().Frozen; f == nil || !f.All || f.Actor != "bo" {
			t.Errorf("all are frozen: %+v", f)
		}
	})
}
