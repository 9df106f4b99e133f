package snapshot

import (
	"strings"
	"testing"
	"time"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"sigs.k8s.io/yaml"

	"github.com/serin-mesh/serin/api"
)

// bootstrap makes one and reads it back, as Envoy would.
func bootstrap(t *testing.T, o BootstrapOptions) *bootstrapv3.Bootstrap {
	t.Helper()
	text, err := Bootstrap(o)
	if err != nil {
		t.Fatal(err)
	}
	json, err := yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	out := &bootstrapv3.Bootstrap{}
	if err := protojson.Unmarshal(json, out); err != nil {
		t.Fatal(err)
	}
	return out
}

func edge1() BootstrapOptions {
	return BootstrapOptions{Gateway: api.Key{Name: "edge"}, NodeID: "edge-1"}
}

func TestBootstrap(t *testing.T) {
	b := bootstrap(t, edge1())
	if b.Node.Id != "edge-1" || b.Node.Cluster != "default/edge" {
		t.Errorf("node %v", b.Node)
	}
	ads := b.DynamicResources.AdsConfig
	if ads.ApiType != corev3.ApiConfigSource_DELTA_GRPC || ads.TransportApiVersion != corev3.ApiVersion_V3 {
		t.Errorf("ADS is %v", ads)
	}
	back := ads.GrpcServices[0].GetEnvoyGrpc().RetryPolicy.RetryBackOff
	if back.BaseInterval.AsDuration() != 100*time.Millisecond || back.MaxInterval.AsDuration() != 2*time.Second {
		t.Errorf("it reconnects after %v", back)
	}
	layers := b.LayeredRuntime.Layers
	if last := layers[len(layers)-1]; len(layers) != 2 || last.Name != RuntimeLayer || last.GetRtdsLayer().GetName() != RuntimeLayer {
		t.Errorf("runtime layers are %v", layers)
	}
	if b.Admin != nil {
		t.Errorf("there is an admin listener: %v", b.Admin)
	}
	if b.StatsFlushInterval.AsDuration() != time.Second || len(b.StatsSinks) != 1 || b.ClusterManager.LoadStatsConfig == nil {
		t.Errorf("reports: every %v to %v, loads %v", b.StatsFlushInterval, b.StatsSinks, b.ClusterManager)
	}
	c := b.StaticResources.Clusters[0]
	if c.Name != XDSCluster || c.GetType() != clusterv3.Cluster_STATIC || c.TransportSocket != nil {
		t.Errorf("the server's cluster is %v", c)
	}
}

func TestBootstrapAdmin(t *testing.T) {
	o := edge1()
	o.Admin = "127.0.0.1:19000"
	b := bootstrap(t, o)
	if a := b.Admin.GetAddress().GetSocketAddress(); a.GetAddress() != "127.0.0.1" || a.GetPortValue() != 19000 {
		t.Errorf("admin is at %v", a)
	}
	var names []string
	for _, l := range b.LayeredRuntime.Layers {
		names = append(names, l.Name)
	}
	if got := strings.Join(names, " "); got != "static admin serin" {
		t.Errorf("runtime layers are %s", got)
	}
}

func TestBootstrapTLS(t *testing.T) {
	o := edge1()
	o.XDS, o.TLSCA, o.TLSCert, o.TLSKey = "serin.mesh:18000", "/ca.pem", "/cert.pem", "/key.pem"
	c := bootstrap(t, o).StaticResources.Clusters[0]
	if c.GetType() != clusterv3.Cluster_STRICT_DNS {
		t.Errorf("a name is resolved by %v", c.GetType())
	}
	context := &tlsv3.UpstreamTlsContext{}
	if err := c.TransportSocket.GetTypedConfig().UnmarshalTo(context); err != nil {
		t.Fatal(err)
	}
	common := context.CommonTlsContext
	san := common.GetValidationContext().MatchTypedSubjectAltNames[0]
	if context.Sni != "serin.mesh" || san.SanType != tlsv3.SubjectAltNameMatcher_DNS || san.Matcher.GetExact() != "serin.mesh" {
		t.Errorf("the server is known by %q and %v", context.Sni, san)
	}
	if common.TlsCertificates[0].CertificateChain.GetFilename() != "/cert.pem" || common.TlsCertificates[0].PrivateKey.GetFilename() != "/key.pem" ||
		common.GetValidationContext().TrustedCa.GetFilename() != "/ca.pem" {
		t.Errorf("files are %v", common)
	}
	o.XDS, o.TLSCert, o.TLSKey = "[::1]:18000", "", ""
	c = bootstrap(t, o).StaticResources.Clusters[0]
	if err := c.TransportSocket.GetTypedConfig().UnmarshalTo(context); err != nil {
		t.Fatal(err)
	}
	if san := context.CommonTlsContext.GetValidationContext().MatchTypedSubjectAltNames[0]; san.SanType != tlsv3.SubjectAltNameMatcher_IP_ADDRESS {
		t.Errorf("an address is known by %v", san)
	}
}

func TestBootstrapRefuses(t *testing.T) {
	for want, change := range map[string]func(*BootstrapOptions){
		"name of the Gateway":      func(o *BootstrapOptions) { o.Gateway = api.Key{} },
		"node id":                  func(o *BootstrapOptions) { o.NodeID = "" },
		"its key go together":      func(o *BootstrapOptions) { o.TLSCert, o.TLSCA = "c", "a" },
		"needs the CA":             func(o *BootstrapOptions) { o.TLSCert, o.TLSKey = "c", "k" },
		"within 1ms and 5m":        func(o *BootstrapOptions) { o.StatsFlushInterval = time.Hour },
		"there must be one port":   func(o *BootstrapOptions) { o.XDS = "somewhere" },
		"brackets around":          func(o *BootstrapOptions) { o.XDS = "::1:18000" },
		"the port is not a number": func(o *BootstrapOptions) { o.Admin = "127.0.0.1:0" },
		"the host is missing":      func(o *BootstrapOptions) { o.Admin = ":19000" },
	} {
		o := edge1()
		change(&o)
		if _, err := Bootstrap(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want one with %q", err, want)
		}
	}
}

// TestBootstrapIsStable: equal options give equal bytes.
func TestBootstrapIsStable(t *testing.T) {
	first, err := Bootstrap(edge1())
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if again, _ := Bootstrap(edge1()); string(again) != string(first) {
			t.Fatal("the bytes differ")
		}
	}
}

// FuzzSplitAddress: what is read is a host and a port that an Envoy can take.
func FuzzSplitAddress(f *testing.F) {
	for _, s := range []string{"127.0.0.1:18000", "[::1]:1", "serin:80", ":1", "a:b:1", "[::1]", "x:65536", "[a]:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		host, port, err := splitAddress(s)
		if err == nil && (host == "" || port == 0 || port > 65535) {
			t.Errorf("splitAddress(%q) = %q, %d", s, host, port)
		}
	})
}
