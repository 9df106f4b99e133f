package control

import (
	"encoding/json"
	"fmt"
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
	Slow    *analysis.ErrorRate `json:"slow,omitempty"`   // of slow requests; nil: there is no objective
	Client  *analysis.ErrorRate `json:"client,omitempty"` // of the client's errors; nil: nobody asked
	Times   *analysis.Latency   `json:"times,omitempty"`  // of response times; nil: there is an objective, or nobody asked
	Split   *analysis.Split     `json:"split,omitempty"`  // whether the traffic is where it was put
	Proof   *proof              `json:"proof,omitempty"`  // before promotion; nil: none is asked for
	Served  map[string]float64  `json:"served"`           // requests by version until now

	// The last verdicts; nil: nothing was judged yet.
	Last       *api.Evidence `json:"last,omitempty"`
	LastSlow   *api.Evidence `json:"lastSlow,omitempty"`
	LastClient *api.Evidence `json:"lastClient,omitempty"`

	given map[string][]stats.HistogramBucket // response times by version that were given to Times
	timed time.Time                          // when
}

// tests lists the judge's tests: of errors, of slow requests where there is an
// objective, and of the client's errors where somebody asked for it.
func (j *judge) tests() []*analysis.ErrorRate {
	out := []*analysis.ErrorRate{j.Test}
	for _, test := range []*analysis.ErrorRate{j.Slow, j.Client} {
		if test != nil {
			out = append(out, test)
		}
	}
	return out
}

// errorShare is the part of the guard's false alarms that errors may cause; the
// rest is for the other judges.
const errorShare = 0.5

// otherAlpha is the probability of a false alarm that each judge but that of
// errors has: half of all, or a quarter where both latency and the client's
// errors are looked at. What is promised for errors rests on none of them.
func otherAlpha(guard api.Guard) float64 {
	rest := (1 - guard.Confidence) * (1 - errorShare)
	if guard.ClientErrors != nil && (guard.Latency.Objective > 0 || guard.Latency.Edges) {
		return rest / 2
	}
	return rest
}

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
		c.judge = &judge{Attempt: c.state.Attempt, Began: l.now, Test: test, Slow: newSlowGuard(c.object, c.spec),
			Client: newClientGuard(c.object, c.spec), Times: newTimesGuard(c.object, c.spec), Split: analysis.NewSplit(), Served: map[string]float64{}}
		c.ensureProof(l)
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

// newSlowGuard makes the test of slow requests; nil where there is no objective.
func newSlowGuard(r *api.Rollout, spec rollout.Spec) *analysis.ErrorRate {
	guard := r.Guard()
	if guard.Mode == api.GuardOff || guard.Latency.Objective <= 0 {
		return nil
	}
	return analysis.NewErrorRate(analysis.Config{
		Alpha:        otherAlpha(guard),
		Margin:       guard.Latency.Margin,
		MaxIncrease:  guard.Latency.MaxIncrease,
		PlannedSteps: plannedSteps(spec),
		Metric:       "latency",
		Bad:          fmt.Sprintf("took longer than %s", guard.Latency.Objective),
		LoneHost:     api.VerdictCannotJudge,
	})
}

