package control

import (
	"encoding/json"
	"time"

	"github.com/serin-mesh/serin/analysis"
	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
	"github.com/serin-mesh/serin/stats"
)

// judge is the guard of one attempt.
type judge struct {
	Attempt uint64              `json:"attempt"`
	Began   time.Time           `json:"began"`
	Test    *analysis.ErrorRate `json:"test"`

	test *analysis.ErrorRate
	last *api.Evidence // the last verdict; nil: nothing was judged yet
}

// errorShare is the part of the guard's false alarms that errors may cause; the
// rest is for the judges of latency.
const errorShare = 0.5

// slack is how much later than its last byte the entry of a response may come:
// a request is taken to have been routed up to that much earlier than its
// duration says.
const slack = time.Second

// begin starts the judgement of a new attempt.
func (c *canary) begin(l *loop) {
	c.judge = nil
	guard := c.object.Guard()
	if guard.Mode == api.GuardOff {
		return
	}
	test := analysis.NewErrorRate(analysis.Config{
		Alpha:        (1 - guard.Confidence) * errorShare,
		Margin:       guard.ErrorRate.Margin,
		MaxIncrease:  guard.ErrorRate.MaxIncrease,
		PlannedSteps: plannedSteps(c.spec),
	})
	c.judge = &judge{Attempt: c.state.Attempt, Began: l.now, Test: test, test: test}
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
func (c *canary) restore(raw json.RawMessage) error {
	if len(raw) == 0 {
		return nil
	}
	var j judge
	if err := json.Unmarshal(raw, &j); err != nil {
		return err
	}
	if j.Attempt == c.state.Attempt && j.Test != nil {
		j.test = j.Test
		c.judge = &j
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
		if c == nil || !stats.IsError(f) || !l.filter.Admit(batch.Node, f) {
			continue
		}
		l.ledger.Failure(c.service, target.Version)
		if c.take(l, target.Version, f, batch.Received) && (len(touched) == 0 || touched[len(touched)-1] != c) {
			touched = append(touched, c)
		}
		l.dirty[c] = true
	}
	for _, c := range touched {
		c.decide(l)
	}
}

// take gives one failure to the guard, if it is one of the versions compared.
func (c *canary) take(l *loop, version string, f stats.Failure, received time.Time) bool {
	isCanary := version == c.state.Version
	if c.judge == nil || !c.state.Active() || !isCanary && version != c.state.Stable {
		return false
	}
	if received.Sub(c.judge.Began) < c.object.Guard().Warmup {
		return false
	}
	c.countRequests(l)
	c.judge.test.Failure(analysis.Failure{
		Canary: isCanary,
		Weight: c.history.Largest(received.Add(-f.Duration-slack), received),
		Host:   f.Host,
		Flag:   f.Flags.Short(),
	})
	return true
}

// countRequests gives the guard the requests of both versions until now.
func (c *canary) countRequests(l *loop) {
	canary, okCanary := l.ledger.Total(c.service, c.state.Version, l.now)
	stable, okStable := l.ledger.Total(c.service, c.state.Stable, l.now)
	c.judge.test.Requests(canary, stable, okCanary && okStable)
}

// decide asks the guard for its verdict and acts on harm.
func (c *canary) decide(l *loop) {
	result := c.judge.test.Verdict()
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
	j.last = &e
}

// evidence lists the verdicts of the attempt, for a status or a journal.
func (c *canary) evidence(l *loop) []api.Evidence {
	if c.judge == nil {
		return []api.Evidence{}
	}
	if c.state.Active() {
		c.countRequests(l)
		c.judge.note(c.judge.test.Verdict(), l.now)
	}
	if c.judge.last == nil {
		return []api.Evidence{}
	}
	return []api.Evidence{*c.judge.last}
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
	}
}
