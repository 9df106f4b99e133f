package xds_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"testing/synctest"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/stats"
	"github.com/serin-mesh/serin/xds"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// edge is the Gateway of most tests.
var edge = api.Key{Namespace: "default", Name: "edge"}

// fleet is a server with its network, inside a bubble of testing/synctest:
// time stands still but where a test sleeps, and wait returns when client and
// server have nothing left to do.
type fleet struct {
	*xds.Server
	t    testing.TB
	lis  *bufconn.Listener
	sink *sink
	stop func() // ends the server and waits for it
}

// bubble runs a test on a fleet.
func bubble(t *testing.T, opts xds.Options, test func(t *testing.T, f *fleet)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, start(t, opts)) })
}

func start(t testing.TB, opts xds.Options) *fleet {
	f := &fleet{t: t, lis: bufconn.Listen(1 << 20), sink: &sink{}}
	if opts.Sink == nil {
		opts.Sink = f.sink
	}
	f.Server = xds.New(opts)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx, f.lis) }()
	f.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(f.stop)
	return f
}

// dial opens a connection that ends with the test.
func (f *fleet) dial() *grpc.ClientConn {
	f.t.Helper()
	cc, err := grpc.NewClient("passthrough:///serin",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return f.lis.DialContext(ctx) }))
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = cc.Close() })
	return cc
}

func (f *fleet) set(rs ...*snapshot.Resource) { f.Apply(edge, snapshot.Change{Set: rs}) }

func (f *fleet) remove(t snapshot.Type, name string) {
	f.Apply(edge, snapshot.Change{Removed: []snapshot.Ref{{Type: t, Name: name}}})
}

// sink collects reports.
type sink struct {
	mu       sync.Mutex // guards all of it
	failures []stats.Failures
	loads    []stats.Load
	metrics  []stats.Metrics
}

func (s *sink) Failures(f stats.Failures) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = append(s.failures, f)
}

func (s *sink) Load(l stats.Load) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loads = append(s.loads, l)
}

func (s *sink) Metrics(m stats.Metrics) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.metrics = append(s.metrics, m)
}

// Resources as small as they can be: the server does not look into bodies.

func resource(t snapshot.Type, name, version string) *snapshot.Resource {
	body := &anypb.Any{TypeUrl: t.URL(), Value: []byte(version)}
	return &snapshot.Resource{Type: t, Name: name, Version: version, Body: body}
}

func cluster(name, version string) *snapshot.Resource {
	return resource(snapshot.Cluster, name, version)
}

func endpoint(name, version string) *snapshot.Resource {
	return resource(snapshot.Endpoint, name, version)
}

func listener(name, version string) *snapshot.Resource {
	return resource(snapshot.Listener, name, version)
}

func route(name, version string, clusters ...string) *snapshot.Resource {
	r := resource(snapshot.Route, name, version)
	r.Clusters = clusters
	return r
}

// weighted is a route that reads runtime keys, and for clients without the
// layer has the weights in it: their version is weights.
func weighted(name, version, weights string, keys []string, clusters ...string) *snapshot.Resource {
	r := route(name, version, clusters...)
	r.Keys = keys
	r.Static = sync.OnceValue(func() *snapshot.Resource { return route(name, weights, clusters...) })
	return r
}

func layer(version string, keys ...string) *snapshot.Resource {
	r := resource(snapshot.Runtime, snapshot.RuntimeLayer, version)
	r.Keys = keys
	return r
}

// weights is a runtime layer with one key.
func weights(version, key string, weight uint32) *snapshot.Resource {
	r := layer(version, key)
	r.Weights = []uint32{weight}
	return r
}

// message is one response of either protocol.
type message struct {
	Type    snapshot.Type
	Set     map[string]string // delta: version by name
	Bodies  []string          // state of the world: the bodies
	Removed []string
	version string
	nonce   string
}

// envoy is a client of a fleet that reads at once and answers when told to.
type envoy struct {
	f      *fleet
	node   *corev3.Node
	delta  discoveryv3.AggregatedDiscoveryService_DeltaAggregatedResourcesClient
	sotw   discoveryv3.AggregatedDiscoveryService_StreamAggregatedResourcesClient
	cancel context.CancelFunc

	names map[snapshot.Type][]string // state of the world
	acked map[snapshot.Type]string   // state of the world: the last accepted version

	mu  sync.Mutex // guards what follows
	in  []message
	err error // that ended the stream
}

// connect opens a stream of an Envoy of the edge Gateway.
func (f *fleet) connect(id string, delta bool) *envoy {
	return f.connectAs(&corev3.Node{Id: id, Cluster: "edge"}, delta)
}

