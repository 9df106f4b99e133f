package xds_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/xds"
)

// This file proves what a server knows of those who were connected to the one
// before it:
//
//  1. They are waited for as if they had left when the server started.
//  2. One that comes back, and has not come to its routes, is still waited for;
//     then it counts as what it is.
//  3. Nothing is settled before all that nobody knows of had time to come back.
//  4. Present tells the next server of those who are here or were a moment ago,
//     and Members when that has changed.

// restarted is a fleet whose server expects clients.
func restarted(t *testing.T, ids ...string) *fleet {
	f := start(t, xds.Options{})
	f.Expect(map[api.Key][]string{edge: ids})
	f.shop()
	return f
}

func TestExpectedAreWaitedFor(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, _ *fleet) {
		f := restarted(t, "e1", "e2")
		r := f.Require(all)
		begun := time.Now()
		grace := begun.Add(15 * time.Second)
		check(t, "at first", xds.Progress{Away: 2, Next: grace, Waiting: []string{"e1", "e2"}}, f.Progress(r, time.Now()))
		for _, e := range f.Envoys() {
			if e.State != api.EnvoyAway || e.Protocol != "" || e.LeftAt == nil {
				t.Errorf("shown as %+v, want an Envoy that is away", e)
			}
		}
		e := f.connect("e1", true)
		e.ask(snapshot.Cluster)
		check(t, "one came, without its routes", xds.Progress{Connected: 1, Pending: 1, Away: 1,
			Next: begun.Add(10 * time.Second), Waiting: []string{"e1", "e2"}}, f.Progress(r, time.Now()))
		e.subscribe(true)
		e.settle()
		check(t, "it acked", xds.Progress{Connected: 1, Acked: 1, Away: 1, Next: grace, Waiting: []string{"e2"}}, f.Progress(r, time.Now()))
		check(t, "the other never came", xds.Progress{Connected: 1, Acked: 1, Quarantined: 1, Settled: true}, f.Progress(r, grace))
	})
}

func TestNothingIsSettledAtFirst(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, _ *fleet) {
		f := restarted(t)
		r := f.Require(all)
		grace := time.Now().Add(15 * time.Second)
		check(t, "nobody is known", xds.Progress{Next: grace}, f.Progress(r, time.Now()))
		f.member("new", true, true)
		check(t, "a new one acked", xds.Progress{Connected: 1, Acked: 1, Next: grace}, f.Progress(r, grace.Add(-1)))
		check(t, "the grace is over", xds.Progress{Connected: 1, Acked: 1, Settled: true}, f.Progress(r, grace))
	})
}

func TestPresent(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		f.shop()
		present := func(when string, want ...string) uint64 {
			t.Helper()
			ids, n := f.Present()
			if d := cmp.Diff(want, ids[edge]); d != "" {
				t.Errorf("%s: (-want +got)\n%s", when, d)
			}
			return n
		}
		none := present("nobody came")
		b, a := f.member("b", true, true), f.member("a", false, true)
		two := present("two came", "a", "b")
		a.leave()
		left := present("one left", "a", "b")
		if none == two || two == left || left != f.Members() {
			t.Errorf("changes %d, %d, %d: want one number for each", none, two, left)
		}
		time.Sleep(15 * time.Second)
		present("it is gone", "b")
		b.settle()
	})
}

// TestElsewhere: who has lost another server is waited for, until it comes here or
// goes elsewhere; who is connected stays.
func TestElsewhere(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		f.shop()
		f.member("here", true, true)
		r := f.Require(all)
		check(t, "at first", xds.Progress{Connected: 1, Acked: 1, Settled: true}, f.Progress(r, time.Now()))
		before := f.Members()
		f.Miss(map[api.Key][]string{edge: {"here", "lost", "moved"}})
		grace := time.Now().Add(15 * time.Second)
		check(t, "two are missed", xds.Progress{Connected: 1, Acked: 1, Away: 2, Next: grace, Waiting: []string{"lost", "moved"}}, f.Progress(r, time.Now()))
		f.Elsewhere(map[api.Key][]string{edge: {"here", "moved", "nobody"}, {Name: "other"}: {"here"}})
		check(t, "one is elsewhere", xds.Progress{Connected: 1, Acked: 1, Away: 1, Next: grace, Waiting: []string{"lost"}}, f.Progress(r, time.Now()))
		if f.Members() == before {
			t.Error("nobody has come or gone")
		}
		connected, away := f.Roll()
		if diff := cmp.Diff([][]string{{"here"}, {"lost"}}, [][]string{connected[edge], away[edge]}); diff != "" {
			t.Errorf("the roll (-want +got):\n%s", diff)
		}
	})
}

// TestAckedAndElsewhere: one that had accepted everything, and was at another server
// before anybody counted again, is not counted.
func TestAckedAndElsewhere(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		f.shop()
		e := f.member("e1", true, true)
		r := f.Require(all)
		check(t, "at first", xds.Progress{Connected: 1, Acked: 1, Settled: true}, f.Progress(r, time.Now()))
		e.leave()
		synctest.Wait()
		f.Elsewhere(map[api.Key][]string{edge: {"e1"}})
		check(t, "it has gone", xds.Progress{Settled: true}, f.Progress(r, time.Now()))
	})
}
