package analysis

const (
	// startMass is released at the start of the canary.
	startMass = 0.5
	// stepMass is released in equal parts at the planned later weight steps.
	// Where none is planned it is released over failures instead.
	stepMass = 0.25
	// spread sets how slowly the rest is released: half of it is out after
	// this many failures.
	spread = 100
)

// schedule says how much of the mixture's mass is released when. A version can
// go bad after an hour of good service; mass that is released late is not worn
// down by that hour. The amounts depend on nothing but the plan and the number
// of failures, so they are fixed before the version of a failure is known.
type schedule struct {
	planned  int    // later weight steps
	steps    int    // of them, how many came into force
	failures uint64 // that carried information
}

// perStep gives the mass of one planned step.
func (s *schedule) perStep() float64 {
	if s.planned == 0 {
		return 0
	}
	return stepMass / float64(s.planned)
}

// overFailures gives all the mass that is released over failures.
func (s *schedule) overFailures() float64 {
	if s.planned == 0 {
		return 1 - startMass
	}
	return 1 - startMass - stepMass
}

// step gives the mass to release now that a later weight came into force: none
// beyond the plan.
func (s *schedule) step() float64 {
	if s.steps >= s.planned {
		return 0
	}
	s.steps++
	return s.perStep()
}

// failure gives the mass to release before the next failure. Over all failures
// the terms 100/((k+100)(k+101)) sum to 1.
func (s *schedule) failure() float64 {
	k := float64(s.failures)
	s.failures++
	return s.overFailures() * spread / ((k + spread) * (k + spread + 1))
}

// withheld gives the mass that is not yet released. It counts as evidence 1
// each, as mass that was never bet.
func (s *schedule) withheld() float64 {
	rest := s.overFailures() * spread / (float64(s.failures) + spread)
	return rest + s.perStep()*float64(s.planned-s.steps)
}
