package control

import (
	"time"

	"github.com/serin-mesh/serin/analysis"
	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/stats"
)

// alike is how much the intervals of two clusters in one report may differ, as a
// part: one that an Envoy has only begun to count covers less.
const alike = 0.05

// draws are the requests that the versions of a rollout were sent, by one load
// report.
type draws struct {
	canary, stable float64
	// The shortest and the longest interval of a cluster; and which versions
	// there are.
	least, most      time.Duration
	hasCanary, hasIt bool
}

// add takes one cluster of the report.
func (d *draws) add(c *canary, version string, cl *stats.ClusterLoad) {
	switch version {
	case c.state.Version:
		d.canary, d.hasCanary = d.canary+float64(cl.Issued), true
	case c.state.Stable:
		d.stable, d.hasIt = d.stable+float64(cl.Issued), true
	default:
		return
	}
	if d.least == 0 || cl.Interval < d.least {
		d.least = cl.Interval
	}
	d.most = max(d.most, cl.Interval)
}

// whole says whether both versions were counted over the same time.
func (d *draws) whole() bool {
	return d.hasCanary && d.hasIt && d.least > 0 && float64(d.most-d.least) <= alike*float64(d.most)
}

// seeSplit gives the requests of a load report to the test of the split, if one
// weight alone was in force while they began. Every one was drawn by it: what
// was not has a cluster of its own.
func (c *canary) seeSplit(l *loop, d *draws, received time.Time) {
	if c.judge == nil || c.judge.Split == nil {
		return
	}
	from := received.Add(-d.most - stats.Settle)
	weight := c.history.Largest(from, received)
	if !d.whole() || weight != c.history.Smallest(from, received) {
		return
	}
	before := c.judge.Split.Alarmed()
	c.judge.Split.Interval(d.canary, d.stable, weight)
	// Stored at once is only an alarm. What else it knows is stored when the
	// rollout is, for whatever reason: reports come all the time.
	if c.judge.Split.Alarmed() != before {
		c.changed(l)
	}
}

// doubt turns harm into no verdict where the canary had more of the traffic than
// its weight: then a good one may look harmful.
func (j *judge) doubt(r *analysis.Result) {
	if j.Split == nil || !j.Split.More() || r.Verdict != api.VerdictHarm {
		return
	}
	r.Verdict = api.VerdictCannotJudge
	r.Message = j.Split.Verdict().Message + "; so this proves nothing: " + r.Message
}
