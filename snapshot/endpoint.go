package snapshot

import (
	"cmp"
	"net/netip"
	"slices"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/serin-mesh/serin/api"
)

// slicesOf holds the EndpointSlices of each Service.
type slicesOf map[Service]map[api.Key]*api.EndpointSlice

// source is where endpoints of a backend come from: the slices of one Service
// and the name that its port has there.
type source struct {
	service Service
	port    string
	only    bool // the Service has no other port
}

// place is a ready address and the zone that it is in; empty where that is not known.
type place struct {
	address netip.AddrPort
	zone    string
}

// compare orders places by zone, then address.
func (p place) compare(o place) int {
	return cmp.Or(cmp.Compare(p.zone, o.zone), p.address.Compare(o.address))
}

// endpoints lists the ready addresses of one version over all sources, by zone and
// each once. The empty version stands for every version.
func (s slicesOf) endpoints(sources []source, version string) []place {
	var out []place
	for _, from := range sources {
		for _, slice := range s[from.service] {
			if version != "" && api.SliceVersion(slice) != version {
				continue
			}
			if port, ok := from.portIn(slice); ok {
				out = appendReady(out, slice, port)
			}
		}
	}
	// One that stands in two slices is in the zone of the first that knows it.
	slices.SortFunc(out, func(a, b place) int { return cmp.Or(a.address.Compare(b.address), cmp.Compare(b.zone, a.zone)) })
	out = slices.CompactFunc(out, func(a, b place) bool { return a.address == b.address })
	slices.SortFunc(out, place.compare)
	return out
}

// portIn finds the port number in a slice: that of the same name, or where
// either side leaves the name out and has one port, the one.
func (from source) portIn(slice *api.EndpointSlice) (uint16, bool) {
	for _, p := range slice.Ports {
		if p.Port == nil || *p.Port <= 0 || *p.Port > 65535 {
			continue
		}
		name := ""
		if p.Name != nil {
			name = *p.Name
		}
		unnamed := from.only && len(slice.Ports) == 1 && (name == "" || from.port == "")
		if name == from.port || unnamed {
			return uint16(*p.Port), true
		}
	}
	return 0, false
}

// appendReady adds a slice's addresses that are ready; an absent condition
// means ready. Names in place of addresses (FQDN) cannot be endpoints in EDS.
func appendReady(out []place, slice *api.EndpointSlice, port uint16) []place {
	if slice.AddressType == discoveryv1.AddressTypeFQDN {
		return out
	}
	for i := range slice.Endpoints {
		e := &slice.Endpoints[i]
		if e.Conditions.Ready != nil && !*e.Conditions.Ready {
			continue
		}
		for _, a := range e.Addresses {
			if ip, err := netip.ParseAddr(a); err == nil {
				out = append(out, place{netip.AddrPortFrom(ip, port), zoneOf(e)})
			}
		}
	}
	return out
}

// zoneOf is the zone of an endpoint.
func zoneOf(e *discoveryv1.Endpoint) string {
	if e.Zone == nil {
		return ""
	}
	return *e.Zone
}

// sources lists where the endpoints of a Service port come from: its own
// slices and, under a Rollout, those of the canary Service.
func (s *services) sources(b backendKey, split *Split) []source {
	own := s.port(b)
	if own == nil {
		return nil
	}
	out := []source{{b.Service, own.Name, len(s.objects[b.Service].Spec.Ports) == 1}}
	canary, ok := s.canaryOf[b.Service]
	if split == nil || !ok {
		return out
	}
	from := source{canary, own.Name, out[0].only}
	if p := s.port(backendKey{canary, b.Port}); p != nil {
		from.port, from.only = p.Name, len(s.objects[canary].Spec.Ports) == 1
	}
	return append(out, from)
}

// ports lists the TCP ports of a Service in order.
func (s *services) ports(service Service) []int32 {
	var out []int32
	if o := s.objects[service]; o != nil {
		for _, p := range o.Spec.Ports {
			if p.Protocol == "" || p.Protocol == corev1.ProtocolTCP {
				out = append(out, p.Port)
			}
		}
	}
	slices.SortFunc(out, cmp.Compare[int32])
	return slices.Compact(out)
}

// loadAssignment makes the Endpoints of a cluster, a locality for each zone. Without
// any it is still sent: Envoy waits for it before it takes the cluster into use.
func loadAssignment(cluster string, hosts []place) *Resource {
	out := &endpointv3.ClusterLoadAssignment{ClusterName: cluster}
	for i, h := range hosts {
		if i == 0 || h.zone != hosts[i-1].zone {
			out.Endpoints = append(out.Endpoints, locality(h.zone))
		}
		at := out.Endpoints[len(out.Endpoints)-1]
		at.LbEndpoints = append(at.LbEndpoints, &endpointv3.LbEndpoint{HostIdentifier: &endpointv3.LbEndpoint_Endpoint{
			Endpoint: &endpointv3.Endpoint{Address: socketAddress(h.address.Addr().String(), uint32(h.address.Port()))},
		}})
	}
	return encode(Endpoint, cluster, out)
}

// locality gives the locality of a zone. Envoy spreads requests over the hosts of all
// localities alike, unless its own zone and that of its peers are known to it.
func locality(zone string) *endpointv3.LocalityLbEndpoints {
	if zone == "" {
		return &endpointv3.LocalityLbEndpoints{}
	}
	return &endpointv3.LocalityLbEndpoints{Locality: &corev3.Locality{Zone: zone}}
}
