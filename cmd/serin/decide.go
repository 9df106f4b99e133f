package main

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/serin-mesh/serin/analysis"
	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/control"
	"github.com/serin-mesh/serin/discovery"
	"github.com/serin-mesh/serin/rollout"
)

// traffic is what a plan is to be judged for.
type traffic struct {
	rps      float64 // requests a second to the Service
	errors   float64 // part of them that fails anyway
	increase float64 // of the canary's, that is to be seen
}

// check refuses numbers that mean nothing.
func (t traffic) check() error {
	switch {
	case !(t.rps > 0) || t.rps > maxRPS:
		return fmt.Errorf("--rps %v: want a number of requests a second above 0", t.rps)
	case !(t.errors >= 0 && t.errors < 1):
		return fmt.Errorf("--errors %v: want a part from 0 to below 1, such as 0.005", t.errors)
	case !(t.increase > 0 && t.errors+t.increase <= 1):
		return fmt.Errorf("--increase %v: want a part above 0, such as 0.05, that --errors leaves room for", t.increase)
	}
	return nil
}

// undecided finds the steps that may be over before the guard can have seen the
// harm, or that a proof cannot pass in its time.
func (t traffic) undecided(d *api.Document) []api.Finding {
	r, ok := d.Object.(*api.Rollout)
	if !ok || r.Spec.Strategy.Canary == nil {
		return nil
	}
	var out []api.Finding
	note := func(i int, format string, args ...any) {
		line, column := d.StepAt(i)
		path := fmt.Sprintf("spec.strategy.canary.steps[%d]", i)
		if i == len(r.Steps()) {
			line, column = d.PromotionAt()
			path = "spec.strategy.canary.guard.promotion"
		}
		out = append(out, api.Finding{File: d.File, Line: line, Column: column, Code: api.CodeUndecided,
			Path: path, Message: fmt.Sprintf(format, args...)})
	}
	spec := control.SpecOf(r)
	weight := 0.0
	for i, s := range spec.Steps {
		switch {
		case s.SetWeight != nil:
			weight = part(*s.SetWeight)
			if held, timed := heldFor(spec, i); timed && weight > 0 && weight < 1 {
				if need := t.needs(r, spec, weight); held < need {
					note(i, "%s at %s: at %v requests a second the guard needs about %s to see %s more errors over %s; "+
						"the step may be over before", held, percentText(100*weight), t.rps, round(need), percentText(100*t.increase), percentText(100*t.errors))
				}
			}
		case s.Check != nil && s.Check.Timeout > 0:
			terms, whole := control.ProofOf(*s.Check)
			if terms == nil {
				continue
			}
			served := 0.0 // that the canary has served by then
			if whole {
				served = t.serves(spec)
			}
			if need := t.proves(terms, weight, served); s.Check.Timeout < need {
				note(i, "at %s of %v requests a second a proof takes about %s even without errors, longer than its timeout of %s",
					percentText(100*weight), t.rps, round(need), s.Check.Timeout)
			}
		}
	}
	return out
}

// serves gives how many requests the canary has served when the steps are over,
// by their pauses.
func (t traffic) serves(spec rollout.Spec) float64 {
	served, weight := 0.0, 0.0
	for _, s := range spec.Steps {
		switch {
		case s.SetWeight != nil:
			weight = part(*s.SetWeight)
		case s.Pause != nil:
			served += max(float64(s.Pause.Requests), weight*t.rps*s.Pause.Duration.Seconds())
		}
	}
	return served
}

// heldFor gives for how long a weight that step i sets is held by pauses; false
// where something else ends it.
func heldFor(spec rollout.Spec, i int) (time.Duration, bool) {
	var sum time.Duration
	for _, s := range spec.Steps[i+1:] {
		switch {
		case s.SetWeight != nil:
			return sum, true
		case s.Check != nil, s.Pause != nil && s.Pause.Duration == 0:
			return 0, false
		case s.Pause != nil:
			sum += s.Pause.Duration
		}
	}
	return sum, true
}

// needs gives the time that the guard needs at a weight, on average.
func (t traffic) needs(r *api.Rollout, spec rollout.Spec, weight float64) time.Duration {
	guard := control.NewGuard(r, spec)
	if guard == nil {
		return 0 // there is nobody to decide
	}
	return secondsOf(analysis.Expect(guard.Config(), weight, t.errors, t.errors+t.increase).Expected / t.rps)
}

