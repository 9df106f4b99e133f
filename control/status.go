package control

import (
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
	"github.com/serin-mesh/serin/store"
)

// view gives the Rollout as it is shown: its object with its status.
func (c *canary) view(l *loop) *api.Rollout {
	object := c.object
	if object == nil {
		object = &api.Rollout{ObjectMeta: metav1.ObjectMeta{Namespace: c.key.Namespace, Name: c.key.Name}}
	}
	return object.WithStatus(c.status(l))
}

func (c *canary) status(l *loop) api.RolloutStatus {
	s := c.state
	if c.required != nil && !c.handed {
		c.progress = l.fleet.Progress(c.required, l.now)
	}
	st := api.RolloutStatus{
		Phase:            api.Phase(s.Phase(c.spec)),
		Message:          c.message(l),
		Abort:            s.Stage == rollout.Aborted,
		AbortedAt:        s.AbortedAt,
		CurrentStepIndex: c.stepIndex(),
		PauseConditions:  []api.PauseCondition{},
		ControllerPause:  s.PausedAt != nil,
		PromoteFull:      s.PromoteFull,
		StableRS:         s.Stable,
		CurrentPodHash:   s.Version,
		Pinned:           s.Pinned,
		Canary:           api.CanaryStatus{Weights: c.weights()},
		Fleet:            c.fleetStatus(),
		Observed:         c.observed(l),
		Evidence:         c.evidence(l),
		Findings:         l.findingsOf(c),
		Conditions:       c.conditions(l),
		Frozen:           c.frozen(),
	}
	st.PodsStatus = c.pods.report.Status
	c.analysesOf(&st.Canary)
	if c.release != nil {
		st.Release = c.release.key.Name
	}
	for _, w := range s.Waits() {
		st.PauseConditions = append(st.PauseConditions, api.PauseCondition{Reason: w.Reason, StartTime: w.Since})
	}
	if next := rollout.Next(c.spec, s); !next.IsZero() {
		st.NextTransitionAt = &next
	}
	return st
}

// stepIndex is the step that is played; a rollout that has ended has played all.
// The proof before promotion is no step of the user's: they are over then.
func (c *canary) stepIndex() int {
	steps := len(c.spec.Steps)
	if steps > 0 && c.spec.Steps[steps-1].Check != nil && c.spec.Steps[steps-1].Check.After {
		steps--
	}
	if c.state.Stage == rollout.Idle || c.state.Stage == rollout.Completing {
		return steps
	}
	return min(c.state.Step, steps)
}

// message adds to the machine's own words what only the loop knows.
func (c *canary) message(l *loop) string {
	msg := c.state.Message(c.spec)
	if c.storeError != nil && c.publishedGen < c.state.Generation {
		msg = "the state cannot be stored, so no weight is raised: " + c.storeError.Error()
	} else if c.storeError != nil && c.pending > 0 {
		msg = join(msg, "this is not stored, and would be forgotten in a crash: "+c.storeError.Error())
	}
	for _, t := range c.trials {
		if t.Apart != nil {
			msg = join(msg, c.lacks(l, t.Apart))
		}
	}
	for _, r := range c.progress.Rejections {
		msg = join(msg, r.Envoy+" rejected its "+r.Type+": "+r.Message)
	}
	return msg
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}

// weights gives the weights wanted: what was handed over, or, where a raise
// waits for the store, what will be.
func (c *canary) weights() api.TrafficWeights {
	split := c.state.Split()
	canary := split.Canary
	if canary == "" {
		canary = split.Stable
	}
	out := api.TrafficWeights{
		Canary: api.WeightDestination{Weight: split.Weight.Percent(), PodTemplateHash: canary},
		Stable: api.WeightDestination{Weight: split.Rest().Percent(), PodTemplateHash: split.Stable},
	}
	for _, p := range split.Beside {
		out.Additional = append(out.Additional, api.WeightDestination{Weight: p.Weight.Percent(), PodTemplateHash: p.Version})
	}
	return out
}

// fleetStatus counts for the weights now wanted: nobody has acked what was not
// handed over yet.
func (c *canary) fleetStatus() api.FleetStatus {
	p := c.progress
	if c.handed || c.publishedGen != c.state.Generation {
		p.Acked = 0
	}
	return api.FleetStatus{
		Connected: p.Connected, Acked: p.Acked, Rejected: p.Rejected,
		Quarantined: p.Quarantined, Away: p.Away, Rejections: p.Rejections,
	}
}

// observed gives what each version served since the step began.
func (c *canary) observed(l *loop) map[string]api.VersionCounts {
	out := map[string]api.VersionCounts{}
	for version, n := range l.ledger.Observed(c.service) {
		out[version] = api.VersionCounts{Requests: n.Requests, Errors: n.Errors, Share: n.Share}
	}
	return out
}

// findingsOf lists the folder's errors, which hold for every Rollout: none of
// the folder's changes is in force while there are any. In a cluster each object
// stands for itself, so they are those that concern the Rollout.
func (l *loop) findingsOf(c *canary) []string {
	var out []string
	for _, f := range l.findings {
		if f.IsError() && (l.pods == nil || c.object != nil && f.Touches(c.object)) {
			out = append(out, f.String())
		}
	}
	return out
}

// saved is what the store keeps of the rollout.
func (c *canary) saved(*loop) store.Rollout {
	r := store.Rollout{State: c.state, Service: c.service, Trials: c.savedTrials(), Conditions: c.conditioned}
	if c.judge != nil {
		raw, err := json.Marshal(c.judge)
		if err == nil { // numbers and strings always encode
			r.Evidence = raw
		}
	}
	return r
}

// entries turns records into journal lines. The last one tells the state that
// all of them led to.
func (c *canary) entries(l *loop, records []rollout.Record) []store.Entry {
	out := make([]store.Entry, 0, len(records))
	for _, r := range records {
		out = append(out, store.Entry{
			Record: r, Version: c.state.Version, Stable: c.state.Stable,
			Step: c.state.Step, Weight: c.state.Weight, Evidence: c.evidence(l),
		})
	}
	return out
}

func (l *loop) logRecords(c *canary, records []rollout.Record) {
	for _, r := range records {
		l.log.Info(r.Message, "rollout", c.key, "event", r.Kind, "actor", r.Actor,
			"version", c.state.Version, "weight", c.state.Weight.Percent())
	}
}
