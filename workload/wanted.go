package workload

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
)

// Wanted is what is asked for one Rollout. Versions are pod template hashes, as
// [Report.Version] gives them.
type Wanted struct {
	// Rollout is the object as it was read from the cluster, with its UID. It must
	// not be changed any more.
	Rollout *api.Rollout
	// Stable is the stable version, Version the one that the rollout wants; equal
	// outside a canary. Both are empty until the first version was reported: nothing
	// is scaled then.
	Stable, Version string
	// Canary is what the canary's pods have to be ready for; zero: there is none.
	Canary rollout.Need
	// AtLeast and AtMost bound the canary's share of the traffic as it is now, over
	// all Envoys: what each of them is known to have left the stable version by, and
	// what one of them may still send. Zero for AtLeast keeps the stable version at
	// full size. Zero for AtMost keeps a canary in Busy at the size that it has.
	AtLeast, AtMost rollout.Weight
	// Busy are the versions that an Envoy may still use, or whose traffic was not
	// seen to be zero. They are not scaled down, but for what a smaller number of
	// replicas, a step or the bounds above take from Stable and the canary.
	Busy []string
	// Aborted is since when Version is out; nil: it is not.
	Aborted *time.Time
	// Promoted is when Stable became so; nil: long ago.
	Promoted *time.Time
}

// Report is how the pods of one Rollout are. Only what differs from the report
// before is told.
type Report struct {
	Key api.Key
	// Generation is that of the Rollout object that the report is about.
	Generation int64
	// Version is the pod template hash of the template that the object asks for. Its
	// ReplicaSet exists. Empty: it is not known yet, and Err may say why. While the
	// workload that it refers to cannot be read, it is the last one that was.
	Version string
	// Revision is the number of Version among the Rollout's, as the annotation
	// rollout.argoproj.io/revision has it.
	Revision string
	// Pods is what there is for Wanted.Canary.
	Pods rollout.Pods

	// The rest is for the fields of these names in the object's status.

	Replicas, UpdatedReplicas, ReadyReplicas, AvailableReplicas, HPAReplicas int32
	// Selector is that of all pods, in text, for whoever scales the Rollout.
	Selector string
	// CollisionCount counts the names that were taken by something else; nil: none.
	CollisionCount *int32
	// RestartedAt is the spec.restartAt that every pod is younger than.
	RestartedAt *metav1.Time

	// Err says why pods cannot be made or scaled; empty: they can.
	Err string
}
