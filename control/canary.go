package control

import (
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
	"github.com/serin-mesh/serin/stats"
	"github.com/serin-mesh/serin/store"
	"github.com/serin-mesh/serin/xds"
)

// canary is one Rollout in the loop.
type canary struct {
	key     api.Key
	service api.Key // whose traffic it divides
	// canaryService is its canary alone, if there is one.
	canaryService api.Key
	release       *release     // that it is a member of; nil: none
	object        *api.Rollout // nil: deleted, and the state keeps the Service on stable
	rules         rules        // of the object
	spec          rollout.Spec
	state         rollout.State

	// handed over to the fleet last, and the generation of that. A state whose
	// generation is higher still waits for the store.
	published    rollout.Split
	publishedGen uint64
	handed       bool // in this turn
	// pending counts the writes that are not durable yet; whenStored is called
	// when there are none, or when the store fails.
	pending    int
	whenStored []func()
	storeError error

	required *xds.Requirement // for what was handed over
	progress xds.Progress
	history  stats.WeightHistory
	judge    *judge
	trials   []*trial // checks under way
	past     []*trial // that have ended, the newest last

	pods        podsOf             // see pods.go
	experiments *ExperimentsWanted // as it was said last; nil: it was not
	wish        rollout.Wish       // see beside.go

	conditioned []api.RolloutCondition // as they were last looked at

	wake    time.Time // see timers
	unsaved bool      // evidence changed since it was stored
	shown   shape     // as the watches know it
}

// play plays an event on the machine, and does what it asks for.
func (c *canary) play(l *loop, ev rollout.Event, done ...func(error)) error {
	attempt := c.state.Attempt
	next, eff, err := rollout.Step(c.spec, c.state, l.now, ev)
	if err != nil {
		return err
	}
	c.state = next
	l.dirty[c] = true
	if l.pods != nil {
		l.wanting[c] = true
	}
	if len(c.trials) > 0 || next.Check != nil || next.Background != nil {
		l.asking[c] = true
	}
	if next.Attempt != attempt {
		c.begin(l)
	}
	if len(eff.Records) > 0 {
		c.record(l, eff.Records, done)
	}
	switch to := eff.Publish; {
	case to == nil:
	case c.publishedGen == 0 || c.published.Lowers(*to):
		c.hand(l)
	default: // what it takes away does not wait for what it gives
		if less := c.published.Within(*to); !less.Equal(c.published) {
			c.handOver(l, less, c.publishedGen)
		}
	}
	c.schedule(l)
	if next.Active() && !next.In.EndpointsKnown {
		return c.seeEndpoints(l)
	}
	return nil
}

// record writes the state and what led to it. When that is durable, what was
// held back for it is handed over.
func (c *canary) record(l *loop, records []rollout.Record, done []func(error)) {
	generation := c.state.Generation
	c.pending++
	c.conditions(l)
	l.logRecords(c, records)
	l.store.Write(store.Write{
		Put:     map[api.Key]store.Rollout{c.key: c.saved(l)},
		Journal: map[api.Key][]store.Entry{c.key: c.entries(l, records)},
		Done: func() {
			l.tell(func(l *loop) {
				c.durable(l, generation)
				l.atEnd(func() { call(done, nil) })
			})
		},
		Failed: func(err error) {
			l.tell(func(l *loop) { c.storeFailed(l, err); call(done, err) })
		},
	})
}

func call(fs []func(error), err error) {
	for _, f := range fs {
		f(err)
	}
}

// durable hands over the present division if it is stored by now.
func (c *canary) durable(l *loop, generation uint64) {
	c.storeError = nil
	c.pending--
	c.settleReaders()
	l.dirty[c] = true
	if c.publishedGen < c.state.Generation && generation >= c.state.Generation {
		c.hand(l)
		c.schedule(l)
	}
}

func (c *canary) storeFailed(l *loop, err error) {
	if c.storeError == nil {
		l.log.Error("a state cannot be stored: no weight is raised until it can", "rollout", c.key, "error", err)
	}
	c.storeError = err
	c.settleReaders()
	l.dirty[c] = true
}

// settleReaders answers those who wait to see a stored state.
func (c *canary) settleReaders() {
	if c.pending > 0 && c.storeError == nil {
		return
	}
	for _, f := range c.whenStored {
		f()
	}
	c.whenStored = nil
}

// hand hands the present division over to the fleet.
func (c *canary) hand(l *loop) { c.handOver(l, c.state.Split(), c.state.Generation) }

