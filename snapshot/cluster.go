package snapshot

import (
	"math"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	httpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
	corev1 "k8s.io/api/core/v1"
)

// connectTimeout is how long Envoy tries to connect to one endpoint. A healthy
// one answers within a round trip, so this is spent on dead ones only.
const connectTimeout = 2 * time.Second

// protocolOptions is the extension's name under which Envoy looks for them.
const protocolOptions = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"

// cluster makes the Cluster of one version of a Service port.
//
// Circuit breakers are raised until they cannot open: Envoy's default of 1,024
// requests is per cluster, so a rollout that moves all traffic into another
// cluster would meet a limit that nobody set. The panic threshold stays at its
// default: only ready endpoints are sent and nothing else marks one unhealthy,
// so it cannot apply. For the same reason a host that is gone from the
// endpoints goes at once; what it is answering is still finished.
func cluster(name string, port *corev1.ServicePort) *Resource {
	return encode(Cluster, name, &clusterv3.Cluster{
		Name:                          name,
		ClusterDiscoveryType:          &clusterv3.Cluster_Type{Type: clusterv3.Cluster_EDS},
		EdsClusterConfig:              &clusterv3.Cluster_EdsClusterConfig{EdsConfig: adsSource()},
		ConnectTimeout:                durationpb.New(connectTimeout),
		LbPolicy:                      clusterv3.Cluster_ROUND_ROBIN,
		IgnoreHealthOnHostRemoval:     true,
		TypedExtensionProtocolOptions: map[string]*anypb.Any{protocolOptions: mustAny(upstreamProtocol(port))},
		CircuitBreakers: &clusterv3.CircuitBreakers{Thresholds: []*clusterv3.CircuitBreakers_Thresholds{
			unlimited(corev3.RoutingPriority_DEFAULT), unlimited(corev3.RoutingPriority_HIGH),
		}},
	})
}

// unlimited is the highest threshold that Envoy has.
func unlimited(p corev3.RoutingPriority) *clusterv3.CircuitBreakers_Thresholds {
	return &clusterv3.CircuitBreakers_Thresholds{
		Priority:           p,
		MaxConnections:     wrapperspb.UInt32(math.MaxUint32),
		MaxPendingRequests: wrapperspb.UInt32(math.MaxUint32),
		MaxRequests:        wrapperspb.UInt32(math.MaxUint32),
		MaxRetries:         wrapperspb.UInt32(math.MaxUint32),
	}
}

// upstreamProtocol is HTTP/2 for an appProtocol of kubernetes.io/h2c, else
// HTTP/1.1.
func upstreamProtocol(port *corev1.ServicePort) *httpv3.HttpProtocolOptions {
	if port != nil && port.AppProtocol != nil && *port.AppProtocol == "kubernetes.io/h2c" {
		return http2(&corev3.Http2ProtocolOptions{})
	}
	return &httpv3.HttpProtocolOptions{
		UpstreamProtocolOptions: &httpv3.HttpProtocolOptions_ExplicitHttpConfig_{
			ExplicitHttpConfig: &httpv3.HttpProtocolOptions_ExplicitHttpConfig{
				ProtocolConfig: &httpv3.HttpProtocolOptions_ExplicitHttpConfig_HttpProtocolOptions{
					HttpProtocolOptions: &corev3.Http1ProtocolOptions{},
				},
			},
		},
	}
}

// http2 speaks HTTP/2 without asking for it first.
func http2(o *corev3.Http2ProtocolOptions) *httpv3.HttpProtocolOptions {
	return &httpv3.HttpProtocolOptions{
		UpstreamProtocolOptions: &httpv3.HttpProtocolOptions_ExplicitHttpConfig_{
			ExplicitHttpConfig: &httpv3.HttpProtocolOptions_ExplicitHttpConfig{
				ProtocolConfig: &httpv3.HttpProtocolOptions_ExplicitHttpConfig_Http2ProtocolOptions{
					Http2ProtocolOptions: o,
				},
			},
		},
	}
}

// grpcService sends a gRPC stream to the xDS cluster.
func grpcService(cluster string, retry *corev3.RetryPolicy) *corev3.GrpcService {
	return &corev3.GrpcService{TargetSpecifier: &corev3.GrpcService_EnvoyGrpc_{
		EnvoyGrpc: &corev3.GrpcService_EnvoyGrpc{ClusterName: cluster, RetryPolicy: retry},
	}}
}
