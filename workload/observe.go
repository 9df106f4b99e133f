package workload

import (
	"slices"
	"strconv"
	"sync"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
)

// seen gives a ReplicaSet as the planner sees it.
func seen(s *apps.ReplicaSet) set {
	v := set{
		name: s.Name, version: s.Labels[LabelHash], created: s.CreationTimestamp.Time, revision: revisionOf(s),
		replicas: valueOr(s.Spec.Replicas, 1), have: s.Status.Replicas, ready: s.Status.ReadyReplicas,
		available: s.Status.AvailableReplicas, seen: s.Status.ObservedGeneration >= s.Generation,
	}
	for _, c := range s.Status.Conditions {
		if c.Type == apps.ReplicaSetReplicaFailure && c.Status == "True" {
			v.failure = c.Message
		}
	}
	return v
}

// revisionOf gives the number of a ReplicaSet among its Rollout's; 0 where it has
// none.
func revisionOf(s *apps.ReplicaSet) int64 {
	n, _ := strconv.ParseInt(s.Annotations[AnnotationRevision], 10, 64)
	return n
}

// strip leaves of a ReplicaSet what we look at: the containers are most of it.
func strip(object any) (any, error) {
	s, ok := object.(*apps.ReplicaSet)
	if !ok {
		return object, nil
	}
	s.ManagedFields = nil
	s.Spec.Template.Spec = core.PodSpec{Affinity: s.Spec.Template.Spec.Affinity}
	for k := range s.Annotations {
		if !slices.Contains([]string{AnnotationRevision, annotationHistory, annotationDesired, annotationMetadata}, k) {
			delete(s.Annotations, k)
		}
	}
	return s, nil
}

// written keeps what we wrote until the watch has told of it: else the next look
// would be at what was before, and would write again.
type written struct {
	mu   sync.Mutex // guards sets
	sets map[types.UID]*apps.ReplicaSet
}

func (w *written) put(s *apps.ReplicaSet) {
	_, _ = strip(s)
	w.mu.Lock()
	defer w.mu.Unlock()
	if old := w.sets[s.UID]; old == nil || newer(s, old) {
		w.sets[s.UID] = s
	}
}

func (w *written) forget(uid types.UID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.sets, uid)
}

// newest gives the ReplicaSets of an owner: those of the cache, with those that we
// wrote in place of older ones or beside them.
func (w *written) newest(cached []*apps.ReplicaSet, owner types.UID) []*apps.ReplicaSet {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := slices.Clone(cached)
	known := map[types.UID]bool{}
	for i, s := range out {
		known[s.UID] = true
		if ours := w.sets[s.UID]; ours != nil && newer(ours, s) {
			out[i] = ours
		} else {
			delete(w.sets, s.UID)
		}
	}
	for uid, s := range w.sets {
		if ref := metav1.GetControllerOfNoCopy(s); !known[uid] && ref != nil && ref.UID == owner {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b *apps.ReplicaSet) int { return byRevision(seen(a), seen(b)) })
	return out
}

// newer says whether a is a later state of an object than b.
func newer(a, b *apps.ReplicaSet) bool {
	c, err := resourceversion.CompareResourceVersion(a.ResourceVersion, b.ResourceVersion)
	return err == nil && c > 0
}

func newWritten() *written { return &written{sets: map[types.UID]*apps.ReplicaSet{}} }
