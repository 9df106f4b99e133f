package kube

import (
	"context"
	"encoding/json"
	"hash/fnv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"github.com/serin-mesh/serin/api"
)

// object names a Rollout of one group.
type object struct {
	group string
	key   api.Key
}

// objectOf names the object of a Rollout.
func objectOf(r *api.Rollout) object {
	group, _, _ := strings.Cut(r.APIVersion, "/")
	return object{group, api.KeyOf(r)}
}

// held is what the API server holds of a Rollout, as far as that was seen or
// written by us.
type held struct {
	uid     types.UID
	version string // resourceVersion
	content uint64 // hash of the status
	said    said
	writers map[string]stamp // by their names
	tried   *said            // of a write whose answer was lost; nil: there is none
}

// sight is one look at a Rollout.
type sight struct {
	object
	held
	gone  bool
	steps int // how many it has
}

// See takes a Rollout as the API server gave it, each time that it changed, in the
// order of the changes; gone: it is not there any more, or not ours. It keeps
// nothing of the object, does not block and may be called from any goroutine.
func (s *Statuses) See(u *unstructured.Unstructured, gone bool) {
	v := sightOf(u)
	v.gone = gone
	s.mu.Lock()
	s.seen = append(s.seen, v)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// sightOf looks at an object.
func sightOf(u *unstructured.Unstructured) sight {
	v := sight{object: object{u.GroupVersionKind().Group, api.KeyOf(u)}}
	v.uid, v.version = u.GetUID(), u.GetResourceVersion()
	steps, _, _ := unstructured.NestedFieldNoCopy(u.Object, "spec", "strategy", "canary", "steps")
	if list, ok := steps.([]any); ok {
		v.steps = len(list)
	}
	text, _ := json.Marshal(u.Object["status"]) // it came from JSON
	h := fnv.New64a()
	_, _ = h.Write(text)
	v.content, v.writers = h.Sum64(), writersOf(u.GetManagedFields())
	v.said = *saidOf(string(text))
	return v
}

// look goes through what was seen.
func (s *Statuses) look(ctx context.Context) {
	s.mu.Lock()
	seen := s.seen
	s.seen = nil
	s.mu.Unlock()
	for _, v := range seen {
		if v.gone {
			delete(s.there, v.object)
			continue
		}
		s.hear(ctx, v)
	}
}

// hear takes one sight. The first one of an object only says where it stands. What
// is not newer than what we wrote or saw last is no news, and neither is a write of
// ours whose answer was lost.
func (s *Statuses) hear(ctx context.Context, v sight) {
	has := s.there[v.object]
	if has == nil || has.uid != v.uid {
		s.there[v.object] = &v.held
		return
	}
	if c, err := resourceversion.CompareResourceVersion(v.version, has.version); err != nil || c <= 0 {
		return
	}
	before, tried := *has, has.tried
	*has = v.held
	of := s.known[v.key]
	if of == nil || of.last == nil || objectOf(of.last) != v.object || v.content == before.content {
		has.tried = tried
		return
	}
	of.stale = true
	if tried != nil && *tried == v.said {
		return
	}
	by := writer(before, v.held)
	if by == argoController {
		s.log.Error("the controller of Argo Rollouts runs beside Serin and writes the status: stop it", "rollout", v.key)
		return
	}
	s.steer(ctx, of, v.key, by, before.said.actions(v.said, v.steps))
}
