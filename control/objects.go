package control

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
	"github.com/serin-mesh/serin/store"
)

// update takes a reading of the configuration. One with errors changes nothing
// but what is shown as findings.
func (l *loop) update(u Update) {
	l.noteFindings(u.Findings)
	for _, c := range l.canaries {
		l.dirty[c] = true
	}
	if u.Objects == nil {
		return
	}
	if u.Files != nil {
		l.store.Write(store.Write{Objects: u.Files})
	}
	before := l.objects
	l.objects = u.Objects
	if u.Changed == nil {
		l.builder.SetObjects(u.Objects)
		l.reconcile()
		l.reconcileReleases()
		return
	}
	l.builder.Change(u.Objects, u.Changed)
	l.follow(before, u.Changed)
	if slices.ContainsFunc(u.Changed, func(ref api.Ref) bool { return ref.Kind == "Release" || ref.Kind == "Rollout" }) {
		l.reconcileReleases()
	}
}

// noteFindings takes the findings of a reading, logs those that are new, and notes
// the Rollouts with an error, which in a cluster may be missing for it.
func (l *loop) noteFindings(findings []api.Finding) {
	told := map[string]bool{}
	for _, f := range l.findings {
		told[f.String()] = true
	}
	clear(l.broken)
	for _, f := range findings {
		if !told[f.String()] {
			l.logFinding(f)
		}
		if f.IsError() && f.Kind == "Rollout" {
			l.broken[f.Key] = true
		}
	}
	l.findings = findings
}

func (l *loop) logFinding(f api.Finding) {
	if f.IsError() {
		l.log.Error("the configuration has an error: what ran goes on", "finding", f.String())
	} else {
		l.log.Warn("the configuration has a warning", "finding", f.String())
	}
}

// reconcile brings all rollouts in line with the objects.
func (l *loop) reconcile() {
	for _, key := range slices.SortedFunc(maps.Keys(l.canaries), api.Key.Compare) {
		l.reconcileOne(key)
	}
	for _, key := range slices.SortedFunc(maps.Keys(l.objects.Rollouts), api.Key.Compare) {
		l.reconcileOne(key)
	}
	l.claimOrphans()
	l.refreshAll()
}

// follow brings in line what a change concerns, and nothing else: its cost does
// not grow with the objects that did not change.
func (l *loop) follow(before *api.Objects, changed []api.Ref) {
	for _, ref := range changed { // deletions first: a Service may pass from one Rollout to another
		if ref.Kind == "Rollout" && l.objects.Rollouts[ref.Key] == nil {
			l.reconcileOne(ref.Key)
		}
	}
	orphans, all := false, false
	for _, ref := range changed {
		switch ref.Kind {
		case "Rollout":
			l.reconcileOne(ref.Key)
			orphans = true
		case "EndpointSlice":
			l.refreshService(sliceService(before.EndpointSlices[ref.Key]))
			l.refreshService(sliceService(l.objects.EndpointSlices[ref.Key]))
		case "Service":
			l.refreshService(ref.Key)
			orphans = true
		case "Gateway", "HTTPRoute": // they decide who is in a fleet
			all = true
		}
	}
	if orphans {
		l.claimOrphans()
	}
	if all {
		l.refreshAll()
	}
}

// sliceService names the Service of a slice; the zero key where there is none.
func sliceService(s *api.EndpointSlice) api.Key {
	if s == nil {
		return api.Key{}
	}
	key, _ := api.SliceService(s)
	return key
}

// reconcileOne brings one Rollout in line with its object, or with its absence.
func (l *loop) reconcileOne(key api.Key) {
	switch c, object := l.canaries[key], l.objects.Rollouts[key]; {
	case object != nil:
		l.seen(key, object)
		l.refresh(l.canaries[key])
	case c != nil && l.broken[key]: // it is there, and cannot be read
		c.spec.Turn = brokenTurn
	case c != nil:
		l.gone(c)
	}
}

func (l *loop) refreshAll() {
	for _, c := range l.canaries {
		l.refresh(c)
	}
}

// refreshService refreshes the Rollout that a Service belongs to, as its stable
// or as its canary Service.
func (l *loop) refreshService(key api.Key) {
	if c := l.byService[key]; c != nil {
		l.refresh(c)
	}
	if c := l.byCanaryService[key]; c != nil {
		l.refresh(c)
	}
}

// refresh has a rollout look again at what it rests on, which may be other
// resources and other endpoints now.
func (l *loop) refresh(c *canary) {
	c.handed = true
	l.dirty[c] = true
	_ = c.seeEndpoints(l) // only actions are refused
}

// seen brings one Rollout in line with its object.
func (l *loop) seen(key api.Key, object *api.Rollout) {
	c := l.canaries[key]
	if c == nil {
		c = l.adopt(key, object.StableService())
	}
	c.move(l, object.StableService())
	turn := strings.TrimPrefix(c.spec.Turn, brokenTurn)
	if turn == "" && c.object == nil && c.state.Held && l.isMember(key) {
		turn = "a release waits" // until the Release was looked at: it held before a restart too
	}
	known := true
	if l.pods != nil {
		object, known = c.revised(object)
	}
	c.object, c.spec, c.rules = object, SpecOf(object), rulesOf(object)
	if l.pods != nil {
		scaledSpec(&c.spec, object)
	}
	c.spec.Frozen, c.spec.Turn = l.freeze, turn
	l.backing(c)
	l.builder.SetObjective(c.service, Objective(object))
	l.ensureJudge(c)
	if !known { // it is told when its pods are
		l.dirty[c], l.wanting[c] = true, true
		return
	}
	_ = c.play(l, rollout.SpecSeen{}) // only actions are refused
	if c.publishedGen == 0 {
		c.hand(l)
	} else {
		c.tell(l)
	}
}

