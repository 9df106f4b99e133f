package sim

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/serin-mesh/serin/rollout"
)

// epoch is what the clock shows when a history begins.
var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// world is one Rollout and everything around it.
type world struct {
	wall time.Time     // what the machine's clock shows; it may jump
	mono time.Duration // what has really passed since the history began

	spec   rollout.Spec
	object bool           // the Rollout object is there
	ready  map[string]int // ready endpoints by version
	envoys []*envoy
	disk   disk

	up  bool // Serin runs
	ctl control

	publications []publication // all there ever were, also before crashes
	// lost are versions that were published, and that the last crash made Serin
	// forget. No request went to one: what is not stored is published
	// without weight.
	lost set
	// lostMixes are mixes of routes that the last crash made Serin forget: by such a
	// route the stable version has all.
	lostMixes []rollout.Mix
	asked     []rollout.Run // every check that ever waited
	freeAt    time.Time     // since when nothing holds the canary and it made no progress
	violation *Violation    // the first
}

// control is what Serin has in memory, and a crash forgets.
type control struct {
	state        rollout.State
	published    rollout.Split // handed over to the fleet last
	publishedGen uint64
	handed       bool            // in this turn
	since        time.Duration   // when that was
	settleAfter  time.Duration   // nothing counts as settled before
	count        uint64          // requests of the canary
	countOf      uint64          // the attempt that they are of
	fleet        []rollout.Fleet // what the machine was told, the newest last
	beside       rollout.Wish    // what it was told last of a check that waited
	replayed     rollout.State   // the journal's records, folded one by one
	folded       bool            // some were, since that was compared
}

// publication is a division that was handed over to the fleet.
type publication struct {
	split      rollout.Split
	generation uint64
	stored     int // how many divisions had been stored by then
}

// Violation is an invariant that did not hold.
type Violation struct {
	Invariant string // its name, as in Invariants
	Err       error  // what was found
}

// Error names the invariant and what was found.
func (v *Violation) Error() string { return fmt.Sprintf("%s: %v", v.Invariant, v.Err) }

// Unwrap gives what was found.
func (v *Violation) Unwrap() error { return v.Err }

func newWorld() *world {
	w := &world{wall: epoch, up: true, ready: map[string]int{}}
	for _, name := range envoyNames {
		w.envoys = append(w.envoys, &envoy{name: name})
	}
	return w
}

// fail notes a violation; the first one counts.
func (w *world) fail(invariant string, err error) {
	if w.violation == nil && err != nil {
		w.violation = &Violation{invariant, err}
	}
}

// turn is one event as the machine played it.
type turn struct {
	event         rollout.Event
	before, after rollout.State
	effects       rollout.Effects
	refused       error
}

// play plays an event on the machine and does what it asks for, as the control
// loop does.
func (w *world) play(ev rollout.Event) {
	if !w.up || w.violation != nil {
		return
	}
	c := &w.ctl
	t := turn{event: ev, before: c.state}
	t.after, t.effects, t.refused = rollout.Step(w.spec, c.state, w.wall, ev)
	w.checkTurn(t)
	if t.refused != nil {
		return
	}
	c.state = t.after
	w.moved(slices.ContainsFunc(t.effects.Records, forward))
	if len(t.effects.Records) > 0 {
		w.record(t.effects.Records)
	}
	switch p := t.effects.Publish; {
	case p == nil:
	case c.publishedGen == 0 || c.published.Lowers(*p):
		w.hand()
	default: // what it takes away does not wait for what it gives
		if less := c.published.Within(*p); !less.Equal(c.published) {
			w.handOver(less, c.publishedGen)
		}
	}
	w.ask()
	if c.state.Active() && !c.state.In.EndpointsKnown {
		w.seeEndpoints()
	}
}

// forward tells whether a record is progress of a canary, for its deadline.
func forward(r rollout.Record) bool {
	switch r.Kind {
	case rollout.CanaryStarted, rollout.Prepared, rollout.WeightSet, rollout.WeightRestored, rollout.RouteSet,
		rollout.RouteUnset, rollout.CheckStarted, rollout.CheckEnded, rollout.StepCompleted, rollout.StepsCompleted, rollout.PromotedFull:
		return true
	}
	return false
}

// endTurn asks the fleet again after a division was handed over.
func (w *world) endTurn() {
	for range 10 {
		if !w.up || !w.ctl.handed || w.violation != nil {
			return
		}
		w.ctl.handed = false
		w.ctl.since = w.mono
		w.look()
	}
	w.fail("quiet", errors.New("one turn after another hands over another division"))
}

