package control

import (
	"time"

	"github.com/serin-mesh/serin/analysis"
	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
	"github.com/serin-mesh/serin/stats"
)

// timesEvery is the shortest interval whose response times are compared.
const timesEvery = time.Second

// newTimesGuard makes the test of response times without an objective; nil where
// nobody asked for it.
func newTimesGuard(r *api.Rollout, spec rollout.Spec) *analysis.Latency {
	guard := r.Guard()
	if guard.Mode == api.GuardOff || !guard.Latency.Edges {
		return nil
	}
	return analysis.NewLatency(analysis.Config{
		Alpha:        otherAlpha(guard),
		Margin:       guard.Latency.Margin,
		MaxIncrease:  guard.Latency.MaxIncrease,
		PlannedSteps: plannedSteps(spec),
	})
}

// seeTimes gives the response times that were reported until now to the
// rollouts that the clusters of a flush belong to.
func (l *loop) seeTimes(m stats.Metrics) {
	for i := range m.Clusters {
		target, ok := stats.ParseCluster(m.Clusters[i].Cluster)
		if !ok {
			continue
		}
		if c := l.byService[target.Key()]; c != nil && c.judge != nil && c.judge.Times != nil && c.state.Active() {
			c.seeTimes(l)
		}
	}
}

// seeTimes compares what both versions answered since it was last asked. Until
// the warm-up is over it is passed over: a cold start is no harm.
func (c *canary) seeTimes(l *loop) {
	j := c.judge
	if l.now.Sub(j.timed) < timesEvery {
		return
	}
	canary, stable := l.ledger.Times(c.service, c.state.Version), l.ledger.Times(c.service, c.state.Stable)
	if len(canary) == 0 || len(canary) != len(stable) {
		return
	}
	before := j.given
	j.timed, j.given = l.now, map[string][]stats.HistogramBucket{c.state.Version: canary, c.state.Stable: stable}
	cold := l.now.Sub(j.Began) < c.object.Guard().Latency.Warmup
	if cold || before == nil {
		return
	}
	j.Times.Interval(since(before[c.state.Version], canary), since(before[c.state.Stable], stable))
	c.decide(l)
}

// since gives the response times that came after others.
func since(before, now []stats.HistogramBucket) []analysis.Bucket {
	out := make([]analysis.Bucket, len(now))
	at := map[float64]uint64{}
	for _, b := range before {
		at[b.Upper] = b.Count
	}
	for i, b := range now {
		out[i] = analysis.Bucket{UpTo: b.Upper, Count: float64(b.Count - min(b.Count, at[b.Upper]))}
	}
	return out
}
