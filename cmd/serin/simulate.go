package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/control"
)

// waitingTime is how long a rollout is played beyond its pauses and its series.
const waitingTime = 10 * time.Minute

// simulateOptions say what is played.
type simulateOptions struct {
	file, series    string
	rollout, stable string
	seed            uint64
	increase        float64
	duration        time.Duration // 0: found out
}

// newSimulateCommand makes `serin simulate`.
func newSimulateCommand() *cobra.Command {
	var o simulateOptions
	var out format
	cmd := &cobra.Command{
		Use:   "simulate -f FILE --series FILE",
		Short: "Play a Rollout against given traffic, in virtual time",
		Long: "Simulate plays a Rollout from the moment its version is wanted, with the state machine and\n" +
			"the guard of a server and one simulated Envoy, and prints what happened when. The same seed\n" +
			"gives the same timeline.\n\n" +
			"A series is a CSV file whose first line names its columns, or a YAML or JSON list:\n\n" +
			"  at            time since the start: 90, 90s, 5m; rising\n" +
			"  rps           requests a second, to both versions together\n" +
			"  stableErrors  the part of stable's requests that fails, 0 to 1\n" +
			"  canaryErrors  the part of the canary's\n" +
			"  action        what a person does then: promote, promote --full, pause, resume, abort,\n" +
			"                retry or rollback\n\n" +
			"What a point leaves out stays as it was; the last one holds to the end. As an object, the\n" +
			"list is under points, beside seed.\n\n" +
			"After the timeline comes the plan: for each weight, how many requests it takes, at the first\n" +
			"traffic of the series, to see a harm of --increase and a total failure.\n\n" +
			"It exits with 0 when the version was promoted, 1 on bad usage and bad files, 2 when it was\n" +
			"aborted or rolled back, 3 when it was not over after --duration, and 4 when it waits for a\n" +
			"person at the end.",
		Example: "  serin simulate -f shop.yaml --series good.csv\n" +
			"  serin simulate -f ./objects --rollout shop --series bad.yaml --seed 7 -o json",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			result, err := simulate(cmd, o)
			if err != nil {
				return err
			}
			err = out.printValue(cmd.OutOrStdout(), result, func(w io.Writer, _ bool) error {
				if err := timelineTable(w, result.Timeline); err != nil || len(result.Plan) == 0 {
					return err
				}
				if _, err := fmt.Fprintln(w); err != nil {
					return err
				}
				return planTable(w, result.Plan)
			})
			if err != nil {
				return err
			}
			text := fmt.Sprintf("%s/%s: %s after %s: %s", result.Namespace, result.Name, result.Outcome,
				playedText(result.Seconds), oneLine(result.Message))
			if code := exits[result.Outcome]; code != exitOK {
				return &exitError{code: code, err: fmt.Errorf("%s", text)}
			}
			fmt.Fprintln(cmd.ErrOrStderr(), "serin: "+text)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.file, "filename", "f", "", "file or folder with the Rollout")
	f.StringVar(&o.series, "series", "", "file of the traffic")
	f.StringVar(&o.rollout, "rollout", "", "the Rollout, NAME or NAMESPACE/NAME, where there are several")
	f.StringVar(&o.stable, "stable", "stable", "what to call the version before")
	f.Uint64Var(&o.seed, "seed", 1, "what the draws come from; default: the series' seed, else 1")
	f.Float64Var(&o.increase, "increase", control.UsualHarm, "which harm the plan is judged by: how much more of the canary's requests fail")
	f.DurationVar(&o.duration, "duration", 0, "how long to play at most; default: the series, the timed pauses and 10m")
	out.addFlag(cmd)
	// The flags exist, so marking them cannot fail.
	_ = cmd.MarkFlagRequired("filename")
	_ = cmd.MarkFlagRequired("series")
	return cmd
}

// simulate plays what the options say.
func simulate(cmd *cobra.Command, o simulateOptions) (*simulated, error) {
	objects, err := readObjects(o.file, exitFailed)
	if err != nil {
		return nil, err
	}
	object, err := theRollout(objects, o.rollout)
	if err != nil {
		return nil, err
	}
	traffic, err := readSeries(o.series)
	if err != nil {
		return nil, err
	}
	if o.stable == "" || o.stable == object.Version() {
		return nil, fmt.Errorf("the version before cannot be called %q too; give another --stable", object.Version())
	}
	if traffic.seed != nil && !cmd.Flags().Changed("seed") {
		o.seed = *traffic.seed
	}
	if o.duration <= 0 {
		o.duration = traffic.points[len(traffic.points)-1].at + timedPauses(planOf(object)) + waitingTime
	}
	if n := traffic.requests(o.duration); n > maxRequests {
		return nil, fmt.Errorf("up to %.3g requests in %s are too many to draw; want at most %g: give fewer a second, or a shorter --duration",
			n, o.duration, float64(maxRequests))
	}
	load := planTraffic(traffic.points, o.increase)
	if err := load.check(); load.rps > 0 && err != nil {
		return nil, err
	}
	s := newSimulation(object, o.stable, traffic.points, o.seed)
	if err := s.run(cmd.Context(), o.duration); err != nil {
		return nil, fmt.Errorf("simulating %s: %w", object.Key(), err)
	}
	out := s.result(object.Key(), o)
	if load.rps > 0 {
		out.Plan = load.plan(object, s.spec)
	}
	return out, nil
}

// planTraffic is the first traffic that a series has.
func planTraffic(points []point, increase float64) traffic {
	for _, p := range points {
		if p.rps > 0 {
			return traffic{rps: p.rps, errors: p.stable, increase: min(increase, 1-p.stable)}
		}
	}
	return traffic{}
}

// theRollout finds the Rollout that is meant.
func theRollout(objects *api.Objects, name string) (*api.Rollout, error) {
	keys := slices.SortedFunc(maps.Keys(objects.Rollouts), api.Key.Compare)
	if name == "" {
		if len(keys) != 1 {
			return nil, fmt.Errorf("want one Rollout; --rollout says which: %s", listOf(keys))
		}
		return objects.Rollouts[keys[0]], nil
	}
	key, err := readKey("Rollout", name)
	if err != nil {
		return nil, err
	}
	if r := objects.Rollouts[key]; r != nil {
		return r, nil
	}
	return nil, fmt.Errorf("there is no Rollout %s among the objects; there is %s", key, listOf(keys))
}

// requests counts what a series has within a time.
func (s *series) requests(within time.Duration) float64 {
	sum := 0.0
	for i, p := range s.points {
		end := within
		if i+1 < len(s.points) {
			end = min(end, s.points[i+1].at)
		}
		sum += p.rps * max(end-p.at, 0).Seconds()
	}
	return sum
}

// result gathers what was played.
func (s *simulation) result(key api.Key, o simulateOptions) *simulated {
	outcome, message := s.outcome()
	return &simulated{
		Name: key.Name, Namespace: key.Namespace, Version: s.spec.Version, Stable: o.stable, Seed: o.seed,
		Outcome: outcome, Message: message, Seconds: s.seconds(),
		Observed: s.observed(o.stable), Evidence: s.verdict(), Timeline: s.timeline,
	}
}
