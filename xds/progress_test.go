package xds_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/xds"
)

// This file proves how the fleet of a rollout is counted:
//
//  1. An Envoy counts when it subscribes to a route, and is acked when it has
//     accepted all that is required, or later revisions of it.
//  2. One that does not answer is waited for until AckTimeout after the change or
//     its connect, then it is in quarantine; one that leaves, until AwayTimeout.
//  3. Settled: nobody may still use what there was before.
//  4. What an Envoy does not subscribe to does not count for it; weights count as
//     keys or as routes, as it takes them.
//  5. What was accepted before a newer response went out, and is wanted again,
//     counts only when it is accepted again.

// all of what shop has.
var all = map[api.Key][]snapshot.Ref{edge: {
	{Type: snapshot.Runtime, Name: "serin"}, {Type: snapshot.Cluster, Name: "a"}, {Type: snapshot.Endpoint, Name: "a"},
	{Type: snapshot.Listener, Name: "l"}, {Type: snapshot.Route, Name: "r"},
}}

var byType = cmpopts.SortSlices(func(a, b message) bool { return a.Type < b.Type })

func check(t *testing.T, when string, want, got xds.Progress) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("%s: (-want +got)\n%s", when, d)
	}
}

func TestProgressOfAChange(t *testing.T) {
	for _, delta := range []bool{true, false} {
		bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
			f.shop()
			check(t, "nobody is there", xds.Progress{Settled: true}, f.Progress(f.Require(all), time.Now()))
			one, two := f.member("e1", delta, true), f.member("e2", delta, true)
			f.connect("e3", delta).ask(snapshot.Cluster) // has no route
			check(t, "at first", xds.Progress{Connected: 2, Acked: 2, Settled: true}, f.Progress(f.Require(all), time.Now()))

			f.set(layer("w2", "k"))
			r := f.Require(all)
			deadline := time.Now().Add(10 * time.Second)
			check(t, "sent", xds.Progress{Connected: 2, Pending: 2, Next: deadline, Waiting: []string{"e1", "e2"}}, f.Progress(r, time.Now()))
			one.settle()
			half := xds.Progress{Connected: 2, Acked: 1, Pending: 1, Next: deadline, Waiting: []string{"e2"}}
			check(t, "one acked", half, f.Progress(r, deadline.Add(-1)))
			check(t, "too late", xds.Progress{Connected: 2, Acked: 1, Quarantined: 1}, f.Progress(r, deadline))
			f.set(layer("w3", "k"))
			one.got() // not answered
			check(t, "a later change", half, f.Progress(r, deadline.Add(-1)))
			two.settle()
			check(t, "all acked, the second at a later revision", xds.Progress{Connected: 2, Acked: 2, Settled: true}, f.Progress(r, deadline))
		})
	}
}

func TestDeadlineOfANewcomer(t *testing.T) {
	bubble(t, xds.Options{AckTimeout: time.Minute}, func(t *testing.T, f *fleet) {
		f.shop()
		r := f.Require(all)
		time.Sleep(time.Hour)
		f.connect("e1", true).subscribe(true)
		deadline := time.Now().Add(time.Minute)
		check(t, "fresh", xds.Progress{Connected: 1, Pending: 1, Next: deadline, Waiting: []string{"e1"}}, f.Progress(r, time.Now()))
		time.Sleep(time.Minute)
		check(t, "silent", xds.Progress{Connected: 1, Quarantined: 1}, f.Progress(r, time.Now()))
		if s := f.Envoys()[0].State; s != api.EnvoyConnected {
			t.Errorf("state %s at the deadline", s)
		}
		time.Sleep(time.Nanosecond)
		if s := f.Envoys()[0].State; s != api.EnvoyQuarantined {
			t.Errorf("state %s after the deadline", s)
		}
	})
}

