package envoyconfigs

import (
	"os"
	"path/filepath"
	"testing"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"sigs.k8s.io/yaml"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/snapshot"
)

// everything uses each match, filter and kind of backend that Serin translates.
const everything = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: serin
  listeners:
  - {name: http, protocol: HTTP, port: 10000}
  - {name: narrow, protocol: HTTP, port: 10000, hostname: narrow.example}
  - {name: other, protocol: HTTP, port: 10001, hostname: "*.example"}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec:
  parentRefs: [{name: edge}]
  hostnames: [shop.example, "*.shop.example"]
  rules:
  - matches:
    - {path: {type: Exact, value: /a}}
    - {path: {type: RegularExpression, value: "/a/[0-9]+(/.*)?"}}
    - {path: {type: PathPrefix, value: /a/b}}
    - {method: DELETE}
    - {headers: [{name: x-user, value: me}, {type: RegularExpression, name: x-group, value: "g.*"}]}
    - {queryParams: [{name: q, value: v}, {type: RegularExpression, name: r, value: "v+"}]}
    backendRefs: [{name: shop, port: 80}]
    timeouts: {request: 10s, backendRequest: 2s}
    filters:
    - {type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: x-a, value: "100%"}, {name: host, value: inner.example}], add: [{name: x-b, value: c}], remove: [x-d]}}
    - {type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: x-a, value: "%START_TIME%"}], remove: [server]}}
    - {type: RequestMirror, requestMirror: {backendRef: {name: plain, port: 80}, percent: 7}}
  - matches: [{path: {value: /full}}]
    backendRefs: [{name: shop, port: 80, weight: 3}, {name: plain, port: 80, weight: 1}, {name: shop, port: 81, weight: 0}]
    filters: [{type: URLRewrite, urlRewrite: {hostname: h.example, path: {type: ReplaceFullPath, replaceFullPath: '/x\1'}}}]
  - matches: [{path: {value: /prefix}}]
    backendRefs: [{name: plain, port: 80}]
    filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /x}}}]
  - matches: [{path: {value: /gone}}, {path: {value: /}}]
    backendRefs: [{name: plain, port: 80}]
    filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}}]
  - matches: [{path: {value: /elsewhere}}, {path: {value: /}, method: HEAD}]
    filters: [{type: RequestRedirect, requestRedirect: {scheme: https, hostname: h.example, statusCode: 301, path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}}]
  - matches: [{path: {value: /there}}]
    filters: [{type: RequestRedirect, requestRedirect: {port: 8443, path: {type: ReplaceFullPath, replaceFullPath: /x}}}]
  - matches: [{path: {value: /nothing}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: canary}
spec:
  parentRefs: [{name: edge}]
  rules:
  - matches: [{headers: [{name: x-canary, value: "yes"}]}]
    backendRefs: [{name: shop-canary, port: 80}]
  - backendRefs: [{name: shop, port: 80}]
---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {ports: [{name: http, port: 80}, {name: h2, port: 81, appProtocol: kubernetes.io/h2c}]}
---
apiVersion: v1
kind: Service
metadata: {name: shop-canary}
spec: {ports: [{name: http, port: 80}, {name: h2, port: 81}]}
---
apiVersion: v1
kind: Service
metadata: {name: plain}
spec: {ports: [{port: 80, appProtocol: kubernetes.io/h2c}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: shop-v1, labels: {kubernetes.io/service-name: shop, app.kubernetes.io/version: v1}}
addressType: IPv4
endpoints: [{addresses: [127.0.0.1]}, {addresses: [127.0.0.2]}]
ports: [{name: http, port: 9001}, {name: h2, port: 9002}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: shop-v2.1, labels: {kubernetes.io/service-name: shop-canary, app.kubernetes.io/version: v2.1}}
addressType: IPv6
endpoints: [{addresses: ["::1"]}]
ports: [{name: http, port: 9003}, {name: h2, port: 9004}]
---
apiVersion: serin.dev/v1alpha1
kind: Rollout
metadata: {name: shop}
spec:
  template: {metadata: {labels: {app.kubernetes.io/version: v2.1}}}
  strategy: {canary: {stableService: shop, canaryService: shop-canary, steps: [{setWeight: 20}]}}
`

// TestGeneratedIsValid: Envoy takes every listener, route and cluster that a
// Builder makes, with runtime keys and with weights of the routes' own.
func TestGeneratedIsValid(t *testing.T) {
	docs, findings := api.Decode("everything.yaml", []byte(everything))
	if api.HasErrors(findings) {
		t.Fatal(findings)
	}
	b := snapshot.NewBuilder(snapshot.Options{})
	b.SetObjects(api.Collect(docs, nil))
	service := api.Key{Namespace: "default", Name: "shop"}
	for name, split := range map[string]*snapshot.Split{
		"no-rollout": nil,
		"stable":     {Stable: "v1", Retired: []string{"v0"}},
		"canary":     {Stable: "v1", Canary: "v2.1", Weight: 123_456},
		"whole":      {Stable: "v1", Canary: "v2.1", Weight: snapshot.Total},
	} {
		b.SetSplit(service, split)
		resources := b.Resources(api.Key{Namespace: "default", Name: "edge"})
		for _, static := range []bool{false, true} {
			t.Run(name, func(t *testing.T) { validate(t, pinned(t, resources, static)) })
		}
	}
}

// pinned writes a bootstrap that holds the resources as static ones.
func pinned(t *testing.T, resources []*snapshot.Resource, static bool) string {
	t.Helper()
	config := made(t, Bootstraps()["edge.yaml"])
	pin(t, config, resources, static)
	text, err := protojson.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "pinned.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// made is a bootstrap as a message.
func made(t *testing.T, o snapshot.BootstrapOptions) *bootstrapv3.Bootstrap {
	t.Helper()
	text, err := snapshot.Bootstrap(o)
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

// pin puts resources into a bootstrap: routes inside their listeners, endpoints
// inside their clusters.
func pin(t *testing.T, config *bootstrapv3.Bootstrap, resources []*snapshot.Resource, static bool) {
	t.Helper()
	clusters, listeners := map[string]*clusterv3.Cluster{}, map[string]*listenerv3.Listener{}
	for _, r := range resources { // sorted: clusters, endpoints, listeners, routes
		switch r.Type {
		case snapshot.Cluster:
			c := decode(t, r, &clusterv3.Cluster{})
			c.ClusterDiscoveryType, c.EdsClusterConfig = &clusterv3.Cluster_Type{Type: clusterv3.Cluster_STATIC}, nil
			clusters[r.Name] = c
			config.StaticResources.Clusters = append(config.StaticResources.Clusters, c)
		case snapshot.Endpoint:
			clusters[r.Name].LoadAssignment = decode(t, r, &endpointv3.ClusterLoadAssignment{})
		case snapshot.Listener:
			listeners[r.Name] = decode(t, r, &listenerv3.Listener{})
			config.StaticResources.Listeners = append(config.StaticResources.Listeners, listeners[r.Name])
		case snapshot.Route:
			if static && r.Static != nil {
				r = r.Static()
			}
			setRoutes(t, listeners[r.Name], decode(t, r, &routev3.RouteConfiguration{}))
		}
	}
}

// setRoutes puts a routing table into a listener's connection manager.
func setRoutes(t *testing.T, l *listenerv3.Listener, routes *routev3.RouteConfiguration) {
	t.Helper()
	filter := l.FilterChains[0].Filters[0]
	manager := &hcmv3.HttpConnectionManager{}
	if err := filter.GetTypedConfig().UnmarshalTo(manager); err != nil {
		t.Fatal(err)
	}
	manager.RouteSpecifier = &hcmv3.HttpConnectionManager_RouteConfig{RouteConfig: routes}
	packed, err := anypb.New(manager)
	if err != nil {
		t.Fatal(err)
	}
	filter.ConfigType = &listenerv3.Filter_TypedConfig{TypedConfig: packed}
}

func decode[M proto.Message](t *testing.T, r *snapshot.Resource, into M) M {
	t.Helper()
	if err := r.Body.UnmarshalTo(into); err != nil {
		t.Fatalf("decoding %v %q: %v", r.Type, r.Name, err)
	}
	return into
}
