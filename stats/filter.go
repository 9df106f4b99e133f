package stats

import "time"

const (
	// together is how close the requests end that one lost connection takes
	// with it. Ports are used again, but not that soon.
	together = time.Second
	// filterRoom bounds what a Filter remembers of either kind.
	filterRoom = 4096
)

// Filter finds the entries of the error stream that are no failures of their
// own and would let a judge count one event many times. It remembers the last
// few thousand entries. Create it with NewFilter.
type Filter struct {
	entries     recent[entryKey]
	connections recent[connectionKey]
	running     counted
}

// requestKey tells requests apart that still run.
type requestKey struct {
	node, cluster, host, id string
	start                   int64
}

// runningRoom bounds the requests that are counted while they run. One that is
// forgotten is counted from the beginning, which must stay rare.
const runningRoom = 1 << 16

// counted counts entries of requests, those of the newest requests.
type counted struct {
	at   map[requestKey]int
	ring []requestKey
	next int
}

// add counts one more entry.
func (c *counted) add(key requestKey) int {
	n, found := c.at[key]
	c.at[key] = n + 1
	switch {
	case found:
	case len(c.ring) < runningRoom:
		c.ring = append(c.ring, key)
	default:
		delete(c.at, c.ring[c.next])
		c.ring[c.next] = key
		c.next = (c.next + 1) % runningRoom
	}
	return n + 1
}

// entryKey tells entries apart: no two requests of an Envoy to one host begin
// in the same nanosecond and take equally long.
type entryKey struct {
	node, cluster, host string
	start               int64
	duration            time.Duration
	status, grpc        int
}

// connectionKey names a connection of an Envoy upstream while it lives.
type connectionKey struct{ node, host, local string }

// NewFilter gives a filter that has seen nothing.
func NewFilter() *Filter {
	return &Filter{entries: newRecent[entryKey](), connections: newRecent[connectionKey](), running: counted{at: map[requestKey]int{}}}
}

// Repeated says whether the Envoy node has sent the same entry before, and
// remembers it. An entry without a start time cannot be told from others and
// is never a repetition.
func (l *Filter) Repeated(node string, f Failure) bool {
	if f.Start.IsZero() {
		return false
	}
	key := entryKey{node, f.Cluster, f.Host, f.Start.UnixNano(), f.Duration, f.Status, f.GRPCStatus}
	_, found := l.entries.swap(key, f.Start)
	return found
}

// SameConnection says whether a request ended because of a lost connection
// that another failure, seen before, has ended of too. A judge leaves such
// failures of the canary out, and only those: one lost connection of the canary
// is one event, and counting each of stable's can only speak for the canary.
func (l *Filter) SameConnection(node string, f Failure) bool {
	if f.Connection == "" || !f.Flags.ConnectionEnded {
		return false
	}
	end := f.Start.Add(f.Duration)
	last, found := l.connections.swap(connectionKey{node, f.Host, f.Connection}, end)
	return found && end.Sub(last).Abs() < together
}

// Took gives for how long a request has run of which an entry came that says
// that it still runs. It comes again and again, so it is a matter of counting;
// what was lost on the way makes it less.
func (l *Filter) Took(node string, f Failure) time.Duration {
	n := l.running.add(requestKey{node, f.Cluster, f.Host, f.ID, f.Start.UnixNano()})
	return time.Duration(n) * f.Duration
}

// recent remembers a time for each of the keys last added.
type recent[K comparable] struct {
	at   map[K]time.Time
	ring []K
	next int
}

// newRecent gives an empty memory.
func newRecent[K comparable]() recent[K] { return recent[K]{at: make(map[K]time.Time)} }

// swap gives the time remembered for key and replaces it. A new key takes the
// place of the oldest when there is no room.
func (r *recent[K]) swap(key K, at time.Time) (last time.Time, found bool) {
	last, found = r.at[key]
	r.at[key] = at
	if found {
		return last, true
	}
	if len(r.ring) < filterRoom {
		r.ring = append(r.ring, key)
		return last, false
	}
	delete(r.at, r.ring[r.next])
	r.ring[r.next] = key
	r.next = (r.next + 1) % filterRoom
	return last, false
}
