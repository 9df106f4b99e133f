package snapshot

import (
	"fmt"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Plain makes of a Route what its Static gives, from its body and from the Runtime
// resource with the weights now wanted: for who has resources and not the Builder
// that they came from. It fails for a body that is no RouteConfiguration.
func Plain(route, layer *Resource) (*Resource, error) {
	config := &routev3.RouteConfiguration{}
	if err := proto.Unmarshal(route.Body.GetValue(), config); err != nil {
		return nil, fmt.Errorf("reading route %q: %w", route.Name, err)
	}
	weights := map[string]uint32{}
	if layer != nil {
		for i, key := range layer.Keys {
			weights[key] = layer.Weights[i]
		}
	}
	for _, host := range config.VirtualHosts {
		for _, r := range host.Routes {
			split := r.GetRoute().GetWeightedClusters()
			if split.GetRuntimeKeyPrefix() == "" {
				continue
			}
			for _, c := range split.Clusters {
				if w, ok := weights[split.RuntimeKeyPrefix+"."+c.Name]; ok {
					c.Weight = wrapperspb.UInt32(w)
				}
			}
			split.RuntimeKeyPrefix = ""
		}
	}
	out := encode(Route, route.Name, config)
	out.Clusters = route.Clusters
	return out, nil
}
