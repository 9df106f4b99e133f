package analysis

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/serin-mesh/serin/api"
)

// proofComponents is how many values of c a Proof mixes: c = 1, and eight
// log-spaced from .02 to .9.
const (
	proofComponents = 9
	proofFirstMass  = 0.3 // of c = 1; the rest have equal parts of what is left
	proofLeast      = 0.02
	proofMost       = 0.9
)

// ProofConfig says what a Proof shows, and how surely.
type ProofConfig struct {
	// MaxIncrease is the excess of the canary's failure share over stable's (0
	// to 1) that is to be ruled out.
	MaxIncrease float64 `json:"maxIncrease"`
	// Beta is the promise: the most probable that a canary which is worse by
	// MaxIncrease or more, on the average of the requests seen, is ever proved.
	Beta float64 `json:"beta"`
}

// Proof shows that a canary is not worse than stable by some excess. It keeps an
// e-process of the opposite: each canary request that is known to have ended
// well makes it grow, each failure of the canary makes it fall, and each of
// stable's makes it grow, so that a shared incident cancels. It is proved when
// the process has reached 1/Beta.
//
// The caller gives each failing request once, as to ErrorRate, with the smallest
// weight that may have been in force; and as Good the canary's requests that are
// known to have ended well. A request whose outcome is not known is not given.
type Proof struct {
	config ProofConfig
	logs   [proofComponents]float64 // of each component's failures
	dead   bool                     // c = 1: a failure of the canary ends it
	counts Counts
	good   float64
	weight float64 // of the last failure
	lost   uint64  // failures at a weight of 0 or 1
}

// NewProof gives a proof that has seen nothing.
func NewProof(c ProofConfig) *Proof {
	c.MaxIncrease = between(c.MaxIncrease, 0, 1)
	if !(c.Beta > 0 && c.Beta < 1) {
		c.Beta = 0.05
	}
	return &Proof{config: c}
}

// proofRate is the c of component i.
func proofRate(i int) float64 {
	if i == 0 {
		return 1
	}
	return proofLeast * math.Pow(proofMost/proofLeast, float64(i-1)/float64(proofComponents-2))
}

// Failure takes one failing request.
func (p *Proof) Failure(f Failure) {
	p.weight = between(f.Weight, 0, 1)
	if f.Canary {
		p.counts.CanaryFailures++
	} else {
		p.counts.StableFailures++
	}
	switch {
	case f.Canary:
		p.dead = true
		for i := 1; i < proofComponents; i++ {
			p.logs[i] += math.Log1p(-proofRate(i))
		}
	case p.weight >= 1:
		p.lost++ // without traffic for stable there is nothing to compare
	default:
		for i := range p.logs {
			p.logs[i] += math.Log1p(p.weight * proofRate(i) / (1 - p.weight))
		}
	}
}

// Good sets how many of the canary's requests are known to have ended well since
// the proof began. It never goes back.
func (p *Proof) Good(requests float64) { p.good = max(p.good, between(requests, 0, math.MaxFloat64)) }

// Evidence gives the e-process now: 1 at the start, proved at 1/Beta.
func (p *Proof) Evidence() float64 {
	var sum float64
	for i := range p.logs {
		if i == 0 && p.dead {
			continue
		}
		sum += math.Exp(min(math.Log(proofMass(i))+p.logs[i]+proofRate(i)*p.config.MaxIncrease*p.good, 700))
	}
	return sum
}

func proofMass(i int) float64 {
	if i == 0 {
		return proofFirstMass
	}
	return (1 - proofFirstMass) / (proofComponents - 1)
}

// Verdict says good when it is proved, and else inconclusive: a proof never
// finds harm.
func (p *Proof) Verdict() Result {
	r := Result{Verdict: api.VerdictInconclusive, Evidence: p.Evidence(), Threshold: 1 / p.config.Beta,
		Weight: p.weight, Total: p.counts, Ignored: p.lost}
	r.Total.CanaryRequests = p.good + float64(p.counts.CanaryFailures)
	counts := fmt.Sprintf("%.0f requests of the canary ended well and %d did not, %d of stable's did not (evidence %.3g of %.4g)",
		p.good, p.counts.CanaryFailures, p.counts.StableFailures, r.Evidence, r.Threshold)
	if r.Evidence >= r.Threshold {
		r.Verdict = api.VerdictGood
		r.Message = fmt.Sprintf("not worse by %s: %s", percent(p.config.MaxIncrease), counts)
	} else {
		r.Message = fmt.Sprintf("no proof yet that it is not worse by %s: %s", percent(p.config.MaxIncrease), counts)
	}
	return r
}

// ProofRequests gives how many requests of the canary a proof takes where none
// fails: the fewest that it can take.
func ProofRequests(c ProofConfig) float64 {
	p := NewProof(c)
	if p.config.MaxIncrease == 0 {
		return math.Inf(1)
	}
	threshold := 1 / p.config.Beta
	high := 1.0
	for ; p.Evidence() < threshold; high *= 2 {
		p.Good(high)
	}
	low := 0.0
	for high-low > 1 {
		middle := math.Floor((low + high) / 2)
		fresh := NewProof(c)
		if fresh.Good(middle); fresh.Evidence() < threshold {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}

// proofState is a Proof as it is stored.
type proofState struct {
	Format int         `json:"format"`
	Config ProofConfig `json:"config"`
	Logs   []float64   `json:"logs"`
	Dead   bool        `json:"dead"`
	Counts Counts      `json:"counts"`
	Good   float64     `json:"good"`
	Weight float64     `json:"weight"`
	Lost   uint64      `json:"lost"`
}

// MarshalJSON gives all that the proof knows.
func (p *Proof) MarshalJSON() ([]byte, error) {
	return json.Marshal(proofState{stateFormat, p.config, p.logs[:], p.dead, p.counts, p.good, p.weight, p.lost})
}

// UnmarshalJSON replaces the proof by a stored one. A state that no proof can
// have reached is an error and changes nothing.
func (p *Proof) UnmarshalJSON(data []byte) error {
	var s proofState
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("decoding a proof: %w", err)
	}
	if s.Format != stateFormat || len(s.Logs) != proofComponents || s.Config != NewProof(s.Config).config ||
		!(s.Good >= 0) || s.Dead != (s.Counts.CanaryFailures > 0) {
		return fmt.Errorf("decoding a proof: %+v is the state of none", s)
	}
	fresh := Proof{config: s.Config, dead: s.Dead, counts: s.Counts, good: s.Good, weight: s.Weight, lost: s.Lost}
	copy(fresh.logs[:], s.Logs)
	*p = fresh
	return nil
}
