package workload

import (
	"context"
	"fmt"
	"slices"

	apps "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serin-mesh/serin/api"
)

// maxCollisions bounds the names that are tried for one version.
const maxCollisions = 20

// resolve gives the version of a template: that of the ReplicaSet that has it. If
// there is none it makes one, without pods, so that nobody hears of a version
// whose name is not settled.
func (w *Workload) resolve(ctx context.Context, e *entry, r *api.Rollout, from source, own []*apps.ReplicaSet) (*apps.ReplicaSet, error) {
	if plain := Hash(&from.template, 0); plain != e.plain {
		e.plain, e.version, e.collisions = plain, "", 0
	}
	name := Hash(&from.template, e.collisions)
	for _, version := range []string{e.version, name} {
		if s := withVersion(own, version); s != nil {
			e.version = version
			return s, nil
		}
	}
	s, err := w.equal(ctx, r, from, own)
	if s == nil && err == nil {
		s, err = w.create(ctx, e, r, from, own)
	}
	if err != nil {
		return nil, err
	}
	e.version = s.Labels[LabelHash]
	return s, nil
}

func withVersion(sets []*apps.ReplicaSet, version string) *apps.ReplicaSet {
	for _, s := range sets {
		if version != "" && s.Labels[LabelHash] == version && s.DeletionTimestamp == nil {
			return s
		}
	}
	return nil
}

// create makes the ReplicaSet of a new version. A name that something else has
// leads to another.
func (w *Workload) create(ctx context.Context, e *entry, r *api.Rollout, from source, own []*apps.ReplicaSet) (*apps.ReplicaSet, error) {
	for ; e.collisions < maxCollisions; e.collisions++ {
		s := newSet(r, from, Hash(&from.template, e.collisions))
		setRevision(s, own)
		made, err := w.client.AppsV1().ReplicaSets(s.Namespace).Create(ctx, s, metav1.CreateOptions{})
		if apierrors.IsAlreadyExists(err) {
			made, err = w.taken(ctx, r, s)
		}
		if err != nil {
			return nil, fmt.Errorf("making ReplicaSet %q: %w", s.Name, err)
		}
		if made != nil {
			w.written.put(made)
			return made, nil
		}
	}
	return nil, fmt.Errorf("making a ReplicaSet of rollout %q: %d names are taken", r.Name, maxCollisions)
}

// taken gives the ReplicaSet that has a name already, if it is the one that was
// to be made; nil: it is something else.
func (w *Workload) taken(ctx context.Context, r *api.Rollout, s *apps.ReplicaSet) (*apps.ReplicaSet, error) {
	there, err := w.client.AppsV1().ReplicaSets(s.Namespace).Get(ctx, s.Name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	if left(there, r) {
		return nil, fmt.Errorf("that of the Rollout that had this name before is still there")
	}
	if !metav1.IsControlledBy(there, r) || there.Labels[LabelHash] != s.Labels[LabelHash] {
		return nil, nil
	}
	if there.DeletionTimestamp != nil {
		return nil, fmt.Errorf("the one before is being deleted")
	}
	return there, nil
}

// left says whether a ReplicaSet is one of a Rollout's namesake that was deleted: the
// cluster is about to remove it.
func left(s *apps.ReplicaSet, r *api.Rollout) bool {
	of, own := metav1.GetControllerOf(s), ownerOf(r)
	return of != nil && of.Kind == own.Kind && of.APIVersion == own.APIVersion && of.Name == own.Name && of.UID != own.UID
}

// equal finds the ReplicaSet whose template is the one given although its name
// says otherwise, as those of other releases may be. The server itself tells what
// it would make of the template.
func (w *Workload) equal(ctx context.Context, r *api.Rollout, from source, own []*apps.ReplicaSet) (*apps.ReplicaSet, error) {
	if len(own) == 0 {
		return nil, nil
	}
	trial := newSet(r, from, "trial")
	trial.Name, trial.GenerateName = "", r.Name+"-"
	would, err := w.client.AppsV1().ReplicaSets(trial.Namespace).Create(ctx, trial, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		return nil, fmt.Errorf("trying a ReplicaSet of rollout %q: %w", r.Name, err)
	}
	for _, s := range slices.Backward(own) { // the youngest first
		if s.DeletionTimestamp != nil {
			continue
		}
		whole, err := w.client.AppsV1().ReplicaSets(s.Namespace).Get(ctx, s.Name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
		case err != nil:
			return nil, fmt.Errorf("reading ReplicaSet %q: %w", s.Name, err)
		case whole.UID == s.UID && sameTemplate(would, whole):
			return s, nil
		}
	}
	return nil, nil
}
