package kube

import (
	"maps"
	"slices"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/discovery"
)

// table holds the objects of one kind that are in the set. Changes wait until
// the next commit.
type table[T any] struct {
	kind    string
	now     map[api.Key]*T // as last given out
	pending map[api.Key]*T // nil: is to go

	// A twin is changed in turn with now, so that a change costs what changed
	// and no copy; it lacks what the last commit changed. Nil: a copy is made.
	twin map[api.Key]*T
	late map[api.Key]*T
}

// newTable gives an empty table. twins says that a map given out may be changed
// again two commits later.
func newTable[T any](kind string, twins bool) *table[T] {
	t := &table[T]{kind: kind, now: map[api.Key]*T{}, pending: map[api.Key]*T{}}
	if twins {
		t.twin = map[api.Key]*T{}
	}
	return t
}

// put has an object in the next set; nil takes it out.
func (t *table[T]) put(key api.Key, o *T) {
	if t.now[key] == o {
		delete(t.pending, key)
		return
	}
	t.pending[key] = o
}

// commit makes the pending changes and says which they are.
func (t *table[T]) commit(r *discovery.Result) map[api.Key]*T {
	if len(t.pending) == 0 {
		return t.now
	}
	for key, o := range t.pending {
		if o != nil {
			r.Changed = append(r.Changed, api.Ref{Kind: t.kind, Key: key})
		} else {
			r.Removed = append(r.Removed, api.Ref{Kind: t.kind, Key: key})
		}
	}
	before := t.now
	if t.twin == nil {
		t.now = maps.Clone(before)
	} else {
		t.now = t.twin
		write(t.now, t.late)
		t.twin, t.late = before, t.pending
	}
	write(t.now, t.pending)
	t.pending = map[api.Key]*T{}
	return t.now
}

// write makes changes in a map.
func write[T any](m, changes map[api.Key]*T) {
	for key, o := range changes {
		if o != nil {
			m[key] = o
		} else {
			delete(m, key)
		}
	}
}

// sortRefs sorts by kind and key.
func sortRefs(refs []api.Ref) {
	slices.SortFunc(refs, api.Ref.Compare)
}
