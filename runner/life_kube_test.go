//go:build kube

package runner

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serin-mesh/serin/analysis/run"
	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/workload"
)

const required = "analyses: [{name: x, templateName: ok, requiredForCompletion: true}]"

// TestEnds: how an Experiment ends, and that nothing of it is left but objects.
func TestEnds(t *testing.T) {
	p := newPlace(t)
	p.experiment(ours, "good", required)
	s := p.ends(ours, "good", api.AnalysisSuccessful, "analysis x: Successful")
	if s.AvailableAt == nil || s.AnalysisRuns[0].AnalysisRun != "good-x" || s.TemplateStatuses[0].PodTemplateHash == "" {
		t.Errorf("its status is %+v", s)
	}
	p.until("its Service is gone", func() bool { return p.of(ours, "good").TemplateStatuses[0].ServiceName == "" })
	if _, err := p.client.CoreV1().Services(p.namespace).Get(p.ctx, "good-a", metav1.GetOptions{}); err == nil {
		t.Error("its Service is still there")
	}

	p.measures(api.AnalysisFailed)
	p.experiment(argos, "bad", required)
	p.ends(argos, "bad", api.AnalysisFailed, "analysis x: Failed")

	p.experiment(ours, "timed", `duration: "1s"`)
	p.ends(ours, "timed", api.AnalysisSuccessful, "")

	p.experiment(ours, "lacking", strings.ReplaceAll(required, "ok", "nowhere"))
	p.ends(ours, "lacking", api.AnalysisError, "nowhere")

	p.apply(`{apiVersion: serin.dev/v1alpha1, kind: Experiment, metadata: {name: impossible, namespace: $NS}, spec: {templates: [{name: a, template: {metadata: {labels: {app: x}}, spec: {containers: []}}}]}}`)
	p.ends(ours, "impossible", api.AnalysisError, "containers")

	p.apply(`{apiVersion: serin.dev/v1alpha1, kind: Experiment, metadata: {name: twice, namespace: $NS}, spec: {templates: [{name: a, template: {}}, {name: a, template: {}}]}}`)
	p.ends(ours, "twice", api.AnalysisError, "is there twice")
}

// TestDeadline: pods that do not come up fail an Experiment.
func TestDeadline(t *testing.T) {
	p := newPlace(t)
	p.kubelet.Hold(func(*core.Pod) bool { return true })
	p.experiment(ours, "slow", "progressDeadlineSeconds: 1")
	p.until("it is pending", func() bool { return p.of(ours, "slow").Phase == api.AnalysisPending && p.pods("slow") == 1 })
	p.ends(ours, "slow", api.AnalysisFailed, "0 of 1 pods are available after 1s")
}

// TestTerminate: whoever terminates an Experiment ends its analyses too; and one
// begins anew whose status is emptied, as Argo's plugin does to retry it.
func TestTerminate(t *testing.T) {
	p := newPlace(t)
	p.measure = func(ctx context.Context, _ Measurement) run.Result {
		<-ctx.Done()
		return run.Result{Phase: api.AnalysisError}
	}
	p.experiment(argos, "long", required)
	p.until("it is analysed", func() bool { return p.runOf(argos, "long-x").Phase == api.AnalysisRunning })
	p.patch(argos, kindExperiment, "long", `{"spec": {"terminate": true}}`)
	p.ends(argos, "long", api.AnalysisSuccessful, "terminated")
	p.until("its run has ended", func() bool { return p.runOf(argos, "long-x").Phase == api.AnalysisSuccessful })

	p.measures(api.AnalysisSuccessful)
	p.patch(argos, kindExperiment, "long", `{"spec": {"terminate": null}, "status": null}`)
	p.until("it has run again", func() bool {
		s := p.of(argos, "long")
		return s.Phase == api.AnalysisSuccessful && len(s.AnalysisRuns) == 1 && s.AnalysisRuns[0].AnalysisRun == "long-x-1"
	})
}

