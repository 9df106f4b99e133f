package runner

import (
	"context"
	"encoding/json"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/serin-mesh/serin/analysis/run"
	"github.com/serin-mesh/serin/api"
)

// analysis is an AnalysisRun that is looked after. The mutex of Runner guards it.
type analysis struct {
	uid     types.UID
	object  *api.AnalysisRun // as it was seen last
	refused string           // why it cannot be run
	shown   bool             // it only shows what a control loop runs
	owner   id               // the Experiment that it belongs to
	owned   bool
	rollout id // the Rollout that another controller began it for, if that is so
	left    bool

	status api.AnalysisRunStatus
	stop   bool                   // nobody waits for it any more
	under  func() context.Context // of its measurements; nil: there was none
	cancel context.CancelFunc

	// What follows belongs to the worker.

	written   string // the status, as text
	writtenAt time.Time
	told      api.AnalysisPhase
}

// seeRun notes what was seen of an AnalysisRun.
func (r *Runner) seeRun(i id, u *unstructured.Unstructured, gone bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.runs[i]
	if a != nil && (gone || a.uid != u.GetUID()) {
		a.end()
		delete(r.runs, i)
		if a.owned {
			if t := r.trials[a.owner]; t != nil {
				t.lost[i.key.Name] = true
			}
			r.queue.Add(a.owner)
		}
		r.queueReads(a.object)
		a = nil
	}
	if gone {
		return
	}
	if a == nil {
		a = &analysis{uid: u.GetUID()}
		a.owner, a.owned = controller(u, kindExperiment)
		a.shown = u.GetLabels()[LabelManagedBy] == "serin"
		a.rollout, a.left = controller(u, kindRollout)
		var text []byte
		a.status, text = statusOf[api.AnalysisRunStatus](u)
		a.status, a.written, a.told = run.Interrupted(a.status), string(text), a.status.Phase
		r.runs[i] = a
	}
	var o *api.AnalysisRun
	o, a.refused = decode[api.AnalysisRun](u)
	if o == nil {
		o = &api.AnalysisRun{ObjectMeta: metav1.ObjectMeta{Name: u.GetName(), Namespace: u.GetNamespace(), UID: u.GetUID()}}
	}
	a.object = o
}

// decode reads an object without its status, and says why it cannot be run.
func decode[T any](u *unstructured.Unstructured) (o *T, why string) {
	bare := make(map[string]any, len(u.Object))
	for name, value := range u.Object {
		if name != "status" {
			bare[name] = value
		}
	}
	doc, findings := api.DecodeObject(bare)
	o, _ = doc.Object.(*T)
	return o, refused(findings)
}

// statusOf reads the status of an object, and gives its text. What is not a status
// is none.
func statusOf[T any](u *unstructured.Unstructured) (status T, text []byte) {
	content, ok := u.Object["status"]
	if !ok {
		return status, nil
	}
	raw, err := json.Marshal(content)
	if err != nil || json.Unmarshal(raw, &status) != nil {
		var none T
		return none, nil
	}
	text, _ = json.Marshal(status) // it came from JSON
	return status, text
}

// end ends the measurements under way.
func (a *analysis) end() {
	if a.cancel != nil {
		a.cancel()
	}
}

// lookRun takes the measurements of an AnalysisRun that are due, and has its status
// written.
func (r *Runner) lookRun(ctx context.Context, i id) error {
	now := time.Now()
	r.mu.Lock()
	a := r.runs[i]
	if a == nil || a.shown || a.left && r.rollouts[a.rollout.key] == nil {
		r.mu.Unlock()
		return nil
	}
	a.stop = a.stop || a.left // the loop that has the Rollout now analyses it anew
	if a.object.DeletionTimestamp != nil {
		a.end()
		r.mu.Unlock()
		return nil
	}
	tasks, wake := a.next(now)
	if run.Ended(a.status) {
		a.end()
	} else if a.under == nil {
		ctx, cancel := context.WithCancel(r.under())
		a.under, a.cancel = func() context.Context { return ctx }, cancel
	}
	status, measuring, object := a.status, a.under, a.object
	if a.owned {
		r.queue.Add(a.owner)
	}
	r.queueReads(object)
	r.mu.Unlock()
	for _, task := range tasks {
		r.measure(measuring(), i, a, object, task)
	}
	r.again(i, wake, now)
	if err := r.writeRun(ctx, i, a, status, now); err != nil {
		return err
	}
	return r.expire(ctx, i, object, status, now)
}

