package control

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/serin-mesh/serin/analysis"
	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/stats"
)

// judge is the guard of one attempt.
type judge struct {
	Attempt uint64              `json:"attempt"`
	Began   time.Time           `json:"began"`
	Test    *analysis.ErrorRate `json:"test"`
	Served  map[string]float64  `json:"served"` // requests by version until now

	Last *api.Evidence `json:"last,omitempty"` // the last verdict; nil: nothing was judged yet
}

// errorShare is the part of the guard's false alarms that errors may cause; the
// rest is for the judges of latency.
const errorShare = 0.5

// Slack is how much later than its last byte the entry of a response may come:
// a request is taken to have been routed up to that much earlier than its
// duration says.
const Slack = time.Second

// begin starts the judgement of a new attempt.
func (c *canary) begin(l *loop) {
	c.judge = nil
	// No request was routed to this canary yet: what weights an earlier one had
	// must not be taken for this one's.
	c.history = stats.WeightHistory{}
	c.history.Set(0, l.now)
	l.ledger.Start(c.service, []string{c.state.Stable, c.state.Version}, l.now)
	if test := NewGuard(c.object, c.spec); test != nil {
		c.judge = &judge{Attempt: c.state.Attempt, Began: l.now, Test: test, Served: map[string]float64{}}
	}
}

// NewGuard makes the guard of a canary that begins; nil where it is off.
func NewGuard(r *api.Rollout, spec rollout.Spec) *analysis.ErrorRate {
	guard := r.Guard()
	if guard.Mode == api.GuardOff {
		return nil
	}
	return analysis.NewErrorRate(analysis.Config{
		Alpha:        (1 - guard.Confidence) * errorShare,
		Margin:       guard.ErrorRate.Margin,
		MaxIncrease:  guard.ErrorRate.MaxIncrease,
		PlannedSteps: plannedSteps(spec),
	})
}

// plannedSteps counts the raises that follow the first weight: when a canary
// that went bad unseen may first show it.
func plannedSteps(spec rollout.Spec) int {
	n, last := -1, rollout.Weight(0)
	for _, s := range spec.Steps {
		if s.SetWeight == nil {
			continue
		}
		if *s.SetWeight > last && *s.SetWeight < rollout.Total {
			n++
		}
		last = *s.SetWeight
	}
	return max(n, 0)
}

// restore takes up the judgement that was stored. Evidence of another attempt
// is of no use.
func (c *canary) restore(l *loop, raw json.RawMessage) error {
	if len(raw) == 0 {
		return nil
	}
	var j judge
	if err := json.Unmarshal(raw, &j); err != nil {
		return err
	}
	if j.Attempt == c.state.Attempt && j.Test != nil {
		c.judge = &j
		l.ledger.Resume(c.service, j.Served, l.now)
	}
	return nil
}

// failures takes one batch of the error stream: all of it first, then the
// verdicts.
func (l *loop) failures(batch stats.Failures) {
	var touched []*canary
	for _, f := range batch.Entries {
		target, ok := stats.ParseCluster(f.Cluster)
		if !ok || target.Version == "" {
			continue
		}
		c := l.byService[api.Key{Namespace: target.Namespace, Name: target.Service}]
		if c == nil || l.filter.Repeated(batch.Node, f) {
			continue
		}
		// What a header route sent to the canary is no sample: it was not drawn.
		isError := stats.IsError(f) && !strings.HasPrefix(f.Route, snapshot.ManagedPrefix)
		l.ledger.Failure(f, isError, batch.Received)
		l.dirty[c] = true
		if isError && c.state.Active() && (target.Version == c.state.Version || target.Version == c.state.Stable) {
			c.disprove(l, target.Version == c.state.Version, batch, f)
		}
		if isError && c.take(l, target.Version, batch, f) && !slices.Contains(touched, c) {
			touched = append(touched, c)
		}
	}
	for _, c := range touched {
		c.decide(l)
	}
}