// TestRestart: another Runner goes on where one has ended, makes nothing twice, and
// measures again what was being measured; whether or not the one before could write
// what it had done.
func TestRestart(t *testing.T) {
	for name, written := range map[string]bool{"written": true, "not written": false} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			begun := make(chan struct{}, 10)
			p.measure = func(ctx context.Context, _ Measurement) run.Result {
				begun <- struct{}{}
				<-ctx.Done()
				return run.Result{Phase: api.AnalysisError}
			}
			p.experiment(ours, "long", required)
			<-begun
			if written {
				p.until("that is written", func() bool { return p.of(ours, "long").AvailableAt != nil })
			}
			since := p.of(ours, "long").AvailableAt
			p.start()
			<-begun
			p.measures(api.AnalysisSuccessful)
			p.start()
			if s := p.ends(ours, "long", api.AnalysisSuccessful, ""); written && !s.AvailableAt.Equal(since) {
				t.Errorf("it was available at %s, and then at %s", since, s.AvailableAt)
			}
			sets, err := p.client.AppsV1().ReplicaSets(p.namespace).List(p.ctx, metav1.ListOptions{})
			if err != nil || len(sets.Items) != 1 {
				t.Errorf("there are %d ReplicaSets, %v", len(sets.Items), err)
			}
			runs, err := p.objects.Resource(kindsOf(ours, kindRun)).Namespace(p.namespace).List(p.ctx, metav1.ListOptions{})
			if err != nil || len(runs.Items) != 1 {
				t.Errorf("there are %d AnalysisRuns, %v", len(runs.Items), err)
			}
		})
	}
}

// TestNames: what has a name already is left alone, but for what Argo's own controller
// made for the very Experiment.
func TestNames(t *testing.T) {
	p := newPlace(t)
	set := func(name, more string) {
		p.apply(`
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: ` + name + `, namespace: $NS` + more + `}
spec: {replicas: 1, selector: {matchLabels: {app: ` + name + `}}, template: {metadata: {labels: {app: ` + name + `}}, spec: {containers: [{name: c, image: "i:1"}]}}}
`)
	}
	set("first-a", "")
	p.experiment(ours, "first", "")
	p.until("it has another name", func() bool {
		s := p.of(ours, "first").TemplateStatuses
		return len(s) == 1 && s[0].CollisionCount != nil && *s[0].CollisionCount == 1 && s[0].AvailableReplicas == 1
	})

	p.apply(`{apiVersion: v1, kind: Service, metadata: {name: second-a, namespace: $NS}, spec: {ports: [{port: 1}]}}`)
	p.experiment(ours, "second", "")
	p.ends(ours, "second", api.AnalysisError, "another Service has the name second-a")

	p.experiment(argos, "again", "")
	p.until("it runs", func() bool { return p.of(argos, "again").Phase == api.AnalysisRunning })
	p.patch(argos, kindExperiment, "again", `{"spec": {"terminate": true}}`)
	p.ends(argos, "again", api.AnalysisSuccessful, "")
	p.apply(`{apiVersion: v1, kind: Service, metadata: {name: again-a, namespace: $NS}, spec: {ports: [{port: 1}]}}`)
	p.patch(argos, kindExperiment, "again", `{"spec": {"terminate": null}, "status": null}`)
	p.ends(argos, "again", api.AnalysisError, "another Service has the name again-a")
	p.must(p.client.CoreV1().Services(p.namespace).Delete(p.ctx, "again-a", metav1.DeleteOptions{}))
	p.patch(argos, kindExperiment, "again", `{"status": null}`)
	p.until("it runs again", func() bool { return p.of(argos, "again").Phase == api.AnalysisRunning })

	p.stop()
	p.experiment(argos, "third", required)
	uid := p.get(argos, kindExperiment, "third").GetUID()
	set("third-a", `, labels: {rollouts-pod-template-hash: abc}, annotations: {experiment.argoproj.io/name: third, experiment.argoproj.io/template-name: a}, `+
		`ownerReferences: [{apiVersion: argoproj.io/v1alpha1, kind: Experiment, name: third, uid: "`+string(uid)+`", controller: true}]`)
	p.start()
	if s := p.ends(argos, "third", api.AnalysisSuccessful, ""); s.TemplateStatuses[0].PodTemplateHash != "abc" {
		t.Errorf("its version is %+v", s.TemplateStatuses)
	}
}

