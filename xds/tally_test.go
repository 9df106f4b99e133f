package xds_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/xds"
)

// This file proves that counting goes on from the last count and gives what
// counting anew gives:
//
//  1. Over random histories of a few Envoys, in both protocols: changes, answers,
//     rejections, subscriptions, leaving and coming back, time, and instants
//     asked about in any order.
//  2. When those leave whose deadline was next, the next one is that of others.
//  3. Envoys of a Gateway that has no resources yet count too.
//  4. A route computed for clients without the layer may prove to be what one
//     has rejected.

// crowd is a few Envoys of which each has a fixed protocol, and what is
// required of them.
type crowd struct {
	*rapid.T
	f       *fleet
	envoys  [4]*envoy // nil: not connected
	inbox   [4][]message
	changes int
	removed bool               // the listener
	asked   *xds.Requirement   // at every step
	twins   []*xds.Requirement // the same, each asked once
}

// require begins to ask about what the target has now.
func (c *crowd) require() {
	c.asked, c.twins = c.f.Require(all), nil
	for range 50 {
		c.twins = append(c.twins, c.f.Require(all))
	}
}

// change sets something, but not to a version that was there once, nor what was
// removed: whoever has accepted stays accepted until something happens to it,
// even if the target comes back to what it has rejected or dropped.
func (c *crowd) change() {
	c.changes++
	v := fmt.Sprintf("c%d", c.changes)
	switch what := rapid.IntRange(0, 4).Draw(c.T, "what changes"); {
	case what == 0:
		c.f.set(layer(v, "k"))
	case what == 1:
		c.f.set(cluster("a", v))
	case what == 2 || c.removed:
		c.f.set(weighted("r", v, v+"%", []string{"k"}, "a", "b"))
	case what == 3:
		c.f.set(listener("l", v))
	default:
		c.f.remove(snapshot.Listener, "l")
		c.removed = true
	}
	if rapid.Bool().Draw(c.T, "required") {
		c.require()
	}
}

// come connects an Envoy; those of odd numbers speak state of the world.
func (c *crowd) come(i int) {
	c.envoys[i] = c.f.connect(fmt.Sprintf("e%d", i), i%2 == 0)
	c.envoys[i].ask(snapshot.Cluster)
}

// act has one Envoy do something.
func (c *crowd) act() {
	i := rapid.IntRange(0, len(c.envoys)-1).Draw(c.T, "Envoy")
	e := c.envoys[i]
	if e == nil {
		c.come(i)
		return
	}
	c.inbox[i] = append(c.inbox[i], e.got()...)
	switch rapid.IntRange(0, 9).Draw(c.T, "does") {
	case 0:
		e.leave()
		c.envoys[i], c.inbox[i] = nil, nil
	case 1:
		c.inbox[i] = nil
		c.come(i) // the older stream stays open
	case 2, 3:
		e.ask(snapshot.Route, "r")
	case 4:
		e.ask(snapshot.Runtime, snapshot.RuntimeLayer)
	case 5:
		e.ask(snapshot.Listener)
	default:
		c.answer(i)
	}
}

// answer has an Envoy answer the oldest response.
func (c *crowd) answer(i int) {
	if len(c.inbox[i]) == 0 {
		return
	}
	m := c.inbox[i][0]
	c.inbox[i] = c.inbox[i][1:]
	if rapid.IntRange(0, 3).Draw(c.T, "verdict") == 0 {
		c.envoys[i].nack(m, "no "+m.nonce)
	} else {
		c.envoys[i].ack(m)
	}
}

// compare asks both about one instant.
func (c *crowd) compare() {
	synctest.Wait()
	if len(c.twins) == 0 {
		c.require()
	}
	later := rapid.SampledFrom([]time.Duration{0, 0, 0, 10 * time.Second, 15 * time.Second, time.Hour}).Draw(c.T, "instant")
	now := time.Now().Add(later)
	want := c.f.Progress(c.twins[0], now)
	c.twins = c.twins[1:]
	if d := cmp.Diff(want, c.f.Progress(c.asked, now), cmpopts.EquateEmpty()); d != "" {
		c.Fatalf("asked at every step it differs from asked once: (-once +always)\n%s", d)
	}
}

