package workload

import (
	"context"
	"fmt"
	"slices"
	"time"

	batch "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// endWait bounds how long the end of a Job may take that nobody waits for any more.
const endWait = 10 * time.Second

// end deletes a Job that nobody waits for any more, with its pods.
func (j *JobRunner) end(ctx context.Context, job *batch.Job) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endWait)
	defer cancel()
	background := metav1.DeletePropagationBackground
	err := j.client.BatchV1().Jobs(job.Namespace).Delete(ctx, job.Name, metav1.DeleteOptions{
		PropagationPolicy: &background, Preconditions: &metav1.Preconditions{UID: &job.UID}})
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return wrap(err, "deleting job %q", job.Name)
}

// tidy deletes ended Jobs that are not kept. What fails is done after the next.
func (j *JobRunner) tidy(ctx context.Context, ended *batch.Job, owner *metav1.OwnerReference) {
	switch {
	case ended.Spec.TTLSecondsAfterFinished != nil:
		return
	case owner == nil:
		_ = j.end(ctx, ended)
		return
	}
	list, err := j.client.BatchV1().Jobs(ended.Namespace).List(ctx, metav1.ListOptions{LabelSelector: labelJobOwner + "=" + string(owner.UID)})
	if err != nil {
		return
	}
	done := slices.DeleteFunc(list.Items, func(b batch.Job) bool { return outcome(&b) == nil })
	slices.SortStableFunc(done, func(a, b batch.Job) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
	for i := range max(0, len(done)-j.keep) {
		_ = j.end(ctx, &done[i])
	}
}

// wrap gives an error its context; nil stays nil.
func wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}