func (f *fleet) connectAs(node *corev3.Node, delta bool) *envoy {
	f.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	e := &envoy{f: f, node: node, cancel: cancel, names: map[snapshot.Type][]string{}, acked: map[snapshot.Type]string{}}
	client := discoveryv3.NewAggregatedDiscoveryServiceClient(f.dial())
	var err error
	if delta {
		e.delta, err = client.DeltaAggregatedResources(ctx)
	} else {
		e.sotw, err = client.StreamAggregatedResources(ctx)
	}
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(cancel)
	go e.read()
	return e
}

func (e *envoy) read() {
	for {
		m, err := e.receive()
		e.mu.Lock()
		if e.err = err; err == nil {
			e.in = append(e.in, m)
		}
		e.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (e *envoy) receive() (message, error) {
	if e.delta != nil {
		r, err := e.delta.Recv()
		if err != nil {
			return message{}, err
		}
		m := message{Set: map[string]string{}, Removed: r.GetRemovedResources(), nonce: r.GetNonce()}
		m.Type, _ = snapshot.TypeOf(r.GetTypeUrl())
		for _, x := range r.GetResources() {
			m.Set[x.GetName()] = x.GetVersion()
		}
		return m, nil
	}
	r, err := e.sotw.Recv()
	if err != nil {
		return message{}, err
	}
	m := message{version: r.GetVersionInfo(), nonce: r.GetNonce()}
	m.Type, _ = snapshot.TypeOf(r.GetTypeUrl())
	for _, x := range r.GetResources() {
		m.Bodies = append(m.Bodies, string(x.GetValue()))
	}
	return m, nil
}

// got waits until all is quiet and gives what has come since.
func (e *envoy) got() []message {
	synctest.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	in := e.in
	e.in = nil
	return in
}

// one is got where exactly one response is expected.
func (e *envoy) one() message {
	e.f.t.Helper()
	in := e.got()
	if len(in) != 1 {
		e.f.t.Fatalf("got %d responses, want 1: %+v", len(in), in)
	}
	return in[0]
}

// silent fails the test when something has come.
func (e *envoy) silent(when string) {
	e.f.t.Helper()
	if in := e.got(); len(in) > 0 {
		e.f.t.Fatalf("%s: got %+v, want nothing", when, in)
	}
}

// ask subscribes; no names are all.
func (e *envoy) ask(t snapshot.Type, names ...string) {
	if e.delta != nil {
		e.askWith(t, nil, names...)
		return
	}
	e.names[t] = names
	e.sendAll(&discoveryv3.DiscoveryRequest{TypeUrl: t.URL(), ResourceNames: names, VersionInfo: e.acked[t]})
}

// askWith subscribes and tells what the client has, over delta.
func (e *envoy) askWith(t snapshot.Type, have map[string]string, names ...string) {
	e.sendDelta(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: t.URL(), ResourceNamesSubscribe: names, InitialResourceVersions: have})
}

func (e *envoy) drop(t snapshot.Type, names ...string) {
	e.sendDelta(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: t.URL(), ResourceNamesUnsubscribe: names})
}

func (e *envoy) ack(ms ...message) {
	for _, m := range ms {
		e.acked[m.Type] = m.version
		e.answer(m, nil)
	}
}

func (e *envoy) nack(m message, reason string) {
	e.answer(m, &status.Status{Code: 3, Message: reason})
}

func (e *envoy) answer(m message, reason *status.Status) {
	if e.delta != nil {
		e.sendDelta(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: m.Type.URL(), ResponseNonce: m.nonce, ErrorDetail: reason})
		return
	}
	e.sendAll(&discoveryv3.DiscoveryRequest{
		TypeUrl: m.Type.URL(), ResponseNonce: m.nonce, ErrorDetail: reason,
		ResourceNames: e.names[m.Type], VersionInfo: e.acked[m.Type],
	})
}

// sendDelta sends a request and waits until it is dealt with; as Envoy does, only
// the first says who sends it.
func (e *envoy) sendDelta(r *discoveryv3.DeltaDiscoveryRequest) {
	r.Node, e.node = e.node, nil
	_ = e.delta.Send(r) // the error of a stream that ended comes from Recv
	synctest.Wait()
}

func (e *envoy) sendAll(r *discoveryv3.DiscoveryRequest) {
	r.Node, e.node = e.node, nil
	_ = e.sotw.Send(r)
	synctest.Wait()
}

// settle accepts everything until nothing more comes, and gives it all.
func (e *envoy) settle() []message {
	var all []message
	for in := e.got(); len(in) > 0; in = e.got() {
		e.ack(in...)
		all = append(all, in...)
	}
	return all
}

// leave ends the stream from the client's side.
func (e *envoy) leave() {
	e.cancel()
	synctest.Wait()
}

// failure is why the stream ended; nil while it is open.
func (e *envoy) failure() error {
	synctest.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.err
}
