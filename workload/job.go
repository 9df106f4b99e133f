package workload

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"

	batch "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/serin-mesh/serin/api"
)

// labelJobOwner is on each Job that we make: the UID of whom it is for, or none.
const labelJobOwner = "serin.dev/job-owner"

// defaultKeep is how many finished Jobs of one owner stay to be looked at. Source:
// measurements kept by Argo Rollouts.
const defaultKeep = 10

// JobRunner runs Jobs of analyses. It may be used by many at a time.
type JobRunner struct {
	client kubernetes.Interface
	keep   int
}

// NewJobRunner makes a JobRunner. Of each owner it keeps so many finished Jobs, the
// last ones; 0: 10.
func NewJobRunner(config *rest.Config, keep int) (*JobRunner, error) {
	client, err := kubernetes.NewForConfig(tuned(config))
	if err != nil {
		return nil, fmt.Errorf("making a client for jobs: %w", err)
	}
	return &JobRunner{client: client, keep: cmp.Or(keep, defaultKeep)}, nil
}

// JobName gives a name for the Job of a measurement, good for a label: the same
// for the same measurement, so that it is found again after a restart.
func JobName(run string, m *api.JobMetric, number int) string {
	h := fnv.New64a()
	data, _ := json.Marshal(m) // it came from JSON
	_, _ = fmt.Fprintf(h, "%s\n%s", run, data)
	end := fmt.Sprintf("-%010x-%d", h.Sum64()&(1<<40-1), number)
	run = run[:min(len(run), 63-len(end))]
	return strings.TrimRight(run, "-.") + end
}

// Run runs a Job to its end and reports whether it succeeded, with what there is
// to say about it. The error is that it could not be run, or that the context
// ended: the Job is deleted then. One of that name which was made for the same
// owner before is taken over, also if it has ended. The owner, in the same
// namespace, may be nil.
//
// An ended Job goes when its ttlSecondsAfterFinished is over. Without that it stays
// with its owner, but for the oldest beyond those that are kept; one without owner
// goes at once.
func (j *JobRunner) Run(ctx context.Context, namespace, name string, owner *metav1.OwnerReference, m *api.JobMetric) (succeeded bool, message string, err error) {
	job, err := j.begin(ctx, namespace, name, owner, m)
	if err != nil {
		return false, "", err
	}
	ended, err := j.await(ctx, job)
	if err != nil {
		return false, "", errors.Join(err, j.end(ctx, job))
	}
	j.tidy(ctx, ended, owner)
	c := outcome(ended)
	if c.Type == batch.JobComplete {
		return true, c.Message, nil
	}
	return false, strings.TrimPrefix(c.Reason+": "+c.Message, ": "), nil
}

// begin makes the Job, or finds it.
func (j *JobRunner) begin(ctx context.Context, namespace, name string, owner *metav1.OwnerReference, m *api.JobMetric) (*batch.Job, error) {
	job := &batch.Job{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Annotations: m.Metadata.Annotations, Labels: map[string]string{}}}
	if err := json.Unmarshal(m.Spec, &job.Spec); err != nil {
		return nil, fmt.Errorf("reading the spec of job %q: %w", name, err)
	}
	for k, v := range m.Metadata.Labels {
		job.Labels[k] = v
	}
	job.Labels[labelJobOwner] = ""
	if owner != nil {
		job.Labels[labelJobOwner] = string(owner.UID)
		job.OwnerReferences = []metav1.OwnerReference{*owner}
	}
	made, err := j.client.BatchV1().Jobs(namespace).Create(ctx, job, metav1.CreateOptions{})
	if !apierrors.IsAlreadyExists(err) {
		return made, wrap(err, "making job %q", name)
	}
	there, err := j.client.BatchV1().Jobs(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading job %q: %w", name, err)
	}
	if of, ours := there.Labels[labelJobOwner]; !ours || of != job.Labels[labelJobOwner] || there.DeletionTimestamp != nil {
		return nil, fmt.Errorf("making job %q: another has the name", name)
	}
	return there, nil
}