// take gives one failure to the guard, if it is one of the versions compared.
// Further requests that one lost connection took with it are left out of the
// canary's.
func (c *canary) take(l *loop, version string, batch stats.Failures, f stats.Failure) bool {
	isCanary := version == c.state.Version
	if c.judge == nil || !c.state.Active() || !isCanary && version != c.state.Stable {
		return false
	}
	if isCanary && l.filter.SameConnection(batch.Node, f) {
		return false
	}
	if batch.Received.Sub(c.judge.Began) < c.object.Guard().Warmup {
		return false
	}
	c.countRequests(l)
	c.judge.Test.Failure(analysis.Failure{
		Canary: isCanary,
		Weight: c.history.Largest(batch.Received.Add(-f.Duration-Slack), batch.Received),
		Host:   f.Host,
		Flag:   f.Flags.Short(),
	})
	return true
}

// countRequests gives the guard the requests of both versions until now.
func (c *canary) countRequests(l *loop) {
	canary, _, okCanary := l.ledger.Totals(c.service, c.state.Version, l.now)
	stable, _, okStable := l.ledger.Totals(c.service, c.state.Stable, l.now)
	c.judge.Served[c.state.Version], c.judge.Served[c.state.Stable] = canary, stable
	c.judge.Test.Requests(canary, stable, okCanary && okStable)
}

// decide asks the guard for its verdict and acts on harm.
func (c *canary) decide(l *loop) {
	result := c.judge.Test.Verdict()
	c.judge.note(result, l.now)
	c.unsaved = true
	if l.evidenceAt.IsZero() {
		l.evidenceAt = l.now.Add(evidenceEvery)
	}
	if result.Verdict != api.VerdictHarm || c.object.Guard().Mode != api.GuardEnforce {
		return
	}
	_ = c.play(l, rollout.HarmFound{Attempt: c.judge.Attempt, Message: result.Message}) // only actions are refused
}

func (j *judge) note(r analysis.Result, now time.Time) {
	e := r.Record()
	e.At = now
	j.Last = &e
}

// evidence lists the verdicts of the attempt, for a status or a journal.
func (c *canary) evidence(l *loop) []api.Evidence {
	out := []api.Evidence{}
	if c.judge != nil {
		if c.state.Active() {
			c.countRequests(l)
			c.judge.note(c.judge.Test.Verdict(), l.now)
		}
		if c.judge.Last != nil {
			out = append(out, *c.judge.Last)
		}
	}
	return append(out, c.verdicts()...)
}

// load takes a load report.
func (l *loop) load(r stats.Load) {
	l.ledger.Load(r)
	for _, cl := range r.Clusters {
		l.touch(cl.Cluster)
	}
}

// metrics takes a flush of a metrics sink.
func (l *loop) metrics(m stats.Metrics) {
	l.ledger.Metrics(m)
	for _, cl := range m.Clusters {
		l.touch(cl.Cluster)
	}
}

// touch notes that the counts of a cluster's Service may have changed.
func (l *loop) touch(cluster string) {
	target, ok := stats.ParseCluster(cluster)
	if !ok {
		return
	}
	if c := l.byService[api.Key{Namespace: target.Namespace, Name: target.Service}]; c != nil {
		l.dirty[c] = true
		c.count(l)
		c.prove(l)
	}
}

// count tells the machine how many requests the canary has served, where a step
// waits for some.
func (c *canary) count(l *loop) {
	waits := func(s rollout.StepSpec) bool { return s.Pause != nil && s.Pause.Requests > 0 }
	if !c.state.Active() || !slices.ContainsFunc(c.spec.Steps, waits) {
		return
	}
	total, _, _ := l.ledger.Totals(c.service, c.state.Version, l.now)
	_ = c.play(l, rollout.Counted{Attempt: c.state.Attempt, Requests: uint64(total)}) // only actions are refused
}
