package rollout

import (
	"slices"
	"time"
)

// Stage is where a Rollout is between two stable versions.
type Stage string

// The stages.
const (
	// Idle: no canary; all traffic is on the stable version.
	Idle Stage = "Idle"
	// Preparing: the fleet is learning the canary's cluster and the weighted
	// route, at weight 0.
	Preparing Stage = "Preparing"
	// Stepping: the steps are being played.
	Stepping Stage = "Stepping"
	// Completing: the steps are over or were skipped; all traffic moves over.
	Completing Stage = "Completing"
	// Aborted: the canary was taken out and stays out.
	Aborted Stage = "Aborted"
)

// State is everything about one Rollout that must outlive a crash, and In, what
// was last heard of the world, which need not. The zero State is a Rollout that
// was never seen. Treat it as a value: Step and Apply return a new one.
type State struct {
	Stable  string `json:"stable"`  // version that takes what the canary does not
	Version string `json:"version"` // version wanted by the Rollout object
	Steps   string `json:"steps"`   // hash of the steps of Version
	Stage   Stage  `json:"stage"`

	// Attempt counts the canaries begun: evidence belongs to one attempt.
	Attempt uint64 `json:"attempt"`
	// Step is the index of the current step; the number of steps when over.
	Step int `json:"step"`
	// Allowed is the weight that the steps have reached, Weight the one wanted
	// now: the same, or 0 while the canary has no endpoint.
	Allowed Weight `json:"allowed"`
	Weight  Weight `json:"weight"`

	// Withheld: the canary has no endpoint, and gets nothing until it has.
	Withheld bool `json:"withheld,omitempty"`
	// Routes are the managed routes that steps have made, by precedence.
	Routes []ManagedRoute `json:"routes,omitempty"`
	// Beside are versions that have traffic beside the canary while a check runs,
	// sorted, each with more than 0.
	Beside []Part `json:"beside,omitempty"`
	// Scale is the size of the canary that a step has set.
	Scale Scale `json:"scale,omitzero"`
	// Held: spec.paused or a freeze of all holds the canary.
	Held bool `json:"held,omitempty"`
	// Fast: the canary was stable not long ago, and goes without steps.
	Fast bool `json:"fast,omitempty"`

	// ProgressAt is when the canary last came forward; Late, that it did not in
	// time.
	ProgressAt time.Time `json:"progressAt"`
	Late       bool      `json:"late,omitempty"`

	// Check is that of the current step, Background the one beside the steps;
	// nil: it has not begun.
	Check      *CheckState `json:"check,omitempty"`
	Background *CheckState `json:"background,omitempty"`

	PausedAt     *time.Time `json:"pausedAt,omitempty"`     // a pause step began
	PausedCount  uint64     `json:"pausedCount,omitempty"`  // the canary's requests then
	Frozen       *Freeze    `json:"frozen,omitempty"`       // somebody said freeze
	UserPausedAt *time.Time `json:"userPausedAt,omitempty"` // somebody said pause
	HarmPausedAt *time.Time `json:"harmPausedAt,omitempty"` // harm, where it pauses
	// HarmWaived: a person went on in spite of a harm that paused.
	HarmWaived   bool       `json:"harmWaived,omitempty"`
	AbortedAt    *time.Time `json:"abortedAt,omitempty"`
	AbortMessage string     `json:"abortMessage,omitempty"`
	PromoteFull  bool       `json:"promoteFull,omitempty"`
	// Pinned: somebody rolled back, and Version is not wanted until it changes.
	Pinned bool `json:"pinned,omitempty"`
	// Deleted: the Rollout object is gone, and Stable keeps the traffic.
	Deleted bool `json:"deleted,omitempty"`

	// Retired are versions that have left traffic but that an Envoy may still
	// know.
	Retired []string `json:"retired,omitempty"`
	// Former are the mixes of weighted routes that an Envoy may still have.
	Former []Mix `json:"former,omitempty"`
	// Proven are the versions that were stable before, the newest last.
	Proven []string `json:"proven,omitempty"`
	// Generation counts the changes of the split. What the fleet accepted is
	// told for a generation.
	Generation uint64 `json:"generation"`

	In Input `json:"-"`
}

