package relay_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/relay"
	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/xds"
)

// envoy is a client that asks for all clusters and for the route "r", and accepts
// what it gets.
type envoy struct {
	mu      sync.Mutex
	has     map[string][]string // bodies by type
	hold    bool                // it does not answer
	leave   func()
	updates int
}

// connect has an Envoy of some id come to an address.
func (w *wire) connect(id, address string) *envoy {
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithContextDialer(w.dial))
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).StreamAggregatedResources(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	e := &envoy{has: map[string][]string{}}
	var done sync.WaitGroup
	e.leave = sync.OnceFunc(func() { cancel(); _ = conn.Close(); done.Wait() })
	w.t.Cleanup(e.leave)
	node := &corev3.Node{Id: id, Cluster: "edge"}
	for _, r := range []*discoveryv3.DiscoveryRequest{{TypeUrl: snapshot.Cluster.URL()}, {TypeUrl: snapshot.Route.URL(), ResourceNames: []string{"r"}}} {
		r.Node = node
		if err := stream.Send(r); err != nil {
			w.t.Fatal(err)
		}
	}
	done.Go(func() {
		for {
			m, err := stream.Recv()
			if err != nil {
				return
			}
			e.mu.Lock()
			e.updates++
			e.has[m.TypeUrl] = nil
			for _, r := range m.Resources {
				e.has[m.TypeUrl] = append(e.has[m.TypeUrl], string(r.Value))
			}
			slices.Sort(e.has[m.TypeUrl])
			hold := e.hold
			e.mu.Unlock()
			answer := &discoveryv3.DiscoveryRequest{TypeUrl: m.TypeUrl, VersionInfo: m.VersionInfo, ResponseNonce: m.Nonce}
			if m.TypeUrl == snapshot.Route.URL() {
				answer.ResourceNames = []string{"r"}
			}
			if !hold {
				_ = stream.Send(answer) // a stream that has ended says so above
			}
		}
	})
	return e
}

// clusters gives what the Envoy has.
func (e *envoy) clusters() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.has[snapshot.Cluster.URL()]
}

func (e *envoy) seen() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.updates
}

func (e *envoy) holds(hold bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.hold = hold
}

// route is the route of the Envoys.
func route(version string) *snapshot.Resource {
	return &snapshot.Resource{Type: snapshot.Route, Name: "r", Version: version, Body: &anypb.Any{TypeUrl: snapshot.Route.URL(), Value: []byte(version)}}
}

// uses is what a rollout rests on.
var uses = map[api.Key][]snapshot.Ref{edge: {{Type: snapshot.Cluster, Name: "a"}, {Type: snapshot.Route, Name: "r"}}}

