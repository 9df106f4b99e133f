package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/serin-mesh/serin/rollout"
)

// parseStep reads one step: 12.5 is setWeight in percent; pause, pause:1m and
// requests:50 are pauses; route:a and unroute:a make a managed route and take it
// away; check and check:1m:Failed ask; skip has no meaning here.
func parseStep(word string) (rollout.StepSpec, error) {
	verb, arg, _ := strings.Cut(word, ":")
	switch verb {
	case "pause":
		return parsePause(arg)
	case "requests":
		n, err := strconv.ParseUint(arg, 10, 32)
		return rollout.StepSpec{Pause: &rollout.PauseSpec{Requests: n}}, err
	case "route":
		return rollout.StepSpec{SetRoute: &rollout.ManagedRoute{Name: arg, What: "header"}}, nil
	case "unroute":
		return rollout.StepSpec{SetRoute: &rollout.ManagedRoute{Name: arg}}, nil
	case "check":
		return parseCheck(arg)
	case "skip":
		return rollout.StepSpec{Skip: "it has no meaning here"}, nil
	}
	percent, err := strconv.ParseFloat(word, 64)
	if err != nil || !(percent >= 0 && percent <= 100) {
		return rollout.StepSpec{}, fmt.Errorf("step %q is no weight from 0 to 100 and no other step", word)
	}
	weight := rollout.Weight(percent * float64(rollout.Total/100))
	return rollout.StepSpec{SetWeight: &weight}, nil
}

func parsePause(arg string) (rollout.StepSpec, error) {
	p := rollout.PauseSpec{}
	if arg != "" {
		d, err := duration([]string{arg})
		if err != nil {
			return rollout.StepSpec{}, err
		}
		p.Duration = max(d, 0)
	}
	return rollout.StepSpec{Pause: &p}, nil
}

func parseCheck(arg string) (rollout.StepSpec, error) {
	c := rollout.Check{Name: "check", What: arg}
	timeout, outcome, _ := strings.Cut(arg, ":")
	if timeout != "" {
		d, err := duration([]string{timeout})
		if err != nil {
			return rollout.StepSpec{}, err
		}
		c.Timeout, c.OnTimeout = max(d, 0), rollout.Outcome(outcome)
		if c.OnTimeout != "" && !slices.Contains(outcomes, outcome) {
			return rollout.StepSpec{}, fmt.Errorf("%q is no outcome", outcome)
		}
	}
	return rollout.StepSpec{Check: &c}, nil
}

func number(args []string, otherwise int) (int, error) {
	if len(args) == 0 {
		return otherwise, nil
	}
	n, err := strconv.Atoi(args[0])
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is no number", args[0])
	}
	return n, nil
}

func duration(args []string) (time.Duration, error) {
	if len(args) == 0 {
		return 0, fmt.Errorf("want a duration")
	}
	d, err := time.ParseDuration(args[0])
	if err != nil {
		return 0, fmt.Errorf("reading a duration: %w", err)
	}
	return min(max(d, -1000*time.Hour), 1000*time.Hour), nil
}
