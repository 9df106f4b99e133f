package envoyconfigs

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	runtimev3 "github.com/envoyproxy/go-control-plane/envoy/service/runtime/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/internal/lab"
	"github.com/serin-mesh/serin/snapshot"
)

// oneGateway is a Gateway on a port with a Service of three ports: one that
// serves HTTP/1.1, one HTTP/2, and one where nothing listens; and a Service
// without endpoints.
const oneGateway = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec: {gatewayClassName: serin, addresses: [{value: 127.0.0.1}], listeners: [{name: http, protocol: HTTP, port: %[1]d}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec:
  parentRefs: [{name: edge}]
  rules:
  - {matches: [{path: {value: /status}}, {path: {value: /reset}}, {path: {value: /hang}}], backendRefs: [{name: shop, port: 80}]}
  - {matches: [{path: {value: /grpc}}], backendRefs: [{name: shop, port: 81}]}
  - {matches: [{path: {value: /refused}}], backendRefs: [{name: shop, port: 82}]}
  - {matches: [{path: {value: /empty}}], backendRefs: [{name: empty, port: 80}]}
  - {matches: [{path: {value: /slow}}], backendRefs: [{name: shop, port: 80}], timeouts: {request: 50ms},
     filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: /hang}}}]}
---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {ports: [{name: http, port: 80}, {name: grpc, port: 81, appProtocol: kubernetes.io/h2c}, {name: dead, port: 82}]}
---
apiVersion: v1
kind: Service
metadata: {name: empty}
spec: {ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: shop, labels: {kubernetes.io/service-name: shop, app.kubernetes.io/version: v1.2}}
addressType: IPv4
endpoints: [{addresses: [127.0.0.1]}]
ports: [{name: http, port: %[2]s}, {name: grpc, port: %[2]s}, {name: dead, port: %[3]d}]
---
`

// rig is a real Envoy that serves oneGateway and reports to a receiver.
type rig struct {
	*receiver
	backend *backend
	url     string
}

// newRig starts one, with the resources that a split gives, and with the
// runtime keys of a split, of the same one or of a later; nil: without keys.
func newRig(t *testing.T, split, keys *snapshot.Split) *rig {
	t.Helper()
	r := &rig{receiver: newReceiver(), backend: &backend{left: make(chan string, 10)}}
	ports, err := lab.FreePorts(3)
	if err != nil {
		t.Fatal(err)
	}
	docs, findings := api.Decode("rig.yaml", fmt.Appendf(nil, oneGateway, ports[0], r.backend.start(t), ports[1]))
	if api.HasErrors(findings) {
		t.Fatal(findings)
	}
	b := snapshot.NewBuilder(snapshot.Options{})
	b.SetObjects(api.Collect(docs, nil))
	service, gateway := api.Key{Namespace: "default", Name: "shop"}, api.Key{Namespace: "default", Name: "edge"}
	b.SetSplit(service, split)
	resources := b.Resources(gateway)

	admin := "127.0.0.1:" + strconv.Itoa(ports[2])
	config := made(t, snapshot.BootstrapOptions{
		Gateway: api.Key{Name: "edge"}, NodeID: "edge-1", XDS: r.start(t), Admin: admin, StatsFlushInterval: 50 * time.Millisecond,
	})
	config.DynamicResources, config.ClusterManager = nil, nil
	config.LayeredRuntime.Layers = config.LayeredRuntime.Layers[:1]
	if keys != nil {
		b.SetSplit(service, keys)
		layer := decode(t, b.Resources(gateway)[0], &runtimev3.Runtime{}).Layer
		config.LayeredRuntime.Layers = append(config.LayeredRuntime.Layers, &bootstrapv3.RuntimeLayer{
			Name: "keys", LayerSpecifier: &bootstrapv3.RuntimeLayer_StaticLayer{StaticLayer: layer},
		})
	}
	pin(t, config, resources, false)
	text, err := protojson.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	envoy, err := lab.StartEnvoy(lab.EnvoyOptions{Name: "edge-1", Dir: t.TempDir(), Bootstrap: text, Admin: admin, Concurrency: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := envoy.Close(); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := envoy.Ready(ctx, 1); err != nil {
		t.Fatal(err)
	}
	r.url = "http://127.0.0.1:" + strconv.Itoa(ports[0])
	return r
}

// send makes a request and reads its answer to the end.
func (r *rig) send(ctx context.Context, t *testing.T, path string, grpc bool) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if grpc {
		request.Header.Set("Content-Type", "application/grpc")
	}
	answer, err := client(grpc).Do(request)
	if err != nil {
		if ctx.Err() == nil {
			t.Fatalf("%s: %v", path, err)
		}
		return
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// leave makes a request and goes away before it is answered.
func (r *rig) leave(t *testing.T, path string, grpc bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	r.send(ctx, t, path, grpc)
	select {
	case <-r.backend.left:
	case <-time.After(patience):
		t.Fatalf("%s: the backend has not heard that the client left", path)
	}
}

// TestErrorStream: a real Envoy tells exactly the failures, in their order.
func TestErrorStream(t *testing.T) {
	r := newRig(t, &snapshot.Split{Stable: "v1.2"}, nil)
	for _, path := range []string{"/status/200", "/status/404", "/nothing", "/status/500", "/status/501", "/reset", "/refused", "/empty"} {
		r.send(t.Context(), t, path, false)
	}
	r.leave(t, "/hang", false)
	for _, path := range []string{"/grpc/ok", "/grpc/not-found", "/grpc/unavailable", "/grpc/http-404"} {
		r.send(t.Context(), t, path, true)
	}
	r.leave(t, "/grpc/hang", true)
	r.send(t.Context(), t, "/slow", false)
	r.send(t.Context(), t, "/status/500?last", false)

	want := []string{
		"/status/500 500 default/shop/80/v1.2",
		"/status/501 501 default/shop/80/v1.2",
		"/reset 503 default/shop/80/v1.2",
		"/refused 503 default/shop/82/v1.2",
		"/empty 503 default/empty/80",
		"/grpc/unavailable 200 default/shop/81/v1.2",
		"/grpc/http-404 404 default/shop/81/v1.2",
		"/slow 504 default/shop/80/v1.2",
	}
	var got []string
	for {
		select {
		case e := <-r.entries:
			if e.Request.Path == "/status/500?last" {
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("entries (-want +got):\n%s", d)
				}
				return
			}
			path := e.Request.OriginalPath
			if path == "" {
				path = e.Request.Path
			}
			got = append(got, fmt.Sprintf("%s %d %s", path, e.Response.ResponseCode.GetValue(), e.CommonProperties.CustomTags[snapshot.ErrorLogCluster]))
		case <-time.After(patience):
			t.Fatalf("the last entry has not come; so far: %q", got)
		}
	}
}

// TestKeysRule: a real Envoy takes the weights from the runtime keys, and from
// the route where there are none; a route of an earlier split is served by the
// keys of a later one. The canary has no endpoints, so that what is sent to it
// fails.
func TestKeysRule(t *testing.T) {
	split := &snapshot.Split{Stable: "v1.2", Canary: "v2", Weight: snapshot.Total}
	const stable, canary = "default/empty/80", "default/shop/80/v2" // which fails first
	for _, c := range []struct {
		name string
		keys *snapshot.Split
		want string
	}{
		{"keys", split, canary},
		{"no keys", nil, stable},
		{"withdrawn, and the next has all", &snapshot.Split{Stable: "v1.2", Canary: "v3", Weight: snapshot.Total, Retired: []string{"v2"}}, stable},
		{"withdrawn, and the next was promoted", &snapshot.Split{Stable: "v3", Retired: []string{"v1.2", "v2"}}, stable},
		{"promoted, and the next has all", &snapshot.Split{Stable: "v2", Canary: "v3", Weight: snapshot.Total, Retired: []string{"v1.2"}}, canary},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, split, c.keys)
			r.send(t.Context(), t, "/status/200", false)
			r.send(t.Context(), t, "/empty?last", false)
			select {
			case e := <-r.entries:
				if got := e.CommonProperties.CustomTags[snapshot.ErrorLogCluster]; got != c.want {
					t.Errorf("the first failure is of %q, want %q", got, c.want)
				}
			case <-time.After(patience):
				t.Fatal("no entry came")
			}
		})
	}
}

// TestMetricsNameClusters: the label of a cluster's metrics is its whole name,
// though there are dots in it.
func TestMetricsNameClusters(t *testing.T) {
	r := newRig(t, &snapshot.Split{Stable: "v1.2"}, nil)
	r.send(t.Context(), t, "/status/200", false)
	missing := map[string]bool{
		"cluster.upstream_rq_time of default/shop/80/v1.2":      true,
		"cluster.upstream_rq_completed of default/shop/80/v1.2": true,
		"cluster.membership_healthy of default/shop/81/v1.2":    true,
	}
	late := time.After(patience)
	seen := map[string]bool{}
	for len(missing) > 0 {
		select {
		case l := <-r.labels:
			delete(missing, l)
			seen[l] = true
		case <-late:
			t.Fatalf("not seen: %v; seen: %v", missing, seen)
		}
	}
}
