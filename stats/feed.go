package stats

import "time"

const (
	// patient is how many of its intervals an Envoy may be silent before its
	// rate, or its load reports as a source, no longer count.
	patient = 3
	// leastPatience is the shortest such silence.
	leastPatience = time.Second
)

// patience gives how long an Envoy that reports at an interval may be silent.
func patience(interval time.Duration) time.Duration {
	return max(patient*interval, leastPatience)
}

// feedKey names one Envoy's reports of one cluster.
type feedKey struct{ node, cluster string }

// feed is where one Envoy's reports of one cluster stand. Load reports are the
// source of volume while they come; the metrics sink is, while they do not.
type feed struct {
	upTo  time.Time     // volume is counted until here
	rate  float64       // requests a second of the last volume
	every time.Duration // the length of the last volume; 0: none yet

	loadAt    time.Time // last load report; zero: metrics are the source
	loadEvery time.Duration

	last    ClusterMetrics // the last flush
	lastAt  time.Time      // zero: none yet
	before  time.Time      // when the one before came
	pending volume         // by metrics since the last load report, not counted
	open    gauge          // connections
}

// load takes the counts of one load report. Requests are the completed ones:
// one under way has no outcome to compare yet.
func (f *feed) load(a *account, t *tally, c *ClusterLoad, at time.Time) {
	if !at.After(f.loadAt) {
		return
	}
	v := volume{from: at.Add(-c.Interval), to: at, requests: float64(c.Success + c.Error), errors: float64(c.Error)}
	if c.Interval <= 0 {
		v.from = f.loadAt
	}
	if v.from.IsZero() {
		// Without its interval, a first report cannot be placed in time.
		f.loadAt = at
		return
	}
	var counted time.Time
	if f.loadAt.IsZero() {
		// Until here the metrics sink was the source.
		counted = f.upTo
	}
	f.loadAt, f.loadEvery = at, v.to.Sub(v.from)
	f.pending = volume{}
	f.count(a, t, v, counted)
}

// metrics takes one flush of cumulative counters, or a part of one: a flush may
// take several messages, of which one has the counters.
func (f *feed) metrics(a *account, t *tally, c *ClusterMetrics, at time.Time) {
	if !at.After(f.lastAt) {
		return
	}
	f.open.set(c.Connections, at)
	if c.Completed == 0 && f.last.Completed > 0 {
		f.rest(a, t, c, at)
		return
	}
	from, before := f.lastAt, f.last
	f.lastAt, f.last, f.before = at, *c, from
	if from.IsZero() {
		return
	}
	grown := growth(&before, c)
	t.times(a, from, at, &grown)
	v := volume{from: from, to: at, requests: float64(grown.Completed), errors: float64(grown.Class[5])}
	if f.loadAt.IsZero() {
		f.count(a, t, v, time.Time{})
		return
	}
	f.hold(a, t, v)
}

// rest takes a message without counters: its times are those of the flush whose
// counters came before.
func (f *feed) rest(a *account, t *tally, c *ClusterMetrics, at time.Time) {
	before := f.last
	f.last.Latency, f.last.Requests, f.last.Millis = c.Latency, c.Requests, c.Millis
	if f.before.IsZero() {
		return
	}
	grown := growth(&before, &f.last)
	t.times(a, f.before, at, &grown)
}

// hold keeps a volume of the metrics sink back while load reports come. Once
// they have stopped it makes up for what they would have said.
func (f *feed) hold(a *account, t *tally, v volume) {
	if f.pending.to.IsZero() {
		f.pending.from = v.from
	}
	f.pending.to = v.to
	f.pending.requests += v.requests
	f.pending.errors += v.errors
	if v.to.Sub(f.loadAt) <= patience(f.loadEvery) {
		return
	}
	f.loadAt = time.Time{}
	f.count(a, t, f.pending, f.upTo)
	f.pending = volume{}
}

// count adds a volume of which everything before the time counted is in the
// totals already.
func (f *feed) count(a *account, t *tally, v volume, counted time.Time) {
	t.add(a, v, counted)
	f.upTo = v.to
	if every := v.to.Sub(v.from); every > 0 {
		f.every, f.rate = every, v.rate()
	}
}

// growth gives by how much the counters of a cluster grew. Counters that fell
// began anew, so they grew by all they show.
func growth(before, now *ClusterMetrics) ClusterMetrics {
	if now.Completed < before.Completed || now.Requests < before.Requests {
		return *now
	}
	grown := ClusterMetrics{Completed: now.Completed - before.Completed, Requests: now.Requests - before.Requests}
	for i := range grown.Class {
		grown.Class[i] = now.Class[i] - min(now.Class[i], before.Class[i])
	}
	var same bool
	if grown.Latency, same = bucketGrowth(before.Latency, now.Latency); !same {
		grown.Requests = 0
	}
	return grown
}