// check compares a count, but for Next.
func check(t *testing.T, what string, f *relay.Fleet, r *xds.Requirement, want xds.Progress) {
	t.Helper()
	synctest.Wait()
	got := f.Progress(r, time.Now())
	got.Next = time.Time{}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// TestCounts: the fleet is the Envoys of all servers, with one that is silent.
func TestCounts(t *testing.T) {
	bubble(t, func(t *testing.T, w *wire) {
		a, b := w.start("a"), w.start("b")
		f := lead(t, a, &sink{}, term(a, 1), cluster("a", "a1"), route("r1"))
		b.Heed(term(a, 1))
		settle()
		w.connect("e1", "a")
		e2 := w.connect("e2", "b")
		settle()
		if got, _ := f.Present(); !cmp.Equal(got[edge], []string{"e1", "e2"}) {
			t.Errorf("present are %v", got)
		}
		check(t, "at first", f, f.Require(uses), xds.Progress{Connected: 2, Acked: 2, Settled: true})

		e2.holds(true)
		f.Apply(edge, snapshot.Change{Set: []*snapshot.Resource{cluster("a", "a2")}})
		r := f.Require(uses)
		if p := f.Progress(r, time.Now()); p.Pending < 1 || p.Settled || p.Done() {
			t.Errorf("before the follower answers: %+v", p)
		}
		check(t, "one is silent", f, r, xds.Progress{Connected: 2, Acked: 1, Pending: 1, Waiting: []string{"e2"}})
		if got := e2.clusters(); !cmp.Equal(got, []string{"a2"}) {
			t.Errorf("it has %v", got)
		}
		time.Sleep(11 * time.Second)
		check(t, "it is in quarantine", f, r, xds.Progress{Connected: 2, Acked: 1, Quarantined: 1})
		f.Release(r)
		check(t, "the rest is as it was", f, r, xds.Progress{Connected: 1, Acked: 1, Settled: true})

		rows := f.Envoys()
		if len(rows) != 2 || rows[0].ID != "e1" || rows[1].ID != "e2" || rows[1].State != api.EnvoyQuarantined {
			t.Errorf("the table is %+v", rows)
		}
	})
}

// TestFollowerLost: the Envoys of a follower that is lost are away, each until it is
// somewhere else.
func TestFollowerLost(t *testing.T) {
	bubble(t, func(t *testing.T, w *wire) {
		a, b, c := w.start("a"), w.start("b"), w.start("c")
		f := lead(t, a, &sink{}, term(a, 1), cluster("a", "a1"), route("r1"))
		b.Heed(term(a, 1))
		c.Heed(term(a, 1))
		settle()
		for _, id := range []string{"e1", "e2", "e3"} {
			w.connect(id, "b")
		}
		r := f.Require(uses)
		settle()
		check(t, "at first", f, r, xds.Progress{Connected: 3, Acked: 3, Settled: true})
		b.stop()
		check(t, "lost", f, r, xds.Progress{Away: 3, Waiting: []string{"e1", "e2", "e3"}})
		w.connect("e1", "a")
		w.connect("e2", "c")
		settle()
		check(t, "two are back", f, r, xds.Progress{Connected: 2, Acked: 2, Away: 1, Waiting: []string{"e3"}})
		time.Sleep(15 * time.Second)
		check(t, "one is not waited for", f, r, xds.Progress{Connected: 2, Acked: 2, Quarantined: 1, Settled: true})
	})
}

// TestMoves: an Envoy that goes from one server to another is counted once.
func TestMoves(t *testing.T) {
	bubble(t, func(t *testing.T, w *wire) {
		a, b := w.start("a"), w.start("b")
		f := lead(t, a, &sink{}, term(a, 1), cluster("a", "a1"), route("r1"))
		b.Heed(term(a, 1))
		settle()
		r := f.Require(uses)
		e := w.connect("e1", "b")
		settle()
		for i, address := range []string{"a", "b", "a"} {
			e.leave()
			e = w.connect("e1", address)
			synctest.Wait()
			f.Members() // as the loop asks at each news
			settle()
			check(t, address, f, r, xds.Progress{Connected: 1, Acked: 1, Settled: true})
			if rows := f.Envoys(); len(rows) != 1 || rows[0].State != api.EnvoyConnected {
				t.Errorf("move %d: the table is %+v", i, rows)
			}
		}
	})
}

// TestTakeover: a follower that takes over has its Envoys keep what the new leader
// says as well, and removes the rest when all was said.
func TestTakeover(t *testing.T) {
	bubble(t, func(t *testing.T, w *wire) {
		a, b, c := w.start("a"), w.start("b"), w.start("c")
		lead(t, a, &sink{}, term(a, 1), cluster("a", "a1"), cluster("old", "o1"), route("r1"))
		b.Heed(term(a, 1))
		c.Heed(term(a, 1))
		settle()
		e2, e3 := w.connect("e2", "b"), w.connect("e3", "c")
		settle()
		a.stop()
		settle()
		before := e2.seen()
		if b.LeaderHTTP() != "" {
			t.Error("it still has a leader")
		}

		own := term(b, 2)
		b.Heed(own)
		f := b.Lead(t.Context(), map[api.Key][]string{edge: {"e1", "e2", "e3"}}, &sink{})
		f.Apply(edge, snapshot.Change{Set: []*snapshot.Resource{cluster("a", "a1"), route("r1")}})
		c.Heed(own)
		settle()
		if got := c.LeaderHTTP(); got != "http-b" {
			t.Errorf("it follows %q", got)
		}
		if got := e2.seen(); got != before || len(e2.clusters()) != 2 {
			t.Errorf("what is equal was sent, or something was removed too early: %v", e2.clusters())
		}
		r := f.Require(uses)
		settle()
		check(t, "the third was there before", f, r, xds.Progress{Connected: 2, Acked: 2, Away: 1, Waiting: []string{"e1"}})
		f.Complete()
		time.Sleep(20 * time.Second) // drained
		for _, e := range []*envoy{e2, e3} {
			if got := e.clusters(); !cmp.Equal(got, []string{"a1"}) {
				t.Errorf("it has %v", got)
			}
		}
	})
}

// TestStaleLeader: whoever has heard of a newer leader applies nothing of the older
// one, which does not know of it.
func TestStaleLeader(t *testing.T) {
	bubble(t, func(t *testing.T, w *wire) {
		a, b := w.start("a"), w.start("b")
		f := lead(t, a, &sink{}, term(a, 1), cluster("a", "a1"), route("r1"))
		b.Heed(term(a, 1))
		settle()
		e := w.connect("e1", "b")
		settle()
		b.Heed(relay.Term{Holder: "c@c", Number: 2}) // which cannot be reached
		f.Apply(edge, snapshot.Change{Set: []*snapshot.Resource{cluster("a", "a2")}})
		settle()
		if got := e.clusters(); !cmp.Equal(got, []string{"a1"}) {
			t.Errorf("it has %v", got)
		}
		b.Heed(relay.Term{Holder: a.identity, Number: 3}) // a leads again, and does not know
		settle()
		if got := e.clusters(); !cmp.Equal(got, []string{"a1"}) {
			t.Errorf("in another term it has %v", got)
		}
		b.Heed(term(a, 1))
		settle()
		if got := e.clusters(); !cmp.Equal(got, []string{"a2"}) {
			t.Errorf("it has %v", got)
		}
	})
}