// proves gives the time that a proof still needs where nothing fails, when the
// canary has served some requests.
func (t traffic) proves(terms *api.ProveTerms, weight, served float64) time.Duration {
	need := analysis.ProofRequests(analysis.ProofConfig{MaxIncrease: terms.MaxIncrease, Beta: 1 - terms.Confidence}) - served
	if weight == 0 || need <= 0 {
		return 0
	}
	return secondsOf(need / (weight * t.rps))
}

// secondsOf gives a duration, however long.
func secondsOf(s float64) time.Duration {
	if s > math.MaxInt64/float64(time.Second) {
		return math.MaxInt64
	}
	return time.Duration(s * float64(time.Second))
}

// plannedReach is how long the guard needs at one weight of a plan.
type plannedReach struct {
	Step        int      `json:"step"`
	HeldSeconds *float64 `json:"heldSeconds,omitempty"` // by pauses; absent: something else ends it
	api.Reach
}

// plan says of each step that gives the canary a part of the traffic how long it
// takes there to see a harm; nothing where the guard is off.
func (t traffic) plan(r *api.Rollout, spec rollout.Spec) []plannedReach {
	var out []plannedReach
	guard := control.NewGuard(r, spec)
	if guard == nil {
		return nil
	}
	for i, s := range spec.Steps {
		if s.SetWeight == nil || *s.SetWeight == 0 || *s.SetWeight >= rollout.Total {
			continue
		}
		for _, reach := range control.Reaches(guard.Config(), part(*s.SetWeight), t.rps, t.errors, t.increase) {
			p := plannedReach{Step: i, Reach: reach}
			if held, timed := heldFor(spec, i); timed {
				seconds := held.Seconds()
				p.HeldSeconds = &seconds
			}
			out = append(out, p)
		}
	}
	return out
}

// planTable writes a plan.
func planTable(w io.Writer, plan []plannedReach) error {
	head := []string{"STEP", "WEIGHT", "HELD", "TO SEE", "LEAST", "EXPECTED", "TIME", "ENOUGH"}
	var rows [][]string
	for _, p := range plan {
		row := []string{fmt.Sprint(p.Step), percentText(p.Weight), "-", p.Harm, "never", "never", "never", "no"}
		if p.HeldSeconds != nil {
			row[2] = round(secondsOf(*p.HeldSeconds))
		}
		if p.ExpectedRequests != nil {
			row[4], row[5] = countText(*p.LeastRequests), countText(*p.ExpectedRequests)
		}
		if p.ExpectedSeconds != nil {
			row[6] = round(secondsOf(*p.ExpectedSeconds))
			if p.HeldSeconds == nil {
				row[7] = "-"
			} else if *p.HeldSeconds >= *p.ExpectedSeconds {
				row[7] = "yes"
			}
		}
		rows = append(rows, row)
	}
	return grid(w, head, rows)
}

// plansOf writes the plans of all Rollouts of some files.
func (t traffic) plansOf(w io.Writer, result discovery.Result) error {
	if result.Objects == nil {
		return nil
	}
	for _, key := range slices.SortedFunc(maps.Keys(result.Objects.Rollouts), api.Key.Compare) {
		r := result.Objects.Rollouts[key]
		plan := t.plan(r, control.SpecOf(r))
		if len(plan) == 0 {
			continue
		}
		if _, err := fmt.Fprintf(w, "\n%s at %v requests a second, of which %s fail anyway\n", key, t.rps, percentText(100*t.errors)); err != nil {
			return err
		}
		if err := planTable(w, plan); err != nil {
			return err
		}
	}
	return nil
}

// round makes a duration short to read.
func round(d time.Duration) string {
	switch {
	case d == math.MaxInt64:
		return "forever"
	case d > time.Minute:
		return d.Round(time.Second).String()
	}
	return d.Round(100 * time.Millisecond).String()
}

// undecidedIn looks at every Rollout of some files.
func (t traffic) undecidedIn(result discovery.Result) []api.Finding {
	var out []api.Finding
	for name, data := range result.Files {
		docs, _ := api.Decode(name, data)
		for i := range docs {
			out = append(out, t.undecided(&docs[i])...)
		}
	}
	api.SortFindings(out)
	return out
}
