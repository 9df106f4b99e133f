package snapshot

import (
	"cmp"
	"slices"
)

// shares divides Total in proportion to the weights, exactly: what rounding
// down leaves over goes, one each, to the largest remainders, the first of
// equal ones. It returns nil when all weights are 0.
func shares(weights []int32) []uint32 {
	var sum uint64
	for _, w := range weights {
		sum += uint64(max(w, 0))
	}
	if sum == 0 {
		return nil
	}
	out := make([]uint32, len(weights))
	rest := make([]uint64, len(weights))
	order := make([]int, len(weights))
	left := uint64(Total)
	for i, w := range weights {
		scaled := uint64(max(w, 0)) * Total
		out[i], rest[i], order[i] = uint32(scaled/sum), scaled%sum, i
		left -= scaled / sum
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rest[b], rest[a]) })
	for _, i := range order[:left] {
		out[i]++
	}
	return out
}

// role says which part of a backend's share a term is.
type role uint8

const (
	whole    role = iota // all of it
	canaryOf             // what the Service's canary takes
	besideOf             // what a version beside the canary takes
	restOf               // what those leave
	none                 // nothing; the key stays at 0
)

// term is one backend's contribution to the weight of one cluster.
type term struct {
	cluster int // index into weightedSet.clusters
	share   uint32
	service Service // whose weights count; unused for whole and none
	role    role
	beside  []string // besideOf: whose part it is; restOf: whose parts are left out
}

// weightedSet is the clusters among which one rule divides its requests, or
// those that have runtime keys under one prefix, and how their weights follow
// from the canaries' weights. It is immutable.
type weightedSet struct {
	prefix   string   // runtime_key_prefix; empty: the weights never change
	clusters []string // in route order: a canary, what is beside it, the stable version
	terms    []term
}

// add appends a term, giving a cluster that is new the next place.
func (s *weightedSet) add(cluster string, t term) {
	t.cluster = slices.Index(s.clusters, cluster)
	if t.cluster < 0 {
		t.cluster = len(s.clusters)
		s.clusters = append(s.clusters, cluster)
	}
	s.terms = append(s.terms, t)
}

// weights computes the weight of each cluster when the canaries have the given
// weights; one that is not named has 0. Their parts, and those of what is beside
// them, are rounded down, so that no version gets more than it is given. The sum is
// Total over the clusters of one route.
func (s *weightedSet) weights(canaries canaryWeights) []uint32 {
	out := make([]uint32, len(s.clusters))
	for _, t := range s.terms {
		g := canaries[t.service]
		canary, beside := t.part(g.canary), uint32(0)
		for _, v := range t.beside {
			beside += t.part(g.of(v))
		}
		switch t.role {
		case whole:
			out[t.cluster] += t.share
		case canaryOf:
			out[t.cluster] += canary
		case besideOf:
			out[t.cluster] += beside
		case restOf:
			out[t.cluster] += t.share - canary - beside
		}
	}
	return out
}

// part is a weight's part of the backend's share.
func (t *term) part(weight uint32) uint32 { return uint32(uint64(t.share) * uint64(weight) / Total) }

// key is the runtime key of one cluster of the set.
func (s *weightedSet) key(i int) string { return s.prefix + "." + s.clusters[i] }

// keys lists the runtime keys of the set.
func (s *weightedSet) keys() []string {
	if s.prefix == "" {
		return nil
	}
	out := make([]string, len(s.clusters))
	for i := range out {
		out[i] = s.key(i)
	}
	return out
}
