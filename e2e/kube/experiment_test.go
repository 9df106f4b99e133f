//go:build kube

package kube_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// comparing is an Experiment of two versions, and what analyses it.
const comparing = `
apiVersion: serin.dev/v1alpha1
kind: AnalysisTemplate
metadata: {name: hash, namespace: default}
spec:
  args: [{name: hash}]
  metrics: [{name: is, successCondition: result == "fine", provider: {web: {url: "$URL/{{args.hash}}", jsonPath: "{$.is}"}}}]
---
apiVersion: serin.dev/v1alpha1
kind: Experiment
metadata: {name: compare, namespace: default}
spec:
  scaleDownDelaySeconds: 1
  templates:
  - name: baseline
    service: {}
    template: &pods
      metadata: {labels: {app: trial}}
      spec: {containers: [{name: shop, image: "trial:1", ports: [{containerPort: 8080}]}]}
  - name: other
    replicas: 2
    template: *pods
  analyses:
  - {name: base, templateName: hash, requiredForCompletion: true, args: [{name: hash, value: "{{templates.baseline.podTemplateHash}}"}]}
  - {name: other, templateName: hash, requiredForCompletion: true, args: [{name: hash, value: "{{templates.other.podTemplateHash}}"}]}
`

// asked is a web server that says that all is fine, and of what it was asked.
func asked(t *testing.T, is string) (url string, paths func() []string) {
	seen := make(chan string, 100)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- strings.TrimPrefix(r.URL.Path, "/")
		fmt.Fprintf(w, `{"is": %q}`, is)
	}))
	t.Cleanup(s.Close)
	return s.URL, func() (out []string) {
		for {
			select {
			case p := <-seen:
				out = append(out, p)
			default:
				return out
			}
		}
	}
}

// TestExperiment: an Experiment that stands by itself runs its templates as versions of
// their own, analyses them once their pods are there, and takes the pods away.
func TestExperiment(t *testing.T) {
	s := newScene(t, "[]")
	s.must(s.cluster.Apply(s.ctx, `
apiVersion: serin.dev/v1alpha1
kind: AnalysisRun
metadata: {name: now, namespace: default, labels: {rollout: shop}}
spec: {metrics: [{name: ratio, successCondition: result < 0.01, provider: {envoy: {metric: errorRatio, version: stable, window: 4s}}}]}
`))
	url, paths := asked(t, "fine")
	s.must(s.cluster.Apply(s.ctx, strings.ReplaceAll(comparing, "$URL", url)))
	of := func(path string) string {
		return s.kubectl("get", "experiments.serin.dev", "compare", "-o", "jsonpath="+path)
	}
	s.until("the Experiment has succeeded", func() bool { return of("{.status.phase}") == "Successful" })
	hashes := strings.Fields(of("{.status.templateStatuses[*].podTemplateHash}"))
	if len(hashes) != 2 || hashes[0] == hashes[1] {
		t.Fatalf("the templates are the versions %q, want two", hashes)
	}
	got := map[string]bool{}
	for _, p := range paths() {
		got[p] = true
	}
	if len(got) != 2 || !got[hashes[0]] || !got[hashes[1]] {
		t.Errorf("measured were %v, want %q", got, hashes)
	}
	s.until("the pods and the Service are gone", func() bool {
		return s.pods("trial:1") == 0 && of("{.status.templateStatuses[*].replicas}") == "0 0" &&
			s.kubectl("get", "services", "-o", "jsonpath={.items[?(@.metadata.name==\"compare-baseline\")].metadata.name}") == ""
	})
	s.until("the run by itself has succeeded, by what the Envoy reports", func() bool {
		phase := s.kubectl("get", "analysisruns.serin.dev", "now", "-o", "jsonpath={.status.phase}")
		if phase != "Successful" && phase != "Running" {
			t.Fatalf("it is %s", phase)
		}
		return phase == "Successful"
	})
	runs := s.kubectl("get", "analysisruns.serin.dev", "-o", `jsonpath={range .items[*]}{.metadata.name} {.metadata.ownerReferences[0].name} {.status.phase}{"\n"}{end}`)
	if runs != "compare-base compare Successful\ncompare-other compare Successful\nnow  Successful\n" {
		t.Errorf("the runs are\n%s", runs)
	}
	s.until("there are Events", func() bool {
		got := s.kubectl("get", "events", "-o", `jsonpath={range .items[*]}{.involvedObject.name} {.reason}{"\n"}{end}`)
		return strings.Contains(got, "compare ExperimentRunning\n") && strings.Contains(got, "compare ExperimentSuccessful\n") &&
			strings.Contains(got, "compare-base AnalysisRunSuccessful\n")
	})
	s.kubectl("wait", "--for=condition=Ready", "experiments.serin.dev/compare", "--timeout=10s")
	s.kubectl("delete", "experiments.serin.dev", "compare")
	s.until("its ReplicaSets go with it", func() bool {
		return !strings.Contains(s.kubectl("get", "replicasets,analysisruns.serin.dev", "-o", "name"), "compare")
	})
}

