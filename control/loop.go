package control

import (
	"log/slog"
	"sync"
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/stats"
	"github.com/serin-mesh/serin/store"
)

// loop is everything that the loop's goroutine owns.
type loop struct {
	now   time.Time // of this turn
	tell  func(func(*loop))
	fleet Fleet
	store Store
	log   *slog.Logger

	saved     map[api.Key]store.Rollout // not yet claimed by an object
	objects   *api.Objects
	findings  []api.Finding
	broken    map[api.Key]bool          // Rollouts that the findings call wrong
	reads     map[api.Key]time.Duration // how far back others look, by Rollout
	builder   *snapshot.Builder
	ledger    *stats.Ledger
	filter    *stats.Filter
	canaries  map[api.Key]*canary // by Rollout
	byService map[api.Key]*canary // by the Service whose traffic is divided
	// byCanaryService is by the Service that has the canary's own name.
	byCanaryService map[api.Key]*canary

	releases      map[api.Key]*release
	savedReleases map[string]store.Release // not yet claimed by an object

	ends        []func()        // called at the end of this turn
	freeze      *rollout.Freeze // of all rollouts
	timers      timers
	dirty       map[*canary]bool // its status may have changed in this turn
	wanting     map[*canary]bool // what it wants of its pods may have changed in this turn
	asking      map[*canary]bool // its checks have to be looked at in this turn
	measurer    Measurer
	pods        Pods           // nil: nobody scales
	experiments Experiments    // nil: nobody runs pods for them
	work        sync.WaitGroup // measurements under way
	evidenceAt  time.Time      // when changed evidence is stored next
	watches     map[*Watch]bool
	shownAt     time.Time // when counts were last shown to watches
	members     uint64    // of the fleet, as stored
	membersAt   time.Time // when they are stored next; zero: they did not change
}

// evidenceEvery is how often changed evidence is stored.
const evidenceEvery = time.Second

// membersEvery is how often it is stored who is connected.
const membersEvery = 500 * time.Millisecond

// showEvery is how often changed counts are shown to watches.
const showEvery = 500 * time.Millisecond

func newLoop(o Options, tell func(func(*loop))) *loop {
	l := &loop{
		now: time.Now(), tell: tell, fleet: o.Fleet, store: o.Store, log: o.Log,
		saved:     map[api.Key]store.Rollout{},
		objects:   &api.Objects{},
		builder:   snapshot.NewBuilder(snapshot.Options{}),
		broken:    map[api.Key]bool{},
		reads:     map[api.Key]time.Duration{},
		ledger:    stats.NewLedger(),
		filter:    stats.NewFilter(),
		canaries:  map[api.Key]*canary{},
		byService: map[api.Key]*canary{},

		byCanaryService: map[api.Key]*canary{},
		dirty:           map[*canary]bool{},
		wanting:         map[*canary]bool{},
		asking:          map[*canary]bool{},
		releases:        map[api.Key]*release{},
		savedReleases:   o.Saved.Releases,
		measurer:        o.Measurer,
		pods:            o.Pods,
		experiments:     o.Experiments,
		watches:         map[*Watch]bool{},
	}
	l.freeze = o.Saved.Freeze
	for key, r := range o.Saved.Rollouts {
		l.saved[key] = r
	}
	return l
}

// endTurn translates what has changed, hands it to the fleet, and tells the
// watches.
func (l *loop) endTurn() {
	l.followReleases()
	for c := range l.asking {
		delete(l.asking, c)
		c.follow(l)
	}
	for gateway, change := range l.builder.Flush() {
		l.fleet.Apply(gateway, change)
	}
	for c := range l.dirty {
		if c.handed {
			c.handed = false
			c.require(l)
		}
	}
	for c := range l.wanting {
		delete(l.wanting, c)
		c.wantPods(l)
		c.wantExperiments(l)
	}
	l.show()
	for _, f := range l.ends {
		f()
	}
	l.ends = nil
}

// atEnd has something done when this turn's changes were handed to the fleet.
func (l *loop) atEnd(f func()) { l.ends = append(l.ends, f) }

// fleetChanged tells every rollout that waits for the fleet what it has now.
func (l *loop) fleetChanged() {
	l.seeMembers()
	for _, c := range l.canaries {
		if c.waits() || len(l.watches) > 0 {
			c.seeFleet(l)
		}
	}
}

// tick plays the timers that are due.
func (l *loop) tick() {
	for _, c := range l.timers.due(l.now) {
		c.tick(l)
	}
	if f := l.freeze; f != nil && f.Until != nil && !l.now.Before(*f.Until) {
		l.setFreeze(nil, rollout.Action{Reason: "its time is over"}, nil)
	}
	if !l.evidenceAt.IsZero() && !l.now.Before(l.evidenceAt) {
		l.saveEvidence()
	}
	if !l.membersAt.IsZero() && !l.now.Before(l.membersAt) {
		l.saveMembers()
	}
}

// untilNext says how long the loop may sleep.
func (l *loop) untilNext(now time.Time) time.Duration {
	next := now.Add(time.Hour)
	earlier := func(t time.Time) {
		if !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	earlier(l.timers.first())
	earlier(l.evidenceAt)
	earlier(l.membersAt)
	if l.freeze != nil && l.freeze.Until != nil {
		earlier(*l.freeze.Until)
	}
	if len(l.watches) > 0 && len(l.dirty) > 0 {
		earlier(l.shownAt.Add(showEvery))
	}
	return max(next.Sub(now), 0)
}

// saveEvidence stores the evidence that has changed since it was stored last.
func (l *loop) saveEvidence() {
	l.evidenceAt = time.Time{}
	put := map[api.Key]store.Rollout{}
	for key, c := range l.canaries {
		if c.unsaved {
			c.unsaved = false
			put[key] = c.saved(l)
		}
	}
	if len(put) > 0 {
		l.store.Write(store.Write{Put: put})
	}
}
