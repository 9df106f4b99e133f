package api

import (
	"strings"
	"time"
)

// step checks step i.
func (c *checker) step(r *Rollout, i int) {
	s, at := &r.Steps()[i], canaryPath("steps", i)
	kinds := s.Kinds()
	if n := len(kinds); n == 0 || n > 1 && !s.divides() {
		c.at(CodeStepKinds, at, "the step has %d kinds; write exactly one, such as setWeight or pause", n)
		return
	}
	if s.SetCanaryScale != nil {
		c.noScale(at)
	}
	if parts := s.parts(); len(parts) > 1 {
		var names []string
		for j := range parts {
			names = append(names, parts[j].Kind())
		}
		c.at(CodeStepParts, at, "the step is played as %d steps, one after another: %s; "+
			"write them so, for steps are counted", len(parts), strings.Join(names, ", "))
	}
	for _, kind := range kinds {
		c.stepKind(r, s, kind, at.with(kind))
	}
}

// stepKind checks what one field of a step says.
func (c *checker) stepKind(r *Rollout, s *CanaryStep, kind string, p path) {
	switch kind {
	case "setWeight":
		c.weight(*s.SetWeight, r.MaxTrafficWeight(), p)
	case "pause":
		c.pause(s.Pause, p)
	case "setHeaderRoute":
		c.setHeaderRoute(r, s.SetHeaderRoute, p)
	case "setMirrorRoute":
		c.setMirrorRoute(r, s.SetMirrorRoute, p)
	case "analysis":
		c.rolloutAnalysis(s.Analysis, p)
	case "experiment":
		c.experimentStep(s.Experiment, p)
	case "prove":
		c.prove(s.Prove, p)
	case "gate":
		c.gate(s.Gate, p)
	case "plugin":
		c.at(CodePluginStep, p, "Serin runs no step plugins; ask over HTTP with a gate step, or pause and promote from outside")
	}
}

// noScale notes a step that scales pods.
func (c *checker) noScale(step path) {
	c.at(CodeNoEffect, step.with("setCanaryScale"), "setCanaryScale has no effect: Serin runs no pods for files")
}

// weight checks that a weight is a part of the whole.
func (c *checker) weight(w Decimal, most int32, p path) {
	switch {
	case w < 0:
		c.at(CodeWeight, p, "the weight %s is negative; write 0 to %d", w, most)
	case w > Decimal(most)*decimalScale:
		c.at(CodeWeight, p, "the weight %s is above maxTrafficWeight; write 0 to %d", w, most)
	}
}

// pause checks what a pause waits for.
func (c *checker) pause(pause *Pause, p path) {
	if pause.Duration != nil && pause.Duration.Duration < 0 {
		c.at(CodePause, p.with("duration"), "the duration %s is negative; leave it out to wait for promote",
			pause.Duration.Duration)
	}
	switch n := pause.Requests; {
	case n == nil:
	case *n < 1:
		c.at(CodePause, p.with("requests"), "the number of requests must be 1 or more, not %d", *n)
	case pause.Duration != nil:
		c.at(CodePause, p.with("requests"), "a pause waits for a duration or for requests; remove one of them")
	}
}

// prove checks the numbers of a proof.
func (c *checker) prove(s *Prove, p path) {
	t := s.Terms()
	if !(t.MaxIncrease > 0 && t.MaxIncrease < 1) {
		c.at(CodeProve, p.with("maxIncrease"),
			"the increase is a share of requests: above 0 and below 1, such as 0.005, not %v", t.MaxIncrease)
	}
	if !(t.Confidence >= 0.5 && t.Confidence < 1) {
		c.at(CodeProve, p.with("confidence"), "the confidence must be 0.5 or more and below 1, such as 0.95, not %v", t.Confidence)
	}
	if s.Timeout != nil && t.Timeout <= 0 {
		c.at(CodeProve, p.with("timeout"), "the timeout must be above 0; leave it out to wait without end")
	}
	switch t.OnTimeout {
	case OnTimeoutPause, OnTimeoutContinue, OnTimeoutAbort:
	default:
		c.at(CodeProve, p.with("onTimeout"), "unknown answer %q; write pause, continue or abort", shorten(string(t.OnTimeout)))
	}
	if s.OnTimeout != "" && s.Timeout == nil {
		c.at(CodeUseless, p.with("onTimeout"), "without a timeout, onTimeout has no effect; add timeout")
	}
}

// promotion checks what is asked before all traffic moves over.
func (c *checker) promotion(g *GuardSpec, p *PromotionSpec, at path) {
	switch {
	case p.Prove == nil:
		c.at(CodeUseless, at, "promotion asks for nothing; write promotion: {prove: {}}, or remove it")
		return
	case g.Mode == GuardOff || g.Mode == GuardObserve:
		c.at(CodeUseless, at, "with mode %s nothing is held for the proof; write mode: enforce, or a prove step", g.Mode)
	}
	c.prove(p.Prove, at.with("prove"))
}

// leastGateInterval bounds how often a gate asks, for the sake of who is asked.
const leastGateInterval = 100 * time.Millisecond

// gate checks what a gate asks. It has no arguments.
func (c *checker) gate(g *Gate, p path) {
	if g.Interval != nil && g.Every() < leastGateInterval {
		c.at(CodeGate, p.with("interval"), "the interval must be %s or more", leastGateInterval)
	}
	at := p.with("web")
	switch {
	case g.Web == nil || g.Web.URL == "":
		c.at(CodeGate, at, "the gate has nothing to ask; add web: {url: http://HOST/PATH}")
		return
	case !isWebURL(g.Web.URL) || strings.Contains(g.Web.URL, "{{"):
		c.at(CodeGate, at.with("url"), "%q is no address to ask; write http(s)://HOST..., without arguments", shorten(g.Web.URL))
	}
	if g.Web.JSONPath != "" {
		c.at(CodeGate, at.with("jsonPath"), "a gate looks at the status of the answer only; remove jsonPath")
	}
	c.web(g.Web, at)
}