// Objective gives from which duration on a request of a Rollout is slow; 0 where
// nobody looks at that.
func Objective(r *api.Rollout) time.Duration {
	guard := r.Guard()
	if guard.Mode == api.GuardOff {
		return 0
	}
	return guard.Latency.Objective
}

// adopt takes a Rollout into the loop, with what was saved of it. One that takes
// over the Service of a deleted one goes on from that one's state: its stable
// version must not be replaced at once by whatever the new object names.
func (l *loop) adopt(key, service api.Key) *canary {
	c := &canary{key: key, service: service}
	if orphan := l.byService[service]; orphan != nil && orphan.state.Deleted {
		c.state = orphan.state
		delete(l.byService, service)
		l.forget(orphan)
	}
	if old, ok := l.saved[key]; ok {
		c.state, c.conditioned = old.State, old.Conditions
		delete(l.saved, key)
		if err := c.restore(l, old.Evidence); err != nil {
			l.log.Warn("the evidence of a rollout cannot be read: its guard starts again", "rollout", key, "error", err)
		}
		if err := c.restoreTrials(old.Trials); err != nil {
			l.log.Warn("the analyses of a rollout cannot be read: they start again", "rollout", key, "error", err)
		}
	}
	l.canaries[key], l.byService[service] = c, c
	return c
}

// backing notes which canary Service belongs to a rollout.
func (l *loop) backing(c *canary) {
	delete(l.byCanaryService, c.canaryService)
	c.canaryService = api.Key{}
	if key, ok := c.object.CanaryService(); ok {
		c.canaryService, l.byCanaryService[key] = key, c
	}
}

// ensureJudge gives a canary whose evidence was lost, or whose guard was off, a
// guard that starts now.
func (l *loop) ensureJudge(c *canary) {
	off := c.object.Guard().Mode == api.GuardOff
	switch {
	case off:
		c.judge = nil
	case c.judge == nil && c.state.Active():
		c.begin(l)
	default:
		c.ensureProof(l)
	}
}

// move changes the Service that a Rollout divides.
func (c *canary) move(l *loop, service api.Key) {
	if c.service == service {
		return
	}
	if l.byService[c.service] == c {
		delete(l.byService, c.service)
		l.builder.SetSplit(c.service, nil)
		l.builder.SetObjective(c.service, 0)
	}
	c.service, c.publishedGen = service, 0
	l.byService[service] = c
}

// gone handles a Rollout whose object was deleted. One with a canary half way
// keeps its Service on stable; any other is forgotten.
func (l *loop) gone(c *canary) {
	if c.state.Deleted {
		return
	}
	if c.state.Stage == rollout.Idle {
		l.forget(c)
		return
	}
	_ = c.play(l, rollout.SpecGone{}) // only actions are refused
	c.object, c.judge = nil, nil
}

func (l *loop) forget(c *canary) {
	c.unrequire(l)
	delete(l.canaries, c.key)
	delete(l.byCanaryService, c.canaryService)
	if l.byService[c.service] == c {
		delete(l.byService, c.service)
		l.builder.SetSplit(c.service, nil)
		l.builder.SetObjective(c.service, 0)
	}
	delete(l.dirty, c)
	delete(l.asking, c)
	delete(l.wanting, c)
	if l.pods != nil {
		l.pods.Forget(c.key)
	}
	if l.experiments != nil {
		l.experiments.Forget(c.key)
	}
	for _, t := range c.trials {
		t.stop(l.now)
	}
	c.trials = nil
	l.timers.set(c, time.Time{})
	l.ledger.Forget(c.service)
	l.store.Write(store.Write{Delete: []api.Key{c.key}})
	l.showRemoved(c.key)
}

// brokenTurn is why a Rollout waits whose object cannot be read.
const brokenTurn = "its object has an error: see the findings"

// hold takes up a saved Rollout whose object has an error: it stays where it was
// until the object can be read.
func (l *loop) hold(key api.Key, old store.Rollout) {
	c := l.adopt(key, old.Service)
	c.spec = rollout.Spec{Version: c.state.Version, Turn: brokenTurn, Scaled: l.pods != nil}
	_ = c.play(l, rollout.Ticked{}) // only actions are refused
	if c.publishedGen == 0 {
		c.hand(l)
	}
}

// claimOrphans takes up saved Rollouts without an object: those that were
// deleted half way still hold their Service on stable.
func (l *loop) claimOrphans() {
	for _, key := range slices.SortedFunc(maps.Keys(l.saved), api.Key.Compare) {
		old := l.saved[key]
		_, exists := l.objects.Services[old.Service]
		taken := l.byService[old.Service] != nil
		if l.broken[key] && !taken {
			l.hold(key, old)
			continue
		}
		if old.State.Stage == rollout.Idle && !old.State.Deleted || !exists || taken {
			delete(l.saved, key)
			l.store.Write(store.Write{Delete: []api.Key{key}})
			continue
		}
		c := l.adopt(key, old.Service)
		_ = c.play(l, rollout.SpecGone{}) // only actions are refused
		if c.publishedGen == 0 {
			c.hand(l)
		}
	}
	for _, c := range l.canaries {
		if _, exists := l.objects.Services[c.service]; c.state.Deleted && !exists {
			l.forget(c)
		}
	}
}
