package analysis

// schedule says how much of the mixture's mass is released when. A version can
// go bad after an hour of good service; mass that is released late is not worn
// down by that hour. The amounts depend on nothing but the plan and the number
// of failures, so they are fixed before the version of a failure is known.
type schedule struct {
	planned  int    // later weight steps
	steps    int    // of them, how many came into force
	failures uint64 // that carried information
}

// step gives the part of the mass for planned steps that is to be released now
// that a later weight came into force: none beyond the plan.
func (s *schedule) step() float64 {
	if s.steps >= s.planned {
		return 0
	}
	s.steps++
	return 1 / float64(s.planned)
}

// failure gives the part of the mass over failures that is to be released before
// the next one. Over all failures the terms R/((k+R)(k+R+1)), R being the spread,
// sum to 1.
func (s *schedule) failure() float64 {
	k := float64(s.failures)
	s.failures++
	return spread / ((k + spread) * (k + spread + 1))
}

// batch gives the part to release before as many more failures.
func (s *schedule) batch(n float64) float64 {
	before := s.rest()
	s.failures += uint64(n)
	return before - s.rest()
}

// rest gives the part of the mass over failures that is still to come.
func (s *schedule) rest() float64 { return spread / (float64(s.failures) + spread) }

// withheld gives the mass that is not yet released. It counts as evidence 1
// each, as mass that was never bet.
func (s *schedule) withheld() float64 {
	p := portionsFor(s.planned)
	held := mean(&p.over) * s.rest()
	if s.planned > 0 {
		held += mean(&p.step) * float64(s.planned-s.steps) / float64(s.planned)
	}
	return held
}
