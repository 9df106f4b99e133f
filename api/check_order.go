package api

// order notes the steps of a valid canary that do nothing, and those that wait
// for what cannot come.
func (c *checker) order(r *Rollout) {
	o := order{checker: c, most: r.MaxTrafficWeight(), routes: map[string]bool{}}
	for i := range r.Steps() {
		o.step(&r.Steps()[i], canaryPath("steps", i))
	}
	if p := r.Guard().Promotion; p != nil && p.Timeout == 0 && !o.shared {
		o.at(CodeNeverEnds, canaryPath("guard", "promotion"), "no step gives the canary a part of the requests, so nothing can be proved "+
			"and only a person can promote; set a weight between 0 and all in a step")
	}
}

// order is what holds before a step.
type order struct {
	*checker
	most   int32
	weight Decimal
	set    bool            // a setWeight came before
	shared bool            // the canary and stable both had requests
	routes map[string]bool // managed routes that lead requests to the canary
}

// step notes what is odd about a step, and plays it.
func (o *order) step(s *CanaryStep, p path) {
	if r := s.SetHeaderRoute; r != nil {
		o.route(r.Name, r.Removes(), p.with("setHeaderRoute"))
		if !r.Removes() && o.all() {
			o.at(CodeUseless, p.with("setHeaderRoute"), "the canary has all requests already, so the route does nothing; put it before the setWeight")
		}
	}
	if r := s.SetMirrorRoute; r != nil {
		o.route(r.Name, r.Removes(), p.with("setMirrorRoute"))
	}
	if w := s.SetWeight; w != nil {
		if o.set && *w == o.weight {
			o.at(CodeUseless, p.with("setWeight"), "the weight is %s already; remove the step", *w)
		}
		o.weight, o.set = *w, true
		o.shared = o.shared || *w > 0 && !o.all()
	}
	o.waits(s, p)
}

// route notes a removal of what is not there.
func (o *order) route(name string, removes bool, p path) {
	if removes && !o.routes[name] {
		o.at(CodeUseless, p, "no step before this one sets the route %q, so there is nothing to take away; add match to set it", shorten(name))
	}
	if removes {
		delete(o.routes, name)
	} else {
		o.routes[name] = true
	}
}

// all reports whether the canary has the whole traffic.
func (o *order) all() bool { return o.weight.Of(o.most) == FullWeight }

// waits notes a step that no request can end.
func (o *order) waits(s *CanaryStep, p path) {
	none := o.weight <= 0
	switch {
	case s.Pause != nil && s.Pause.Requests != nil && none:
		o.at(CodeNeverEnds, p.with("pause", "requests"), "the canary is drawn for no requests at weight 0, and what a route sends "+
			"it is not counted, so only a person can end this step, and those after it are not reached; set a weight before")
	case s.Prove != nil && none && s.Prove.Timeout == nil:
		o.at(CodeNeverEnds, p.with("prove"), "nothing can be proved at weight 0, so only a person can end this step, and "+
			"those after it are not reached; set a weight before")
	case s.Prove != nil && o.all() && s.Prove.Timeout == nil:
		o.at(CodeNeverEnds, p.with("prove"), "with all requests at the canary there is no stable one to compare it with, so only a "+
			"person can end this step, and those after it are not reached; prove at a smaller weight")
	}
}