// newClientGuard makes the test of the client's errors; nil where nobody asked
// for it.
func newClientGuard(r *api.Rollout, spec rollout.Spec) *analysis.ErrorRate {
	guard := r.Guard()
	if guard.Mode == api.GuardOff || guard.ClientErrors == nil {
		return nil
	}
	return analysis.NewErrorRate(analysis.Config{
		Alpha:        otherAlpha(guard),
		Margin:       guard.ClientErrors.Margin,
		MaxIncrease:  guard.ClientErrors.MaxIncrease,
		PlannedSteps: plannedSteps(spec),
		Metric:       "client-errors",
		Bad:          "ended in an error of the client",
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
		switch {
		case c == nil:
			continue
		case f.Running:
			if c.slow(l, target.Version, batch, f) && !slices.Contains(touched, c) {
				touched = append(touched, c)
			}
			continue
		case l.filter.Repeated(batch.Node, f):
			continue
		}
		// What a header route sent to the canary is no sample: it was not drawn.
		drawn := !strings.HasPrefix(f.Route, snapshot.ManagedPrefix)
		isError := drawn && c.counts(f)
		l.ledger.Failure(f, isError, batch.Received)
		l.dirty[c] = true
		if isError && c.state.Active() && (target.Version == c.state.Version || target.Version == c.state.Stable) {
			c.disprove(l, target.Version == c.state.Version, batch, f)
		}
		if c.judge == nil || !drawn {
			continue
		}
		test := c.judge.Test
		if !isError {
			test = c.judge.Client
		}
		if (isError || c.ofClient(f)) && c.take(l, test, target.Version, batch, f) && !slices.Contains(touched, c) {
			touched = append(touched, c)
		}
	}
	for _, c := range touched {
		c.decide(l)
	}
}

// counts says whether an answer is an error by the Rollout's rule; by the usual
// one where the object is gone.
func (c *canary) counts(f stats.Failure) bool {
	if c.rules.errors == nil {
		return stats.IsError(f)
	}
	return c.rules.errors.Counts(f)
}

// ofClient says whether an answer that is no error is one of the client's, and
// somebody looks at these.
func (c *canary) ofClient(f stats.Failure) bool {
	return c.judge.Client != nil && c.rules.client != nil && c.rules.client.Counts(f)
}

// take gives one failure to a test of the guard, if it is one of the versions
// compared. Further requests that one lost connection took with it are left out
// of the canary's.
func (c *canary) take(l *loop, test *analysis.ErrorRate, version string, batch stats.Failures, f stats.Failure) bool {
	isCanary := version == c.state.Version
	if !c.state.Active() || !isCanary && version != c.state.Stable {
		return false
	}
	if isCanary && l.filter.SameConnection(batch.Node, f) {
		return false
	}
	if batch.Received.Sub(c.judge.Began) < c.object.Guard().Warmup {
		return false
	}
	c.countRequests(l)
	test.Failure(analysis.Failure{
		Canary: isCanary,
		Weight: c.history.Largest(batch.Received.Add(-f.Duration-Slack), batch.Received),
		Host:   f.Host,
		Flag:   f.Flags.Short(),
	})
	return true
}

// slow gives a request that has just run for longer than the objective to the
// guard, once. It was routed when it began, by the weight of then.
func (c *canary) slow(l *loop, version string, batch stats.Failures, f stats.Failure) bool {
	isCanary := version == c.state.Version
	if !c.state.Active() || !isCanary && version != c.state.Stable || strings.HasPrefix(f.Route, snapshot.ManagedPrefix) {
		return false
	}
	guard, took := c.object.Guard().Latency, l.filter.Took(batch.Node, f)
	if !stats.IsSlow(f, took, guard.Objective) {
		return false
	}
	f.Duration = took
	if isCanary { // it may yet end well; until then it must not prove anything
		c.disprove(l, true, batch, f)
	}
	if c.judge == nil || c.judge.Slow == nil || batch.Received.Sub(c.judge.Began) < guard.Warmup {
		return false
	}
	c.countRequests(l)
	began := batch.Received.Add(-f.Duration)
	c.judge.Slow.Failure(analysis.Failure{
		Canary: isCanary, Weight: c.history.Largest(began.Add(-Slack), began), Host: f.Host,
	})
	return true
}

// countRequests gives the guard the requests of both versions until now.
func (c *canary) countRequests(l *loop) {
	canary, _, okCanary := l.ledger.Totals(c.service, c.state.Version, l.now)
	stable, _, okStable := l.ledger.Totals(c.service, c.state.Stable, l.now)
	c.judge.Served[c.state.Version], c.judge.Served[c.state.Stable] = canary, stable
	for _, test := range c.judge.tests() {
		test.Requests(canary, stable, okCanary && okStable)
	}
}

// decide asks the guard for its verdict and acts on harm.
func (c *canary) decide(l *loop) {
	harm := c.judge.look(l.now)
	c.unsaved = true
	if l.evidenceAt.IsZero() {
		l.evidenceAt = l.now.Add(evidenceEvery)
	}
	if harm == "" || c.object.Guard().Mode != api.GuardEnforce {
		return
	}
	_ = c.play(l, rollout.HarmFound{Attempt: c.judge.Attempt, Message: harm}) // only actions are refused
}

// look notes the verdict of each test, and gives the sentence of one that found
// harm; empty where none did.
func (j *judge) look(now time.Time) (harm string) {
	note := func(r analysis.Result) *api.Evidence {
		j.doubt(&r)
		e := r.Record()
		e.At = now
		if r.Verdict == api.VerdictHarm && harm == "" {
			harm = r.Message
		}
		return &e
	}
	j.Last = note(j.Test.Verdict())
	if j.Slow != nil {
		j.LastSlow = note(j.Slow.Verdict())
	}
	if j.Times != nil {
		j.LastSlow = note(j.Times.Verdict())
	}
	if j.Client != nil {
		j.LastClient = note(j.Client.Verdict())
	}
	return harm
}

// evidence lists the verdicts of the attempt, for a status or a journal.
func (c *canary) evidence(l *loop) []api.Evidence {
	out := []api.Evidence{}
	if c.judge != nil {
		if c.state.Active() {
			c.countRequests(l)
			c.judge.look(l.now)
		}
		for _, last := range []*api.Evidence{c.judge.Last, c.judge.LastSlow, c.judge.LastClient} {
			if last != nil {
				out = append(out, *last)
			}
		}
		if p := c.judge.Proof; p != nil {
			out = append(out, p.evidence("promotion", l.now))
		}
		if s := c.judge.Split; s != nil && s.Alarmed() {
			r := s.Verdict()
			e := r.Record()
			e.At = l.now
			out = append(out, e)
		}
	}
	return append(out, c.verdicts()...)
}

// load takes a load report.
func (l *loop) load(r stats.Load) {
	l.ledger.Load(r)
	drawn := map[*canary]*draws{}
	for i := range r.Clusters {
		cl := &r.Clusters[i]
		target, ok := stats.ParseCluster(cl.Cluster)
		if c := l.touch(target, ok); c != nil && c.state.Active() {
			if drawn[c] == nil {
				drawn[c] = &draws{}
			}
			drawn[c].add(c, target.Version, cl)
		}
		if c := l.byService[target.Key()]; l.pods != nil && ok && c != nil && cl.Issued+cl.Active > 0 && !c.wants(target.Version) {
			c.pods.used(target.Version, r.Received)
		}
	}
	for c, d := range drawn {
		c.seeSplit(l, d, r.Received)
	}
}

// metrics takes a flush of a metrics sink.
func (l *loop) metrics(m stats.Metrics) {
	l.seeTimes(m) // of the flush before, which is whole now
	l.ledger.Metrics(m)
	for i := range m.Clusters {
		l.touch(stats.ParseCluster(m.Clusters[i].Cluster))
	}
}

// touch notes that the counts of a cluster's Service may have changed, and gives
// the rollout whose they are; nil where it is nobody's.
func (l *loop) touch(target stats.Target, ok bool) *canary {
	if !ok {
		return nil
	}
	c := l.byService[target.Key()]
	if c != nil {
		l.dirty[c] = true
		c.count(l)
		c.prove(l)
	}
	return c
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
