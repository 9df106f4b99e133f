package analysis

import (
	"testing"

	"pgregory.net/rapid"
)

// All the mass is released in the end, and at any time what is released and
// what is withheld sum to 1.
func TestScheduleConservesMass(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := schedule{planned: rapid.IntRange(0, 12).Draw(t, "planned")}
		released := startMass
		for range rapid.IntRange(0, 400).Draw(t, "events") {
			if rapid.IntRange(0, 20).Draw(t, "event") == 0 {
				released += s.step()
			} else {
				released += s.failure()
			}
			if sum := released + s.withheld(); !near(sum, 1) {
				t.Fatalf("released %v and withheld %v sum to %v, want 1", released, s.withheld(), sum)
			}
		}
	})
}

func TestScheduleHalvesAfterSpread(t *testing.T) {
	for _, c := range []struct {
		planned int
		want    float64 // withheld once half of the rest is out and all steps are
	}{{0, 0.25}, {1, 0.125}, {4, 0.125}} {
		s := schedule{planned: c.planned}
		for range spread {
			s.failure()
		}
		for range c.planned {
			s.step()
		}
		if got := s.withheld(); !near(got, c.want) {
			t.Errorf("%d planned: %v withheld after %d failures, want %v", c.planned, got, spread, c.want)
		}
	}
}

func TestScheduleStepsBeyondPlan(t *testing.T) {
	s := schedule{planned: 2}
	for i, want := range []float64{0.125, 0.125, 0, 0} {
		if got := s.step(); got != want {
			t.Errorf("step %d releases %v, want %v", i, got, want)
		}
	}
	e := NewErrorRate(Config{PlannedSteps: 0})
	e.Step()
	if got := e.Evidence(); !near(got, 1) {
		t.Errorf("a step that was not planned moves the evidence to %v, want 1", got)
	}
}