// TestRuns: an AnalysisRun that stands by itself is measured, ended, and goes when its
// time is over; one that only shows an analysis is left alone.
func TestRuns(t *testing.T) {
	p := newPlace(t)
	var asked []string
	p.measure = func(_ context.Context, m Measurement) run.Result {
		asked = append(asked, m.Rollout.Name+" "+m.Run+" "+m.Owner.Name)
		return run.Result{Phase: api.AnalysisSuccessful, Value: "7"}
	}
	metrics := `metrics: [{name: m, interval: 1s, count: 2, provider: {web: {url: "http://x"}}}]`
	p.apply(`{apiVersion: serin.dev/v1alpha1, kind: AnalysisRun, metadata: {name: two, namespace: $NS, labels: {rollout: shop}}, spec: {` + metrics + `}}`)
	p.until("it has succeeded", func() bool { return p.runOf(ours, "two").Phase == api.AnalysisSuccessful })
	if m := p.runOf(ours, "two").MetricResults[0]; m.Successful != 2 || m.Measurements[1].Value != "7" || !slices.Equal(asked, []string{"shop two two", "shop two two"}) {
		t.Errorf("measured was %q: %+v", asked, m)
	}
	p.measures(api.AnalysisSuccessful)
	p.apply(`{apiVersion: argoproj.io/v1alpha1, kind: AnalysisRun, metadata: {name: brief, namespace: $NS}, spec: {ttlStrategy: {secondsAfterCompletion: 1}, ` + metrics + `}}`)
	p.until("it is gone", func() bool { return p.get(argos, kindRun, "brief") == nil })
	p.apply(`{apiVersion: serin.dev/v1alpha1, kind: AnalysisRun, metadata: {name: shown, namespace: $NS, labels: {app.kubernetes.io/managed-by: serin}}, spec: {` + metrics + `}}`)
	p.apply(`{apiVersion: serin.dev/v1alpha1, kind: AnalysisRun, metadata: {name: wrong, namespace: $NS}, spec: {metrics: [{name: m, interval: often, provider: {web: {url: "http://x"}}}]}}`)
	p.until("it is refused", func() bool { return p.runOf(ours, "wrong").Phase == api.AnalysisError })
	p.apply(`{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: shop, namespace: $NS}, spec: {template: {}, strategy: {canary: {}}}}`)
	owner := string(p.get(argos, kindRollout, "shop").GetUID())
	p.apply(`{apiVersion: argoproj.io/v1alpha1, kind: AnalysisRun, metadata: {name: left, namespace: $NS, ownerReferences: [{apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: shop, uid: "` +
		owner + `", controller: true}]}, spec: {metrics: [{name: m, interval: 1h, provider: {web: {url: "http://x"}}}]}}`)
	shop := &api.Rollout{TypeMeta: metav1.TypeMeta{APIVersion: "argoproj.io/v1alpha1", Kind: kindRollout}, ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: p.namespace}}
	p.until("it is seen", func() bool {
		p.runner.mu.Lock()
		defer p.runner.mu.Unlock()
		return p.runner.runs[id{group: argos, kind: kindRun, key: api.Key{Namespace: p.namespace, Name: "left"}}] != nil
	})
	if s := p.runOf(argos, "left"); s.Phase != "" { // it may be another controller's Rollout
		t.Errorf("what another controller has begun is %s", s.Phase)
	}
	p.runner.Want(Wanted{Rollout: shop})
	p.until("what another controller has begun is ended", func() bool { return p.runOf(argos, "left").Message == "Run Terminated" })
	if s := p.runOf(ours, "shown"); s.Phase != "" {
		t.Errorf("what only shows an analysis is %s", s.Phase)
	}
	p.apply(`{apiVersion: serin.dev/v1alpha1, kind: AnalysisRun, metadata: {name: endless, namespace: $NS}, spec: {metrics: [{name: m, interval: 1h, provider: {web: {url: "http://x"}}}]}}`)
	p.until("it measures", func() bool { return p.runOf(ours, "endless").Phase == api.AnalysisRunning })
	p.patch(ours, kindRun, "endless", `{"spec": {"terminate": true}}`)
	p.until("it has ended", func() bool { return p.runOf(ours, "endless").Message == "Run Terminated" })
}

// TestLost: an Experiment whose analysis somebody deletes fails; it does not wait.
func TestLost(t *testing.T) {
	p := newPlace(t)
	p.measure = func(ctx context.Context, _ Measurement) run.Result {
		<-ctx.Done()
		return run.Result{Phase: api.AnalysisError}
	}
	p.experiment(ours, "long", required)
	p.until("it is analysed", func() bool { return p.runOf(ours, "long-x").Phase == api.AnalysisRunning })
	p.must(p.objects.Resource(kindsOf(ours, kindRun)).Namespace(p.namespace).Delete(p.ctx, "long-x", metav1.DeleteOptions{}))
	p.ends(ours, "long", api.AnalysisError, "somebody deleted")
}

