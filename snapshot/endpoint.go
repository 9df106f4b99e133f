package snapshot

import (
	"cmp"
	"net/netip"
	"slices"

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

// endpoints lists the ready addresses of one version over all sources, sorted
// and each once. The empty version stands for every version.
func (s slicesOf) endpoints(sources []source, version string) []netip.AddrPort {
	var out []netip.AddrPort
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
	slices.SortFunc(out, netip.AddrPort.Compare)
	return slices.Compact(out)
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
func appendReady(out []netip.AddrPort, slice *api.EndpointSlice, port uint16) []netip.AddrPort {
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
				out = append(out, netip.AddrPortFrom(ip, port))
			}
		}
	}
	return out
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

// loadAssignment makes the Endpoints of a cluster. Without any it is still
// sent: Envoy waits for it before it takes the cluster into use.
func loadAssignment(cluster string, addresses []netip.AddrPort) *Resource {
	out := &endpointv3.ClusterLoadAssignment{ClusterName: cluster}
	if len(addresses) > 0 {
		hosts := make([]*endpointv3.LbEndpoint, len(addresses))
		for i, a := range addresses {
			hosts[i] = &endpointv3.LbEndpoint{HostIdentifier: &endpointv3.LbEndpoint_Endpoint{
				Endpoint: &endpointv3.Endpoint{Address: socketAddress(a.Addr().String(), uint32(a.Port()))},
			}}
		}
		out.Endpoints = []*endpointv3.LocalityLbEndpoints{{LbEndpoints: hosts}}
	}
	return encode(Endpoint, cluster, out)
}