// Input is the world as it was last told.
type Input struct {
	Fleet Fleet
	// Canary and Stable count ready endpoints; valid when EndpointsKnown.
	Canary, Stable int
	EndpointsKnown bool
	// Requests counts the canary's since its attempt began.
	Requests uint64
	// Pods is what is known of the canary's pods, where the spec is Scaled.
	Pods Pods
	// Beside is what versions beside the canary are to have.
	Beside Wish
}

// Fleet counts the Envoys that serve a Rollout's Service, for one generation of
// its split.
type Fleet struct {
	Generation  uint64
	Connected   int  // have a stream open
	Acked       int  // of those, have accepted this generation
	Waiting     int  // connected, not acked, still waited for
	Rejected    int  // refused something that the Rollout rests on
	Quarantined int  // did not answer in time, or are gone for long
	Away        int  // gone, still waited for
	Settled     bool // nobody may still use what was there before
}

// ready says whether everybody who is waited for has accepted, and somebody did.
func (f Fleet) ready() bool {
	return f.Acked > 0 && f.Waiting == 0 && f.Rejected == 0 && f.Away == 0
}

// Split says how a Service's traffic is divided.
type Split struct {
	Stable, Canary string // Canary is empty where there is no weighted route
	Weight         Weight // the canary's
	Beside         []Part // other versions with traffic of their own, sorted
	Retired        []string
	Former         []Mix          // of weighted routes that an Envoy may still have
	Routes         []ManagedRoute // to the canary alone, or mirrored to it
}

// Split gives the division that the state wants.
func (s State) Split() Split {
	sp := Split{Stable: s.Stable, Retired: s.Retired, Former: s.Former}
	if s.Stage != Idle && s.Stage != "" {
		sp.Canary, sp.Weight, sp.Beside = s.Version, s.Weight, s.Beside
		if !s.Withheld {
			sp.Routes = s.Routes
		}
	}
	return sp
}

// Equal says whether two splits are the same.
func (a Split) Equal(b Split) bool {
	return a.Stable == b.Stable && a.Canary == b.Canary && a.Weight == b.Weight &&
		slices.Equal(a.Beside, b.Beside) && slices.Equal(a.Retired, b.Retired) &&
		slices.EqualFunc(a.Former, b.Former, Mix.equal) && slices.Equal(a.Routes, b.Routes)
}

// Lowers says whether going from a to b only takes traffic away from canaries
// and from what is beside them, so that it must not wait for anything.
func (a Split) Lowers(b Split) bool {
	if a.Stable != b.Stable {
		return false
	}
	if raises(a.Beside, b.Beside) {
		return false
	}
	if b.Weight == 0 && len(b.Routes) == 0 {
		return true
	}
	for _, r := range b.Routes {
		if !slices.Contains(a.Routes, r) {
			return false
		}
	}
	return a.Canary == b.Canary && b.Weight <= a.Weight
}

// Within gives what of a, which is visible, may stay so while b is wanted and waits
// for the store: the canary, what is beside it and the managed routes have no more
// than b gives them, and nothing that they did not have. It is a itself where the
// two are of other versions.
func (a Split) Within(b Split) Split {
	if a.Stable != b.Stable || a.Canary != b.Canary {
		return a
	}
	out := a
	out.Weight, out.Beside, out.Routes = min(a.Weight, b.Weight), nil, nil
	for _, r := range a.Routes {
		if slices.Contains(b.Routes, r) {
			out.Routes = append(out.Routes, r)
		}
	}
	for _, p := range a.Beside {
		if weight := min(p.Weight, weightOf(b.Beside, p.Version)); weight > 0 {
			out.Beside = append(out.Beside, Part{p.Version, weight})
		} else {
			out.Retired = append(without(out.Retired, p.Version), p.Version)
			slices.Sort(out.Retired)
		}
	}
	out.Former = formerly(a.Former, a.Mix(), out.Mix())
	return out
}

// Active says whether a canary is under way: prepared, stepped or completed.
func (s State) Active() bool {
	return s.Stage == Preparing || s.Stage == Stepping || s.Stage == Completing
}
