package api

// release checks a Release by itself.
func (c *checker) release(r *Release) {
	at := path{"spec"}.with
	switch r.Order() {
	case ReleaseSequential, ReleaseParallel:
	default:
		c.at(CodeValue, at("order"), "unknown order %q; write %s or %s", shorten(string(r.Spec.Order)), ReleaseSequential, ReleaseParallel)
	}
	switch r.OnAbort() {
	case ReleaseRollBack, ReleaseKeep:
	default:
		c.at(CodeValue, at("onAbort"), "unknown answer %q; write %s or %s", shorten(string(r.Spec.OnAbort)), ReleaseRollBack, ReleaseKeep)
	}
	if len(r.Spec.Rollouts) == 0 {
		c.at(CodeRelease, at("rollouts"), "the Release has no members; add rollouts: [{name: NAME}]")
	}
	seen := map[string]bool{}
	for i, m := range r.Spec.Rollouts {
		p := at("rollouts", i, "name")
		switch {
		case m.Name == "":
			c.at(CodeMissing, p, "the member has no name; add that of a Rollout")
		case seen[m.Name]:
			c.at(CodeRelease, p, "the Rollout %q is there twice; remove one", shorten(m.Name))
		}
		seen[m.Name] = true
	}
}

// release notes members that are not there, and those of another Release.
func (v *validator) release(d *Document, r *Release) {
	for i, key := range r.Members() {
		at := path{"spec", "rollouts", i, "name"}
		if v.get(kindRollout, key) == nil {
			v.note(d, CodeRelease, at, Key{}, "there is no Rollout %s; add it or correct the name", key)
			continue
		}
		other := v.member(key)
		if other != nil && other.Key != d.Key { // the same Release twice has its own finding
			v.note(d, CodeRelease, at, Key{}, "the Rollout %s already belongs to Release %s at %s; a Rollout has one Release",
				key, other.Key, other.where())
			continue
		}
		if v.ask == nil {
			v.members[key] = d
		}
	}
}
