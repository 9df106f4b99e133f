package api

import (
	"encoding/json"
	"time"
)

// canaryPath leads to the canary of a Rollout.
func canaryPath(rest ...any) path {
	return path{"spec", "strategy", "canary"}.with(rest...)
}

// rollout checks a Rollout by itself.
func (c *checker) rollout(r *Rollout) {
	if r.Spec.Strategy.BlueGreen != nil {
		c.at(CodeBlueGreen, path{"spec", "strategy", "blueGreen"},
			"Serin runs canaries only; write strategy.canary, with no steps to switch all traffic at once")
		return
	}
	if r.Spec.Strategy.Canary == nil {
		c.at(CodeNoCanary, path{"spec", "strategy", "canary"}, "the Rollout has no strategy; add spec.strategy.canary")
		return
	}
	c.template(r)
	if c.maxTrafficWeight(r) {
		for i := range r.Steps() {
			c.step(r, i)
		}
	}
	if g := r.Spec.Strategy.Canary.Guard; g != nil {
		c.guard(g)
	}
	c.routing(r)
	c.withoutEffect(r)
	if !c.hasErrors() {
		c.order(r)
	}
}

// template checks that the Rollout names a version.
func (c *checker) template(r *Rollout) {
	spec := c.root.get("spec")
	if spec.get("template") == nil && spec.get("workloadRef") != nil {
		return // its template is in another object
	}
	if spec.get("template") == nil {
		c.at(CodeNoTemplate, path{"spec", "template"}, "the Rollout has no template; add spec.template "+
			"with the label %s in its metadata, the version to roll out", LabelVersion)
		return
	}
	c.version(r.Spec.Template.Labels[LabelVersion], path{"spec", "template", "metadata", "labels", LabelVersion})
}

// maxTrafficWeight checks the scale of the weights.
func (c *checker) maxTrafficWeight(r *Rollout) bool {
	if r.MaxTrafficWeight() >= 1 {
		return true
	}
	c.at(CodeWeight, canaryPath("trafficRouting", "maxTrafficWeight"), "maxTrafficWeight must be 1 or more")
	return false
}

// guard checks the numbers of the guard.
func (c *checker) guard(g *GuardSpec) {
	at := canaryPath("guard").with
	switch g.Mode {
	case "", GuardEnforce, GuardObserve, GuardOff:
	default:
		c.at(CodeGuard, at("mode"), "unknown mode %q; write enforce, observe or off", shorten(string(g.Mode)))
	}
	switch g.OnHarm {
	case "", OnHarmAbort, OnHarmPause:
	default:
		c.at(CodeGuard, at("onHarm"), "unknown answer %q; write abort or pause", shorten(string(g.OnHarm)))
	}
	if p := g.Confidence; p != nil && (*p < 0.5 || *p >= 1) {
		c.at(CodeGuard, at("confidence"), "the confidence must be 0.5 or more and below 1, such as 0.999, not %v", *p)
	}
	c.notNegative(g.Warmup, at("warmup"))
	if p := g.Promotion; p != nil {
		c.promotion(g, p, at("promotion"))
	}
	for name, e := range map[string]*ErrorRateSpec{"errorRate": g.ErrorRate, "clientErrors": g.ClientErrors} {
		if e != nil {
			c.tolerance(e.Margin, e.MaxIncrease, at(name))
			c.answers(e.Statuses, e.GRPCCodes, at(name))
		}
	}
	if l := g.Latency; l != nil {
		c.tolerance(l.Margin, l.MaxIncrease, at("latency"))
		c.notNegative(l.Warmup, at("latency", "warmup"))
		if l.Objective != nil && l.Objective.Duration < time.Millisecond {
			c.at(CodeGuard, at("latency", "objective"), "the objective must be 1ms or more")
		}
		switch {
		case l.GRPC != "" && l.GRPC != GRPCUnary:
			c.at(CodeGuard, at("latency", "grpc"), "unknown calls %q; write unary, or leave it out where calls may be streams", shorten(string(l.GRPC)))
		case l.GRPC == GRPCUnary && l.Objective == nil:
			c.at(CodeUseless, at("latency", "grpc"), "without an objective gRPC calls are compared anyway, when they have ended; remove it, or add objective")
		}
	}
}

// tolerance checks a relative margin and an absolute increase.
func (c *checker) tolerance(margin, increase *float64, p path) {
	if margin != nil && (*margin < 0 || *margin > 100) {
		c.at(CodeGuard, p.with("margin"), "the margin must be 0 to 100, such as 0.4, not %v", *margin)
	}
	if increase != nil && (*increase < 0 || *increase >= 1) {
		c.at(CodeGuard, p.with("maxIncrease"),
			"the increase is a share of requests: 0 or more and below 1, such as 0.005, not %v", *increase)
	}
}

// notNegative checks a length of time.
func (c *checker) notNegative(d *Duration, p path) {
	if d != nil && d.Duration < 0 {
		c.at(CodeGuard, p, "the duration %s is negative", d.Duration)
	}
}

// routing notes what of the traffic settings is not followed.
func (c *checker) routing(r *Rollout) {
	canary := r.Spec.Strategy.Canary
	if canary.Analysis != nil {
		c.background(canary.Analysis, len(canary.Steps))
	}
	if canary.PingPong != nil {
		c.at(CodeNoEffect, canaryPath("pingPong"),
			"pingPong has no effect: versions share one Service here; name it in stableService")
	}
	t := canary.TrafficRouting
	if t == nil {
		return
	}
	providers := []struct {
		name string
		set  json.RawMessage
	}{
		{"alb", t.ALB}, {"ambassador", t.Ambassador}, {"apisix", t.Apisix}, {"appMesh", t.AppMesh},
		{"istio", t.Istio}, {"nginx", t.Nginx}, {"plugins", t.Plugins}, {"smi", t.SMI}, {"traefik", t.Traefik},
	}
	for _, p := range providers {
		if p.set != nil {
			c.at(CodeProvider, canaryPath("trafficRouting", p.name),
				"%s is not used: Serin sends the weights to Envoy itself, through HTTPRoute", p.name)
		}
	}
}

// withoutEffect notes the fields that only matter where Serin runs pods.
func (c *checker) withoutEffect(*Rollout) {
	fields := []path{
		{"spec", "workloadRef"}, {"spec", "replicas"}, {"spec", "minReadySeconds"},
		{"spec", "restartAt"}, canaryPath("canaryMetadata"), canaryPath("stableMetadata"),
		canaryPath("antiAffinity"), canaryPath("maxSurge"), canaryPath("maxUnavailable"),
		canaryPath("dynamicStableScale"), canaryPath("minPodsPerReplicaSet"),
		canaryPath("replicaProgressThreshold"), canaryPath("scaleDownDelaySeconds"),
		canaryPath("abortScaleDownDelaySeconds"), canaryPath("scaleDownDelayRevisionLimit"),
		{"spec", "revisionHistoryLimit"}, {"spec", "analysis"},
	}
	for _, p := range fields {
		name := p[len(p)-1].(string)
		parent := c.root.find(p[:len(p)-1])
		if name == "workloadRef" && parent.get("template") == nil {
			continue // it is where the template comes from
		}
		if parent.get(name) != nil {
			c.at(CodeNoEffect, p, "%s has no effect: Serin runs no pods for files", name)
		}
	}
}
