package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/serin-mesh/serin/api"
)

// groupArgo is the API group of Argo Rollouts' kinds.
const groupArgo = "argoproj.io"

// fieldManager is who writes a status, as the API server has it.
const fieldManager = "serin"

// render gives the text of a status, and the part of it that is shown at once.
func render(r *api.Rollout) (text, essence string, err error) {
	status := r.Status
	status.ObservedGeneration = strconv.FormatInt(r.Generation, 10)
	if objectOf(r).group == groupArgo {
		status.Canary.Weights = wholeWeights(r)
	}
	encode := func() ([]byte, error) { return json.Marshal(standardOf(r, status)) }
	if objectOf(r).group == groupArgo {
		encode = func() ([]byte, error) { return json.Marshal(status) }
	}
	whole, err := encode()
	if err != nil {
		return "", "", err
	}
	status.Observed, status.Evidence = nil, nil
	for i := range status.Conditions {
		if i == 0 {
			status.Conditions = append([]api.RolloutCondition(nil), status.Conditions...)
		}
		status.Conditions[i].LastUpdateTime = time.Time{}
	}
	part, err := encode()
	return string(whole), string(part), err
}

// wholeWeights gives the weights as Argo's definition has them: whole numbers, as
// parts of maxTrafficWeight.
func wholeWeights(r *api.Rollout) api.TrafficWeights {
	w, whole := r.Status.Canary.Weights, float64(r.MaxTrafficWeight())
	w.Canary.Weight = math.Round(w.Canary.Weight * whole / 100)
	w.Stable.Weight = whole - w.Canary.Weight
	return w
}

// patch writes a status in place of whatever there is. If it is known what the
// object holds, that must still be so, else the error is a conflict. A Rollout that
// is gone has no status.
func (s *Statuses) patch(ctx context.Context, id object, has *held, status string) error {
	ops := []map[string]any{{"op": "add", "path": "/status", "value": json.RawMessage(status)}}
	if has != nil {
		ops = append(ops, map[string]any{"op": "replace", "path": "/metadata/resourceVersion", "value": has.version})
	}
	text, err := json.Marshal(ops)
	if err != nil {
		return fmt.Errorf("encoding the status of Rollout %s: %w", id.key, err)
	}
	rollouts := s.client.Resource(schema.GroupVersionResource{Group: id.group, Version: "v1alpha1", Resource: "rollouts"}).Namespace(id.key.Namespace)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	made, err := rollouts.Patch(ctx, id.key.Name, types.JSONPatchType, text, metav1.PatchOptions{FieldManager: fieldManager}, "status")
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		if has != nil && !apierrors.IsConflict(err) {
			has.tried = saidOf(status) // it may have been written all the same
		}
		return fmt.Errorf("patching the status of Rollout %s: %w", id.key, err)
	}
	if has != nil {
		now := sightOf(made)
		has.version, has.content, has.said, has.tried = now.version, now.content, now.said, nil
	}
	return nil
}
