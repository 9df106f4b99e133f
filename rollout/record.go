package rollout

import (
	"slices"
	"time"
)

// Kind names what a Record says happened.
type Kind string

// The kinds of records.
const (
	FirstVersion   Kind = "FirstVersion"   // a Rollout seen for the first time
	CanaryStarted  Kind = "CanaryStarted"  // a version begins its way
	Prepared       Kind = "Prepared"       // the fleet knows cluster and route
	WeightSet      Kind = "WeightSet"      // a step, or the end of them, sets a weight
	WeightWithheld Kind = "WeightWithheld" // the canary has no endpoint left
	WeightRestored Kind = "WeightRestored" // and has some again
	PauseStarted   Kind = "PauseStarted"   // a pause step begins
	CheckStarted   Kind = "CheckStarted"   // a step, or what is beside them, asks about the canary
	CheckEnded     Kind = "CheckEnded"     // the answer
	StepCompleted  Kind = "StepCompleted"
	StepsCompleted Kind = "StepsCompleted" // all traffic may move over
	Paused         Kind = "Paused"         // somebody said pause
	HarmPaused     Kind = "HarmPaused"     // a judge did
	Resumed        Kind = "Resumed"        // and ended that
	Waived         Kind = "Waived"         // somebody went on in spite of a judge
	ScaleSet       Kind = "ScaleSet"       // a step sets how many pods the canary has
	RouteSet       Kind = "RouteSet"       // a managed route was made or replaced
	RouteUnset     Kind = "RouteUnset"     // or taken away
	BesideSet      Kind = "BesideSet"      // what versions beside the canary have
	Frozen         Kind = "Frozen"         // somebody said freeze
	Unfrozen       Kind = "Unfrozen"       // or unfreeze
	Held           Kind = "Held"           // spec.paused, or a freeze of all, begins to hold
	Released       Kind = "Released"       // or no longer does
	DeadlinePassed Kind = "DeadlinePassed" // no progress in time
	PromotedFull   Kind = "PromotedFull"   // somebody skipped the rest
	Promoted       Kind = "Promoted"       // the canary is stable now
	AbortedKind    Kind = "Aborted"
	BackToStable   Kind = "BackToStable" // the object names the stable version again
	RolledBack     Kind = "RolledBack"
	Unpinned       Kind = "Unpinned"
	SpecNoted      Kind = "SpecNoted" // a change without effect on traffic
	Settled        Kind = "Settled"   // retired versions are known to nobody
	RolloutDeleted Kind = "RolloutDeleted"
)

// Record is one fact in the life of a Rollout: a line of its journal.
type Record struct {
	Kind     Kind          `json:"kind"`
	At       time.Time     `json:"at"`
	Version  string        `json:"version,omitempty"` // wanted, or rolled back to
	Steps    string        `json:"steps,omitempty"`   // hash of the steps
	Step     int           `json:"step,omitempty"`
	Weight   Weight        `json:"weight,omitempty"`
	Count    uint64        `json:"count,omitempty"` // requests of the canary
	Fast     bool          `json:"fast,omitempty"`
	Until    *time.Time    `json:"until,omitempty"`
	Route    *ManagedRoute `json:"route,omitempty"`
	Scale    *Scale        `json:"scale,omitempty"`
	Parts    []Part        `json:"parts,omitempty"` // all that is beside the canary
	Outcome  Outcome       `json:"outcome,omitempty"`
	Beside   bool          `json:"beside,omitempty"` // of a check: it is the background's
	Message  string        `json:"message"`
	Actor    string        `json:"actor"`
	Verified bool          `json:"verified,omitempty"`
	Reason   string        `json:"reason,omitempty"`
}

// provenKept is how many versions that were stable are remembered, as
// revisionHistoryLimit does by default.
const provenKept = 10

// Apply folds a record into the state. It is total: a record that this program
// did not write changes nothing.
func (s State) Apply(r Record) State {
	before := s.Split()
	s = s.fold(r)
	if len(s.Beside) > 0 && !s.asks() {
		s = s.withBeside(nil)
	}
	s = s.remember(before)
	if !before.Equal(s.Split()) {
		s.Generation++
	}
	return s
}

func (s State) fold(r Record) State {
	at := r.At
	switch r.Kind {
	case FirstVersion:
		s = State{Stable: r.Version, Version: r.Version, Steps: r.Steps, Stage: Idle, In: s.In}
	case CanaryStarted:
		s = s.start(r)
	case Prepared:
		s.Stage = Stepping
	case WeightSet:
		if s.Allowed = r.Weight; !s.Withheld {
			s.Weight = r.Weight
		}
	case WeightWithheld:
		s.Weight, s.Withheld = 0, true
	case WeightRestored:
		s.Weight, s.Withheld = s.Allowed, false
	case RouteSet, RouteUnset:
		s.Routes = s.withRoute(r)
	case ScaleSet:
		if r.Scale != nil {
			s.Scale = *r.Scale
		}
	case BesideSet:
		if s.asks() {
			s = s.withBeside(r.Parts)
		}
	case PauseStarted:
		s.PausedAt, s.PausedCount = &at, r.Count
	case CheckStarted, CheckEnded:
		s = s.foldCheck(r)
	case StepCompleted:
		s.Step, s.PausedAt, s.Check = r.Step, nil, nil
	case StepsCompleted:
		s.Stage, s.PausedAt, s.Check = Completing, nil, nil
	case Paused, HarmPaused, Resumed, Waived, Held, Released, Frozen, Unfrozen, DeadlinePassed:
		s = s.foldHold(r)
	default:
		s = s.foldEnd(r)
	}
	if r.progress() {
		s.ProgressAt, s.Late = at, false
	}
	return s
}

