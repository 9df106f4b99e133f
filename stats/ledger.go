package stats

import (
	"maps"
	"math"
	"slices"
	"time"

	"github.com/serin-mesh/serin/api"
)

// Ledger counts the traffic of each version of the Services whose canary runs.
// What is reported of other Services is dropped. Create it with NewLedger.
type Ledger struct {
	services map[api.Key]*account
}

// account is one Service: a canary and what it is compared with.
type account struct {
	began    time.Time // the canary
	cut      time.Time // the window: when the step began
	versions map[string]*tally
	kept     time.Duration // see Ledger.Keep; 0: nothing is
}

// Counts is what one version served since the step began.
type Counts struct {
	Requests       uint64  // completed, as reported; attempts, where Envoy retries
	Errors         uint64  // of the error stream, by its owner's rule
	ReportedErrors uint64  // as load reports or metrics count them: 5xx and resets, each attempt
	Overflows      uint64  // refused by a circuit breaker
	Share          float64 // of the Requests of all versions, 0 to 1
}

// NewLedger gives an empty ledger.
func NewLedger() *Ledger { return &Ledger{services: make(map[api.Key]*account)} }

// Start opens the account of a Service: a canary began at the time now, with
// these versions. Everything counted for the Service before is dropped.
func (l *Ledger) Start(service api.Key, versions []string, now time.Time) {
	a := &account{began: now, cut: now, versions: make(map[string]*tally, len(versions))}
	if before := l.services[service]; before != nil {
		a.kept = before.kept
	}
	for _, v := range versions {
		a.tally(v, now)
	}
	l.services[service] = a
}

// Resume is Start for a canary that began earlier, in another life of the
// program: totals holds the requests of each version until now.
func (l *Ledger) Resume(service api.Key, totals map[string]float64, now time.Time) {
	l.Start(service, nil, now)
	for v, requests := range totals {
		l.services[service].tally(v, now).total = requests
	}
}

// Begin cuts: a step began or the weight changed at the time now, and these are
// the versions that Observed lists from now on. What is counted since the step
// began restarts; what is counted since the canary began goes on, also for a
// version that is not named for a while. Without an account it is Start.
func (l *Ledger) Begin(service api.Key, versions []string, now time.Time) {
	a := l.services[service]
	if a == nil {
		l.Start(service, versions, now)
		return
	}
	a.cut = now
	for v, t := range a.versions {
		t.window = newWindow()
		t.listed = slices.Contains(versions, v)
	}
	for _, v := range versions {
		a.tally(v, now)
	}
}

// Forget closes the account of a Service: its canary ended.
func (l *Ledger) Forget(service api.Key) { delete(l.services, service) }

// Leave forgets where the reports of an Envoy stood, once it is gone for good.
// What it served stays counted. One that comes back after all is a new one.
func (l *Ledger) Leave(node string) {
	for _, a := range l.services {
		for _, t := range a.versions {
			for key := range t.feeds {
				if key.node == node {
					delete(t.feeds, key)
				}
			}
		}
	}
}

// find gives the account and the tally that a cluster's counts belong to.
func (l *Ledger) find(cluster string) (*account, *tally) {
	target, ok := ParseCluster(cluster)
	if !ok {
		return nil, nil
	}
	a := l.services[target.Key()]
	if a == nil {
		return nil, nil
	}
	return a, a.versions[target.Version]
}

// Failure takes one entry of the error stream that is not a repetition, received
// at the time at. isError is what IsError says of it, or the owner's own rule.
// What arrives after a cut counts as after it, since the clocks of Envoys are
// not Serin's.
func (l *Ledger) Failure(f Failure, isError bool, at time.Time) {
	_, t := l.find(f.Cluster)
	if t == nil {
		return
	}
	if isError {
		t.window.errors++
	}
	if f.Flags.Overflow {
		t.window.overflows++
	}
	if t.past != nil {
		t.past.failure(at, isError, f.Flags.Overflow)
	}
}

// Load takes one load report. Reports of an Envoy count in the order of their
// Received; one that is not later than the last is a repetition and left out.
func (l *Ledger) Load(r Load) {
	for i := range r.Clusters {
		c := &r.Clusters[i]
		if a, t := l.find(c.Cluster); t != nil {
			t.feed(r.Node, c.Cluster).load(a, t, c, r.Received)
		}
	}
}

// Metrics takes one flush of a metrics sink, under the same rule as Load. The
// first flush that names a cluster only says where its counters stand.
func (l *Ledger) Metrics(m Metrics) {
	for i := range m.Clusters {
		c := &m.Clusters[i]
		if a, t := l.find(c.Cluster); t != nil {
			t.feed(m.Node, c.Cluster).metrics(a, t, c, m.Received)
		}
	}
}

// Observed gives the counts of each version that the last Begin or Start named,
// since then; nil for a Service without an account.
func (l *Ledger) Observed(service api.Key) map[string]Counts {
	a := l.services[service]
	if a == nil {
		return nil
	}
	var all float64
	for _, t := range a.versions {
		all += t.window.requests
	}
	counts := make(map[string]Counts, len(a.versions))
	for v, t := range a.versions {
		if t.listed {
			counts[v] = t.window.counts(all)
		}
	}
	return counts
}

// Totals gives the completed requests of a version since the canary began, as
// estimated for the time now, and their rate a second. The time since an
// Envoy's last report is filled in with that report's rate, for a few intervals
// at most. An estimate is never below an earlier one. Known is false where no
// Envoy has reported lately.
func (l *Ledger) Totals(service api.Key, version string, now time.Time) (requests, rate float64, known bool) {
	a := l.services[service]
	if a == nil || a.versions[version] == nil {
		return 0, 0, false
	}
	return a.versions[version].estimate(now)
}

// Good gives how many requests of a version were reported to have ended well
// since the canary began, or since Resume: nothing is filled in, and an interval
// that began before is left out. A request that was tried again counts once.
func (l *Ledger) Good(service api.Key, version string) float64 {
	a := l.services[service]
	if a == nil || a.versions[version] == nil {
		return 0
	}
	return a.versions[version].good
}

// Times gives the histogram of a version's response times since the canary
// began, in the form of Latency, with the edges of empty buckets too.
func (l *Ledger) Times(service api.Key, version string) []HistogramBucket {
	a := l.services[service]
	if a == nil || a.versions[version] == nil {
		return nil
	}
	t := a.versions[version]
	var out []HistogramBucket
	var count uint64
	for _, upper := range slices.Sorted(maps.Keys(t.edges)) {
		count += t.took[upper]
		out = append(out, HistogramBucket{Upper: upper, Count: count})
	}
	if len(out) > 0 && !math.IsInf(out[len(out)-1].Upper, 1) {
		out = append(out, HistogramBucket{Upper: math.Inf(1), Count: count + t.took[math.Inf(1)]})
	}
	return out
}

// Latency gives the histogram of a version's response times since the step
// began: by rising Upper, each count including those before; the last Upper is
// +Inf. It is nil where nothing was reported.
func (l *Ledger) Latency(service api.Key, version string) []HistogramBucket {
	a := l.services[service]
	if a == nil || a.versions[version] == nil {
		return nil
	}
	return a.versions[version].window.latency.buckets()
}

// counts gives the window as it is shown; all is the requests of all versions.
func (w *window) counts(all float64) Counts {
	c := Counts{
		Requests:       uint64(math.Round(w.requests)),
		Errors:         w.errors,
		ReportedErrors: uint64(math.Round(w.reported)),
		Overflows:      w.overflows,
	}
	if all > 0 {
		c.Share = w.requests / all
	}
	return c
}
