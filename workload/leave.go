package workload

import (
	"slices"
	"time"
)

// leaves says whether a version that is neither stable nor the canary loses its
// pods now. Nobody may use it, and whoever asked for a delay has had it.
func (v view) leaves(s set, next *time.Time) bool {
	if s.replicas == 0 || v.busy(s.version) || v.comes(s) {
		return false
	}
	until, ever := v.keptUntil(s)
	switch {
	case ever:
		return false
	case v.now.Before(until):
		if next.IsZero() || until.Before(*next) {
			*next = until
		}
		return false
	}
	return true
}

// comes says whether a version may become the canary as soon as it is known who
// asked for it: the object wants it, and Wanted does not know that yet.
func (v view) comes(s set) bool { return s.version == v.asked && v.asked != v.Version }

// keptUntil gives until when a version that nobody uses keeps its pods; ever: as
// long as it is so.
func (v view) keptUntil(s set) (until time.Time, ever bool) {
	if s.version == v.Version {
		return v.abortedUntil()
	}
	if v.delay == nil || v.Promoted == nil || !v.wasStable(s) || !v.withinDelayed(s) {
		return time.Time{}, false
	}
	return v.Promoted.Add(*v.delay), false
}

// abortedUntil is keptUntil for the wanted version, which is out.
func (v view) abortedUntil() (until time.Time, ever bool) {
	if v.Aborted == nil || v.abortDelay == nil {
		return time.Time{}, false
	}
	return v.Aborted.Add(*v.abortDelay), *v.abortDelay == 0
}

// wasStable says whether a version may have been stable before: what is younger
// than the stable version was superseded half way.
func (v view) wasStable(s set) bool {
	stable, ok := of(v.sets, v.Stable)
	return ok && s.revision < stable.revision
}

// withinDelayed says whether a version is among the youngest old ones, as many
// as scaleDownDelayRevisionLimit lets keep their pods.
func (v view) withinDelayed(s set) bool {
	if v.delayed < 0 {
		return true
	}
	younger := 0
	for _, o := range v.sets {
		if o.replicas > 0 && o.version != v.Stable && o.version != v.Canary.Version && v.wasStable(o) && byRevision(o, s) > 0 {
			younger++
		}
	}
	return younger < v.delayed
}

// beyondHistory names the oldest ReplicaSets that nothing needs, beyond as many as
// revisionHistoryLimit keeps.
func (v view) beyondHistory() (names []string) {
	var old []set
	for _, s := range v.sets {
		if s.version != v.Stable && s.version != v.Version && s.version != v.asked && s.version != v.Canary.Version {
			old = append(old, s)
		}
	}
	slices.SortFunc(old, byRevision)
	for _, s := range old[:max(0, len(old)-v.history)] {
		if s.replicas == 0 && s.have == 0 && s.seen && !v.busy(s.version) {
			names = append(names, s.name)
		}
	}
	return names
}