// handOver hands a division over to the translation, whose resources go to the
// fleet at the end of the turn. What waits for the store keeps its own generation:
// who accepts less meanwhile has not accepted that.
func (c *canary) handOver(l *loop, split rollout.Split, generation uint64) {
	before := c.published
	c.published, c.publishedGen, c.handed = split, generation, true
	if l.pods != nil { // until now they had traffic
		for _, v := range versions(before) {
			c.pods.used(v, l.now)
		}
	}
	l.dirty[c] = true
	l.builder.SetSplit(c.service, c.split(l))
	c.history.Set(shareOfTwo(split), l.now)
	l.ledger.Begin(c.service, versions(split), l.now)
	if c.judge != nil && before.Canary == split.Canary && split.Weight > before.Weight && before.Weight > 0 {
		for _, test := range c.judge.tests() {
			test.Step()
		}
		if c.judge.Times != nil {
			c.judge.Times.Step()
		}
	}
}

// versions lists the versions that a division names.
func versions(s rollout.Split) []string {
	if s.Canary == "" {
		return []string{s.Stable}
	}
	return append([]string{s.Stable, s.Canary}, s.Mix().Beside...)
}

// share gives a weight as a part of one.
func share(w rollout.Weight) float64 { return float64(w) / float64(rollout.Total) }

// shareOfTwo gives the canary's part of what it and the stable version have
// together: what is beside them is compared with neither.
func shareOfTwo(s rollout.Split) float64 {
	two := s.Weight + s.Rest()
	if two == 0 {
		return 0
	}
	return float64(s.Weight) / float64(two)
}

// waits says whether news of the fleet can move the rollout.
func (c *canary) waits() bool {
	return c.state.Stage != rollout.Idle || len(c.state.Retired)+len(c.state.Former) > 0
}

// require starts to count who has accepted what was just handed over.
func (c *canary) require(l *loop) {
	c.unrequire(l)
	c.required = l.fleet.Require(l.builder.Uses(c.service))
	c.seeFleet(l)
}

// unrequire has the fleet forget what was required.
func (c *canary) unrequire(l *loop) {
	if c.required != nil {
		l.fleet.Release(c.required)
		c.required = nil
	}
}

// seeFleet tells the machine what the fleet has accepted, if that is news.
func (c *canary) seeFleet(l *loop) {
	if c.required == nil {
		return
	}
	c.count(l)
	p := l.fleet.Progress(c.required, l.now)
	c.progress = p
	if p.Settled && p.Quarantined == 0 { // one that is out of reach may still serve an old weight
		c.history.Acked(l.now)
	}
	fleet := rollout.Fleet{
		Generation: c.publishedGen, Connected: p.Connected, Acked: p.Acked, Waiting: p.Pending,
		Rejected: p.Rejected, Quarantined: p.Quarantined, Away: p.Away, Settled: p.Settled,
	}
	if fleet != c.state.In.Fleet {
		_ = c.play(l, rollout.FleetSeen{Fleet: fleet}) // only actions are refused
	}
	c.schedule(l)
}

// seeEndpoints tells the machine how many endpoints the versions have.
func (c *canary) seeEndpoints(l *loop) error {
	if !c.state.Active() {
		return nil
	}
	canary := l.builder.ReadyEndpoints(c.service, c.state.Version)
	if c.judge != nil {
		for _, test := range c.judge.tests() {
			test.Hosts(canary)
		}
	}
	stable := l.builder.ReadyEndpoints(c.service, c.state.Stable)
	err := c.play(l, rollout.EndpointsSeen{Canary: canary, Stable: stable})
	c.seeBeside(l)
	return err
}

// schedule sets the rollout's timer to the next instant that can move it.
func (c *canary) schedule(l *loop) {
	next := rollout.Wake(c.spec, c.state)
	if c.waits() && !c.progress.Next.IsZero() && (next.IsZero() || c.progress.Next.Before(next)) {
		next = c.progress.Next
	}
	if !next.IsZero() && !next.After(l.now) && !c.progress.Next.Equal(next) {
		// The time is over but something else holds the rollout: its news will
		// move it.
		next = time.Time{}
		if c.progress.Next.After(l.now) {
			next = c.progress.Next
		}
	}
	if t := c.quietAt(); !t.IsZero() && (next.IsZero() || t.Before(next)) {
		next = t
	}
	if t := c.nextTrial(); !t.IsZero() && (next.IsZero() || t.Before(next)) {
		next = t
	}
	l.timers.set(c, next)
}

// tick tells the machine that its timer is over.
func (c *canary) tick(l *loop) {
	c.seeFleet(l)
	if len(c.trials) > 0 {
		l.asking[c] = true
	}
	_ = c.play(l, rollout.Ticked{}) // only actions are refused
}
