//go:build kube

package workload

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/internal/kubelab"
)

// jobOf is a Job of one pod whose image says how it comes out.
func jobOf(image, more string) *api.JobMetric {
	return &api.JobMetric{Spec: json.RawMessage(fmt.Sprintf(`{"backoffLimit": 0 %s, "template": {"spec": {
		"restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": [{"name": "a", "image": %q}]}}}`, more, image))}
}

func (p *place) runner(keep int) *JobRunner {
	p.Helper()
	j, err := NewJobRunner(p.config(), keep)
	p.must(err)
	return j
}

func (p *place) jobs(ctx context.Context) []batch.Job {
	p.Helper()
	list, err := p.client.BatchV1().Jobs(p.namespace).List(ctx, metav1.ListOptions{})
	p.must(err)
	return list.Items
}

// TestJobs: a Job succeeds, fails, cannot be made, is taken over, is given up, and
// goes when it is not kept.
func TestJobs(t *testing.T) {
	p := newPlace(t, kubelab.KubeletOptions{JobOutcome: func(ctx context.Context, pod *core.Pod) bool {
		if pod.Spec.Containers[0].Image == "endless" {
			<-ctx.Done()
		}
		return pod.Spec.Containers[0].Image == "good"
	}})
	r := p.rollout("shop:1", 1, "")
	owner := ownerOf(r)
	j := p.runner(2)

	ok, msg, err := j.Run(p.ctx, p.namespace, "good-1", &owner, jobOf("good", ""))
	if !ok || err != nil {
		t.Errorf("a good one: %v %q %v", ok, msg, err)
	}
	ok, msg, err = j.Run(p.ctx, p.namespace, "bad-1", &owner, jobOf("bad", ""))
	if ok || err != nil || !strings.Contains(msg, "BackoffLimitExceeded: ") {
		t.Errorf("a bad one: %v %q %v", ok, msg, err)
	}
	if ok, _, err = j.Run(p.ctx, p.namespace, "good-1", &owner, jobOf("good", "")); !ok || err != nil {
		t.Errorf("one that has ended: %v %v", ok, err)
	}
	if _, _, err = j.Run(p.ctx, p.namespace, "good-1", nil, jobOf("good", "")); err == nil || !strings.Contains(err.Error(), "another has the name") {
		t.Errorf("somebody else's: %v", err)
	}
	if _, _, err = j.Run(p.ctx, p.namespace, "wrong", &owner, jobOf("good", `, "completions": -1`)); err == nil || !strings.Contains(err.Error(), `making job "wrong"`) {
		t.Errorf("one that is refused: %v", err)
	}
	if ok, _, err = j.Run(p.ctx, p.namespace, "good-2", &owner, jobOf("good", "")); !ok || err != nil {
		t.Errorf("the third: %v %v", ok, err)
	}
	p.must(kubelab.Until(p.ctx, "the oldest to go", func(ctx context.Context) (bool, error) { return len(p.jobs(ctx)) == 2, nil }))
	if ok, _, err = j.Run(p.ctx, p.namespace, "nobodys", nil, jobOf("good", "")); !ok || err != nil {
		t.Errorf("one without owner: %v %v", ok, err)
	}
	p.must(kubelab.Until(p.ctx, "nobody's to go", func(ctx context.Context) (bool, error) { return len(p.jobs(ctx)) == 2, nil }))
}

// TestJobEnds: a Job that nobody waits for any more goes with its pod, and one
// that somebody deleted is an error. The watch outlives the API server.
func TestJobEnds(t *testing.T) {
	release := make(chan struct{})
	p := newPlace(t, kubelab.KubeletOptions{JobOutcome: func(ctx context.Context, pod *core.Pod) bool {
		select {
		case <-ctx.Done():
			return false
		case <-release:
			return true
		}
	}})
	j := p.runner(0)
	run := func(ctx context.Context, name string) chan error {
		done := make(chan error, 1)
		go func() {
			ok, _, err := j.Run(ctx, p.namespace, name, nil, jobOf("a", ""))
			if err == nil && !ok {
				err = errors.New("it failed")
			}
			done <- err
		}()
		p.must(kubelab.Until(p.ctx, "its pod", func(ctx context.Context) (bool, error) {
			list, err := p.client.CoreV1().Pods(p.namespace).List(ctx, metav1.ListOptions{LabelSelector: "job-name=" + name})
			return err == nil && len(list.Items) == 1 && list.Items[0].Status.Phase == core.PodRunning, err
		}))
		return done
	}
	gone := func(name string) {
		p.Helper()
		p.must(kubelab.Until(p.ctx, name+" to go", func(ctx context.Context) (bool, error) {
			_, err := p.client.BatchV1().Jobs(p.namespace).Get(ctx, name, metav1.GetOptions{})
			pods, _ := p.client.CoreV1().Pods(p.namespace).List(ctx, metav1.ListOptions{LabelSelector: "job-name=" + name})
			return apierrors.IsNotFound(err) && len(pods.Items) == 0, nil
		}))
	}
	ctx, cancel := context.WithCancelCause(p.ctx)
	done := run(ctx, "given-up")
	cancel(errors.New("enough"))
	if err := <-done; err == nil || !strings.Contains(err.Error(), "enough") {
		t.Errorf("one that was given up: %v", err)
	}
	gone("given-up")

	done = run(p.ctx, "deleted")
	background := metav1.DeletePropagationBackground
	p.must(p.client.BatchV1().Jobs(p.namespace).Delete(p.ctx, "deleted", metav1.DeleteOptions{PropagationPolicy: &background}))
	if err := <-done; !errors.Is(err, errGone) {
		t.Errorf("one that was deleted: %v", err)
	}

	done = run(p.ctx, "long")
	p.must(p.cluster.RestartAPIServer(p.ctx))
	close(release)
	began := time.Now()
	if err := <-done; err != nil {
		t.Errorf("one over a restart of the API server: %v", err)
	}
	t.Logf("it was over %s after its pod", time.Since(began).Round(time.Millisecond))
	gone("long")
}