func TestEnvoyThatLeaves(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		f.shop()
		e := f.member("e1", true, true)
		r := f.Require(all)
		f.Progress(r, time.Now()) // it is acked, and must not stay so
		e.leave()
		left := time.Now()
		back := left.Add(15 * time.Second)
		check(t, "left", xds.Progress{Away: 1, Next: back, Waiting: []string{"e1"}}, f.Progress(r, back.Add(-1)))
		if s := f.Envoys()[0]; s.State != api.EnvoyAway || s.LeftAt == nil || !s.LeftAt.Equal(left) || s.ConnectedSince != nil {
			t.Errorf("left: %+v", s)
		}
		check(t, "long gone", xds.Progress{Quarantined: 1, Settled: true}, f.Progress(r, back))
		check(t, "forgotten", xds.Progress{Settled: true}, f.Progress(r, left.Add(time.Hour)))

		f.set(layer("w2", "k"))
		r = f.Require(all)
		e = f.connect("e1", true)
		e.ask(snapshot.Cluster)
		pending := xds.Progress{Connected: 1, Pending: 1, Next: left.Add(10 * time.Second), Waiting: []string{"e1"}}
		check(t, "connected again, and not come to its routes", pending, f.Progress(r, time.Now()))
		e.leave()
		check(t, "and left", xds.Progress{Away: 1, Next: back, Waiting: []string{"e1"}}, f.Progress(r, time.Now()))
		e = f.connect("e1", true)
		e.ask(snapshot.Cluster)
		check(t, "and connected again", pending, f.Progress(r, time.Now()))
		e.back("r1")
		e.settle()
		check(t, "acked again", xds.Progress{Connected: 1, Acked: 1, Settled: true}, f.Progress(r, time.Now()))

		e.leave()
		time.Sleep(time.Hour + 1)
		if all := f.Envoys(); len(all) != 0 {
			t.Errorf("an hour later: %+v, want it forgotten", all)
		}
	})
}

func TestRejectedListenerCountsWithoutItsRoute(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		f.shop()
		e := f.connect("e1", true)
		e.ask(snapshot.Listener)
		m := e.one()
		r := f.Require(all)
		if p := f.Progress(r, time.Now()); p.Connected != 0 {
			t.Errorf("it has no route: %+v", p)
		}
		e.nack(m, "cannot bind")
		want := xds.Progress{Connected: 1, Rejected: 1, Rejections: []api.Rejection{{Envoy: "e1", Type: "listeners", Message: "cannot bind"}}}
		check(t, "it cannot ask for the route", want, f.Progress(r, time.Now()))
	})
}

func TestWeightsCountAsTheyAreTaken(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		f.shop()
		f.set(weighted("r", "r2", "20%", []string{"k"}, "a", "b"))
		with, without := f.member("with", true, true), f.member("without", true, false)
		f.set(layer("w2", "k"), weighted("r", "r2", "50%", []string{"k"}, "a", "b"))
		r := f.Require(all)
		deadline := time.Now().Add(10 * time.Second)
		check(t, "sent", xds.Progress{Connected: 2, Pending: 2, Next: deadline, Waiting: []string{"with", "without"}}, f.Progress(r, time.Now()))
		with.settle()
		check(t, "keys acked", xds.Progress{Connected: 2, Acked: 1, Pending: 1, Next: deadline, Waiting: []string{"without"}}, f.Progress(r, time.Now()))
		without.settle()
		check(t, "route acked", xds.Progress{Connected: 2, Acked: 2, Settled: true}, f.Progress(r, time.Now()))
	})
}

func TestSameVersionAgainCountsWhenAckedAgain(t *testing.T) {
	for _, delta := range []bool{true, false} {
		bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
			f.shop()
			e := f.member("e1", delta, true)
			f.set(layer("raise", "k"))
			raise := e.one()
			f.set(layer("w1", "k")) // as before the raise
			r := f.Require(all)
			abort := e.one()
			e.ack(raise)
			if p := f.Progress(r, time.Now()); p.Acked != 0 {
				t.Errorf("delta %v: the Envoy has the raise: %+v", delta, p)
			}
			e.ack(abort)
			if p := f.Progress(r, time.Now()); p.Acked != 1 {
				t.Errorf("delta %v: the Envoy has the abort: %+v", delta, p)
			}
		})
	}
}

func TestWaitingNamesFive(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		f.shop()
		for i := range 7 {
			f.connect(fmt.Sprintf("e%d", i), true).ask(snapshot.Route, "r")
		}
		p := f.Progress(f.Require(all), time.Now())
		if d := cmp.Diff([]string{"e0", "e1", "e2", "e3", "e4"}, p.Waiting); d != "" || p.Pending != 0 && p.Pending != 7 {
			t.Errorf("%+v (-want +got)\n%s", p, d)
		}
	})
}

func TestChangedSignals(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		f.shop()
		signalled := func(what string) {
			t.Helper()
			select {
			case <-f.Changed():
			default:
				t.Errorf("no signal after %s", what)
			}
			select {
			case <-f.Changed():
				t.Errorf("two signals after %s", what)
			default:
			}
		}
		e := f.connect("e1", true)
		e.ask(snapshot.Cluster)
		signalled("a subscription")
		m := e.one()
		e.ack(m)
		signalled("an ACK")
		f.set(cluster("a", "a2"))
		e.nack(e.one(), "no")
		signalled("a NACK")
		e.leave()
		signalled("a disconnect")
	})
}
