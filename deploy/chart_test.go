package deploy_test

import (
	"testing"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/snapshot"
)

// TestBootstraps: the chart's
// bootstraps are what `serin bootstrap` prints, with words that the chart replaces.
func TestBootstraps(t *testing.T) {
	o := snapshot.BootstrapOptions{
		Gateway: api.Key{Namespace: "namespace-here", Name: "gateway-here"},
		NodeID:  "pod-here", XDS: "xds-host-here:18999",
	}
	text, err := snapshot.Bootstrap(o)
	if err != nil {
		t.Fatal(err)
	}
	fresh(t, "chart/serin/files/bootstrap.yaml", string(text))
	o.TLSCA, o.TLSCert, o.TLSKey = "/etc/serin/tls/ca.crt", "/etc/serin/tls/tls.crt", "/etc/serin/tls/tls.key"
	if text, err = snapshot.Bootstrap(o); err != nil {
		t.Fatal(err)
	}
	fresh(t, "chart/serin/files/bootstrap-tls.yaml", string(text))
}
