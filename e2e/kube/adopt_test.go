//go:build kube

package kube_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/serin-mesh/serin/api"
)

// adopted is a Rollout as Argo's users have it, of an app in a version.
func adopted(app, version string) string {
	return strings.NewReplacer("APP", app, "VERSION", version).Replace(`
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: APP, namespace: default}
spec:
  replicas: 2
  selector: {matchLabels: {app: APP}}
  template:
    metadata: {labels: {app: APP}}
    spec: {containers: [{name: main, image: "APP:VERSION", ports: [{name: http, containerPort: 8080}]}]}
  strategy: {canary: {trafficRouting: {maxTrafficWeight: 200}, steps: [{setWeight: 40}, {pause: {}}, {setWeight: 120}, {pause: {}}]}}
`)
}

const blue = `
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: blue, namespace: default}
spec:
  replicas: 1
  selector: {matchLabels: {app: blue}}
  template:
    metadata: {labels: {app: blue}}
    spec: {containers: [{name: main, image: "blue:1"}]}
  strategy: {blueGreen: {activeService: shop}}
`

// shows checks that an output has words.
func shows(t *testing.T, output string, words ...string) {
	t.Helper()
	plain := strings.Join(strings.Fields(output), " ")
	for _, w := range words {
		if !strings.Contains(plain, w) {
			t.Errorf("there is no %q in\n%s", w, output)
		}
	}
}

// TestArgoSteers: Argo's own plugin shows and steers what Serin runs, and a Rollout
// with blueGreen is left alone.
func TestArgoSteers(t *testing.T) {
	a := newAdoption(t)
	a.apply(adopted("shop", "1"))
	a.apply(blue)
	untouched := a.field("blue", ".metadata.resourceVersion")
	a.serve("shop")
	v1 := a.healthy("shop", "", false).StableRS
	a.await("shop", "has its pods", func(s api.RolloutStatus) bool { return s.AvailableReplicas == 2 })
	shows(t, a.argo("list", "rollouts"), "shop Canary Healthy 4/4 200 2/2 2 2 2")
	shows(t, a.argo("status", "shop", "--timeout", "1m"), "Healthy")

	a.argo("set", "image", "shop", "main=shop:2")
	s := a.pausedAt("shop", 1, 40)
	if s.StableRS != v1 || s.Canary.Weights.Stable.Weight != 160 || !s.ControllerPause {
		t.Errorf("half way the status is %+v", s)
	}
	shows(t, a.argo("get", "rollout", "shop", "--no-color"), "Status: ॥ Paused", "CanaryPauseStep", "Step: 1/4", "SetWeight: 40", "ActualWeight: 40",
		"shop:1 (stable)", "shop:2 (canary)")
	shows(t, a.argo("status", "shop", "--watch=false"), "Paused - CanaryPauseStep")

	a.argo("promote", "shop")
	a.pausedAt("shop", 3, 120)

	a.argo("abort", "shop")
	s = a.await("shop", "is aborted", func(s api.RolloutStatus) bool { return s.Abort && s.Phase == api.PhaseDegraded })
	if s.AbortedAt == nil || s.Canary.Weights.Canary.Weight != 0 || s.CurrentStepIndex != 0 || len(s.PauseConditions) > 0 {
		t.Errorf("aborted the status is %+v", s)
	}
	shows(t, a.argo("list", "rollouts")+a.argo("get", "rollout", "shop", "--no-color"), "Degraded", "RolloutAborted")

	a.argo("retry", "rollout", "shop")
	a.pausedAt("shop", 1, 40)

	a.argo("pause", "shop")
	a.await("shop", "is paused by a person", func(s api.RolloutStatus) bool { return strings.Contains(s.Message, "spec.paused") })
	a.argo("promote", "shop")
	a.pausedAt("shop", 3, 120)
	if got := a.field("shop", ".spec.paused"); got != "false" && got != "" {
		t.Errorf("spec.paused is %s", got)
	}

	a.argo("undo", "shop")
	a.healthy("shop", v1, true)

	a.argo("set", "image", "shop", "main=shop:3")
	a.pausedAt("shop", 1, 40)
	a.argo("promote", "shop", "--full")
	v3 := a.healthy("shop", v1, false).StableRS
	shows(t, a.argo("get", "rollout", "shop", "--no-color"), "shop:3 (stable)", "Step: 4/4")

	a.argo("restart", "shop")
	a.await("shop", "has new pods", func(s api.RolloutStatus) bool {
		return s.RestartedAt != nil && s.AvailableReplicas == 2 && s.Phase == api.PhaseHealthy && s.StableRS == v3
	})

	a.journaled("shop", map[string]string{"StepCompleted": "kubectl", "Aborted": plugin, "CanaryStarted": plugin, "PromotedFull": plugin})
	if now := a.field("blue", ".metadata.resourceVersion"); now != untouched {
		t.Errorf("the Rollout with blueGreen was version %s and is %s", untouched, now)
	}
	if sets := a.kubectl("get", "replicasets", "-l", "app=blue", "-o", "name"); sets != "" {
		t.Errorf("the Rollout with blueGreen has %s", sets)
	}
}

