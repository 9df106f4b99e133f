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
	StepCompleted  Kind = "StepCompleted"
	StepsCompleted Kind = "StepsCompleted" // all traffic may move over
	Paused         Kind = "Paused"         // somebody said pause
	HarmPaused     Kind = "HarmPaused"     // a judge did
	Resumed        Kind = "Resumed"
	PromotedFull   Kind = "PromotedFull" // somebody skipped the rest
	Promoted       Kind = "Promoted"     // the canary is stable now
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
	Kind     Kind      `json:"kind"`
	At       time.Time `json:"at"`
	Version  string    `json:"version,omitempty"` // wanted, or rolled back to
	Steps    string    `json:"steps,omitempty"`   // hash of the steps
	Step     int       `json:"step,omitempty"`
	Weight   Weight    `json:"weight,omitempty"`
	Message  string    `json:"message"`
	Actor    string    `json:"actor"`
	Verified bool      `json:"verified,omitempty"`
	Reason   string    `json:"reason,omitempty"`
}

// provenKept is how many versions that were stable are remembered, as
// revisionHistoryLimit does by default.
const provenKept = 10

// Apply folds a record into the state. It is total: a record that this program
// did not write changes nothing.
func (s State) Apply(r Record) State {
	before := s.Split()
	s = s.fold(r)
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
		s.Allowed, s.Weight = r.Weight, r.Weight
	case WeightWithheld:
		s.Weight = 0
	case WeightRestored:
		s.Weight = s.Allowed
	case PauseStarted:
		s.PausedAt = &at
	case StepCompleted:
		s.Step, s.PausedAt = r.Step, nil
	case StepsCompleted:
		s.Stage, s.PausedAt = Completing, nil
	case Paused:
		s.UserPausedAt = &at
	case HarmPaused:
		s.HarmPausedAt = &at
	case Resumed:
		s.HarmWaived = s.HarmWaived || s.HarmPausedAt != nil
		s.UserPausedAt, s.HarmPausedAt = nil, nil
	default:
		s = s.foldEnd(r)
	}
	return s
}

// foldEnd folds the records that end a canary, by whichever door.
func (s State) foldEnd(r Record) State {
	at := r.At
	switch r.Kind {
	case PromotedFull:
		s = s.unpaused()
		s.Stage, s.PromoteFull, s.Step = Completing, true, r.Step
	case Promoted:
		s = s.makeStable(s.Version)
		s.Step = r.Step
	case AbortedKind:
		s = s.unpaused()
		s.Stage, s.Step, s.Allowed, s.Weight, s.PromoteFull = Aborted, 0, 0, 0, false
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
		s.Retired = nil
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
	s.Step, s.Allowed, s.Weight = 0, 0, 0
	s.AbortedAt, s.AbortMessage = nil, ""
	s.PromoteFull, s.Pinned, s.Deleted, s.HarmWaived = false, false, false, false
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
	s = s.unpaused()
	s.Stage, s.Step, s.Allowed, s.Weight, s.PromoteFull = Idle, 0, 0, 0, false
	s.AbortedAt, s.AbortMessage = nil, ""
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
