package e2e_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	loadv3 "github.com/envoyproxy/go-control-plane/envoy/service/load_stats/v3"
	runtimev3 "github.com/envoyproxy/go-control-plane/envoy/service/runtime/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/serin-mesh/serin/snapshot"
)

// standIn is a client that does on its streams what an Envoy does, as far as
// weights are concerned: it subscribes by delta, keeps what it has over a lost
// stream and names it when it comes back, acknowledges a cluster only when it
// has its endpoints, and divides requests by its route and its runtime keys. It
// serves nothing, so hundreds of restarts cost little.
type standIn struct {
	id   string
	slow time.Duration // the most that it takes over one response
	// fickle makes it leave now and then, by itself.
	fickle bool
	random *rand.Rand
	// rose is told of each version whose share came to be larger; broken of
	// what an Envoy would lose requests by.
	rose   func(sighting)
	broken func(string)

	mu     sync.Mutex // guards shares, which the load reports read
	shares shares

	// Only the goroutine of run uses these.
	versions [snapshot.NumTypes]map[string]string // by name
	keys     map[string]float64
	routes   map[string]*routev3.RouteConfiguration
	held     []*discoveryv3.DeltaDiscoveryResponse // of clusters: not warm yet
}

// shares is the part of a Service's requests that a version gets, by Service
// and version.
type shares map[string]map[string]float64

// sighting is the moment at which a version came to have a larger share at one
// client. The response that did it was made between since and until.
type sighting struct {
	client, service, version string
	from, to                 float64
	since, until             time.Time
}

// newStandIn makes a client that has nothing yet.
func newStandIn(id string, seed uint64) *standIn {
	s := &standIn{id: id, random: rand.New(rand.NewPCG(seed, 1)), shares: shares{},
		keys: map[string]float64{}, routes: map[string]*routev3.RouteConfiguration{}}
	for t := range s.versions {
		s.versions[t] = map[string]string{}
	}
	return s
}

// run connects, again and again, until the context ends.
func (s *standIn) run(ctx context.Context, address string) error {
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 5 * time.Millisecond, Multiplier: 1, MaxDelay: 10 * time.Millisecond},
			MinConnectTimeout: time.Second,
		}))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { s.report(ctx, conn) })
	for ctx.Err() == nil {
		s.session(ctx, conn)
	}
	return nil
}

// arrived is a response and when it came.
type arrived struct {
	*discoveryv3.DeltaDiscoveryResponse
	at time.Time
}

type deltaStream = discoveryv3.AggregatedDiscoveryService_DeltaAggregatedResourcesClient

// session is one stream, from its beginning to its end.
func (s *standIn) session(ctx context.Context, conn *grpc.ClientConn) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if s.fickle {
		ctx, cancel = context.WithTimeout(ctx, 50*time.Millisecond+s.upTo(3*time.Second))
		defer cancel()
	}
	stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).DeltaAggregatedResources(ctx, grpc.WaitForReady(true))
	if err != nil {
		return
	}
	began := time.Now()
	s.held = nil
	s.subscribe(stream)
	inbox := make(chan arrived, 64)
	go func() { // so that the moment of arrival is known however slow s is
		defer close(inbox)
		for {
			r, err := stream.Recv()
			if err != nil {
				return
			}
			inbox <- arrived{r, time.Now()}
		}
	}()
	previous := began
	for r := range inbox {
		since := began
		if t := previous.Add(-transit); t.After(began) {
			since = t
		}
		wait(ctx, s.upTo(s.slow))
		s.take(stream, r, since)
		previous = r.at
	}
}

// transit is how long a response may be under way on this machine.
const transit = 250 * time.Millisecond

func (s *standIn) upTo(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return time.Duration(s.random.Int64N(int64(d)))
}

// wait waits, or ends with the context.
func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func (s *standIn) node() *corev3.Node {
	return &corev3.Node{Id: s.id, Cluster: "default/edge"}
}

