package snapshot

import (
	"cmp"
	"slices"

	"github.com/serin-mesh/serin/api"
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
	restOf               // what its canary leaves
	none                 // nothing; the key stays at 0
)

// term is one backend's contribution to the weight of one cluster.
type term struct {
	cluster int // index into weightedSet.clusters
	share   uint32
	service Service // whose canary weight counts; unused for whole and none
	role    role
}

// weightedSet is the clusters among which one rule divides its requests, or
// those that have runtime keys under one prefix, and how their weights follow
// from the canaries' weights. It is immutable.
type weightedSet struct {
	prefix   string   // runtime_key_prefix; empty: the weights never change
	clusters []string // in route order: a canary before its stable version
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
// weights; one that is not named has 0. A canary's part is rounded down, so
// that it never gets more than its step allows. The sum is Total over the clusters of
// one route.
func (s *weightedSet) weights(canaries map[api.Key]uint32) []uint32 {
	out := make([]uint32, len(s.clusters))
	for _, t := range s.terms {
		canary := uint32(uint64(t.share) * uint64(canaries[t.service]) / Total)
		switch t.role {
		case whole:
			out[t.cluster] += t.share
		case canaryOf:
			out[t.cluster] += canary
		case restOf:
			out[t.cluster] += t.share - canary
		}
	}
	return out
}

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
