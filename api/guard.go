package api

import "time"

// GuardSpec is spec.strategy.canary.guard as it is written: what is absent
// keeps its default.
type GuardSpec struct {
	Mode       GuardMode      `json:"mode,omitempty"`
	OnHarm     OnHarm         `json:"onHarm,omitempty"`
	Confidence *float64       `json:"confidence,omitempty"`
	ErrorRate  *ErrorRateSpec `json:"errorRate,omitempty"`
	// ClientErrors are the client's by their code, and a metric of their own; nil:
	// nobody looks at them.
	ClientErrors *ErrorRateSpec `json:"clientErrors,omitempty"`
	Latency      *LatencySpec   `json:"latency,omitempty"`
	Warmup       *Duration      `json:"warmup,omitempty"`
	Promotion    *PromotionSpec `json:"promotion,omitempty"`
}

// PromotionSpec is what must hold after the last step, before all traffic moves
// over.
type PromotionSpec struct {
	// Prove asks for a proof, from all that the canary has served, that it is not
	// worse than stable.
	Prove *Prove `json:"prove,omitempty"`
}

// ErrorRateSpec is the tolerance for errors, and what is one, as it is written.
type ErrorRateSpec struct {
	Margin      *float64 `json:"margin,omitempty"`
	MaxIncrease *float64 `json:"maxIncrease,omitempty"`
	// Statuses are the HTTP statuses that count in place of the default ones: such
	// as 429, 4xx, 5xx. GRPCCodes are names such as UNAVAILABLE.
	Statuses  []string `json:"statuses,omitempty"`
	GRPCCodes []string `json:"grpcCodes,omitempty"`
}

// LatencySpec is the tolerance for slowness as it is written.
type LatencySpec struct {
	Objective   *Duration `json:"objective,omitempty"`
	GRPC        GRPCCalls `json:"grpc,omitempty"`
	Margin      *float64  `json:"margin,omitempty"`
	MaxIncrease *float64  `json:"maxIncrease,omitempty"`
	Warmup      *Duration `json:"warmup,omitempty"`
}

// GRPCCalls says what the gRPC calls of a Service are.
type GRPCCalls string

// GRPCUnary says that every gRPC call has one answer, so that one which runs for
// long is slow. Without it gRPC calls may be streams, which are long by nature.
const GRPCUnary GRPCCalls = "unary"

// GuardMode says what the guard does with a verdict.
type GuardMode string

// The modes of the guard.
const (
	GuardEnforce GuardMode = "enforce" // acts on harm
	GuardObserve GuardMode = "observe" // says what it sees, and does nothing
	GuardOff     GuardMode = "off"     // does not look
)

// OnHarm says what happens to a canary found harmful.
type OnHarm string

// The answers to harm.
const (
	OnHarmAbort OnHarm = "abort"
	OnHarmPause OnHarm = "pause"
)

// Guard is the guard of a Rollout with every default filled in.
type Guard struct {
	Mode   GuardMode
	OnHarm OnHarm
	// Confidence is one minus the probability of stopping a good canary, over
	// the whole rollout.
	Confidence float64
	ErrorRate  GuardErrorRate
	// ClientErrors are those of the client; nil: nobody looks at them.
	ClientErrors *GuardErrorRate
	Latency      GuardLatency
	// Warmup is how long after a canary starts its errors are left out.
	Warmup time.Duration
	// Promotion is what must be shown before all traffic moves over; nil: nothing.
	Promotion *ProveTerms
}

// GuardErrorRate is what the canary's errors must exceed to be harm.
type GuardErrorRate struct {
	Margin      float64 // relative to stable: 0.4 is 1.4 times as often
	MaxIncrease float64 // in absolute terms: 0.005 is half a percentage point
	// Statuses and GRPCCodes are the answers that count, in the words that
	// ParseStatus and ParseGRPCCode read.
	Statuses, GRPCCodes []string
}

// GuardLatency is what the canary's slow requests must exceed to be harm.
type GuardLatency struct {
	Objective   time.Duration // a longer request is slow; 0: none is set
	Unary       bool          // gRPC calls too
	Edges       bool          // without an objective the edges of a histogram are looked at
	Margin      float64       // relative to stable
	MaxIncrease float64       // in absolute terms, a share of requests
	Warmup      time.Duration // how long after a canary starts it is not judged
}

// Guard gives the guard of the Rollout; what is not written has the default.
func (r *Rollout) Guard() Guard {
	g := Guard{
		Mode: GuardEnforce, OnHarm: OnHarmAbort, Confidence: 0.999,
		ErrorRate: GuardErrorRate{Margin: 0.4, MaxIncrease: 0.005, Statuses: errorStatuses, GRPCCodes: errorCodes},
		Latency:   GuardLatency{Margin: 1.0, MaxIncrease: 0.01, Warmup: 30 * time.Second},
	}
	c := r.Spec.Strategy.Canary
	if c == nil || c.Guard == nil {
		return g
	}
	c.Guard.fill(&g)
	return g
}

// fill overwrites the defaults in g with what is written.
func (s *GuardSpec) fill(g *Guard) {
	if s.Mode != "" {
		g.Mode = s.Mode
	}
	if s.OnHarm != "" {
		g.OnHarm = s.OnHarm
	}
	set(&g.Confidence, s.Confidence)
	setDuration(&g.Warmup, s.Warmup)
	if p := s.Promotion; p != nil && p.Prove != nil {
		terms := p.Prove.Terms()
		g.Promotion = &terms
	}
	s.ErrorRate.fill(&g.ErrorRate)
	if s.ClientErrors != nil {
		g.ClientErrors = &GuardErrorRate{Margin: 0.4, MaxIncrease: 0.01, Statuses: clientStatuses, GRPCCodes: clientCodes}
		s.ClientErrors.fill(g.ClientErrors)
	}
	if l := s.Latency; l != nil {
		setDuration(&g.Latency.Objective, l.Objective)
		g.Latency.Edges = l.Objective == nil
		g.Latency.Unary = l.GRPC == GRPCUnary
		set(&g.Latency.Margin, l.Margin)
		set(&g.Latency.MaxIncrease, l.MaxIncrease)
		setDuration(&g.Latency.Warmup, l.Warmup)
	}
}

// fill overwrites the defaults in e with what is written.
func (s *ErrorRateSpec) fill(e *GuardErrorRate) {
	if s == nil {
		return
	}
	set(&e.Margin, s.Margin)
	set(&e.MaxIncrease, s.MaxIncrease)
	if len(s.Statuses) > 0 {
		e.Statuses = s.Statuses
	}
	if len(s.GRPCCodes) > 0 {
		e.GRPCCodes = s.GRPCCodes
	}
}

// set stores what p points to, if it points anywhere.
func set(to *float64, p *float64) {
	if p != nil {
		*to = *p
	}
}

// setDuration stores what p points to, if it points anywhere.
func setDuration(to *time.Duration, p *Duration) {
	if p != nil {
		*to = p.Duration
	}
}
