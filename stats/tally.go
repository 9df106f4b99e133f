package stats

import "time"

// tally counts one version of a Service.
type tally struct {
	total  float64          // requests reported since the canary began
	good   float64          // those of them that certainly ended well
	took   histogram        // response times since the canary began
	edges  map[float64]bool // of all buckets reported, empty ones too
	shown  float64          // the highest estimate given
	listed bool             // it belongs to the step
	window window
	past   *past // nil: nothing is kept
	feeds  map[feedKey]*feed
}

// window is what was counted since the step began.
type window struct {
	requests, reported float64
	errors, overflows  uint64
	latency            histogram
}

// volume is a number of requests that completed between two times.
type volume struct {
	from, to         time.Time
	requests, errors float64
}

// newTally gives an empty tally.
func newTally() *tally {
	return &tally{listed: true, window: newWindow(), feeds: make(map[feedKey]*feed), took: make(histogram), edges: map[float64]bool{}}
}

// newWindow gives an empty window.
func newWindow() window { return window{latency: make(histogram)} }

// feed gives the state of one Envoy's reports of one cluster.
func (t *tally) feed(node, cluster string) *feed {
	key := feedKey{node, cluster}
	if t.feeds[key] == nil {
		t.feeds[key] = &feed{}
	}
	return t.feeds[key]
}

// add counts a volume of which everything before the time after is counted
// already. The total takes the rest in proportion to time. The window takes the
// volume only if all of it belongs there: a mixed interval says nothing about
// the share of the traffic under either weight.
func (t *tally) add(a *account, v volume, after time.Time) {
	if after.Before(a.began) {
		after = a.began
	}
	if t.past != nil {
		t.past.volume(v, after)
	}
	part := v.partAfter(after)
	t.total += part * v.requests
	if part == 1 {
		t.good += max(v.requests-v.errors, 0)
	}
	if part == 1 && !v.from.Before(a.cut) {
		t.window.requests += v.requests
		t.window.reported += v.errors
	}
}

// times counts the response times of a flush, which certainly belong to the step
// only if all of it does.
func (t *tally) times(a *account, from, to time.Time, grown *ClusterMetrics) {
	if !from.Before(a.began) {
		t.took.add(grown.Latency, grown.Requests)
		for _, b := range grown.Latency {
			t.edges[b.Upper] = true
		}
	}
	if !from.Before(a.cut) {
		t.window.latency.add(grown.Latency, grown.Requests)
	}
	if t.past != nil {
		t.past.times(from, to, grown)
	}
}

// partAfter gives the part of a volume's time that is later than a moment.
func (v volume) partAfter(moment time.Time) float64 {
	switch {
	case !moment.After(v.from):
		return 1
	case !moment.Before(v.to):
		return 0
	}
	return float64(v.to.Sub(moment)) / float64(v.to.Sub(v.from))
}

// rate gives the requests a second, 0 for a volume without duration.
func (v volume) rate() float64 {
	if !v.to.After(v.from) {
		return 0
	}
	return v.requests / v.to.Sub(v.from).Seconds()
}

// estimate is Ledger.Totals. An Envoy that has not reported for long keeps what
// it reported and has no rate.
func (t *tally) estimate(now time.Time) (requests, rate float64, known bool) {
	requests = t.total
	for _, f := range t.feeds {
		silent := now.Sub(f.upTo)
		if f.every == 0 || silent > patience(f.every) {
			continue
		}
		known = true
		rate += f.rate
		requests += f.rate * max(silent, 0).Seconds()
	}
	t.shown = max(t.shown, requests)
	return t.shown, rate, known
}
