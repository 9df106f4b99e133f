package workload

import (
	"cmp"
	"slices"
	"time"
)

// set is a ReplicaSet as the planner sees it.
type set struct {
	name, version string
	revision      int64
	created       time.Time
	replicas      int32 // asked for
	have, ready   int32 // pods that exist, that are ready
	available     int32 // ready for minReadySeconds
	seen          bool  // the counts are about what is asked for now
	failure       string
}

// of finds a version's.
func of(sets []set, version string) (set, bool) {
	i := slices.IndexFunc(sets, func(s set) bool { return version != "" && s.version == version })
	if i < 0 {
		return set{}, false
	}
	return sets[i], true
}

// byRevision puts the oldest first.
func byRevision(a, b set) int {
	return cmp.Or(cmp.Compare(a.revision, b.revision), a.created.Compare(b.created), cmp.Compare(a.name, b.name))
}
