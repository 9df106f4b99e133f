package api

import (
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// service checks a Service by itself.
func (c *checker) service(s *Service) {
	names, numbers := map[string]bool{}, map[int32]bool{}
	for i := range s.Spec.Ports {
		p, at := &s.Spec.Ports[i], path{"spec", "ports", i}
		c.port(p.Port, at.with("port"))
		if p.TargetPort.Type == intstr.Int && p.TargetPort.IntVal != 0 {
			c.port(p.TargetPort.IntVal, at.with("targetPort"))
		}
		if p.Name == "" && len(s.Spec.Ports) > 1 {
			c.at(CodeMissing, at.with("name"), "a port has no name; with several ports each needs one")
		} else if names[p.Name] {
			c.at(CodePort, at.with("name"), "two ports have the name %q; rename one", shorten(p.Name))
		}
		if numbers[p.Port] && isTCP(p.Protocol) {
			c.at(CodePort, at.with("port"), "port %d is there twice; remove one", p.Port)
		}
		names[p.Name], numbers[p.Port] = true, numbers[p.Port] || isTCP(p.Protocol)
	}
}

// isTCP reports whether a protocol is TCP, as it is when none is written.
func isTCP(p corev1.Protocol) bool { return p == "" || p == corev1.ProtocolTCP }

// slice checks an EndpointSlice by itself.
func (c *checker) slice(s *EndpointSlice) {
	if c.root.str("addressType") == "" {
		c.at(CodeMissing, path{"addressType"}, "the slice has no addressType; write IPv4 or IPv6")
		return
	}
	if s.AddressType != discoveryv1.AddressTypeIPv4 && s.AddressType != discoveryv1.AddressTypeIPv6 {
		c.at(CodeValue, path{"addressType"}, "%q is no address type that Serin routes to; write IPv4 or IPv6",
			shorten(string(s.AddressType)))
		return
	}
	c.version(SliceVersion(s), path{"metadata", "labels", LabelVersion})
	for i := range s.Endpoints {
		c.endpoint(&s.Endpoints[i], s.AddressType, path{"endpoints", i})
	}
	for i, p := range s.Ports {
		at := path{"ports", i}
		if p.Port == nil {
			c.at(CodeMissing, at.with("port"), "the port has no number; add port")
			continue
		}
		c.port(*p.Port, at.with("port"))
	}
}

// endpoint checks the addresses of one endpoint.
func (c *checker) endpoint(e *discoveryv1.Endpoint, kind discoveryv1.AddressType, p path) {
	if len(e.Addresses) == 0 {
		c.at(CodeAddress, p.with("addresses"), "the endpoint has no address; add addresses: [IP]")
	}
	for i, text := range e.Addresses {
		at := p.with("addresses", i)
		addr, err := netip.ParseAddr(text)
		switch {
		case err != nil:
			c.at(CodeAddress, at, "%q is no IP address; host names and ports do not go here", shorten(text))
		case addr.Is4() != (kind == discoveryv1.AddressTypeIPv4):
			c.at(CodeAddress, at, "%s is no %s address, which addressType says", text, kind)
		case addr.Zone() != "" || addr.IsUnspecified() || addr.IsMulticast():
			c.at(CodeAddress, at, "%s is no address of one host", text)
		}
	}
}
