package workload

import (
	"context"
	"errors"
	"fmt"

	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
)

// await waits until a Job has ended. Its watch outlives the API server.
func (j *JobRunner) await(ctx context.Context, job *batch.Job) (ended *batch.Job, err error) {
	if outcome(job) != nil {
		return job, nil
	}
	one := fields.OneTermEqualSelector("metadata.name", job.Name).String()
	all := j.client.BatchV1().Jobs(job.Namespace)
	jobs := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.FieldSelector = one
			return all.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.FieldSelector = one
			return all.Watch(ctx, o)
		},
	}
	event, err := watchtools.UntilWithSync(ctx, jobs, &batch.Job{},
		func(s cache.Store) (bool, error) {
			if len(s.List()) == 0 {
				return false, errGone
			}
			return false, nil
		},
		func(e watch.Event) (bool, error) {
			now, ok := e.Object.(*batch.Job)
			if !ok {
				return false, nil
			}
			if e.Type == watch.Deleted || now.UID != job.UID {
				return false, errGone
			}
			return outcome(now) != nil, nil
		})
	if ctx.Err() != nil {
		return nil, fmt.Errorf("waiting for job %q: %w", job.Name, context.Cause(ctx))
	}
	if err != nil {
		return nil, fmt.Errorf("waiting for job %q: %w", job.Name, err)
	}
	ended, _ = event.Object.(*batch.Job) // it is what the condition held for
	return ended, nil
}

var errGone = errors.New("somebody deleted it")

// outcome gives the condition that says how a Job has ended; nil: it has not.
func outcome(job *batch.Job) *batch.JobCondition {
	for i, c := range job.Status.Conditions {
		if c.Status == core.ConditionTrue && (c.Type == batch.JobComplete || c.Type == batch.JobFailed) {
			return &job.Status.Conditions[i]
		}
	}
	return nil
}
