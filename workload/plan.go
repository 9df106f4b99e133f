package workload

import (
	"slices"
	"time"

	"github.com/serin-mesh/serin/rollout"
)

// view is all that a plan rests on.
type view struct {
	terms
	Wanted
	// asked is the version of the template that the object has now. Wanted may not
	// know it yet.
	asked string
	sets  []set
	now   time.Time
}

// plan is what is to be done to the ReplicaSets.
type plan struct {
	replicas map[string]int32 // by name, of those that are to have another number
	remove   []string         // names of old ones, beyond the history
	next     time.Time        // when time alone changes the plan; zero: never
}

// makePlan says what is to be done. It may be asked again at any time, also with
// the work half done: it then says what is left.
func makePlan(v view) plan {
	p := plan{replicas: map[string]int32{}}
	if v.Stable == "" {
		return p
	}
	for _, s := range v.sets {
		if n := v.target(s, &p.next); n != s.replicas {
			p.replicas[s.name] = n
		}
	}
	p.remove = v.beyondHistory()
	return p
}

// target gives how many pods a ReplicaSet is to have. It notes in next when that
// changes by itself.
func (v view) target(s set, next *time.Time) int32 {
	switch s.version {
	case v.Stable:
		return v.stable()
	case v.Canary.Version:
		return v.canary(s)
	}
	if v.leaves(s, next) {
		return 0
	}
	return s.replicas
}

// stable gives how many pods the stable version is to have: all, or what the
// traffic that has left it leaves to do.
func (v view) stable() int32 {
	if !v.dynamic || v.Canary.Version == "" {
		return v.terms.replicas
	}
	moved := min(v.AtLeast, v.Canary.Weight, rollout.Total)
	return max(v.share(rollout.Total-moved), min(1, v.terms.replicas))
}

// canary gives how many pods the canary is to have. Held by spec.paused, one that
// has none gets none.
func (v view) canary(s set) int32 {
	need := v.needed(v.Canary)
	if v.paused && s.replicas == 0 {
		return 0
	}
	if need >= s.replicas || !v.busy(s.version) || v.Canary.Scale.By != rollout.ByTraffic {
		return need
	}
	if v.AtMost == 0 {
		return s.replicas
	}
	return max(need, min(v.share(v.AtMost), s.replicas))
}

func (v view) busy(version string) bool { return slices.Contains(v.Busy, version) }
