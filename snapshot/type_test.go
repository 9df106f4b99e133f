package snapshot

import "testing"

func TestTypeNames(t *testing.T) {
	for _, c := range []struct {
		t         Type
		url, name string
	}{
		{Runtime, "type.googleapis.com/envoy.service.runtime.v3.Runtime", "runtime"},
		{Cluster, "type.googleapis.com/envoy.config.cluster.v3.Cluster", "clusters"},
		{Endpoint, "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment", "endpoints"},
		{Listener, "type.googleapis.com/envoy.config.listener.v3.Listener", "listeners"},
		{Route, "type.googleapis.com/envoy.config.route.v3.RouteConfiguration", "routes"},
	} {
		if got := c.t.URL(); got != c.url {
			t.Errorf("URL of %d: %q, want %q", c.t, got, c.url)
		}
		if got := c.t.String(); got != c.name {
			t.Errorf("String of %d: %q, want %q", c.t, got, c.name)
		}
		if got, ok := TypeOf(c.url); !ok || got != c.t {
			t.Errorf("TypeOf(%q) = %v, %v; want %v", c.url, got, ok, c.t)
		}
	}
}

func TestTypeUnknown(t *testing.T) {
	if got, ok := TypeOf("type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"); ok {
		t.Errorf("TypeOf of a secret = %v, want none", got)
	}
	if got := NumTypes.URL(); got != "" {
		t.Errorf("URL of no type = %q, want none", got)
	}
	if got := NumTypes.String(); got != "type 5" {
		t.Errorf("String of no type = %q", got)
	}
}
