package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/serin-mesh/serin/api"
)

const (
	// countsEvery is how often a status is written of which only counts and
	// evidence have changed.
	countsEvery = 10 * time.Second
	// statusesAt is how often changes are looked through that could not be written
	// or may wait.
	statusesAt = time.Second
)

// argoGroup begins the API version of Argo Rollouts' kinds.
const argoGroup = "argoproj.io/"

// Statuses writes what Serin says of Rollouts into the status of their objects: at
// once where a reader would want to know, and every ten seconds where only counts
// have changed. Nothing is written while nothing changes.
type Statuses struct {
	client dynamic.Interface
	log    *slog.Logger
	known  map[api.Key]*shown
}

// shown is what is known of one Rollout's status.
type shown struct {
	want    *api.Rollout
	written time.Time
	essence string // what was written, counts left out
	text    string // what was written
}

// NewStatuses gives a writer that has written nothing.
func NewStatuses(client dynamic.Interface, log *slog.Logger) *Statuses {
	return &Statuses{client: client, log: log, known: map[api.Key]*shown{}}
}

// Run writes what next gives until the context ends. next waits for changes, as
// (*control.Watch).Next does.
func (s *Statuses) Run(ctx context.Context, next func(context.Context) ([]api.Event, error)) error {
	events := make(chan []api.Event)
	go func() {
		defer close(events)
		for {
			news, err := next(ctx)
			if err != nil {
				return
			}
			select {
			case events <- news:
			case <-ctx.Done():
				return
			}
		}
	}()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		if s.flush(ctx) {
			timer.Reset(statusesAt)
		}
		select {
		case news, ok := <-events:
			if !ok {
				return nil
			}
			s.take(news)
		case <-timer.C:
		case <-ctx.Done():
			for range events { // until the reader has ended
			}
			return nil
		}
	}
}

// take notes the newest statuses.
func (s *Statuses) take(events []api.Event) {
	for _, e := range events {
		if e.Rollout == nil {
			delete(s.known, api.Key{Namespace: e.Namespace, Name: e.Name})
			continue
		}
		key := api.KeyOf(e.Rollout)
		if s.known[key] == nil {
			s.known[key] = &shown{}
		}
		s.known[key].want = e.Rollout
	}
}

// flush writes what is due, and says whether something waits.
func (s *Statuses) flush(ctx context.Context) (waits bool) {
	for key, of := range s.known {
		if of.want == nil {
			continue
		}
		text, essence, err := render(of.want)
		switch {
		case err != nil:
			s.log.Error("a status cannot be encoded", "rollout", key, "error", err)
			of.want = nil
			continue
		case text == of.text:
			of.want = nil
			continue
		case essence == of.essence && time.Since(of.written) < countsEvery:
			waits = true
			continue
		}
		if err := s.patch(ctx, of.want, text); err != nil {
			waits = true
			if ctx.Err() == nil {
				s.log.Warn("a status cannot be written: it is tried again", "rollout", key, "error", err)
			}
			continue
		}
		of.want, of.text, of.essence, of.written = nil, text, essence, time.Now()
	}
	return waits
}

// render gives the patch of a status, and the part of it that is shown at once.
func render(r *api.Rollout) (text, essence string, err error) {
	status := r.Status
	status.ObservedGeneration = strconv.FormatInt(r.Generation, 10)
	if strings.HasPrefix(r.APIVersion, argoGroup) { // its definition has whole percents only
		w := &status.Canary.Weights
		w.Canary.Weight = math.Round(w.Canary.Weight)
		w.Stable.Weight = 100 - w.Canary.Weight
	}
	whole, err := patchOf(status)
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
	part, err := patchOf(status)
	return whole, part, err
}

// patchOf writes a status as a merge patch: what the status has no value for is
// taken away.
func patchOf(status api.RolloutStatus) (string, error) {
	text, err := json.Marshal(status)
	if err != nil {
		return "", err
	}
	fields := map[string]any{}
	if err := json.Unmarshal(text, &fields); err != nil {
		return "", err
	}
	for _, name := range []string{"message", "abortedAt", "controllerPause", "promoteFull", "pinned", "findings", "frozen", "release",
		"replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "HPAReplicas", "collisionCount"} {
		if _, there := fields[name]; !there {
			fields[name] = nil
		}
	}
	text, err = json.Marshal(map[string]any{"status": fields})
	return string(text), err
}

// patch writes a status. A Rollout that is gone has none.
func (s *Statuses) patch(ctx context.Context, r *api.Rollout, text string) error {
	group, version, _ := strings.Cut(r.APIVersion, "/")
	rollouts := s.client.Resource(schema.GroupVersionResource{Group: group, Version: version, Resource: "rollouts"}).Namespace(r.Namespace)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := rollouts.Patch(ctx, r.Name, types.MergePatchType, []byte(text), metav1.PatchOptions{FieldManager: "serin"}, "status")
	if err == nil || apierrors.IsNotFound(err) {
		return nil
	}
	return fmt.Errorf("patching the status of Rollout %s/%s: %w", r.Namespace, r.Name, err)
}
