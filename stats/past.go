package stats

import (
	"math"
	"time"
)

const (
	// slots is how many parts the time that is kept has. A window begins
	// somewhere in one, whose counts are divided in proportion to time.
	slots = 256
	// leastSlot is the shortest part: reports do not come faster.
	leastSlot = 50 * time.Millisecond
)

// Recent is what was reported of one version over the last while.
type Recent struct {
	// Length is the time that the counts of requests cover, at most what was
	// asked for: from the first report that is kept until the last one. 0:
	// nothing was reported.
	Length time.Duration
	// Requests that completed, attempts where Envoy retries, and of them Errors
	// of the error stream, by IsError.
	Requests, Errors uint64
	// Latency is in the form of Ledger.Latency, empty buckets included; nil where
	// nothing was reported.
	Latency []HistogramBucket
	// Overflow counts the requests that a circuit breaker refused, and
	// Connections are those open to the version's endpoints now; nil where it is
	// not reported.
	Overflow, Connections *uint64
}

// past keeps what is reported of a version by the time it happened, for one
// length of time back.
type past struct {
	width time.Duration // of a slot
	since time.Time     // nothing before is kept
	began time.Time     // where the first volume begins; zero: none yet
	upTo  time.Time     // the end of the latest volume; zero: none yet
	news  time.Time     // when anything came last
	ring  [slots + 2]slot
	// edges are those of all buckets: a slot has the filled ones only, and where
	// a bucket begins is known from the empty ones too.
	edges map[float64]bool
}

// slot is a part of time: that of its number, counted from 1970.
type slot struct {
	number            int64
	requests          float64
	errors, overflows uint64
	latency           histogram // nil: none
}

// newPast keeps a length of time from now on.
func newPast(length time.Duration, now time.Time) *past {
	return &past{width: max((length+slots-1)/slots, leastSlot), since: now, edges: map[float64]bool{}}
}

// number gives the number of the slot that a time is in.
func (p *past) number(t time.Time) int64 { return t.UnixNano() / int64(p.width) }

// start gives when a slot begins.
func (p *past) start(number int64) time.Time { return time.Unix(0, number*int64(p.width)) }

// at gives the slot of a time; nil where that is forgotten, or never kept.
func (p *past) at(t time.Time) *slot {
	if t.Before(p.since) {
		return nil
	}
	n := p.number(t)
	s := &p.ring[n%int64(len(p.ring))]
	switch {
	case s.number > n:
		return nil
	case s.number < n:
		*s = slot{number: n}
	}
	return s
}

// volume spreads the requests of a volume evenly over its time, of which
// everything before the time counted is left out.
func (p *past) volume(v volume, counted time.Time) {
	from := latest(v.from, counted, p.since, p.start(p.number(v.to)-slots))
	if from.Before(v.to) && (p.began.IsZero() || from.Before(p.began)) {
		p.began = from
	}
	for n := p.number(from); from.Before(v.to); n++ {
		end := earliest(p.start(n+1), v.to)
		if s := p.at(from); s != nil {
			s.requests += v.requests * float64(end.Sub(from)) / float64(v.to.Sub(v.from))
		}
		from = end
	}
	p.upTo, p.news = latest(p.upTo, v.to), latest(p.news, v.to)
}

// failure counts an entry of the error stream.
func (p *past) failure(at time.Time, isError, overflow bool) {
	s := p.at(at)
	if s == nil {
		return
	}
	p.news = latest(p.news, at)
	if isError {
		s.errors++
	}
	if overflow {
		s.overflows++
	}
}

// times counts the response times of a flush, at its end.
func (p *past) times(from, to time.Time, grown *ClusterMetrics) {
	if from.Before(p.since) || grown.Requests == 0 {
		return
	}
	if s := p.at(to); s != nil {
		if s.latency == nil {
			s.latency = histogram{}
		}
		s.latency.add(grown.Latency, grown.Requests)
		for _, b := range grown.Latency {
			p.edges[b.Upper] = true
		}
		p.news = latest(p.news, to)
	}
}

// window adds up what is kept of a length of time until a moment.
func (p *past) window(length time.Duration, until time.Time) Recent {
	from := latest(until.Add(-length), p.since)
	out := Recent{Length: max(earliest(p.upTo, until).Sub(latest(from, p.began)), 0)}
	var requests, failed, refused float64
	latency := histogram{}
	for n, last := p.number(from), p.number(until); n <= last; n++ {
		s := &p.ring[n%int64(len(p.ring))]
		if s.number != n {
			continue
		}
		part := p.part(n, from, until)
		requests += part * s.requests
		refused += part * float64(s.overflows)
		// Errors before the first volume, and after the last one, have no requests
		// to be a part of: an Envoy counts a new cluster's only after a while.
		if n >= p.number(p.began) && n <= p.number(p.upTo) {
			failed += part * float64(s.errors)
		}
		for upper, count := range s.latency {
			if some := uint64(math.Round(part * float64(count))); some > 0 {
				latency[upper] += some
			}
		}
	}
	if overflow := uint64(math.Round(refused)); out.Length > 0 || overflow > 0 {
		out.Overflow = &overflow
	}
	if out.Length > 0 {
		out.Requests, out.Errors = uint64(math.Round(requests)), uint64(math.Round(failed))
	}
	if len(latency) > 0 {
		for upper := range p.edges {
			latency[upper] += 0
		}
	}
	out.Latency = latency.buckets()
	return out
}

// part gives which part of a slot's counts a window takes: all, but of those
// that it begins and ends in.
func (p *past) part(n int64, from, until time.Time) float64 {
	begin, end := latest(p.start(n), p.since), earliest(p.start(n+1), p.news)
	from, until = latest(from, begin), earliest(until, end)
	if !end.After(begin) {
		return 1 // all of it came in one instant
	}
	return float64(max(until.Sub(from), 0)) / float64(end.Sub(begin))
}

// resized gives what was kept for another length of time, now; held is the
// length until now. The counts of a slot go where its middle is.
func (p *past) resized(held, length time.Duration, now time.Time) *past {
	out := newPast(length, latest(p.since, now.Add(-held)))
	out.upTo, out.news, out.edges = p.upTo, p.news, p.edges
	if !p.began.IsZero() {
		out.began = latest(p.began, out.since)
	}
	oldest := p.number(out.since)
	for i := range p.ring {
		s := &p.ring[i]
		to := out.at(latest(p.start(s.number).Add(p.width/2), out.since))
		if s.number < oldest || to == nil {
			continue
		}
		to.requests += s.requests
		to.errors += s.errors
		to.overflows += s.overflows
		for upper, count := range s.latency {
			if to.latency == nil {
				to.latency = histogram{}
			}
			to.latency[upper] += count
		}
	}
	return out
}

// latest gives the latest of some times.
func latest(times ...time.Time) time.Time {
	out := times[0]
	for _, t := range times[1:] {
		if t.After(out) {
			out = t
		}
	}
	return out
}

// earliest gives the earlier of two times.
func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
