package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
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
	whole, err := textOf(r, status)
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
	part, err := textOf(r, status)
	return whole, part, err
}

// own are the fields of a status that Argo's definition does not have: the API
// server drops them, and says so each time.
var own = []string{"fleet", "observed", "evidence", "nextTransitionAt", "findings", "frozen", "release", "pinned"}

// textOf writes the status of a Rollout as its definition has it.
func textOf(r *api.Rollout, status api.RolloutStatus) (string, error) {
	if objectOf(r).group != groupArgo {
		text, err := json.Marshal(standardOf(r, status))
		return string(text), err
	}
	text, err := json.Marshal(status)
	if err != nil {
		return "", err
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		return "", err
	}
	for _, name := range own {
		delete(fields, name)
	}
	text, err = json.Marshal(fields)
	return string(text), err
}

// wholeWeights gives the weights as Argo's definition has them: whole numbers, as
// parts of maxTrafficWeight.
func wholeWeights(r *api.Rollout) api.TrafficWeights {
	w, whole := r.Status.Canary.Weights, float64(r.MaxTrafficWeight())
	w.Canary.Weight = math.Round(w.Canary.Weight * whole / 100)
	w.Stable.Weight = whole - w.Canary.Weight
	w.Additional = slices.Clone(w.Additional)
	for i := range w.Additional {
		a := &w.Additional[i]
		a.Weight = min(math.Round(a.Weight*whole/100), w.Stable.Weight)
		w.Stable.Weight -= a.Weight
	}
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
		now.held.uid, now.held.tried = has.uid, nil
		*has = now.held
	}
	return nil
}