// plugin is how the API server knows Argo's plugin. Where it only takes a field
// away, as a promote does, nobody is known to have written.
const plugin = "kubectl-argo-rollouts"

// journaled checks that what was asked for is in the journal, by whom it was said.
func (a *adoption) journaled(name string, kinds map[string]string) {
	a.Helper()
	resp, err := http.Get("http://" + a.http + "/api/v1/rollouts/" + name + "/history")
	if err != nil {
		a.Fatal(err)
	}
	defer resp.Body.Close()
	var history struct {
		Items []api.JournalEntry `json:"items"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&history); err != nil {
		a.Fatal(err)
	}
	for kind, actor := range kinds {
		found := false
		for _, e := range history.Items {
			found = found || e.Event == kind && e.Actor == actor && !e.Verified && strings.HasPrefix(e.Reason, "status.")
		}
		if !found {
			a.Errorf("the journal has no %s by %s", kind, actor)
		}
	}
}

// TestArgoHalfWay: what Argo has begun goes on: a canary half way stays one, with the
// ReplicaSets that Argo made, and what was aborted stays out.
func TestArgoHalfWay(t *testing.T) {
	a := newAdoption(t)
	for app, status := range map[string]string{
		"shop": `currentStepIndex: 1, controllerPause: true, pauseConditions: [{reason: CanaryPauseStep, startTime: "2026-01-01T00:00:00Z"}]`,
		"cart": `currentStepIndex: 0, abort: true, abortedAt: "2026-01-01T00:00:00Z"`,
	} {
		a.apply(adopted(app, "2"))
		uid := a.field(app, ".metadata.uid")
		for version, hash := range map[string]string{"1": "aaaa", "2": "bbbb"} {
			a.apply(strings.NewReplacer("APP", app, "VERSION", version, "HASH", hash, "UID", uid).Replace(argoReplicaSet))
		}
		a.kubectl("patch", "rollouts.argoproj.io", app, "--subresource", "status", "--type", "merge", "--patch",
			"status: {stableRS: aaaa, currentPodHash: bbbb, phase: Paused, currentStepHash: x, blueGreen: {}, replicas: 4, selector: app="+app+", "+status+"}")
	}
	a.serve("shop", "cart")
	if s := a.pausedAt("shop", 1, 40); s.StableRS != "aaaa" || s.CurrentPodHash != "bbbb" {
		t.Errorf("it goes on with %s stable and %s wanted", s.StableRS, s.CurrentPodHash)
	}
	s := a.await("cart", "is taken over", func(s api.RolloutStatus) bool { return s.ObservedGeneration != "" })
	if !s.Abort || s.Phase != api.PhaseDegraded || s.StableRS != "aaaa" || s.CurrentPodHash != "bbbb" || s.Canary.Weights.Canary.Weight != 0 {
		t.Errorf("the aborted one begins as %+v", s)
	}
	if got := a.kubectl("get", "replicasets", "-o", `jsonpath={range .items[*]}{.metadata.labels.rollouts-pod-template-hash} {end}`); got != "aaaa bbbb aaaa bbbb " {
		t.Errorf("there are ReplicaSets of %s", got)
	}
	a.argo("promote", "shop", "--full")
	a.argo("retry", "rollout", "cart")
	a.healthy("shop", "bbbb", true)
	a.pausedAt("cart", 1, 40)
	if strings.Contains(a.log.String(), "level=ERROR") {
		t.Error("serin tells of an error")
	}
}

// argoReplicaSet is a ReplicaSet as Argo's controller makes it.
const argoReplicaSet = `
apiVersion: apps/v1
kind: ReplicaSet
metadata:
  name: APP-HASH
  namespace: default
  labels: {app: APP, rollouts-pod-template-hash: HASH}
  annotations: {rollout.argoproj.io/revision: "VERSION", rollout.argoproj.io/desired-replicas: "2"}
  ownerReferences: [{apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: APP, uid: UID, controller: true, blockOwnerDeletion: true}]
spec:
  replicas: 2
  selector: {matchLabels: {app: APP, rollouts-pod-template-hash: HASH}}
  template:
    metadata: {labels: {app: APP, rollouts-pod-template-hash: HASH}}
    spec: {containers: [{name: main, image: "APP:VERSION", ports: [{name: http, containerPort: 8080}]}]}
`

// ofStep1 is how the plugin shows the analysis of the step after the first.
var ofStep1 = regexp.MustCompile(`α shop-[a-z0-9]+-1-1 AnalysisRun ✔ Successful`)

// TestArgoExperiments: Argo's own plugin shows the experiment of a step with its pods and
// analyses, and terminates and retries an Experiment that stands by itself.
func TestArgoExperiments(t *testing.T) {
	a := newAdoption(t)
	url, _ := asked(t, "fine")
	a.apply(strings.NewReplacer("URL", url).Replace(`
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: web, namespace: default}
spec: {metrics: [{name: is, interval: 1s, successCondition: result == "fine", provider: {web: {url: "URL", jsonPath: "{$.is}"}}}]}
---
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: once, namespace: default}
spec: {metrics: [{name: is, successCondition: result == "fine", provider: {web: {url: "URL", jsonPath: "{$.is}"}}}]}
`))
	before, rest, _ := strings.Cut(adopted("shop", "1"), "steps: [")
	step := `{experiment: {templates: [{name: base, specRef: stable}, {name: new, specRef: canary}], scaleDownDelaySeconds: 1, ` +
		`analyses: [{name: web, templateName: web, requiredForCompletion: true}]}}, {analysis: {templates: [{templateName: once}]}}, `
	a.apply(before + "steps: [" + step + rest)
	a.serve("shop")
	a.healthy("shop", "", false)
	a.argo("set", "image", "shop", "main=shop:2")
	a.until("the experiment runs", func() bool {
		return strings.Contains(a.kubectl("get", "experiments.argoproj.io", "-o", "jsonpath={.items[*].status.phase}"), "Running")
	})
	name := a.field("shop", ".status.canary.currentExperiment")
	a.until("the plugin shows it", func() bool {
		tree := strings.Join(strings.Fields(a.argo("get", "rollout", "shop", "--no-color")), " ")
		for _, words := range []string{"Σ " + name + " Experiment ◌ Running", "⧉ " + name + "-base ReplicaSet ✔ Healthy", "α " + name + "-web AnalysisRun ◌ Running"} {
			if !strings.Contains(tree, words) {
				return false
			}
		}
		return true
	})
	shows(t, a.argo("get", "experiment", name, "--no-color"), "Status: ◌ Running", name+"-new ReplicaSet ✔ Healthy")
	shows(t, a.argo("list", "experiments"), name)
	a.argo("terminate", "experiment", name)
	a.pausedAt("shop", 3, 40)
	a.until("the plugin shows the analysis of the next step too", func() bool {
		return ofStep1.MatchString(strings.Join(strings.Fields(a.argo("get", "rollout", "shop", "--no-color")), " "))
	})
	phase := func() string {
		return a.kubectl("get", "experiments.argoproj.io", name, "-o", "jsonpath={.status.phase} {.status.templateStatuses[*].replicas}")
	}
	a.until("its pods are gone", func() bool { return phase() == "Successful 0 0" })

	a.apply(strings.NewReplacer("URL", url).Replace(`
apiVersion: argoproj.io/v1alpha1
kind: Experiment
metadata: {name: alone, namespace: default}
spec:
  duration: 1s
  scaleDownDelaySeconds: 1
  templates: [{name: one, selector: {matchLabels: {app: alone}}, template: {metadata: {labels: {app: alone}}, spec: {containers: [{name: main, image: "alone:1"}]}}}]
  analyses: [{name: web, templateName: web}]
`))
	name = "alone"
	a.until("it is over", func() bool { return phase() == "Successful 0" })
	a.argo("retry", "experiment", "alone")
	a.until("it runs again", func() bool { return phase() == "Running 1" })
	a.until("it is over again", func() bool { return phase() == "Successful 0" })
	if runs := a.kubectl("get", "analysisruns.argoproj.io", "-o", "name"); !strings.Contains(runs, "alone-web-1") {
		t.Errorf("the runs are %s", runs)
	}
}