// queueReads has it looked at how far back the runs look that have the Rollout of one.
func (r *Runner) queueReads(of *api.AnalysisRun) {
	if key := rolloutOf(of); key.Name != "" {
		r.queue.Add(id{kind: kindReads, key: key})
	}
}

// rolloutOf names the Rollout that a run says it is of; its name is empty where it says
// none.
func rolloutOf(o *api.AnalysisRun) api.Key {
	return api.Key{Namespace: o.Namespace, Name: o.Labels[labelRollout]}
}

// next says what is to be measured now.
func (a *analysis) next(now time.Time) (tasks []run.Task, wake time.Time) {
	if a.refused != "" && !run.Ended(a.status) {
		t := metav1.NewTime(now)
		a.status = api.AnalysisRunStatus{Phase: api.AnalysisError, Message: a.refused, StartedAt: &t, CompletedAt: &t}
		return nil, time.Time{}
	}
	spec := a.spec()
	a.status, tasks, wake = run.Next(&spec, a.status, now)
	return tasks, wake
}

// spec is what a run measures, until it is to stop.
func (a *analysis) spec() api.AnalysisRunSpec {
	spec := a.object.Spec
	spec.Terminate = spec.Terminate || a.stop
	return spec
}

// measure has a measurement taken beside the workers.
func (r *Runner) measure(ctx context.Context, i id, a *analysis, object *api.AnalysisRun, task run.Task) {
	m := Measurement{
		Task: task, Args: object.Spec.Args, Secret: r.secrets(i.key.Namespace), Run: object.Name,
		Rollout: rolloutOf(object),
		Owner:   metav1.OwnerReference{APIVersion: apiVersion(i), Kind: kindRun, Name: object.Name, UID: a.uid},
	}
	r.measuring.Go(func() {
		result := r.options.Measure(ctx, m)
		r.mu.Lock()
		if ctx.Err() == nil {
			spec := a.spec()
			a.status = run.Measured(&spec, a.status, task.Metric.Name, result, time.Now())
		}
		r.mu.Unlock()
		r.queue.Add(i)
	})
}

// writeRun writes the status of a run, unless it is as it was written. Of
// measurements alone not more often than writeEvery.
func (r *Runner) writeRun(ctx context.Context, i id, a *analysis, status api.AnalysisRunStatus, now time.Time) error {
	text, err := json.Marshal(status)
	if err != nil || string(text) == a.written {
		return err
	}
	if next := a.writtenAt.Add(writeEvery); !run.Ended(status) && now.Before(next) {
		r.again(i, next, now)
		return nil
	}
	if _, err := r.status(ctx, i, a.uid, text); err != nil {
		return err
	}
	if status.Phase != a.told {
		r.became(i, a.uid, status.Phase, status.Message)
	}
	a.written, a.writtenAt, a.told = string(text), now, status.Phase
	return nil
}

// expire deletes a run whose time after its end is over.
func (r *Runner) expire(ctx context.Context, i id, object *api.AnalysisRun, status api.AnalysisRunStatus, now time.Time) error {
	ttl := object.Spec.TTLStrategy
	if ttl == nil || !run.Ended(status) || status.CompletedAt == nil {
		return nil
	}
	after := ttl.SecondsAfterCompletion
	switch {
	case status.Phase == api.AnalysisSuccessful && ttl.SecondsAfterSuccess != nil:
		after = ttl.SecondsAfterSuccess
	case (status.Phase == api.AnalysisFailed || status.Phase == api.AnalysisError) && ttl.SecondsAfterFailure != nil:
		after = ttl.SecondsAfterFailure
	}
	if after == nil {
		return nil
	}
	if at := status.CompletedAt.Add(time.Duration(*after) * time.Second); now.Before(at) {
		r.again(i, at, now)
		return nil
	}
	return r.remove(ctx, i, object.UID)
}
