package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/serin-mesh/serin/api"
)

const (
	// runsEvery is how often the runs of a Rollout are looked at, at most.
	runsEvery = time.Second
	// managedBy marks the AnalysisRuns that are written here.
	managedBy = "app.kubernetes.io/managed-by"
	// ofRolloutLabel has the name of the Rollout of a run. Source: Argo.
	ofRolloutLabel = "rollout"
)

// Runs writes the analyses of Rollouts as AnalysisRun objects, which their Rollout
// owns: those under way, and as many of the past as the Rollout keeps. They show
// what is; what a person changes in one is written over.
type Runs struct {
	client dynamic.Interface
	of     func(context.Context, api.Key) ([]*api.AnalysisRun, error)
	log    *slog.Logger
	known  map[api.Key]*runsOf
}

// runsOf is what is known of the runs of one Rollout.
type runsOf struct {
	owner   *api.Rollout      // nil: nothing is to be written
	written map[string]string // by name, as text; nil: what there is has not been read
}

// NewRuns gives a writer that asks for the runs of a Rollout, as
// (*control.Control).AnalysisRuns answers.
func NewRuns(client dynamic.Interface, of func(context.Context, api.Key) ([]*api.AnalysisRun, error), log *slog.Logger) *Runs {
	return &Runs{client: client, of: of, log: log, known: map[api.Key]*runsOf{}}
}

// Run writes what has changed when next says so, until the context ends.
func (r *Runs) Run(ctx context.Context, next func(context.Context) ([]api.Event, error)) error {
	for {
		bounded, cancel := context.WithTimeout(ctx, r.patience())
		news, err := next(bounded)
		cancel()
		if ctx.Err() != nil || err != nil && bounded.Err() == nil {
			return nil // there will be no news
		}
		r.take(news)
		r.flush(ctx)
		select { // so that a run that measures each second is written once a second
		case <-time.After(runsEvery):
		case <-ctx.Done():
			return nil
		}
	}
}

// patience is how long news are waited for: not long while something could not be
// written.
func (r *Runs) patience() time.Duration {
	for _, of := range r.known {
		if of.owner != nil {
			return retryAfter
		}
	}
	return time.Hour
}

// take notes whose runs are to be looked at. Those of a Rollout that is gone go
// with it.
func (r *Runs) take(news []api.Event) {
	for _, e := range news {
		if e.Rollout == nil {
			delete(r.known, api.Key{Namespace: e.Namespace, Name: e.Name})
			continue
		}
		key := api.KeyOf(e.Rollout)
		if r.known[key] == nil {
			r.known[key] = &runsOf{}
		}
		r.known[key].owner = e.Rollout
	}
}

// flush writes the runs that have changed.
func (r *Runs) flush(ctx context.Context) {
	for key, of := range r.known {
		if of.owner == nil {
			continue
		}
		runs, err := r.of(ctx, key)
		if err == nil {
			err = r.write(ctx, of, runs)
		}
		if err == nil {
			of.owner = nil
		} else if ctx.Err() == nil {
			r.log.Warn("analyses cannot be written: it is tried again", "rollout", key, "error", err)
		}
	}
}

// write brings the objects of one Rollout in line with its runs.
func (r *Runs) write(ctx context.Context, of *runsOf, runs []*api.AnalysisRun) error {
	client := r.objects(of.owner)
	if len(runs) == 0 && of.written != nil && len(of.written) == 0 {
		return nil
	}
	if of.written == nil {
		list, err := client.List(ctx, metav1.ListOptions{LabelSelector: managedBy + "=serin," + ofRolloutLabel + "=" + of.owner.Name})
		if err != nil {
			return fmt.Errorf("listing AnalysisRuns: %w", err)
		}
		of.written = map[string]string{}
		for i := range list.Items {
			of.written[list.Items[i].GetName()] = ""
		}
	}
	gone := map[string]bool{}
	for name := range of.written {
		gone[name] = true
	}
	for _, run := range runs {
		delete(gone, run.Name)
		if err := r.put(ctx, client, of, run); err != nil {
			return err
		}
	}
	for name := range gone {
		if err := client.Delete(ctx, name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("deleting AnalysisRun %q: %w", name, err)
		}
		delete(of.written, name)
	}
	return nil
}

// objects are the AnalysisRuns beside a Rollout, of its own group.
func (r *Runs) objects(owner *api.Rollout) dynamic.ResourceInterface {
	group, version, _ := strings.Cut(owner.APIVersion, "/")
	return r.client.Resource(schema.GroupVersionResource{Group: group, Version: version, Resource: "analysisruns"}).Namespace(owner.Namespace)
}

// put writes one run, unless it is as it was written.
func (r *Runs) put(ctx context.Context, client dynamic.ResourceInterface, of *runsOf, run *api.AnalysisRun) error {
	object, status, err := runObject(of.owner, run)
	if err != nil {
		return fmt.Errorf("encoding AnalysisRun %q: %w", run.Name, err)
	}
	text, err := json.Marshal([]any{object.Object, status})
	if err != nil || of.written[run.Name] == string(text) {
		return err
	}
	if _, err := client.Apply(ctx, run.Name, object, metav1.ApplyOptions{FieldManager: "serin", Force: true}); err != nil {
		return fmt.Errorf("writing AnalysisRun %q: %w", run.Name, err)
	}
	patch, err := json.Marshal(map[string]any{"status": status})
	if err == nil {
		_, err = client.Patch(ctx, run.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "serin"}, api.StatusSubresource(object.GroupVersionKind().Group)...)
	}
	if err != nil {
		return fmt.Errorf("writing the status of AnalysisRun %q: %w", run.Name, err)
	}
	of.written[run.Name] = string(text)
	return nil
}

// runObject gives a run as its object without a status, and the status.
func runObject(owner *api.Rollout, run *api.AnalysisRun) (*unstructured.Unstructured, any, error) {
	text, err := json.Marshal(run)
	if err != nil {
		return nil, nil, err
	}
	var object map[string]any
	if err := json.Unmarshal(text, &object); err != nil {
		return nil, nil, err
	}
	status := object["status"]
	delete(object, "status")
	u := &unstructured.Unstructured{Object: object}
	unstructured.RemoveNestedField(object, "metadata", "creationTimestamp") // the API server's
	u.SetAPIVersion(owner.APIVersion)
	labels := u.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	labels[managedBy], labels[ofRolloutLabel] = "serin", owner.Name
	u.SetLabels(labels)
	yes := true
	u.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: owner.APIVersion, Kind: "Rollout", Name: owner.Name, UID: owner.UID, Controller: &yes, BlockOwnerDeletion: &yes}})
	return u, status, nil
}