// subscribe asks for everything, and says what it has.
func (s *standIn) subscribe(stream deltaStream) {
	node := s.node()
	ask := func(t snapshot.Type, names []string) {
		// An error of the stream is met where it is read.
		_ = stream.Send(&discoveryv3.DeltaDiscoveryRequest{Node: node, TypeUrl: t.URL(),
			ResourceNamesSubscribe: names, InitialResourceVersions: s.versions[t]})
		node = nil // only the first request says who it is
	}
	ask(snapshot.Runtime, []string{snapshot.RuntimeLayer})
	ask(snapshot.Cluster, nil)
	if names := s.names(snapshot.Cluster); len(names) > 0 {
		ask(snapshot.Endpoint, names)
	}
	ask(snapshot.Listener, nil)
	if names := s.names(snapshot.Listener); len(names) > 0 {
		ask(snapshot.Route, names) // a listener's routes have its name
	}
}

func (s *standIn) names(t snapshot.Type) []string { return slices.Sorted(maps.Keys(s.versions[t])) }

// take takes one response: it applies it, asks for what it now needs, and
// acknowledges it.
func (s *standIn) take(stream deltaStream, r arrived, since time.Time) {
	t, ok := snapshot.TypeOf(r.GetTypeUrl())
	if !ok {
		s.broken("a response of type " + r.GetTypeUrl())
		return
	}
	before := s.names(t)
	for _, name := range r.GetRemovedResources() {
		delete(s.versions[t], name)
		delete(s.routes, name)
	}
	for _, one := range r.GetResources() {
		s.versions[t][one.GetName()] = one.GetVersion()
		if err := s.read(t, one); err != nil {
			s.broken(err.Error())
		}
	}
	if t == snapshot.Cluster {
		s.follow(stream, snapshot.Endpoint, before, s.names(t))
		s.held = append(s.held, r.DeltaDiscoveryResponse)
	} else {
		if t == snapshot.Listener {
			s.follow(stream, snapshot.Route, before, s.names(t))
		}
		accept(stream, r.DeltaDiscoveryResponse)
	}
	if s.warm() {
		for _, h := range s.held {
			accept(stream, h)
		}
		s.held = nil
	}
	s.look(since, r.at)
}

func accept(stream deltaStream, r *discoveryv3.DeltaDiscoveryResponse) {
	_ = stream.Send(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: r.GetTypeUrl(), ResponseNonce: r.GetNonce()})
}

// follow subscribes to what belongs to new names, and no longer to what belonged
// to old ones.
func (s *standIn) follow(stream deltaStream, t snapshot.Type, before, now []string) {
	req := &discoveryv3.DeltaDiscoveryRequest{TypeUrl: t.URL()}
	for _, name := range now {
		if !slices.Contains(before, name) {
			req.ResourceNamesSubscribe = append(req.ResourceNamesSubscribe, name)
		}
	}
	for _, name := range before {
		if !slices.Contains(now, name) {
			req.ResourceNamesUnsubscribe = append(req.ResourceNamesUnsubscribe, name)
			delete(s.versions[t], name)
			delete(s.routes, name)
		}
	}
	if len(req.ResourceNamesSubscribe)+len(req.ResourceNamesUnsubscribe) > 0 {
		_ = stream.Send(req)
	}
}

// warm says whether every cluster has its endpoints.
func (s *standIn) warm() bool {
	for name := range s.versions[snapshot.Cluster] {
		if _, ok := s.versions[snapshot.Endpoint][name]; !ok {
			return false
		}
	}
	return true
}

// read reads the bodies that divide requests.
func (s *standIn) read(t snapshot.Type, r *discoveryv3.Resource) error {
	switch t {
	case snapshot.Runtime:
		var layer runtimev3.Runtime
		if err := r.GetResource().UnmarshalTo(&layer); err != nil {
			return err
		}
		s.keys = map[string]float64{}
		for key, v := range layer.GetLayer().GetFields() {
			s.keys[key] = v.GetNumberValue()
		}
	case snapshot.Route:
		var routes routev3.RouteConfiguration
		if err := r.GetResource().UnmarshalTo(&routes); err != nil {
			return err
		}
		s.routes[r.GetName()] = &routes
	}
	return nil
}