// TestExperimentStep: the experiment of a step has pods of its own beside those of the
// Rollout, is an object that the Rollout owns, and decides what becomes of the canary.
// No request of a user goes to its pods, or is lost.
func TestExperimentStep(t *testing.T) {
	for is, want := range map[string]string{"fine": "Paused 2", "broken": "Degraded 0"} {
		t.Run(is, func(t *testing.T) {
			s := newScene(t, `[{setWeight: 20}, {experiment: {scaleDownDelaySeconds: 1,
              templates: [{name: base, specRef: stable, metadata: {labels: {role: base}}}, {name: new, specRef: canary, replicas: 2}],
              analyses: [{name: check, templateName: hash, requiredForCompletion: true, args: [{name: hash, value: "{{templates.new.podTemplateHash}}"}]}]}}, {pause: {}}]`)
			url, paths := asked(t, is)
			template, _, _ := strings.Cut(strings.ReplaceAll(comparing, "$URL", url), "\n---")
			s.must(s.cluster.Apply(s.ctx, template))
			before := s.load.Counts()
			s.setImage("shop:2")
			s.until("the experiment has ended", func() bool { return s.status("{.status.phase} {.status.currentStepIndex}") == want })
			experiments := s.kubectl("get", "experiments.serin.dev", "-o", `jsonpath={range .items[*]}{.metadata.ownerReferences[0].name} {.status.phase} {.status.templateStatuses[*].name} {.status.templateStatuses[1].podTemplateHash}{"\n"}{end}`)
			hash := s.status("{.status.currentPodHash}")
			fields := strings.Fields(experiments)
			outcome := map[string]string{"fine": "Successful", "broken": "Failed"}[is]
			if len(fields) != 5 || fields[0] != "shop" || fields[1] != outcome || fields[2] != "base" || fields[4] == hash {
				t.Errorf("the experiments are %q, the canary is %s", experiments, hash)
			} else if got := paths(); len(got) != 1 || got[0] != fields[4] {
				t.Errorf("measured were %q, want %s", got, fields[4])
			}
			s.until("its pods are gone", func() bool {
				return s.kubectl("get", "replicasets", "-l", "serin.dev/experiment", "-o", "jsonpath={.items[*].status.replicas}") == "0 0"
			})
			s.noneFailed(before)
		})
	}
}

