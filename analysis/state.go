package analysis

import (
	"encoding/json"
	"fmt"
	"math"
)

// stateFormat is raised when the meaning of the stored numbers changes.
const stateFormat = 1

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
	Count  int    `json:"count"`
	Recent string `json:"recent"`
	Last   uint64 `json:"last"`
	Other  uint64 `json:"other"`
}

// MarshalJSON gives all that the test knows, in about 3 kB.
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
		Hosts:    hostState{e.hosts.count, e.hosts.recent, e.hosts.last, e.hosts.other},
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
		hosts:    hosts{s.Hosts.Count, s.Hosts.Recent, s.Hosts.Last, s.Hosts.Other},
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
	case s.Hosts.Count < 0 || s.Hosts.Last > s.Total.CanaryFailures || s.Hosts.Other > s.Hosts.Last:
		return fmt.Errorf("hosts %+v", s.Hosts)
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
	if len(s.Values) != components || len(s.Best) != components || len(s.Onset) != components {
		return fmt.Errorf("%d, %d and %d components, want %d", len(s.Values), len(s.Best), len(s.Onset), components)
	}
	for j := range s.Values {
		v, b := s.Values[j], s.Best[j]
		if !(v >= 0 && v <= ceiling && b >= 0 && b <= ceiling) {
			return fmt.Errorf("component %d is %v, %v", j, v, b)
		}
		o := s.Onset[j]
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