// look finds the shares as they are now and tells what rose.
func (s *standIn) look(since, until time.Time) {
	now := shares{}
	for _, c := range s.routes {
		for _, host := range c.GetVirtualHosts() {
			for _, r := range host.GetRoutes() {
				s.divide(r.GetRoute(), now)
			}
		}
	}
	s.mu.Lock()
	before := s.shares
	s.shares = now
	s.mu.Unlock()
	for service, versions := range now {
		for version, share := range versions {
			if had := before[service][version]; share > had {
				s.rose(sighting{s.id, service, version, had, share, since, until})
			}
		}
	}
}

// divide adds what one route does with a request.
func (s *standIn) divide(to *routev3.RouteAction, into shares) {
	if to == nil {
		return
	}
	if name := to.GetCluster(); name != "" {
		s.give(into, name, 1)
		return
	}
	clusters := to.GetWeightedClusters().GetClusters()
	prefix := to.GetWeightedClusters().GetRuntimeKeyPrefix()
	weights, sum := make([]float64, len(clusters)), 0.0
	for i, c := range clusters {
		weights[i] = float64(c.GetWeight().GetValue())
		if w, ok := s.keys[prefix+"."+c.GetName()]; ok && prefix != "" {
			weights[i] = w
		}
		sum += weights[i]
	}
	if sum == 0 {
		s.broken(fmt.Sprintf("%s: the weights under %q are all 0", s.id, prefix))
		return
	}
	for i, c := range clusters {
		s.give(into, c.GetName(), weights[i]/sum)
	}
}

// give gives a cluster a share; a cluster is NAMESPACE/SERVICE/PORT/VERSION.
func (s *standIn) give(into shares, cluster string, share float64) {
	if _, ok := s.versions[snapshot.Cluster][cluster]; !ok {
		s.broken(fmt.Sprintf("%s: a route names the cluster %s, which it has not", s.id, cluster))
	}
	parts := strings.Split(cluster, "/")
	if len(parts) != 4 {
		s.broken(fmt.Sprintf("%s: the cluster %s has no version", s.id, cluster))
		return
	}
	if into[parts[1]] == nil {
		into[parts[1]] = map[string]float64{}
	}
	into[parts[1]][parts[3]] += share
}

// has gives the shares as they are now.
func (s *standIn) has() shares {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shares
}

// What each client says of its load: so many requests to each Service, so often.
const (
	reportEvery  = 40 * time.Millisecond
	reportAmount = 50
)

// report says again and again how many requests each version had.
func (s *standIn) report(ctx context.Context, conn *grpc.ClientConn) {
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		stream, err := loadv3.NewLoadReportingServiceClient(conn).StreamLoadStats(ctx, grpc.WaitForReady(true))
		for node := s.node(); err == nil; node = nil {
			err = stream.Send(&loadv3.LoadStatsRequest{Node: node, ClusterStats: s.load()})
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	}
}

// load is what went through since the last report.
func (s *standIn) load() []*endpointv3.ClusterStats {
	var out []*endpointv3.ClusterStats
	for service, versions := range s.has() {
		for version, share := range versions {
			n := uint64(share*reportAmount + 0.5)
			out = append(out, &endpointv3.ClusterStats{
				ClusterName:        fmt.Sprintf("default/%s/80/%s", service, version),
				LoadReportInterval: durationpb.New(reportEvery),
				UpstreamLocalityStats: []*endpointv3.UpstreamLocalityStats{
					{TotalIssuedRequests: n, TotalSuccessfulRequests: n},
				},
			})
		}
	}
	return out
}
