package rollout

import "fmt"

// ScaleBy says what decides how many pods a canary has.
type ScaleBy string

// The ways to scale a canary.
const (
	ByTraffic  ScaleBy = ""         // as its share of the traffic needs
	ByReplicas ScaleBy = "replicas" // a number of pods
	ByWeight   ScaleBy = "weight"   // a part of the Rollout's replicas, in percent
)

// Scale is a size of the canary that a step sets, and that stays until another
// step sets one. The zero value is what holds before.
type Scale struct {
	By ScaleBy `json:"by,omitempty"`
	N  int32   `json:"n,omitempty"`
}

// String says what the scale is.
func (s Scale) String() string {
	switch s.By {
	case ByReplicas:
		return fmt.Sprintf("%d pods", s.N)
	case ByWeight:
		return fmt.Sprintf("%d%% of the replicas", s.N)
	}
	return "as the traffic needs"
}

// Need is what the pods of a canary have to be ready for. The zero Need is that of
// no canary.
type Need struct {
	Version string `json:"version,omitempty"`
	Weight  Weight `json:"weight,omitempty"` // the share that they must be able to take
	Scale   Scale  `json:"scale,omitzero"`   // what a step has set beside
}

// Pods is what was last told of the canary's pods.
type Pods struct {
	Need    Need   // what it is about
	Met     bool   // all that it takes are available
	Message string // in words: 1 of 2 pods are available
}

// Demand gives what the canary's pods have to be ready for now: the weight in
// force, or the one that is about to be. Pods may be there for longer than they
// are needed: who scales them down must know that no Envoy uses them any more.
func Demand(spec Spec, s State) Need {
	if !s.Active() {
		return Need{}
	}
	n := Need{Version: s.Version, Weight: s.Allowed, Scale: s.Scale}
	switch {
	case s.Stage == Completing, s.Stage == Preparing && (s.Fast || len(spec.Steps) == 0):
		return Need{Version: s.Version, Weight: Total}
	case s.Stage == Stepping && s.Step < len(spec.Steps):
		if w := spec.Steps[s.Step].SetWeight; w != nil {
			n.Weight = *w
		}
	}
	return n
}

// podsReady says whether the canary's pods are there for what is demanded.
func (m *machine) podsReady() bool {
	p := m.state.In.Pods
	return !m.spec.Scaled || p.Met && p.Need == Demand(m.spec, m.state)
}

// needsEndpoints says whether what comes next gives the canary traffic, or it has
// some. Where pods are scaled as the steps go, there are none before.
func (m *machine) needsEndpoints() bool {
	s := m.state
	if !m.spec.Scaled || s.Stage == Completing || s.Allowed > 0 || s.Withheld || len(s.Routes) > 0 {
		return true
	}
	if s.Stage != Stepping || s.Step >= len(m.spec.Steps) {
		return false
	}
	st := m.spec.Steps[s.Step]
	return st.SetWeight != nil && *st.SetWeight > 0 || st.SetRoute != nil && st.SetRoute.What != ""
}

// setScale sets the size of the canary, and completes the step when its pods are
// available.
func (m *machine) setScale(to Scale) bool {
	if m.state.Scale != to {
		m.emit(Record{Kind: ScaleSet, Step: m.state.Step, Scale: &to, Message: fmt.Sprintf("step %d: the canary is scaled: %s", m.state.Step, to)})
		return true
	}
	if !m.podsReady() {
		return false
	}
	m.completed("the canary's pods are available")
	return true
}

// waitsForPods says in words which pods are missing; empty where none are waited for.
func (s State) waitsForPods(spec Spec) string {
	if !spec.Scaled || !s.Active() {
		return ""
	}
	need := Demand(spec, s)
	if s.In.Pods.Met && s.In.Pods.Need == need {
		return ""
	}
	msg := s.In.Pods.Message
	if s.In.Pods.Need != need || msg == "" {
		msg = "they are being scaled"
	}
	return fmt.Sprintf("waiting for the pods of %s: %s", s.Version, msg)
}
