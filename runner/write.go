package runner

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/client-go/dynamic"

	"github.com/serin-mesh/serin/api"
)

const (
	// fieldManager is who writes, as the API server has it.
	fieldManager = "serin"
	// writeEvery is how often the status of a run is written of which only
	// measurements have changed.
	writeEvery = time.Second
)

// plurals are the resources of the kinds.
var plurals = map[string]string{kindRun: "analysisruns", kindExperiment: "experiments", kindRollout: "rollouts"}

// kindsOf gives the resource of a kind in a group.
func kindsOf(group, kind string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: group, Version: "v1alpha1", Resource: plurals[kind]}
}

// resource gives the objects beside one.
func (r *Runner) resource(i id) dynamic.ResourceInterface {
	return r.dynamic.Resource(kindsOf(i.group, i.kind)).Namespace(i.key.Namespace)
}

// status writes the status of an object in place of whatever there is, and gives the
// resource version of that. An object that is gone has none, nor has another one of
// its name.
func (r *Runner) status(ctx context.Context, i id, uid types.UID, status []byte) (version string, err error) {
	text, err := json.Marshal([]map[string]any{
		{"op": "test", "path": "/metadata/uid", "value": uid},
		{"op": "add", "path": "/status", "value": json.RawMessage(status)},
	})
	if err != nil {
		return "", fmt.Errorf("encoding a status: %w", err)
	}
	made, err := r.resource(i).Patch(ctx, i.key.Name, types.JSONPatchType, text, metav1.PatchOptions{FieldManager: fieldManager}, api.StatusSubresource(i.group)...)
	switch {
	case apierrors.IsNotFound(err):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("writing the status of %s %s: %w", i.kind, i.key, err)
	}
	return made.GetResourceVersion(), nil
}

// create makes an object of one of our kinds.
func (r *Runner) create(ctx context.Context, i id, object any) (*unstructured.Unstructured, error) {
	text, err := json.Marshal(object)
	if err != nil {
		return nil, fmt.Errorf("encoding %s %s: %w", i.kind, i.key, err)
	}
	u := &unstructured.Unstructured{}
	if err := json.Unmarshal(text, &u.Object); err != nil {
		return nil, fmt.Errorf("encoding %s %s: %w", i.kind, i.key, err)
	}
	unstructured.RemoveNestedField(u.Object, "status")
	unstructured.RemoveNestedField(u.Object, "metadata", "creationTimestamp")
	return r.resource(i).Create(ctx, u, metav1.CreateOptions{FieldManager: fieldManager})
}

// remove deletes an object, unless another has its name by now.
func (r *Runner) remove(ctx context.Context, i id, uid types.UID) error {
	background := metav1.DeletePropagationBackground
	err := r.resource(i).Delete(ctx, i.key.Name, metav1.DeleteOptions{
		PropagationPolicy: &background, Preconditions: &metav1.Preconditions{UID: &uid}})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return fmt.Errorf("deleting %s %s: %w", i.kind, i.key, err)
	}
	return nil
}

// became has it told what became of an object: its kind with the phase, as Argo
// Rollouts' Events have it.
func (r *Runner) became(i id, uid types.UID, phase api.AnalysisPhase, message string) {
	warning := phase.Completed() && phase != api.AnalysisSuccessful
	r.options.Event(core.ObjectReference{APIVersion: apiVersion(i), Kind: i.kind, Namespace: i.key.Namespace, Name: i.key.Name, UID: uid},
		warning, i.kind+string(phase), cmp.Or(message, "it is "+string(phase)))
}

// never says whether an error of the API server stays one however often it is asked.
func never(err error) bool {
	return apierrors.IsInvalid(err) || apierrors.IsBadRequest(err)
}

// newer says whether a resource version is of a later state than another, which may be
// none.
func newer(a, b string) bool {
	c, err := resourceversion.CompareResourceVersion(a, b)
	return b == "" || err == nil && c > 0
}

// reference gives the reference by which an object owns another.
func reference(apiVersion, kind string, o metav1.Object) metav1.OwnerReference {
	return metav1.OwnerReference{APIVersion: apiVersion, Kind: kind, Name: o.GetName(), UID: o.GetUID(),
		Controller: new(true), BlockOwnerDeletion: new(true)}
}

// apiVersion is that of the kinds of a group.
func apiVersion(i id) string { return i.group + "/v1alpha1" }