// TestWant: a Rollout has Experiments made, is told how they stand, and has those
// terminated and deleted that it does not want or keep any more.
func TestWant(t *testing.T) {
	p := newPlace(t)
	p.apply(`{apiVersion: serin.dev/v1alpha1, kind: Rollout, metadata: {name: shop, namespace: $NS}, spec: {template: {}, strategy: {canary: {}}}}`)
	o := p.get(ours, kindRollout, "shop")
	r := &api.Rollout{TypeMeta: metav1.TypeMeta{APIVersion: "serin.dev/v1alpha1", Kind: kindRollout}}
	r.Name, r.Namespace, r.UID = "shop", p.namespace, o.GetUID()
	step := &api.ExperimentStep{ScaleDownDelaySeconds: new(int32(0)), Templates: []api.ExperimentStepTemplate{
		{Name: "a", SpecRef: "canary", Metadata: &api.PodMetadata{Labels: map[string]string{"app": "one"}}}}}
	asked := Asked{Name: "one", Stable: "v1", Version: "v2", Revision: "7", Step: step}

	p.version = func() (workload.Version, error) { return workload.Version{}, errors.New("no such version") }
	p.runner.Want(Wanted{Rollout: r, Running: []Asked{asked}})
	p.until("it is told that it cannot be made", func() bool { return strings.Contains(p.report("one").Failure, "no such version") })
	p.mu.Lock()
	p.version = func() (workload.Version, error) { return shop(), nil }
	p.mu.Unlock()
	p.until("it is told that it runs", func() bool { return p.report("one").Status.Phase == api.AnalysisRunning })
	e := p.get(ours, kindExperiment, "one")
	if e.GetAnnotations()[workload.AnnotationRevision] != "7" || e.GetOwnerReferences()[0].UID != r.UID || p.pods("one") != 1 {
		t.Errorf("the Experiment is %v", e.Object)
	}
	hash := p.report("one").Status.TemplateStatuses[0].PodTemplateHash

	p.start() // another one says nothing before it knows what is wanted
	p.runner.Want(Wanted{Rollout: r, Running: []Asked{asked}})
	p.until("it is told again", func() bool { return p.report("one").Status.Phase == api.AnalysisRunning })

	p.runner.Want(Wanted{Rollout: r, Busy: []string{hash}, Kept: []string{"one"}})
	p.until("it is terminated", func() bool { return p.of(ours, "one").Phase == api.AnalysisSuccessful })
	never := time.NewTimer(time.Second)
	<-never.C
	if p.pods("one") != 1 {
		t.Error("its pods went while an Envoy may use them")
	}
	p.runner.Want(Wanted{Rollout: r, Kept: []string{"one"}})
	p.ends(ours, "one", api.AnalysisSuccessful, "")
	p.runner.Want(Wanted{Rollout: r})
	p.until("it is deleted", func() bool { return p.get(ours, kindExperiment, "one") == nil })

	p.experiment(ours, "two", "")
	asked.Name = "two"
	p.runner.Want(Wanted{Rollout: r, Running: []Asked{asked}})
	p.until("it is told that the name is taken", func() bool {
		return strings.Contains(p.report("two").Status.Message, "another Experiment has the name two")
	})

	p.apply(`{apiVersion: serin.dev/v1alpha1, kind: Experiment, metadata: {name: three, namespace: $NS, ` +
		`ownerReferences: [{apiVersion: serin.dev/v1alpha1, kind: Rollout, name: shop, uid: of-one-before, controller: true}]}, spec: {templates: []}}`)
	asked.Name = "three"
	p.runner.Want(Wanted{Rollout: r, Running: []Asked{asked}})
	p.until("it is made when that of a Rollout before is gone", func() bool { return p.report("three").Status.Phase == api.AnalysisRunning })
}

// TestReads: while a run is under way that reads the Envoys' reports of a Rollout, it is
// said how far back.
func TestReads(t *testing.T) {
	p := newPlace(t)
	reads := func(want ...time.Duration) func() bool {
		return func() bool {
			p.mu.Lock()
			defer p.mu.Unlock()
			return slices.Equal(p.reads, want)
		}
	}
	put := func(name, window string) {
		p.apply(`{apiVersion: serin.dev/v1alpha1, kind: AnalysisRun, metadata: {name: ` + name + `, namespace: $NS, labels: {rollout: shop}}, ` +
			`spec: {args: [{name: window, value: ` + window + `}], metrics: [{name: m, interval: 1h, provider: {envoy: {metric: errorRatio, window: "{{args.window}}"}}}]}}`)
	}
	put("short", "10s")
	p.until("the first is read for", reads(10*time.Second))
	put("long", "1m")
	p.until("the longer one is read for", reads(10*time.Second, time.Minute))
	p.patch(ours, kindRun, "long", `{"spec": {"terminate": true}}`)
	p.until("it has ended", reads(10*time.Second, time.Minute, 10*time.Second))
	p.must(p.objects.Resource(kindsOf(ours, kindRun)).Namespace(p.namespace).Delete(p.ctx, "short", metav1.DeleteOptions{}))
	p.until("nobody reads", reads(10*time.Second, time.Minute, 10*time.Second, 0))
}
