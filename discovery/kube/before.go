package kube

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/serin-mesh/serin/api"
)

// before is what the status of a Rollout says of who ran it before. It does not
// change what the object asks for.
type before struct {
	stable, current string // versions
	aborted         bool
}

// beforeOf reads that from a Rollout.
func beforeOf(u *unstructured.Unstructured) (b before) {
	status, _, _ := unstructured.NestedMap(u.Object, "status")
	b.stable, _ = status["stableRS"].(string)
	b.current, _ = status["currentPodHash"].(string)
	b.aborted, _ = status["abort"].(bool)
	return b
}

// standing is how a Rollout stood when it was first read: what its status says
// after that is for whoever writes it, so it is no change of the object.
type standing struct {
	apiVersion string
	uid        types.UID
	before     before
}

// standing gives a Rollout with how it stood in its status.
func (e *entry) standing(r *api.Rollout) *api.Rollout {
	if e.stands.apiVersion != r.APIVersion || e.stands.uid != r.UID {
		e.stands = standing{r.APIVersion, r.UID, e.item().before}
	}
	b := e.stands.before
	return r.WithStatus(api.RolloutStatus{StableRS: b.stable, CurrentPodHash: b.current, Abort: b.aborted})
}
