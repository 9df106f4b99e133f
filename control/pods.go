package control

import (
	"slices"
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
)

// Pods scales the pods of Rollouts. Its methods must not block.
type Pods interface {
	// Want says what a Rollout wants now, in place of what it wanted before.
	Want(w PodsWanted)
	// Forget says that a Rollout is gone.
	Forget(key api.Key)
}

// PodsWanted is what one Rollout wants of its pods.
type PodsWanted struct {
	Rollout *api.Rollout
	Stable  string       // version; its pods serve whatever the canary does not
	Version string       // the wanted version: the canary's while there is one
	Canary  rollout.Need // what the canary's pods have to be ready for
	// Busy are the versions that an Envoy may still use, or whose traffic was not
	// seen to end, sorted: they must not be scaled down.
	Busy []string
	// Share is the canary's part of the traffic, where every Envoy is known to have
	// it; Certain says that they do.
	Share   rollout.Weight
	Certain bool
	// Aborted is since when the wanted version is out; nil: it is not.
	Aborted *time.Time
}

// same says whether two wants are alike.
func (w *PodsWanted) same(o *PodsWanted) bool {
	return w.Rollout == o.Rollout && w.Stable == o.Stable && w.Version == o.Version && w.Canary == o.Canary &&
		w.Share == o.Share && w.Certain == o.Certain &&
		slices.Equal(w.Busy, o.Busy) && (w.Aborted == o.Aborted || w.Aborted != nil && o.Aborted != nil && w.Aborted.Equal(*o.Aborted))
}

// PodsReport is what is so of one Rollout's pods.
type PodsReport struct {
	// Version is that of the object's template, which is the pods' to say;
	// Generation that of the object. Empty: it is not known yet.
	Version    string
	Revision   string // its number among the Rollout's
	Generation int64
	Pods       rollout.Pods // for PodsWanted.Canary
	Status     api.PodsStatus
	Failure    string // why pods cannot be made; empty: they can
}

// quietFor is how long a version must have had no traffic before its pods may go.
const quietFor = 2 * time.Second

// podsOf is what the loop knows of one Rollout's pods.
type podsOf struct {
	wanted PodsWanted
	report PodsReport
	// By version: when an Envoy was last seen to use it, or may have.
	usedAt map[string]time.Time
}

// used notes that a version had requests, or that an Envoy knows it.
func (p *podsOf) used(version string, at time.Time) {
	if p.usedAt == nil {
		p.usedAt = map[string]time.Time{}
	}
	if version != "" && at.After(p.usedAt[version]) {
		p.usedAt[version] = at
	}
}

// scaledSpec translates what has a meaning only where pods are scaled. There a
// Rollout may have been another controller's before, and its status says how it
// stood: what was stable stays so, whatever the object asks for.
func scaledSpec(spec *rollout.Spec, r *api.Rollout) {
	spec.Scaled = true
	spec.Stable = r.Status.StableRS
	spec.Out = r.Status.Abort && r.Status.CurrentPodHash == spec.Version
	for i, s := range r.Steps() {
		if s.Kind() != "setCanaryScale" {
			continue
		}
		to := rollout.Scale{}
		switch scale := s.SetCanaryScale; {
		case scale.Replicas != nil:
			to = rollout.Scale{By: rollout.ByReplicas, N: *scale.Replicas}
		case scale.Weight != nil:
			to = rollout.Scale{By: rollout.ByWeight, N: *scale.Weight}
		}
		spec.Steps[i] = rollout.StepSpec{Scale: &to}
	}
}

// wantPods tells who scales what the Rollout wants, if that is news.
func (c *canary) wantPods(l *loop) {
	if l.pods == nil || c.object == nil {
		return
	}
	w := PodsWanted{
		Rollout: c.object, Stable: c.state.Stable, Version: c.state.Version,
		Canary: rollout.Demand(c.spec, c.state), Busy: c.busy(l), Aborted: c.state.AbortedAt,
	}
	if f := c.state.In.Fleet; f.Generation == c.state.Generation && f.Acked > 0 && f.Waiting+f.Rejected+f.Away == 0 {
		w.Share, w.Certain = c.published.Weight, true
	}
	if !w.same(&c.pods.wanted) {
		c.pods.wanted = w
		l.pods.Want(w)
	}
	c.schedule(l)
}

// busy lists the versions, other than the stable one and the canary, whose pods may
// still be asked: they are beside the canary, an Envoy may know them, or they had
// requests a moment ago.
func (c *canary) busy(l *loop) []string {
	for _, v := range c.known() {
		c.pods.used(v, l.now)
	}
	var out []string
	for version, at := range c.pods.usedAt {
		switch {
		case l.now.Sub(at) < quietFor:
			out = append(out, version)
		default:
			delete(c.pods.usedAt, version)
		}
	}
	slices.Sort(out)
	return out
}

// wants says whether a version has traffic, or pods, by intent.
func (c *canary) wants(version string) bool {
	return version == c.state.Stable || c.state.Active() && version == c.state.Version
}

// known lists the versions that an Envoy may know and send requests to, besides the
// two that the state wants there.
func (c *canary) known() []string {
	s := c.state
	out := append(slices.Clone(s.Retired), c.published.Retired...)
	for _, parts := range [][]rollout.Part{s.Beside, c.published.Beside} {
		for _, p := range parts {
			out = append(out, p.Version)
		}
	}
	settled := c.publishedGen == s.Generation && c.progress.Settled && !c.handed
	if s.Stage == rollout.Aborted && !settled {
		out = append(out, s.Version)
	}
	for _, v := range []string{c.published.Stable, c.published.Canary} { // that may be older than the state
		if v != "" && v != s.Stable && v != s.Version {
			out = append(out, v)
		}
	}
	return out
}

// quietAt is when the next version becomes quiet if nothing happens; zero where
// none is waited for, or where news of the fleet have to come first.
func (c *canary) quietAt() (next time.Time) {
	if len(c.pods.usedAt) == 0 { // as always where nobody scales
		return next
	}
	known := c.known()
	for version, at := range c.pods.usedAt {
		if t := at.Add(quietFor); !slices.Contains(known, version) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	return next
}

// PodsReported takes what is so of a Rollout's pods.
func (c *Control) PodsReported(key api.Key, r PodsReport) {
	c.tell(func(l *loop) {
		if of := l.canaries[key]; of != nil {
			of.seePods(l, r)
		}
	})
}

// revised gives an object with its version, as its pods have it: that of the last
// report, or, while that is of an older object, the one that was wanted before. A
// Rollout that was never seen has none until its pods are reported.
func (c *canary) revised(object *api.Rollout) (r *api.Rollout, known bool) {
	version := c.state.Version
	if c.pods.report.Version != "" && c.pods.report.Generation == object.Generation {
		version = c.pods.report.Version
	}
	return object.WithRevision(version), version != ""
}

// seePods tells the machine of the canary's pods, and of the version that the
// object asks for.
func (c *canary) seePods(l *loop, r PodsReport) {
	c.pods.report = r
	l.dirty[c] = true
	if object := l.objects.Rollouts[c.key]; object != nil && r.Version != "" && r.Generation == object.Generation && c.spec.Version != r.Version {
		l.reconcileOne(c.key)
	}
	if c.state.Active() && r.Pods != c.state.In.Pods {
		_ = c.play(l, rollout.PodsSeen{Pods: r.Pods}) // only actions are refused
	}
}
