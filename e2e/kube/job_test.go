//go:build kube

package kube_test

import "testing"

// jobTemplate is a metric that is a Job.
const jobTemplate = `
apiVersion: serin.dev/v1alpha1
kind: AnalysisTemplate
metadata: {name: smoke, namespace: default}
spec:
  metrics:
  - name: smoke
    provider:
      job:
        spec:
          backoffLimit: 0
          template:
            spec:
              restartPolicy: Never
              containers: [{name: smoke, image: "smoke:1"}]
`

// TestJobMetric: an analysis step runs a Job of the cluster, which is the Rollout's; its
// success lets the rollout go on, and its run is an object.
func TestJobMetric(t *testing.T) {
	s := newScene(t, `[{setWeight: 20}, {analysis: {templates: [{templateName: smoke}]}}, {pause: {}}]`)
	s.must(s.cluster.Apply(s.ctx, jobTemplate))
	s.setImage("shop:2")
	s.until("the analysis has passed", func() bool {
		return s.status("{.status.phase} {.status.currentStepIndex}") == "Paused 2"
	})
	if got := s.kubectl("get", "jobs", "-o", "jsonpath={.items[*].metadata.ownerReferences[0].name} {.items[*].status.succeeded}"); got != "shop 1" {
		t.Errorf("the Job is of %q, want of shop, succeeded", got)
	}
	s.until("the run is an object", func() bool {
		return s.kubectl("get", "analysisruns.serin.dev", "-o", "jsonpath={.items[*].status.phase}") == "Successful"
	})
}