func TestCountGoesOn(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		inBubble(t, func(t *testing.T) {
			c := &crowd{T: r, f: start(t, xds.Options{})}
			c.f.shop()
			for i := range c.envoys {
				c.come(i)
			}
			c.require()
			r.Repeat(map[string]func(*rapid.T){
				"":       func(r *rapid.T) { c.T = r; c.compare() },
				"change": func(r *rapid.T) { c.T = r; c.change() },
				"act":    func(r *rapid.T) { c.T = r; c.act() },
				"act ":   func(r *rapid.T) { c.T = r; c.act() },
				"act  ":  func(r *rapid.T) { c.T = r; c.act() },
				"wait": func(r *rapid.T) {
					time.Sleep(time.Duration(rapid.IntRange(1, 9).Draw(r, "seconds")) * time.Second)
				},
			})
		})
	})
}

func TestNextDeadlineIsOfThoseWhoWait(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		f.shop()
		r := f.Require(all)
		var at [3]time.Time
		var envoys [3]*envoy
		for i := range envoys {
			time.Sleep(time.Second)
			at[i] = time.Now().Add(10 * time.Second)
			envoys[i] = f.connect(fmt.Sprintf("e%d", 2-i), true)
			envoys[i].subscribe(true)
		}
		check(t, "all wait", xds.Progress{Connected: 3, Pending: 3, Next: at[0], Waiting: []string{"e0", "e1", "e2"}}, f.Progress(r, time.Now()))
		envoys[1].settle()
		check(t, "the second is done", xds.Progress{Connected: 3, Acked: 1, Pending: 2, Next: at[0], Waiting: []string{"e0", "e2"}}, f.Progress(r, time.Now()))
		envoys[0].settle()
		check(t, "the first is done", xds.Progress{Connected: 3, Acked: 2, Pending: 1, Next: at[2], Waiting: []string{"e0"}}, f.Progress(r, time.Now()))
		envoys[1].leave()
		away := time.Now().Add(15 * time.Second)
		check(t, "the second left", xds.Progress{Connected: 2, Acked: 1, Pending: 1, Away: 1, Next: at[2], Waiting: []string{"e0", "e1"}}, f.Progress(r, time.Now()))
		envoys[2].settle()
		check(t, "the third is done", xds.Progress{Connected: 2, Acked: 2, Away: 1, Next: away, Waiting: []string{"e1"}}, f.Progress(r, time.Now()))
		check(t, "the second is given up", xds.Progress{Connected: 2, Acked: 2, Quarantined: 1, Settled: true}, f.Progress(r, away))
	})
}

func TestGatewayNotKnownYet(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		r := f.Require(all)
		e := f.connect("e1", true)
		e.ask(snapshot.Cluster)
		check(t, "without a route", xds.Progress{Settled: true}, f.Progress(r, time.Now()))
		e.ask(snapshot.Route, "r")
		check(t, "nothing to accept", xds.Progress{Connected: 1, Acked: 1, Settled: true}, f.Progress(r, time.Now()))
		e.leave()
		check(t, "left", xds.Progress{Away: 1, Next: time.Now().Add(15 * time.Second), Waiting: []string{"e1"}}, f.Progress(r, time.Now()))
	})
}

func TestComputedRouteIsTheRejectedOne(t *testing.T) {
	bubble(t, xds.Options{}, func(t *testing.T, f *fleet) {
		f.shop()
		e := f.member("e1", true, false)
		f.set(weighted("r", "r2", "20%", nil, "a"))
		e.nack(e.one(), "no")
		computing := make(chan struct{})
		later := weighted("r", "r3", "20%", nil, "a")
		static := later.Static
		later.Static = func() *snapshot.Resource { <-computing; return static() }
		f.set(later)
		r := f.Require(all)
		if p := f.Progress(r, time.Now()); p.Pending != 1 {
			t.Errorf("nobody knows yet what the route is: %+v", p)
		}
		close(computing)
		for _, m := range e.got() {
			if len(m.Set) > 0 {
				t.Errorf("sent again: %+v", m)
			}
		}
		if p := f.Progress(r, time.Now()); p.Rejected != 1 {
			t.Errorf("it is what was rejected: %+v", p)
		}
	})
}
