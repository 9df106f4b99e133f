package lab

import (
	"maps"
	"net/http"
	"sync"
	"time"
)

// Result is what became of one request of a Load.
type Result struct {
	Target    string        // which of the targets it went to
	Scheduled time.Time     // when it was due
	Sent      time.Time     // when it was sent; the zero time: no connection
	Took      time.Duration // from Scheduled to the last byte of the answer
	Status    int           // HTTP status; 0: no answer
	Version   string        // who answered, by VersionHeader; empty: nobody said
	Err       error         // why there is no answer
}

// Failed reports whether a user would have seen an error: no answer, or a
// status of 500 or more.
func (r Result) Failed() bool { return r.Err != nil || r.Status >= http.StatusInternalServerError }

// Tally counts the requests of one group.
type Tally struct {
	Requests uint64 // with an outcome
	Failed   uint64 // of those; see Result.Failed
}

// Counts is what a Load has seen at one moment.
type Counts struct {
	Tally
	Errors    uint64           // requests without an answer, a part of Failed
	ByVersion map[string]Tally // by who answered; "" is Envoy itself, or nobody
	ByStatus  map[int]uint64   // by HTTP status; 0 is no answer
	ByTarget  map[string]Tally
	// FirstFailure and LastFailure are when the first and the last failure
	// were known; the zero time: there was none.
	FirstFailure, LastFailure time.Time
	// LastError is why the last request without an answer had none.
	LastError error
	// Latency counts all requests by how long they took.
	Latency Latency
}

// Sub gives what came since before. Times and LastError are those of c.
func (c Counts) Sub(before Counts) Counts {
	out := c
	out.Tally = c.Tally.sub(before.Tally)
	out.Errors = c.Errors - before.Errors
	out.ByVersion = subTallies(c.ByVersion, before.ByVersion)
	out.ByTarget = subTallies(c.ByTarget, before.ByTarget)
	out.ByStatus = map[int]uint64{}
	for status, n := range c.ByStatus {
		if d := n - before.ByStatus[status]; d > 0 {
			out.ByStatus[status] = d
		}
	}
	out.Latency = c.Latency.sub(before.Latency)
	return out
}

// Share gives the part of the requests that a version answered, 0 to 1.
func (c Counts) Share(version string) float64 {
	if c.Requests == 0 {
		return 0
	}
	return float64(c.ByVersion[version].Requests) / float64(c.Requests)
}

func (t Tally) sub(before Tally) Tally {
	return Tally{t.Requests - before.Requests, t.Failed - before.Failed}
}

func subTallies(now, before map[string]Tally) map[string]Tally {
	out := map[string]Tally{}
	for name, t := range now {
		if d := t.sub(before[name]); d.Requests > 0 {
			out[name] = d
		}
	}
	return out
}

// counter is Counts that grow.
type counter struct {
	mu  sync.Mutex // guards now
	now Counts
}

func newCounter() *counter {
	return &counter{now: Counts{
		ByVersion: map[string]Tally{}, ByStatus: map[int]uint64{}, ByTarget: map[string]Tally{},
	}}
}

// add counts one result, known at the given time.
func (c *counter) add(r Result, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	failed := uint64(0)
	if r.Failed() {
		failed = 1
		if c.now.FirstFailure.IsZero() {
			c.now.FirstFailure = at
		}
		c.now.LastFailure = at
	}
	if r.Err != nil {
		c.now.Errors++
		c.now.LastError = r.Err
	}
	one := Tally{1, failed}
	c.now.Tally = c.now.Tally.add(one)
	c.now.ByVersion[r.Version] = c.now.ByVersion[r.Version].add(one)
	c.now.ByTarget[r.Target] = c.now.ByTarget[r.Target].add(one)
	c.now.ByStatus[r.Status]++
	c.now.Latency.add(r.Took)
}

func (t Tally) add(o Tally) Tally { return Tally{t.Requests + o.Requests, t.Failed + o.Failed} }

// read gives the counts as they are now.
func (c *counter) read() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.now
	out.ByVersion = maps.Clone(out.ByVersion)
	out.ByStatus = maps.Clone(out.ByStatus)
	out.ByTarget = maps.Clone(out.ByTarget)
	return out
}
