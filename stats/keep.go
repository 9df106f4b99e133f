package stats

import (
	"time"

	"github.com/serin-mesh/serin/api"
)

// Keep has what is reported of a Service's versions kept by its time from now
// on, so that Window can look back so far, api.MostEnvoyWindow at most; 0 ends it and drops
// what was kept. With another length than before, what was kept stays as far as
// it fits. Start begins anew, at the same length. A Service without an account
// is left out.
//
// A version takes 140 kB at most, whatever its traffic and the length.
func (l *Ledger) Keep(service api.Key, length time.Duration, now time.Time) {
	a := l.services[service]
	if a == nil || a.kept == min(length, api.MostEnvoyWindow) {
		return
	}
	held := a.kept
	a.kept = min(length, api.MostEnvoyWindow)
	for _, t := range a.versions {
		switch {
		case a.kept <= 0:
			t.past = nil
		case t.past == nil:
			t.past = newPast(a.kept, now)
		default:
			t.past = t.past.resized(held, a.kept, now)
		}
	}
}

// Window gives what was reported of a version over a length of time until now,
// at most as long as Keep keeps it; nothing where it does not. Errors are those
// until the last report of requests, so that both speak of the same time.
func (l *Ledger) Window(service api.Key, version string, length time.Duration, now time.Time) Recent {
	a := l.services[service]
	if a == nil || a.versions[version] == nil {
		return Recent{}
	}
	t := a.versions[version]
	var out Recent
	if t.past != nil {
		out = t.past.window(min(length, a.kept), now)
	}
	out.Connections = t.connections(now)
	return out
}

// tally gives the counts of a version, which begin now where there are none.
func (a *account) tally(version string, now time.Time) *tally {
	t := a.versions[version]
	if t == nil {
		t = newTally()
		if a.kept > 0 {
			t.past = newPast(a.kept, now)
		}
		a.versions[version] = t
	}
	return t
}

// connections adds up what the Envoys last said; nil where none has lately.
func (t *tally) connections(now time.Time) *uint64 {
	var sum uint64
	known := false
	for _, f := range t.feeds {
		if !f.open.at.IsZero() && now.Sub(f.open.at) <= patience(f.open.every) {
			sum, known = sum+f.open.count, true
		}
	}
	if !known {
		return nil
	}
	return &sum
}

// gauge is a number that an Envoy reports from time to time.
type gauge struct {
	count uint64
	at    time.Time // zero: never
	every time.Duration
}

// set notes a new value; nil is none.
func (g *gauge) set(count *uint64, at time.Time) {
	if count == nil {
		return
	}
	if !g.at.IsZero() {
		g.every = at.Sub(g.at)
	}
	g.count, g.at = *count, at
}