// TestExperimentOverKill: a killed server costs an experiment nothing: the next one goes
// on with its pods and its analysis, and its end is the step's.
func TestExperimentOverKill(t *testing.T) {
	s := newScene(t, `[{setWeight: 20}, {experiment: {scaleDownDelaySeconds: 1, templates: [{name: new, specRef: canary}],
          analyses: [{name: check, templateName: often, requiredForCompletion: true}]}}, {pause: {}}]`)
	url, _ := asked(t, "fine")
	s.must(s.cluster.Apply(s.ctx, strings.ReplaceAll(`
apiVersion: serin.dev/v1alpha1
kind: AnalysisTemplate
metadata: {name: often, namespace: default}
spec: {metrics: [{name: is, interval: 1s, count: 100, successCondition: result == "fine", provider: {web: {url: "URL", jsonPath: "{$.is}"}}}]}
`, "URL", url)))
	before := s.load.Counts()
	s.setImage("shop:2")
	measured := func() string {
		return s.kubectl("get", "analysisruns.serin.dev", "-o", "jsonpath={.items[*].status.metricResults[*].count}")
	}
	s.until("it is measured", func() bool { return measured() == "2" })
	_ = s.serin.End(syscall.SIGKILL)
	pods := s.kubectl("get", "replicasets,analysisruns.serin.dev,experiments.serin.dev", "-o", "jsonpath={.items[*].metadata.uid}")
	s.start()
	s.until("it is measured on", func() bool { return len(measured()) > 0 && measured() != "2" })
	if now := s.kubectl("get", "replicasets,analysisruns.serin.dev,experiments.serin.dev", "-o", "jsonpath={.items[*].metadata.uid}"); now != pods {
		t.Errorf("there were %s, and now are %s", pods, now)
	}
	s.kubectl("patch", strings.TrimSpace(s.kubectl("get", "experiments.serin.dev", "-o", "name")), "--type=merge", "-p", `{"spec": {"terminate": true}}`)
	s.until("the step is over", func() bool { return s.status("{.status.phase} {.status.currentStepIndex}") == "Paused 2" })
	s.noneFailed(before)
}

// errorsOf judges a version by what the Envoys report of it.
const errorsOf = `
apiVersion: serin.dev/v1alpha1
kind: AnalysisTemplate
metadata: {name: errors, namespace: default}
spec:
  args: [{name: hash}]
  metrics:
  - {name: ratio, initialDelay: 3s, interval: 1s, count: 2, successCondition: result < 0.01, failureCondition: result > 0.2,
     provider: {envoy: {metric: errorRatio, version: "{{args.hash}}", window: 3s}}}
`

// TestExperimentTraffic: an experiment before the first weight has traffic for versions of
// its own, is judged by what the Envoys report of each, and decides what becomes of the
// canary, which has had none. A good one loses no request.
func TestExperimentTraffic(t *testing.T) {
	for image, want := range map[string]string{"shop:2": "Paused 1", "shop:bad": "Degraded 0"} {
		t.Run(image, func(t *testing.T) {
			s := newScene(t, `[{experiment: {scaleDownDelaySeconds: 0,
              templates: [{name: base, specRef: stable, weight: 20}, {name: new, specRef: canary, weight: 20}],
              analyses: [{name: base, templateName: errors, requiredForCompletion: true, args: [{name: hash, value: "{{templates.base.podTemplateHash}}"}]},
                {name: new, templateName: errors, requiredForCompletion: true, args: [{name: hash, value: "{{templates.new.podTemplateHash}}"}]}]}}, {pause: {}}, {setWeight: 50}, {pause: {}}]`)
			s.must(s.cluster.Apply(s.ctx, errorsOf))
			before := s.load.Counts()
			s.setImage(image)
			var hashes []string
			s.until("its versions have traffic", func() bool {
				hashes = strings.Fields(s.status("{.status.canary.weights.additional[*].podTemplateHash}"))
				return len(hashes) == 2 && s.status("{.status.canary.weights.canary.weight} {.status.canary.weights.stable.weight} {.status.canary.weights.additional[*].weight}") == "0 60 20 20"
			})
			s.until("the experiment has ended", func() bool { return s.status("{.status.phase} {.status.currentStepIndex}") == want })
			after := s.load.Counts().Sub(before)
			if version := s.status("{.status.currentPodHash}"); slices.Contains(hashes, version) {
				t.Errorf("the canary %s is one of the experiment's versions %q", version, hashes)
			}
			if beside := after.ByVersion[image].Requests; beside == 0 || beside > after.Requests/2 {
				t.Errorf("of %d requests %d were answered by %s", after.Requests, beside, image)
			}
			s.until("its pods are gone", func() bool {
				return s.kubectl("get", "replicasets", "-l", "serin.dev/experiment", "-o", "jsonpath={.items[*].status.replicas}") == "0 0"
			})
			if got := s.status("{.status.canary.weights.additional}"); got != "" {
				t.Errorf("after it there is %s", got)
			}
			if image == "shop:2" {
				s.noneFailed(before)
			}
		})
	}
}
