package relay_test

import (
	"bytes"
	"context"
	"log/slog"
	"math"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/relay"
	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/stats"
	"github.com/serin-mesh/serin/xds"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var edge = api.Key{Namespace: "default", Name: "edge"}

// wire is the network of a test: processes by their address.
type wire struct {
	t    *testing.T
	log  *slog.Logger // of the processes; nil: silent
	mu   sync.Mutex
	open map[string]*bufconn.Listener
}

// dial connects to an address.
func (w *wire) dial(ctx context.Context, address string) (net.Conn, error) {
	w.mu.Lock()
	l := w.open[address]
	w.mu.Unlock()
	if l == nil {
		return nil, net.ErrClosed
	}
	return l.DialContext(ctx)
}

// process is one server of several.
type process struct {
	*relay.Node
	server   *xds.Server
	reports  *relay.Sink
	identity string
	stop     func() // ends it at once
}

// start starts a process under an address; it follows whom it is told of.
func (w *wire) start(address string) *process {
	p := &process{reports: &relay.Sink{}, identity: relay.Holder(address, address)}
	p.Node = relay.New(relay.Options{HTTP: "http-" + address, Log: w.log, Dial: grpc.WithContextDialer(w.dial)})
	p.server = xds.New(xds.Options{Sink: p.reports, Services: []func(grpc.ServiceRegistrar){p.Register}})
	p.Serve(p.server)
	lis := bufconn.Listen(1 << 20)
	w.mu.Lock()
	w.open[address] = lis
	w.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { _ = p.server.Run(ctx, lis) })
	all.Go(func() { p.Follow(ctx, p.identity, p.reports) })
	p.stop = sync.OnceFunc(func() {
		w.mu.Lock()
		delete(w.open, address)
		w.mu.Unlock()
		cancel()
		all.Wait()
	})
	w.t.Cleanup(p.stop)
	return p
}

// bubble runs a test on a network of its own, in virtual time.
func bubble(t *testing.T, test func(*testing.T, *wire)) {
	synctest.Test(t, func(t *testing.T) { test(t, &wire{t: t, open: map[string]*bufconn.Listener{}}) })
}

// term is the n-th, of a process.
func term(p *process, n int) relay.Term { return relay.Term{Holder: p.identity, Number: n} }

// settle waits until a session that can begin has begun and told what it has.
func settle() {
	time.Sleep(time.Second)
	synctest.Wait()
}

// cluster is a resource with a version.
func cluster(name, version string) *snapshot.Resource {
	return &snapshot.Resource{Type: snapshot.Cluster, Name: name, Version: version, Body: &anypb.Any{TypeUrl: snapshot.Cluster.URL(), Value: []byte(version)}}
}

// lead has a process lead with resources, in a term that all are told of.
func lead(t *testing.T, p *process, sink xds.Sink, of relay.Term, set ...*snapshot.Resource) *relay.Fleet {
	t.Helper()
	p.Heed(of)
	f := p.Lead(t.Context(), nil, sink)
	f.Apply(edge, snapshot.Change{Set: set})
	f.Complete()
	return f
}

// sink keeps reports.
type sink struct {
	mu  sync.Mutex
	got []any
}

func (s *sink) add(v any)                 { s.mu.Lock(); defer s.mu.Unlock(); s.got = append(s.got, v) }
func (s *sink) Failures(f stats.Failures) { s.add(f) }
func (s *sink) Load(l stats.Load)         { s.add(l) }
func (s *sink) Metrics(m stats.Metrics)   { s.add(m) }

// TestReports: what Envoys report to a follower reaches the leader in its order, as
// it was, with the time of the leader.
func TestReports(t *testing.T) {
	bubble(t, func(t *testing.T, w *wire) {
		a, b := w.start("a"), w.start("b")
		into := &sink{}
		lead(t, a, into, term(a, 1))
		b.reports.Failures(stats.Failures{Node: "nobody listens yet"})
		b.Heed(term(a, 1))
		settle()
		now := time.Now()
		none := uint64(0)
		failed := func(id string) stats.Failures {
			return stats.Failures{Node: "e1", Gateway: "default/edge", Entries: []stats.Failure{{ID: id, Start: now.UTC(), GRPCStatus: -1}}}
		}
		b.reports.Failures(failed("1"))
		b.reports.Load(stats.Load{Node: "e1", Clusters: []stats.ClusterLoad{{Cluster: "c", Issued: math.MaxUint64}}})
		b.reports.Failures(failed("2"))
		b.reports.Metrics(stats.Metrics{Node: "e1", Clusters: []stats.ClusterMetrics{{Cluster: "c", Connections: &none,
			Latency: []stats.HistogramBucket{{Upper: 1, Count: 1}, {Upper: math.Inf(1), Count: 2}}}}})
		synctest.Wait()
		one, two := failed("1"), failed("2")
		one.Received, two.Received = now, now
		want := []any{one, stats.Load{Node: "e1", Received: now, Clusters: []stats.ClusterLoad{{Cluster: "c", Issued: math.MaxUint64}}}, two,
			stats.Metrics{Node: "e1", Received: now, Clusters: []stats.ClusterMetrics{{Cluster: "c", Connections: &none,
				Latency: []stats.HistogramBucket{{Upper: 1, Count: 1}, {Upper: math.Inf(1), Count: 2}}}}}}
		if diff := cmp.Diff(want, into.got); diff != "" {
			t.Errorf("reported (-want +got):\n%s", diff)
		}
	})
}

// TestLossIsTold: each loss of the leader is told of once, and again after the leader
// was back.
func TestLossIsTold(t *testing.T) {
	bubble(t, func(t *testing.T, w *wire) {
		var said bytes.Buffer
		w.log = slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelWarn}))
		a, b := w.start("a"), w.start("b")
		for range 2 {
			a.Heed(term(a, 1))
			ctx, cancel := context.WithCancel(t.Context())
			a.Lead(ctx, nil, &sink{}).Complete()
			b.Heed(term(a, 1))
			settle()
			if said.Len() > 0 {
				t.Errorf("while there is a leader: %s", said.String())
			}
			cancel()
			synctest.Wait()
			if got := said.String(); strings.Count(got, "without a leader: Envoys keep what they have") != 1 {
				t.Errorf("the loss is not told of once: %s", got)
			}
			said.Reset()
		}
	})
}