// progress says whether a record brings a canary forward, or lets its clock
// begin anew.
func (r Record) progress() bool {
	switch r.Kind {
	case SpecNoted, Settled, WeightWithheld, BesideSet, Paused, HarmPaused, Held, Frozen, DeadlinePassed:
		return false
	}
	return true
}

// foldHold folds the records that hold a canary or let it go.
func (s State) foldHold(r Record) State {
	at := r.At
	switch r.Kind {
	case Paused:
		s.UserPausedAt = &at
	case HarmPaused:
		s.HarmPausedAt = &at
	case Resumed:
		s.UserPausedAt = nil
	case Waived:
		s.HarmWaived = s.HarmWaived || s.HarmPausedAt != nil
		s.HarmPausedAt = nil
		if s.Background.outcome() == Inconclusive {
			s.Background = nil // it is asked again
		}
	case Held, Released:
		s.Held = r.Kind == Held
	case Frozen:
		s.Frozen = &Freeze{Until: r.Until, Actor: r.Actor, Reason: r.Reason}
	case Unfrozen:
		s.Frozen = nil
	case DeadlinePassed:
		s.Late = true
	}
	return s
}

// withRoute gives the managed routes with the record's made, replaced or taken
// away.
func (s State) withRoute(r Record) []ManagedRoute {
	var out []ManagedRoute
	if r.Route == nil {
		return s.Routes
	}
	for _, have := range s.Routes {
		if have.Name != r.Route.Name {
			out = append(out, have)
		}
	}
	if r.Kind == RouteSet {
		out = append(out, *r.Route)
	}
	slices.SortStableFunc(out, func(a, b ManagedRoute) int { return a.Order - b.Order })
	return out
}

// foldEnd folds the records that end a canary, by whichever door.
func (s State) foldEnd(r Record) State {
	at := r.At
	switch r.Kind {
	case PromotedFull:
		s = s.unpaused()
		s.Stage, s.PromoteFull, s.Step = Completing, true, r.Step
		s.Check, s.Background = nil, nil
	case Promoted:
		s = s.makeStable(s.Version)
		s.Step = r.Step
	case AbortedKind:
		s = s.unpaused()
		s = s.atZero()
		s.Stage = Aborted
		s.AbortedAt, s.AbortMessage = &at, r.Message
	case BackToStable:
		s = s.withdraw().idle()
		s.Version, s.Steps, s.Pinned = s.Stable, r.Steps, false
	case RolledBack:
		s = s.rollBack(r.Version)
	case Unpinned:
		s.Pinned = false
	case SpecNoted:
		s.Version, s.Steps, s.Deleted = r.Version, r.Steps, false
	case Settled:
		s.Retired, s.Former = nil, nil
	case RolloutDeleted:
		s = s.withdraw().idle()
		s.Deleted = true
	}
	return s
}

// start begins a canary of the record's version, at weight 0.
func (s State) start(r Record) State {
	if s.Version != r.Version {
		s = s.withdraw()
	}
	s = s.unpaused()
	s.Version, s.Steps, s.Stage = r.Version, r.Steps, Preparing
	s.Attempt++
	s = s.atZero()
	s.AbortedAt, s.AbortMessage = nil, ""
	s.Pinned, s.Deleted, s.HarmWaived, s.Fast = false, false, false, r.Fast
	s.Retired = without(s.Retired, r.Version)
	return s
}

// rollBack puts all traffic on a version and pins it there.
func (s State) rollBack(to string) State {
	proven := s.Proven
	if to != s.Stable {
		s = s.makeStable(to)
		s.Proven = without(proven, to)
	} else {
		s = s.withdraw().idle()
	}
	s.Pinned = true
	return s
}

// makeStable makes a version the stable one and retires the one before.
func (s State) makeStable(version string) State {
	old := s.Stable
	s.Proven = append(without(without(s.Proven, old), version), old)
	if n := len(s.Proven); n > provenKept {
		s.Proven = slices.Clone(s.Proven[n-provenKept:])
	}
	s.Stable = version
	s.Retired = without(s.Retired, version)
	return s.retire(old).idle()
}

// withdraw retires the canary, if there is one.
func (s State) withdraw() State {
	if s.Stage == Idle {
		return s
	}
	return s.retire(s.Version)
}

// retire keeps a version that was in traffic for the Envoys that still know it.
func (s State) retire(version string) State {
	if version == "" || version == s.Stable {
		return s
	}
	s.Retired = append(without(s.Retired, version), version)
	slices.Sort(s.Retired)
	return s
}

// idle ends whatever canary there was.
func (s State) idle() State {
	s = s.unpaused().atZero()
	s.Stage = Idle
	s.AbortedAt, s.AbortMessage = nil, ""
	return s
}

// atZero is before the first step, without any traffic for the canary.
func (s State) atZero() State {
	s.Step, s.Allowed, s.Weight, s.Withheld, s.Routes = 0, 0, 0, false, nil
	s.PromoteFull, s.Fast, s.Late, s.Held = false, false, false, false
	s.Check, s.Background, s.Scale = nil, nil, Scale{}
	return s
}

func (s State) unpaused() State {
	s.PausedAt, s.UserPausedAt, s.HarmPausedAt = nil, nil, nil
	return s
}

// without gives a new slice that lacks a version; states share no memory that
// a later one writes.
func without(versions []string, version string) []string {
	var out []string
	for _, v := range versions {
		if v != version {
			out = append(out, v)
		}
	}
	return out
}