// record queues the state and what led to it for the store.
func (w *world) record(records []rollout.Record) {
	lines, err := encodeAll(records)
	if err != nil {
		w.fail("journalReplays", err)
		return
	}
	w.disk.queue = append(w.disk.queue, write{w.ctl.state, lines})
	if w.ctl.replayed, err = replay(w.ctl.replayed, lines); err != nil {
		w.fail("journalReplays", err)
	}
	w.ctl.folded = true
}

// hand hands the present division over to the fleet.
func (w *world) hand() { w.handOver(w.ctl.state.Split(), w.ctl.state.Generation) }

func (w *world) handOver(split rollout.Split, generation uint64) {
	c := &w.ctl
	w.checkHand(split)
	w.lost &^= versions(split)
	c.published, c.publishedGen, c.handed = split, generation, true
	w.publications = append(w.publications, publication{split, w.ctl.publishedGen, len(w.disk.splits)})
	for _, e := range w.envoys {
		e.same(split, len(w.publications)-1)
	}
	w.sweep()
}

// same notes that a publication wants what the Envoy has.
func (e *envoy) same(split rollout.Split, seq int) {
	if e.keys != nil && e.keys.equal(tableOf(split)) {
		e.keysSeq = seq
	}
	if e.route != nil && *e.route == routeOf(split) {
		e.routeSeq = seq
	}
}

func (w *world) sweep() {
	if !w.up {
		return
	}
	for _, e := range w.envoys {
		e.sweep(w.ctl.published, w.mono)
	}
}

// look tells the machine what the fleet has accepted, if that is news.
func (w *world) look() {
	if !w.up || w.ctl.publishedGen == 0 {
		return
	}
	f := rollout.Fleet{Generation: w.ctl.publishedGen}
	for _, e := range w.envoys {
		e.count(&f, w.ctl.published, w.ctl.since, w.mono)
	}
	f.Settled = f.Acked == f.Connected && f.Away == 0 && w.mono >= w.ctl.settleAfter
	if f != w.ctl.state.In.Fleet {
		w.tell(f)
	}
}

// tell tells the machine of the fleet.
func (w *world) tell(f rollout.Fleet) {
	w.ctl.fleet = append(w.ctl.fleet, f)
	w.play(rollout.FleetSeen{Fleet: f})
}

// seeEndpoints tells the machine how many endpoints the versions have.
func (w *world) seeEndpoints() {
	if s := w.ctl.state; s.Active() {
		w.play(rollout.EndpointsSeen{Canary: w.ready[s.Version], Stable: w.ready[s.Stable]})
	}
}

// stored handles the store's news that a write is durable.
func (w *world) stored() {
	if !w.up || len(w.disk.told) == 0 {
		return
	}
	generation := w.disk.told[0]
	w.disk.told = w.disk.told[1:]
	if w.ctl.publishedGen < w.ctl.state.Generation && generation >= w.ctl.state.Generation {
		w.hand()
	}
}

// reconcile brings the machine in line with the object, or with its absence.
func (w *world) reconcile() {
	if !w.up {
		return
	}
	if w.object {
		w.play(rollout.SpecSeen{})
	} else {
		w.play(rollout.SpecGone{})
	}
	if w.ctl.publishedGen == 0 && w.ctl.state.Stage != "" {
		w.hand()
	}
	w.seeEndpoints()
}

// crash ends Serin: what is not in the store, or at an Envoy, is lost.
func (w *world) crash() {
	if !w.up {
		return
	}
	stored, err := w.disk.load()
	w.fail("journalReplays", err)
	for _, p := range w.publications {
		if p.generation > stored.Generation {
			w.lost |= versions(p.split) &^ versions(stored.Split())
		}
		w.lostMixes = append(w.lostMixes, p.split.Mix())
	}
	w.up, w.ctl = false, control{}
	w.disk.crash()
	for _, e := range w.envoys {
		e.stored = e.stored && (e.connected || w.mono-e.left < awayTimeout) || e.connected && w.mono-e.view.since >= membersEvery
		if e.connected {
			e.leave(w.mono)
		}
		e.view = view{}
	}
}

// start starts Serin on what the store has.
func (w *world) start() {
	if w.up {
		return
	}
	w.up = true
	state, err := w.disk.load()
	w.fail("journalReplays", err)
	w.ctl = control{state: state, replayed: state}
	if state.Stage != "" {
		w.ctl.settleAfter = w.mono + restartGrace
	}
	if run, ok := w.asking(); ok {
		w.ctl.beside = rollout.Wish{Run: run, Parts: state.Beside} // as somebody told before
	}
	w.freeAt = state.ProgressAt // what happened since may be lost
	for _, e := range w.envoys {
		if e.stored {
			e.view.known, e.left = true, w.mono
		}
	}
	w.reconcile()
}
