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
		p := portionsFor(s.planned)
		released := mean(&p.start)
		for range rapid.IntRange(0, 400).Draw(t, "events") {
			switch rapid.IntRange(0, 20).Draw(t, "event") {
			case 0:
				released += mean(&p.step) * s.step()
			case 1:
				released += mean(&p.over) * s.batch(float64(rapid.IntRange(0, 50).Draw(t, "batch")))
			default:
				released += mean(&p.over) * s.failure()
			}
			if sum := released + s.withheld(); !near(sum, 1) {
				t.Fatalf("released %v and withheld %v sum to %v, want 1", released, s.withheld(), sum)
			}
		}
	})
}

// Each component's own mass is whole too.
func TestPortionsAreWhole(t *testing.T) {
	for _, planned := range []int{0, 1, 7} {
		p := portionsFor(planned)
		for j := range p.start {
			if sum := p.start[j] + p.step[j] + p.over[j]; !near(sum, 1) || p.over[j] <= 0 {
				t.Errorf("%d planned: the portions of component %d sum to %v, %v of it over failures", planned, j, sum, p.over[j])
			}
		}
		if planned == 0 && p.step[0] != 0 {
			t.Errorf("%v is kept for steps where none is planned", p.step[0])
		}
	}
}

func TestScheduleHalvesAfterSpread(t *testing.T) {
	s := schedule{}
	for range spread {
		s.failure()
	}
	if got := s.rest(); !near(got, 0.5) {
		t.Errorf("%v is still to come after %d failures, want half", got, spread)
	}
}

func TestScheduleStepsBeyondPlan(t *testing.T) {
	s := schedule{planned: 2}
	for i, want := range []float64{0.5, 0.5, 0, 0} {
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
