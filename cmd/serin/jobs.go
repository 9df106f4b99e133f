package main

import (
	"context"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serin-mesh/serin/analysis/provider"
	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/workload"
)

// jobs runs the Jobs of metrics in a cluster. A Job is its Rollout's, or its
// AnalysisRun's where that stands by itself, and goes with it.
type jobs struct {
	runner *workload.JobRunner

	mu     sync.Mutex // guards what follows
	owners map[api.Key]metav1.OwnerReference
}

// see notes which Rollouts there are.
func (j *jobs) see(rollouts map[api.Key]*api.Rollout) {
	owners := make(map[api.Key]metav1.OwnerReference, len(rollouts))
	for key, r := range rollouts {
		owners[key] = metav1.OwnerReference{APIVersion: r.APIVersion, Kind: "Rollout", Name: r.Name, UID: r.UID}
	}
	j.mu.Lock()
	j.owners = owners
	j.mu.Unlock()
}

// owner is who a Job about a Rollout belongs to; nil where there is no such Rollout.
func (j *jobs) owner(key api.Key) *metav1.OwnerReference {
	j.mu.Lock()
	defer j.mu.Unlock()
	if o, ok := j.owners[key]; ok {
		return &o
	}
	return nil
}

// RunJob runs a Job to its end. Source: provider.Jobs.
func (j *jobs) RunJob(ctx context.Context, m *api.JobMetric, about provider.Subject) (ok bool, message string, err error) {
	owner := about.Owner
	if owner == nil {
		owner = j.owner(about.Rollout)
	}
	return j.runner.Run(ctx, about.Rollout.Namespace, workload.JobName(about.Run, m, about.Number), owner, m)
}
