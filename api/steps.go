package api

import "encoding/json"

// CanaryStep is one step of a canary. Kinds says which fields may be set.
type CanaryStep struct {
	SetWeight      *Decimal         `json:"setWeight,omitempty"` // of maxTrafficWeight
	Pause          *Pause           `json:"pause,omitempty"`
	SetCanaryScale *SetCanaryScale  `json:"setCanaryScale,omitempty"` // only in a cluster
	SetHeaderRoute *SetHeaderRoute  `json:"setHeaderRoute,omitempty"`
	SetMirrorRoute *SetMirrorRoute  `json:"setMirrorRoute,omitempty"`
	Analysis       *RolloutAnalysis `json:"analysis,omitempty"`
	Experiment     *ExperimentStep  `json:"experiment,omitempty"`
	Plugin         json.RawMessage  `json:"plugin,omitempty"`
	Prove          *Prove           `json:"prove,omitempty"` // Serin's own
	Gate           *Gate            `json:"gate,omitempty"`  // Serin's own
}

// SetCanaryScale sets how many pods a canary has, by one of its fields. Source: Argo's CRD.
type SetCanaryScale struct {
	Replicas           *int32 `json:"replicas,omitempty"`           // so many
	Weight             *int32 `json:"weight,omitempty"`             // a part of the Rollout's, in percent
	MatchTrafficWeight bool   `json:"matchTrafficWeight,omitempty"` // as its weight needs, as it is without the step
}

// Pause holds a canary at its weight. Empty, it lasts until somebody promotes.
type Pause struct {
	// Duration is how long; a bare number means seconds.
	Duration *Duration `json:"duration,omitempty"`
	// Requests is how many canary requests to wait for, in place of a duration.
	// Serin's own.
	Requests *int64 `json:"requests,omitempty"`
}

// Open reports whether only a person ends the pause.
func (p *Pause) Open() bool { return p.Duration == nil && p.Requests == nil }

// Kinds gives the names of the step's fields that are set. A step of a Rollout
// that Decode gives has one, and maybe setCanaryScale beside it, which Argo
// allows; that comes last.
func (s *CanaryStep) Kinds() []string {
	var kinds []string
	add := func(set bool, name string) {
		if set {
			kinds = append(kinds, name)
		}
	}
	add(s.SetWeight != nil, "setWeight")
	add(s.Pause != nil, "pause")
	add(s.SetHeaderRoute != nil, "setHeaderRoute")
	add(s.SetMirrorRoute != nil, "setMirrorRoute")
	add(s.Analysis != nil, "analysis")
	add(s.Experiment != nil, "experiment")
	add(s.Plugin != nil, "plugin")
	add(s.Prove != nil, "prove")
	add(s.Gate != nil, "gate")
	add(s.SetCanaryScale != nil, "setCanaryScale")
	return kinds
}

// Kind gives the name of the field that says what the step does, "" if none is
// set.
func (s *CanaryStep) Kind() string {
	if kinds := s.Kinds(); len(kinds) > 0 {
		return kinds[0]
	}
	return ""
}
