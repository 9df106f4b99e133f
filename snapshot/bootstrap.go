package snapshot

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"sigs.k8s.io/yaml"

	"github.com/serin-mesh/serin/api"
)

// XDSCluster is the name of the static cluster that reaches Serin, in every
// bootstrap.
const XDSCluster = "serin"

// BootstrapOptions describe one Envoy to Bootstrap.
type BootstrapOptions struct {
	Gateway api.Key // the Gateway that the Envoy serves; required
	NodeID  string  // unique in the fleet; required
	XDS     string  // HOST:PORT of Serin; default 127.0.0.1:18000
	Admin   string  // HOST:PORT of Envoy's admin listener; empty: none

	// TLSCA, TLSCert and TLSKey are files on the Envoy's machine: what signs
	// Serin's certificate, and the Envoy's own certificate and key. With none,
	// the connection is not encrypted; TLSCert and TLSKey go together.
	TLSCA, TLSCert, TLSKey string

	// StatsFlushInterval is how often the Envoy sends its metrics, from 1 ms
	// to 5 min; default 1 s. It is fixed for the life of the Envoy.
	StatsFlushInterval time.Duration
}

// check fills defaults in and refuses what no Envoy could start with.
func (o *BootstrapOptions) check() error {
	o.XDS = cmp.Or(o.XDS, "127.0.0.1:18000")
	o.Gateway.Namespace = cmp.Or(o.Gateway.Namespace, api.DefaultNamespace)
	o.StatsFlushInterval = cmp.Or(o.StatsFlushInterval, time.Second)
	switch {
	case o.Gateway.Name == "":
		return errors.New("the name of the Gateway is missing")
	case o.NodeID == "":
		return errors.New("the node id is missing")
	case (o.TLSCert == "") != (o.TLSKey == ""):
		return errors.New("a TLS certificate and its key go together: give both or none")
	case o.TLSCert != "" && o.TLSCA == "":
		return errors.New("TLS needs the CA that signs the server's certificate")
	case o.StatsFlushInterval < time.Millisecond || o.StatsFlushInterval > 5*time.Minute:
		return fmt.Errorf("a stats flush interval of %v is not within 1ms and 5m", o.StatsFlushInterval)
	}
	return nil
}

// bootstrapHead stands above every generated bootstrap.
const bootstrapHead = `# Made by "serin bootstrap". Start it with:
#   envoy -c FILE --use-dynamic-base-id
# The flag lets several Envoys run on one machine. Listeners, routes, clusters
# and the weights of rollouts come from Serin over one delta ADS stream.
`

// Bootstrap makes the YAML file that an Envoy starts with. Keys are sorted, so
// equal options give equal bytes.
func Bootstrap(o BootstrapOptions) ([]byte, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("making a bootstrap: %w", err)
	}
	message, err := o.message()
	if err != nil {
		return nil, fmt.Errorf("making a bootstrap: %w", err)
	}
	json, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("making a bootstrap: %w", err)
	}
	text, err := yaml.JSONToYAML(json)
	if err != nil {
		return nil, fmt.Errorf("making a bootstrap: %w", err)
	}
	return append([]byte(bootstrapHead), text...), nil
}

// message joins the parts.
func (o *BootstrapOptions) message() (*bootstrapv3.Bootstrap, error) {
	server, err := xdsCluster(o)
	if err != nil {
		return nil, err
	}
	out := &bootstrapv3.Bootstrap{
		Node:               &corev3.Node{Id: o.NodeID, Cluster: o.Gateway.String()},
		StaticResources:    &bootstrapv3.Bootstrap_StaticResources{Clusters: []*clusterv3.Cluster{server}},
		DynamicResources:   dynamicResources(),
		LayeredRuntime:     layeredRuntime(o.Admin != ""),
		ClusterManager:     &bootstrapv3.ClusterManager{LoadStatsConfig: grpcSource(corev3.ApiConfigSource_GRPC)},
		StatsConfig:        statsConfig(),
		StatsSinks:         statsSinks(),
		StatsFlushInterval: durationpb.New(o.StatsFlushInterval),
	}
	if o.Admin != "" {
		host, port, err := splitAddress(o.Admin)
		if err != nil {
			return nil, fmt.Errorf("admin address: %w", err)
		}
		out.Admin = &bootstrapv3.Admin{Address: socketAddress(host, port)}
	}
	return out, nil
}

// dynamicResources has everything come over one stream, as deltas.
func dynamicResources() *bootstrapv3.Bootstrap_DynamicResources {
	return &bootstrapv3.Bootstrap_DynamicResources{
		AdsConfig: grpcSource(corev3.ApiConfigSource_DELTA_GRPC),
		CdsConfig: adsSource(),
		LdsConfig: adsSource(),
	}
}

// reconnect is how soon an Envoy tries again when the stream has ended. Envoy
// waits up to 30 s by default, far longer than a restart of Serin takes.
var reconnect = struct{ base, most time.Duration }{100 * time.Millisecond, 2 * time.Second}

// grpcSource is a stream to Serin.
func grpcSource(kind corev3.ApiConfigSource_ApiType) *corev3.ApiConfigSource {
	retry := &corev3.RetryPolicy{RetryBackOff: &corev3.BackoffStrategy{
		BaseInterval: durationpb.New(reconnect.base),
		MaxInterval:  durationpb.New(reconnect.most),
	}}
	out := &corev3.ApiConfigSource{
		ApiType:             kind,
		TransportApiVersion: corev3.ApiVersion_V3,
		GrpcServices:        []*corev3.GrpcService{grpcService(XDSCluster, retry)},
	}
	if kind == corev3.ApiConfigSource_DELTA_GRPC {
		out.SetNodeOnFirstMessageOnly = true
	}
	return out
}

// layeredRuntime puts Serin's layer last, so that its keys hold over all
// others: nothing on the machine can turn a canary's weight. The admin layer
// is there only where an admin listener can write to it.
func layeredRuntime(admin bool) *bootstrapv3.LayeredRuntime {
	layers := []*bootstrapv3.RuntimeLayer{{
		Name: "static",
		LayerSpecifier: &bootstrapv3.RuntimeLayer_StaticLayer{StaticLayer: &structpb.Struct{
			Fields: map[string]*structpb.Value{
				// Regular expressions of routes may be longer than Envoy's
				// default allows; a rejected one would hold the whole listener.
				"re2.max_program_size.error_level": structpb.NewNumberValue(10_000),
			},
		}},
	}}
	if admin {
		layers = append(layers, &bootstrapv3.RuntimeLayer{
			Name:           "admin",
			LayerSpecifier: &bootstrapv3.RuntimeLayer_AdminLayer_{AdminLayer: &bootstrapv3.RuntimeLayer_AdminLayer{}},
		})
	}
	return &bootstrapv3.LayeredRuntime{Layers: append(layers, &bootstrapv3.RuntimeLayer{
		Name: RuntimeLayer,
		LayerSpecifier: &bootstrapv3.RuntimeLayer_RtdsLayer_{RtdsLayer: &bootstrapv3.RuntimeLayer_RtdsLayer{
			Name:       RuntimeLayer,
			RtdsConfig: adsSource(),
		}},
	})}
}
