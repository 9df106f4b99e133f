package snapshot

import (
	"strings"
	"testing"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	grpclogv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/access_loggers/grpc/v3"
	httpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
)

func TestListenerAddress(t *testing.T) {
	for addresses, want := range map[string]string{
		``:                                    "0.0.0.0",
		`addresses: [{value: 203.0.113.7}], `: "0.0.0.0",
		`addresses: [{value: 203.0.113.7}, {value: 127.0.0.1}], `: "127.0.0.1",
		`addresses: [{value: "::1"}], `:                           "::1",
		`addresses: [{type: Hostname, value: localhost}], `:       "0.0.0.0",
	} {
		b := build(t, strings.Replace(shopYAML, "gatewayClassName", addresses+"gatewayClassName", 1))
		l := message(t, get(t, b, edge, Listener, "default/edge/10000"), &listenerv3.Listener{})
		a := l.Address.GetSocketAddress()
		if a.Address != want || a.GetPortValue() != 10000 {
			t.Errorf("%q binds %s:%d, want %s:10000", addresses, a.Address, a.GetPortValue(), want)
		}
		if l.EnableReusePort != nil {
			t.Errorf("%q: enable_reuse_port is set; Envoy's default shares the port", addresses)
		}
	}
}

// TestListenerIsStable: no route, split or endpoint changes a listener, as open
// connections would go on with the old one.
func TestListenerIsStable(t *testing.T) {
	plain := get(t, build(t, edgeYAML), edge, Listener, "default/edge/10000")
	b := build(t, shopYAML)
	b.SetSplit(shop, &Split{Stable: "v1", Canary: "v2", Weight: 5})
	if got := get(t, b, edge, Listener, "default/edge/10000"); got.Version != plain.Version {
		t.Error("a rollout changed the listener")
	}
}

func TestListenerRoutesComeByADS(t *testing.T) {
	m := manager(t, get(t, build(t, shopYAML), edge, Listener, "default/edge/10000"))
	rds := m.GetRds()
	if rds.RouteConfigName != "default/edge/10000" || rds.ConfigSource.GetAds() == nil {
		t.Errorf("routes come from %v", rds)
	}
	if m.StatPrefix != "default/edge/10000" {
		t.Errorf("stat_prefix is %q", m.StatPrefix)
	}
}

// TestErrorLog: every listener tells its failures, each at once and alone, to
// the cluster that the options name.
func TestErrorLog(t *testing.T) {
	b := NewBuilder(Options{XDSCluster: "control"})
	b.SetObjects(parse(t, edgeYAML))
	logs := manager(t, get(t, b, edge, Listener, "default/edge/10000")).AccessLog
	if len(logs) != 1 {
		t.Fatalf("%d access logs", len(logs))
	}
	c := &grpclogv3.HttpGrpcAccessLogConfig{}
	if err := logs[0].GetTypedConfig().UnmarshalTo(c); err != nil {
		t.Fatal(err)
	}
	common := c.CommonConfig
	if common.GrpcService.GetEnvoyGrpc().ClusterName != "control" || common.LogName != ErrorLog || common.BufferSizeBytes.GetValue() != 1 {
		t.Errorf("the log goes to %v", common)
	}
	and := logs[0].Filter.GetAndFilter().GetFilters()
	if len(and) != 2 || and[1].GetRuntimeFilter().GetRuntimeKey() != ErrorLogShare || !and[1].GetRuntimeFilter().UseIndependentRandomness {
		t.Errorf("the stream cannot be thinned: %v", and)
	}
	// Failing responses, and beside them what routes ask for.
	either := and[0].GetOrFilter().GetFilters()[0].GetOrFilter().GetFilters()
	if len(either) != 3 || either[0].GetStatusCodeFilter().GetComparison().GetValue().GetDefaultValue() != 500 {
		t.Errorf("the filter is %v", and[0])
	}
}

// TestClusterProtocol: HTTP/2 is spoken where the Service says so.
func TestClusterProtocol(t *testing.T) {
	for app, http2 := range map[string]bool{"": false, "appProtocol: http, ": false, "appProtocol: kubernetes.io/h2c, ": true} {
		b := build(t, strings.Replace(shopYAML, "ports: [{", "ports: [{"+app, 1))
		c := message(t, get(t, b, edge, Cluster, "default/shop/80"), &clusterv3.Cluster{})
		if c.GetType() != clusterv3.Cluster_EDS || c.EdsClusterConfig.EdsConfig.GetAds() == nil || c.EdsClusterConfig.ServiceName != "" {
			t.Errorf("%q: endpoints come from %v", app, c.EdsClusterConfig)
		}
		o := &httpv3.HttpProtocolOptions{}
		if err := c.TypedExtensionProtocolOptions[protocolOptions].UnmarshalTo(o); err != nil {
			t.Fatal(err)
		}
		if got := o.GetExplicitHttpConfig().GetHttp2ProtocolOptions() != nil; got != http2 {
			t.Errorf("%q: HTTP/2 is %v, want %v", app, got, http2)
		}
	}
}

// TestClusterBreakers: no circuit breaker of Envoy's defaults can open.
func TestClusterBreakers(t *testing.T) {
	c := message(t, get(t, build(t, shopYAML), edge, Cluster, "default/shop/80"), &clusterv3.Cluster{})
	for _, th := range c.CircuitBreakers.GetThresholds() {
		for _, v := range []uint32{th.MaxConnections.GetValue(), th.MaxPendingRequests.GetValue(), th.MaxRequests.GetValue(), th.MaxRetries.GetValue()} {
			if v < 1<<31 {
				t.Errorf("a limit of %d for %v", v, th.Priority)
			}
		}
	}
	if len(c.CircuitBreakers.GetThresholds()) != 2 {
		t.Errorf("thresholds for %d priorities, want 2", len(c.CircuitBreakers.GetThresholds()))
	}
}
