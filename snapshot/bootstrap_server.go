package snapshot

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// How an Envoy notices that Serin's machine is gone without a word: a ping
// after this long, and the connection is given up when no answer comes in this
// long.
const (
	pingInterval = 10 * time.Second
	pingTimeout  = 5 * time.Second
)

// xdsCluster reaches Serin: at a fixed address, or at every address of a name.
func xdsCluster(o *BootstrapOptions) (*clusterv3.Cluster, error) {
	host, port, err := splitAddress(o.XDS)
	if err != nil {
		return nil, fmt.Errorf("xDS address: %w", err)
	}
	kind := clusterv3.Cluster_STRICT_DNS
	if _, err := netip.ParseAddr(host); err == nil {
		kind = clusterv3.Cluster_STATIC
	}
	out := &clusterv3.Cluster{
		Name:                 XDSCluster,
		ClusterDiscoveryType: &clusterv3.Cluster_Type{Type: kind},
		ConnectTimeout:       durationpb.New(time.Second),
		LoadAssignment: &endpointv3.ClusterLoadAssignment{
			ClusterName: XDSCluster,
			Endpoints: []*endpointv3.LocalityLbEndpoints{{LbEndpoints: []*endpointv3.LbEndpoint{{
				HostIdentifier: &endpointv3.LbEndpoint_Endpoint{
					Endpoint: &endpointv3.Endpoint{Address: socketAddress(host, port)},
				},
			}}}},
		},
		TypedExtensionProtocolOptions: map[string]*anypb.Any{
			protocolOptions: mustAny(http2(&corev3.Http2ProtocolOptions{ConnectionKeepalive: &corev3.KeepaliveSettings{
				Interval: durationpb.New(pingInterval),
				Timeout:  durationpb.New(pingTimeout),
			}})),
		},
		UpstreamConnectionOptions: &clusterv3.UpstreamConnectionOptions{
			TcpKeepalive: &corev3.TcpKeepalive{KeepaliveTime: wrapperspb.UInt32(uint32(pingInterval / time.Second))},
		},
	}
	if o.TLSCA != "" {
		out.TransportSocket = transportSocket(o, host)
	}
	return out, nil
}

// transportSocket speaks TLS, checks that the certificate is Serin's host's,
// and shows the Envoy's own where it has one.
func transportSocket(o *BootstrapOptions, host string) *corev3.TransportSocket {
	common := &tlsv3.CommonTlsContext{
		AlpnProtocols: []string{"h2"},
		ValidationContextType: &tlsv3.CommonTlsContext_ValidationContext{
			ValidationContext: &tlsv3.CertificateValidationContext{
				TrustedCa:                 file(o.TLSCA),
				MatchTypedSubjectAltNames: []*tlsv3.SubjectAltNameMatcher{subjectAltName(host)},
			},
		},
	}
	if o.TLSCert != "" {
		common.TlsCertificates = []*tlsv3.TlsCertificate{{CertificateChain: file(o.TLSCert), PrivateKey: file(o.TLSKey)}}
	}
	context := &tlsv3.UpstreamTlsContext{CommonTlsContext: common}
	if _, err := netip.ParseAddr(host); err != nil {
		context.Sni = host
	}
	return &corev3.TransportSocket{
		Name:       "envoy.transport_sockets.tls",
		ConfigType: &corev3.TransportSocket_TypedConfig{TypedConfig: mustAny(context)},
	}
}

// subjectAltName matches a certificate that was made for the host.
func subjectAltName(host string) *tlsv3.SubjectAltNameMatcher {
	kind := tlsv3.SubjectAltNameMatcher_DNS
	if _, err := netip.ParseAddr(host); err == nil {
		kind = tlsv3.SubjectAltNameMatcher_IP_ADDRESS
	}
	return &tlsv3.SubjectAltNameMatcher{SanType: kind, Matcher: exactly(host)}
}

// file is the content of a file on the Envoy's machine.
func file(path string) *corev3.DataSource {
	return &corev3.DataSource{Specifier: &corev3.DataSource_Filename{Filename: path}}
}

// splitAddress reads HOST:PORT, with an IPv6 address in brackets.
func splitAddress(address string) (host string, port uint32, err error) {
	bad := func(what string) (string, uint32, error) {
		return "", 0, fmt.Errorf("reading %q as HOST:PORT: %s", address, what)
	}
	if ip, err := netip.ParseAddrPort(address); err == nil && ip.Port() > 0 {
		return ip.Addr().String(), uint32(ip.Port()), nil
	}
	host, text, found := strings.Cut(address, ":")
	if !found || strings.ContainsAny(text, ":]") {
		return bad("there must be one port, and brackets around an IPv6 address")
	}
	number, err := strconv.ParseUint(text, 10, 16)
	switch {
	case err != nil || number == 0:
		return bad("the port is not a number from 1 to 65535")
	case host == "":
		return bad("the host is missing")
	}
	return host, uint32(number), nil
}
