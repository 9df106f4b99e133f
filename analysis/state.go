package analysis

import (
	"encoding/json"
	"fmt"
	"math"
)

// stateFormat is raised when the meaning of the stored numbers changes.
const stateFormat = 2

// state is an ErrorRate as it is stored. Numbers survive exactly: the encoding
// writes as many digits as a float64 needs.
type state struct {
	Format   int         `json:"format"`
	Config   Config      `json:"config"`
	Steps    int         `json:"steps"`
	Failures uint64      `json:"failures"`
	Values   []float64   `json:"values"` // one a component, as Best and Onset
	Best     []float64   `json:"best"`
	Onset    []Counts    `json:"onset"`
	Total    Counts      `json:"total"`
	Ignored  uint64      `json:"ignored"`
	Weight   float64     `json:"weight"`
	Hosts    hostState   `json:"hosts"`
	Flags    []flagCount `json:"flags,omitempty"`
}

// hostState is hosts as it is stored.
type hostState struct {
	Count int         `json:"count"`
	Known []host      `json:"known,omitempty"`
	Rest  [][]float64 `json:"rest"` // values by group
}

// state gives hosts as it is stored.
func (h *hosts) state() hostState {
	s := hostState{Count: h.count, Known: h.known}
	for g := range h.rest {
		s.Rest = append(s.Rest, h.rest[g].value[:])
	}
	return s
}

// hosts gives what was stored.
func (s *hostState) hosts() hosts {
	h := hosts{count: s.Count, known: s.Known}
	for g := range s.Rest {
		copy(h.rest[g].value[:], s.Rest[g])
	}
	return h
}

// check finds hosts that cannot be.
func (s *hostState) check(failures uint64) error {
	for _, k := range s.Known {
		if k.Failures == 0 || k.Failures > failures {
			return fmt.Errorf("%d failures of host %q", k.Failures, k.Name)
		}
		failures -= k.Failures
	}
	if s.Count < 0 || len(s.Known) > knownHosts || len(s.Rest) != groups {
		return fmt.Errorf("hosts: %d, %d known, %d groups", s.Count, len(s.Known), len(s.Rest))
	}
	for g, values := range s.Rest {
		if err := checkValues(values); err != nil {
			return fmt.Errorf("group %d of hosts: %w", g, err)
		}
	}
	return nil
}

// checkValues finds values of components that cannot be.
func checkValues(values []float64) error {
	if len(values) != components {
		return fmt.Errorf("%d components, want %d", len(values), components)
	}
	for j, v := range values {
		if !(v >= 0 && v <= ceiling) {
			return fmt.Errorf("component %d is %v", j, v)
		}
	}
	return nil
}

// MarshalJSON gives all that the test knows, in about 4 kB.
func (e *ErrorRate) MarshalJSON() ([]byte, error) {
	s := state{
		Format:   stateFormat,
		Config:   e.config,
		Steps:    e.schedule.steps,
		Failures: e.schedule.failures,
		Values:   e.mixture.value[:],
		Best:     e.mixture.best[:],
		Onset:    e.mixture.onset[:],
		Total:    e.total,
		Ignored:  e.ignored,
		Weight:   e.weight,
		Hosts:    e.hosts.state(),
	}
	for _, f := range e.flags {
		if f.Count > 0 {
			s.Flags = append(s.Flags, f)
		}
	}
	return json.Marshal(s)
}

// UnmarshalJSON replaces the test by a stored one, which then gives the same
// verdicts on the same failures as the one that was stored. A state that no
// test can have reached is an error and changes nothing.
func (e *ErrorRate) UnmarshalJSON(data []byte) error {
	var s state
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("decoding the guard's state: %w", err)
	}
	if err := s.check(); err != nil {
		return fmt.Errorf("decoding the guard's state: %w", err)
	}
	fresh := ErrorRate{
		config:   s.Config,
		schedule: schedule{planned: s.Config.PlannedSteps, steps: s.Steps, failures: s.Failures},
		mixture:  newMixture(s.Config.Margin),
		total:    s.Total,
		ignored:  s.Ignored,
		weight:   s.Weight,
		hosts:    s.Hosts.hosts(),
	}
	copy(fresh.mixture.value[:], s.Values)
	copy(fresh.mixture.best[:], s.Best)
	copy(fresh.mixture.onset[:], s.Onset)
	copy(fresh.flags[:], s.Flags)
	*e = fresh
	return nil
}

// check finds what cannot be the state of a test.
func (s *state) check() error {
	switch {
	case s.Format != stateFormat:
		return fmt.Errorf("format %d, want %d", s.Format, stateFormat)
	case s.Config != s.Config.sane():
		return fmt.Errorf("configuration %+v is out of range", s.Config)
	case s.Steps < 0 || s.Steps > s.Config.PlannedSteps:
		return fmt.Errorf("%d steps of %d planned", s.Steps, s.Config.PlannedSteps)
	case s.Weight < 0 || s.Weight > 1:
		return fmt.Errorf("weight %v", s.Weight)
	case len(s.Flags) > len(flags{}):
		return fmt.Errorf("%d flags", len(s.Flags))
	case s.Failures+s.Ignored != s.Total.CanaryFailures+s.Total.StableFailures:
		return fmt.Errorf("%d and %d failures do not sum to those of the versions", s.Failures, s.Ignored)
	}
	return s.checkComponents()
}

// checkComponents finds a component that cannot be.
func (s *state) checkComponents() error {
	if err := s.Total.check(); err != nil {
		return err
	}
	if err := s.Hosts.check(s.Total.CanaryFailures); err != nil {
		return err
	}
	for _, values := range [][]float64{s.Values, s.Best} {
		if err := checkValues(values); err != nil {
			return err
		}
	}
	if len(s.Onset) != components {
		return fmt.Errorf("%d onsets, want %d", len(s.Onset), components)
	}
	for j, o := range s.Onset {
		if err := o.check(); err != nil {
			return fmt.Errorf("onset %d: %w", j, err)
		}
		if o.CanaryFailures > s.Total.CanaryFailures || o.StableFailures > s.Total.StableFailures {
			return fmt.Errorf("onset %d is later than now", j)
		}
	}
	return nil
}

// check finds counts that cannot be.
func (c Counts) check() error {
	if c.CanaryRequests < 0 || c.StableRequests < 0 || c.CanaryFailures > math.MaxInt64 || c.StableFailures > math.MaxInt64 {
		return fmt.Errorf("counts %+v are out of range", c)
	}
	return nil
}
