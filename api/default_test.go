package api

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// TestDefaults compares what Decode makes of a sparse object with the full one.
func TestDefaults(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"Gateway": {
			"apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: a}\nspec: {gatewayClassName: serin, listeners: [{name: h, protocol: HTTP, port: 1}, {name: i, protocol: HTTP, port: 2, allowedRoutes: {namespaces: {from: All}}}]}",
			`
metadata: {name: a, namespace: default}
spec:
  gatewayClassName: serin
  listeners:
  - {name: h, protocol: HTTP, port: 1, allowedRoutes: {namespaces: {from: Same}}}
  - {name: i, protocol: HTTP, port: 2, allowedRoutes: {namespaces: {from: All}}}`},
		"HTTPRoute": {
			"apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: a, namespace: b}\nspec: {parentRefs: [{name: g}], rules: [{backendRefs: [{name: s, port: 1}]}, " +
				"{matches: [{headers: [{name: x, value: z}], queryParams: [{name: x, value: z}]}, {path: {value: /p}}], filters: [{type: RequestRedirect, requestRedirect: {}}, {type: RequestMirror, requestMirror: {backendRef: {name: m, port: 2}}}]}]}",
			`
metadata: {name: a, namespace: b}
spec:
  parentRefs: [{group: gateway.networking.k8s.io, kind: Gateway, namespace: b, name: g}]
  rules:
  - matches: [{path: {type: PathPrefix, value: /}}]
    backendRefs: [{group: "", kind: Service, namespace: b, name: s, port: 1, weight: 1}]
  - matches:
    - path: {type: PathPrefix, value: /}
      headers: [{type: Exact, name: x, value: z}]
      queryParams: [{type: Exact, name: x, value: z}]
    - path: {type: PathPrefix, value: /p}
    filters:
    - {type: RequestRedirect, requestRedirect: {statusCode: 302}}
    - {type: RequestMirror, requestMirror: {backendRef: {group: "", kind: Service, namespace: b, name: m, port: 2}}}`},
		"HTTPRoute without rules": {
			"apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: a}\nspec: {}",
			"{metadata: {name: a, namespace: default}, spec: {rules: [{matches: [{path: {type: PathPrefix, value: /}}]}]}}"},
		"Service": {
			"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{name: x, port: 80}, {name: u, port: 81, targetPort: web, protocol: UDP}]}",
			`
metadata: {name: a, namespace: default}
spec:
  type: ClusterIP
  ports: [{name: x, port: 80, targetPort: 80, protocol: TCP}, {name: u, port: 81, targetPort: web, protocol: UDP}]`},
		"EndpointSlice": {
			"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: a}\naddressType: IPv4\nendpoints: [{addresses: [127.0.0.1]}, {addresses: [127.0.0.2], conditions: {ready: false}}]\nports: [{port: 80}]",
			`
metadata: {name: a, namespace: default}
addressType: IPv4
endpoints: [{addresses: [127.0.0.1], conditions: {ready: true}}, {addresses: [127.0.0.2], conditions: {ready: false}}]
ports: [{name: "", port: 80, protocol: TCP}]`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			docs, findings := Decode("f.yaml", []byte(test.text))
			if len(findings) > 0 || len(docs) != 1 {
				t.Fatalf("%d documents, findings %v", len(docs), findings)
			}
			var got, want map[string]any
			data, err := yaml.Marshal(docs[0].Object)
			if err != nil {
				t.Fatal(err)
			}
			if err := yaml.Unmarshal(data, &got); err != nil {
				t.Fatal(err)
			}
			if err := yaml.Unmarshal([]byte(test.want), &want); err != nil {
				t.Fatal(err)
			}
			for _, field := range []string{"apiVersion", "kind", "status"} {
				delete(got, field)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
