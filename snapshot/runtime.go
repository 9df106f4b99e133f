package snapshot

import (
	"maps"
	"slices"
	"strings"

	runtimev3 "github.com/envoyproxy/go-control-plane/envoy/service/runtime/v3"
	"google.golang.org/protobuf/types/known/structpb"
)

// keySets lists the sets of runtime keys that the rules of a plan need, each
// prefix once, in order.
func (p *plan) keySets(in splits) []*weightedSet {
	var out []*weightedSet
	seen := map[string]bool{}
	for _, r := range p.rules {
		if !r.forwards() {
			continue
		}
		for _, set := range r.keySets(in) {
			if !seen[set.prefix] {
				seen[set.prefix] = true
				out = append(out, set)
			}
		}
	}
	slices.SortFunc(out, func(a, b *weightedSet) int { return strings.Compare(a.prefix, b.prefix) })
	return out
}

// runtimeLayer makes the Runtime resource of a Gateway. The keys that one route
// reads sum to Total.
func runtimeLayer(sets []*weightedSet, canaries canaryWeights) *Resource {
	fields := map[string]*structpb.Value{}
	weights := map[string]uint32{}
	for _, set := range sets {
		for i, w := range set.weights(canaries) {
			fields[set.key(i)] = structpb.NewNumberValue(float64(w))
			weights[set.key(i)] = w
		}
	}
	out := encode(Runtime, RuntimeLayer, &runtimev3.Runtime{
		Name:  RuntimeLayer,
		Layer: &structpb.Struct{Fields: fields},
	})
	out.Keys = slices.Sorted(maps.Keys(weights))
	out.Weights = make([]uint32, len(out.Keys))
	for i, key := range out.Keys {
		out.Weights[i] = weights[key]
	}
	return out
}
