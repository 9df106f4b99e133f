package xds_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/xds"
)

// This file proves what a rejection does:
//
//  1. A rejected version is not sent again, in either protocol, and its name and
//     reason are shown, until the version changes.
//  2. Everything else goes on: other names of the type at their versions, other
//     types.
//  3. It holds the requirements with a name of the rejected response, and no
//     others. It is no reason for quarantine.
//  4. A good name that shared the response is sent when it changes.

func TestRejectedVersionIsNotSentAgain(t *testing.T) {
	for _, delta := range []bool{true, false} {
		bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
			f.shop()
			e := f.member("e1", delta, true)
			f.set(listener("l", "taken"))
			e.nack(e.one(), "cannot bind port 10000")
			e.silent("it was rejected")
			s := f.Envoys()[0].Types["listeners"]
			if d := cmp.Diff([]string{"l"}, s.Rejected); d != "" || s.Message != "cannot bind port 10000" || s.Resources != 1 || s.Acked == s.Sent {
				t.Errorf("delta %v: %+v, want the rejection", delta, s)
			}

			f.set(listener("m", "m1"))
			m := e.one()
			want := message{Type: snapshot.Listener, Set: map[string]string{"m": "m1"}}
			if !delta { // what was rejected is in the set as it was accepted last
				want = message{Type: snapshot.Listener, Bodies: []string{"l1", "m1"}}
			}
			if d := cmp.Diff(want, m, ignore); d != "" {
				t.Errorf("delta %v, another listener: (-want +got)\n%s", delta, d)
			}
			e.ack(m)
			e.silent("the rejected version is still the same")

			f.set(listener("l", "l3"))
			e.settle()
			if s := f.Envoys()[0].Types["listeners"]; s.Rejected != nil || s.Message != "" || s.Resources != 2 {
				t.Errorf("delta %v, after a good version: %+v", delta, s)
			}
		})
	}
}

func TestRejectedAtFirst(t *testing.T) {
	for _, delta := range []bool{true, false} {
		bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
			f.set(listener("l", "taken"))
			e := f.connect("e1", delta)
			e.ask(snapshot.Listener)
			e.nack(e.one(), "cannot bind")
			e.silent("it was rejected")
			f.set(listener("l", "taken"), listener("m", "m1"))
			m := e.one()
			if len(m.Bodies) > 1 || m.Set["l"] != "" {
				t.Errorf("delta %v: %+v, want only the new one", delta, m)
			}
		})
	}
}

func TestBackToTheAcceptedVersion(t *testing.T) {
	for _, delta := range []bool{true, false} {
		bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
			f.shop()
			e := f.member("e1", delta, true)
			f.set(listener("l", "taken"))
			e.nack(e.one(), "cannot bind")
			f.set(listener("l", "l1"))
			e.silent("it has that")
			f.set(layer("bad", "k"))
			e.nack(e.one(), "no")
			f.set(layer("w1", "k"))
			e.silent("it has that too")
			if p := f.Progress(f.Require(all), time.Now()); p.Acked != 1 {
				t.Errorf("delta %v: %+v, want it acked", delta, p)
			}
		})
	}
}

func TestVerdictOnASetIsOnAllInFlight(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		f.shop()
		f.set(route("s", "s1", "a"))
		e := f.connect("e1", false)
		e.ask(snapshot.Route, "r", "s")
		e.settle()
		f.set(route("r", "r2", "a"))
		first := e.one()
		f.set(route("s", "s2", "a"))
		second := e.one()
		if d := cmp.Diff([]string{"r2", "s2"}, second.Bodies); d != "" {
			t.Fatalf("(-want +got)\n%s", d)
		}
		e.nack(first, "no")
		e.ack(second) // with the very route that was rejected before
		p := f.Progress(f.Require(map[api.Key][]snapshot.Ref{edge: {{Type: snapshot.Route, Name: "r"}}}), time.Now())
		if p.Acked != 1 || p.Rejected != 0 {
			t.Errorf("%+v, want r2 accepted", p)
		}
		e.silent("it has everything")
	})
}

func TestRejectionHoldsThoseInTheResponse(t *testing.T) {
	for _, delta := range []bool{true, false} {
		bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
			f.shop()
			e := f.member("e1", delta, true)
			f.set(listener("taken", "1"), listener("good", "1"))
			on := func(name string) *xds.Requirement {
				return f.Require(map[api.Key][]snapshot.Ref{edge: {
					{Type: snapshot.Route, Name: "r"}, {Type: snapshot.Listener, Name: name}, {Type: snapshot.Runtime, Name: "serin"}}})
			}
			e.nack(e.one(), "cannot bind")
			for name, rejected := range map[string]int{"taken": 1, "good": 1, "l": 0} {
				p := f.Progress(on(name), time.Now().Add(time.Hour))
				if p.Rejected != rejected || p.Acked != 1-rejected || p.Quarantined != 0 || p.Done() == (rejected == 1) {
					t.Errorf("delta %v, a rollout on %q: %+v, want %d rejections", delta, name, p, rejected)
				}
			}
			want := []api.Rejection{{Envoy: "e1", Type: "listeners", Message: "cannot bind"}}
			if d := cmp.Diff(want, f.Progress(on("taken"), time.Now()).Rejections); d != "" {
				t.Errorf("delta %v: (-want +got)\n%s", delta, d)
			}

			f.set(layer("w2", "k"))
			if m := e.one(); m.Type != snapshot.Runtime {
				t.Errorf("delta %v: %+v, want the keys: weights go on", delta, m)
			}
			f.set(listener("good", "2"))
			m := e.one()
			want2 := message{Type: snapshot.Listener, Set: map[string]string{"good": "2"}}
			if !delta {
				want2 = message{Type: snapshot.Listener, Bodies: []string{"2", "l1"}}
			}
			if d := cmp.Diff(want2, m, ignore); d != "" {
				t.Errorf("delta %v: (-want +got)\n%s", delta, d)
			}
			e.ack(m)
			if p := f.Progress(on("good"), time.Now()); p.Rejected != 0 {
				t.Errorf("delta %v: %+v, want the good one accepted", delta, p)
			}
		})
	}
}

func TestNonsenseNoncesAreNoVerdicts(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		f.shop()
		e := f.member("e1", true, true)
		f.set(cluster("c", "c1"), route("r", "r2", "c"))
		m := e.one()
		e.ack(message{Type: snapshot.Cluster, nonce: "4711"}, message{Type: snapshot.Cluster})
		e.silent("the cluster is not acked")
		e.ack(m)
		if m := e.one(); m.Set["r"] != "r2" {
			t.Errorf("got %+v, want the route", m)
		}
		e.ack(m) // twice
		e.silent("an ACK was repeated")
	})
}
