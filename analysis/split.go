package analysis

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/serin-mesh/serin/api"
)

const (
	// splitBand is how far the share may be from the weight, as a part of it,
	// before it is looked at: a point would alarm at next to nothing after a
	// million requests.
	splitBand = 0.05
	// splitAlpha is how probable an alarm is at most while the share is within
	// the band.
	splitAlpha = 0.0001
)

// splitRatios are the alternatives of the test: how many times the odds of the
// canary are beyond the band.
var splitRatios = [...]float64{1.05, 1.2, 1.6, 3, 10}

// Split tests whether the traffic is where it was put: whether the canary's
// share of the requests is within 5% of its weight. It keeps two e-processes,
// one for a share that is larger and one for a smaller, and alarms when their
// mean has reached 10,000, which a share within the band does with probability
// 0.0001 at most, however often it is looked at.
//
// An alarm says that the weight in force is not the one that the other judges
// reckon with: an Envoy that is stale, requests that stick to a version,
// attempts that are counted as requests.
type Split struct {
	above, below [len(splitRatios)]float64 // logs

	canary, all float64
	expected    float64 // of the canary's, by the weights
	alarm       float64 // the highest evidence so far
	more        bool    // the canary had more than it should, at the alarm
}

// NewSplit gives a test that has seen nothing.
func NewSplit() *Split { return &Split{} }

// Interval takes the requests of an interval in which one weight was in force
// everywhere, 0 to 1.
func (s *Split) Interval(canary, stable, weight float64) {
	n := canary + stable
	if !(weight > 0 && weight < 1) || !(canary >= 0 && stable >= 0 && n > 0) || math.IsInf(n, 0) {
		return
	}
	s.canary, s.all, s.expected = s.canary+canary, s.all+n, s.expected+n*weight
	high, low := min(weight*(1+splitBand), 1), weight*(1-splitBand)
	for j, rho := range splitRatios {
		if high < 1 {
			s.above[j] += canary*math.Log(rho) - n*math.Log1p(high*(rho-1))
		}
		s.below[j] += -canary*math.Log(rho) - n*math.Log1p(low*(1/rho-1))
	}
	if e := s.Evidence(); e > s.alarm {
		if !s.Alarmed() {
			s.more = s.canary > s.expected
		}
		s.alarm = e
	}
}

// Evidence gives the mean of the two processes now: 1 at the start.
func (s *Split) Evidence() float64 {
	var sum float64
	for j := range splitRatios {
		sum += math.Exp(min(s.above[j], 600)) + math.Exp(min(s.below[j], 600))
	}
	return sum / (2 * float64(len(splitRatios)))
}

// Alarmed says whether the traffic is not where it was put. Once said it stays
// so: what was judged until then rests on it.
func (s *Split) Alarmed() bool { return s.alarm >= 1/splitAlpha }

// More says, of an alarm, that the canary had more than its weight. Only then
// may a good canary look harmful: with less a failure says too little, never too
// much.
func (s *Split) More() bool { return s.Alarmed() && s.more }

// Verdict is that nothing can be judged once there was an alarm. It never finds
// harm.
func (s *Split) Verdict() Result {
	r := Result{Verdict: api.VerdictInconclusive, Metric: "split", Evidence: s.alarm, Threshold: 1 / splitAlpha,
		Total: Counts{CanaryRequests: s.canary, StableRequests: s.all - s.canary, Known: s.all > 0}}
	if s.all > 0 {
		r.Weight = s.expected / s.all
	}
	shares := fmt.Sprintf("the canary has had %s of the requests where its weight says %s (%.0f of %.0f)",
		percent(ratio(s.canary, s.all)), percent(r.Weight), s.canary, s.all)
	switch {
	case s.all == 0:
		r.Message = "no report of requests yet"
	case s.Alarmed():
		r.Verdict = api.VerdictCannotJudge
		r.Message = "the traffic is not where it was put: " + shares
	default:
		r.Message = "the traffic is where it was put: " + shares
	}
	return r
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// splitState is a Split as it is stored.
type splitState struct {
	Format   int       `json:"format"`
	Above    []float64 `json:"above"`
	Below    []float64 `json:"below"`
	Canary   float64   `json:"canary"`
	All      float64   `json:"all"`
	Expected float64   `json:"expected"`
	Alarm    float64   `json:"alarm"`
	More     bool      `json:"more"`
}

// MarshalJSON gives all that the test knows.
func (s *Split) MarshalJSON() ([]byte, error) {
	return json.Marshal(splitState{stateFormat, s.above[:], s.below[:], s.canary, s.all, s.expected, s.alarm, s.more})
}

// UnmarshalJSON replaces the test by a stored one. A state that no test can have
// reached is an error and changes nothing.
func (s *Split) UnmarshalJSON(data []byte) error {
	var raw splitState
	if err := json.Unmarshal(data, &raw); err != nil {
		return fmt.Errorf("decoding a split: %w", err)
	}
	if raw.Format != stateFormat || len(raw.Above) != len(splitRatios) || len(raw.Below) != len(splitRatios) ||
		raw.Canary < 0 || raw.All < raw.Canary || raw.Expected < 0 || raw.Expected > raw.All || raw.Alarm < 0 {
		return fmt.Errorf("decoding a split: %+v is the state of none", raw)
	}
	fresh := Split{canary: raw.Canary, all: raw.All, expected: raw.Expected, alarm: raw.Alarm, more: raw.More}
	copy(fresh.above[:], raw.Above)
	copy(fresh.below[:], raw.Below)
	*s = fresh
	return nil
}
