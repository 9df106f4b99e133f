package api

import "time"

// Prove is a step that waits until the canary is shown not to be worse than
// stable. What is absent has its default; Terms gives all. Serin's own.
type Prove struct {
	MaxIncrease *float64  `json:"maxIncrease,omitempty"`
	Confidence  *float64  `json:"confidence,omitempty"`
	Timeout     *Duration `json:"timeout,omitempty"`
	OnTimeout   OnTimeout `json:"onTimeout,omitempty"`
}

// OnTimeout says what happens when a proof takes too long.
type OnTimeout string

// The answers to a proof that takes too long.
const (
	OnTimeoutPause    OnTimeout = "pause"    // until somebody promotes or aborts
	OnTimeoutContinue OnTimeout = "continue" // with the next step
	OnTimeoutAbort    OnTimeout = "abort"
)

// ProveTerms is a Prove with every default filled in.
type ProveTerms struct {
	MaxIncrease float64       // of the share of failed requests: 0.005 is half a percentage point
	Confidence  float64       // one minus the probability of a wrong proof
	Timeout     time.Duration // 0: none
	OnTimeout   OnTimeout
}

// Terms gives the terms of the proof; what is not written has the default.
func (p *Prove) Terms() ProveTerms {
	t := ProveTerms{MaxIncrease: 0.005, Confidence: 0.95, OnTimeout: OnTimeoutPause}
	set(&t.MaxIncrease, p.MaxIncrease)
	set(&t.Confidence, p.Confidence)
	setDuration(&t.Timeout, p.Timeout)
	if p.OnTimeout != "" {
		t.OnTimeout = p.OnTimeout
	}
	return t
}

// Gate is a step that asks an URL until it answers with a status of 200 to 299.
// Serin's own.
type Gate struct {
	// Web is what is asked. Its JSONPath means nothing here.
	Web *WebMetric `json:"web"`
	// Interval is how long after an answer it is asked again; nil is 10 s.
	Interval *Duration `json:"interval,omitempty"`
}

// defaultGateInterval is how often a gate asks.
const defaultGateInterval = 10 * time.Second

// Every gives how long after an answer the gate asks again.
func (g *Gate) Every() time.Duration {
	every := defaultGateInterval
	setDuration(&every, g.Interval)
	return every
}
