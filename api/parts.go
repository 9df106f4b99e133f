package api

// Argo lets a step set routes beside its own kind. Such a step is divided into
// several of one kind each when defaults are filled in: routes first, so that
// they are there when the rest begins.

// divides reports whether a step of several kinds can be divided: it has at most
// one kind beside routes and scale.
func (s *CanaryStep) divides() bool {
	main := 0
	for _, kind := range s.Kinds() {
		switch kind {
		case "setHeaderRoute", "setMirrorRoute", "setCanaryScale":
		default:
			main++
		}
	}
	return main <= 1
}

// parts gives the steps of one kind each that a step stands for, in the order in
// which they are played.
func (s *CanaryStep) parts() []CanaryStep {
	rest := *s
	rest.SetHeaderRoute, rest.SetMirrorRoute, rest.SetCanaryScale = nil, nil, nil
	var parts []CanaryStep
	if s.SetHeaderRoute != nil {
		parts = append(parts, CanaryStep{SetHeaderRoute: s.SetHeaderRoute})
	}
	if s.SetMirrorRoute != nil {
		parts = append(parts, CanaryStep{SetMirrorRoute: s.SetMirrorRoute})
	}
	if len(rest.Kinds()) > 0 {
		parts = append(parts, rest)
	}
	if len(parts) <= 1 {
		return []CanaryStep{*s}
	}
	return parts
}

// divideSteps replaces steps of several kinds by their parts, and keeps the
// background analysis at the step that it starts with.
func divideSteps(c *Canary) {
	var steps []CanaryStep
	var start int32
	for i := range c.Steps {
		if b := c.Analysis; b != nil && b.StartingStep != nil && int(*b.StartingStep) == i {
			start = int32(len(steps) - i)
		}
		steps = append(steps, c.Steps[i].parts()...)
	}
	c.Steps = steps
	if start > 0 {
		moved := *c.Analysis.StartingStep + start
		c.Analysis.StartingStep = &moved
	}
}

// step gives the place in the text of step i of the document's Rollout.
func (d *Document) step(i int) int {
	if d.steps == nil {
		return i
	}
	return d.steps[i]
}

// StepAt gives where step i of a Rollout is written.
func (d *Document) StepAt(i int) (line, column int) {
	return d.find(treeCache{}, canaryPath("steps", d.step(i)))
}

// PromotionAt gives where the condition of promotion of a Rollout is written.
func (d *Document) PromotionAt() (line, column int) {
	return d.find(treeCache{}, canaryPath("guard", "promotion"))
}

// divided gives, for each step of a Rollout, the place of the step in the text
// that it is a part of; nil where every step is its own.
func divided(root *node, o object) []int {
	if _, ok := o.(*Rollout); !ok {
		return nil
	}
	steps := root.get("spec").get("strategy").get("canary").get("steps")
	if steps == nil {
		return nil
	}
	var out []int
	for i, step := range steps.items {
		kinds, routes := 0, 0
		for _, f := range step.fields {
			switch {
			case f.value.kind == nodeNull || f.name == "setCanaryScale":
			case f.name == "setHeaderRoute" || f.name == "setMirrorRoute":
				routes++
			default:
				kinds = 1
			}
		}
		for range max(routes+kinds, 1) {
			out = append(out, i)
		}
	}
	if len(out) == len(steps.items) {
		return nil
	}
	return out
}
