package main

import (
	"fmt"
	"io"
	"math"
	"time"

	"github.com/spf13/cobra"

	"github.com/serin-mesh/serin/api"
)

// newExplainCommand makes `serin explain`.
func newExplainCommand() *cobra.Command {
	var conn connection
	var out format
	cmd := &cobra.Command{
		Use:   "explain NAME",
		Short: "Say why a Rollout stands where it stands",
		Long: "Explain shows the last decision about a Rollout with the numbers that it was made from, what\n" +
			"the Rollout waits for now, and what a person can do now.",
		Example: "  serin explain shop\n  serin explain shop -o json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := conn.client()
			if err != nil {
				return err
			}
			raw, err := c.get(cmd.Context(), rolloutPath(args[0], "explain")...)
			if err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), raw, func(w io.Writer, _ bool) error {
				e, err := decode[api.Explanation](raw)
				if err != nil {
					return err
				}
				return write(w, []byte(renderExplanation(e, widthOf(w), time.Now())))
			})
		},
	}
	conn.addFlags(cmd)
	out.addFlag(cmd)
	return cmd
}

// renderExplanation gives an explanation as text, at an instant.
func renderExplanation(e api.Explanation, width int, now time.Time) string {
	v := &view{width: max(width, leastWidth), now: now}
	versions := e.Stable
	if e.Version != e.Stable {
		versions += " -> " + e.Version
	}
	v.line("%s/%s  %s  %s  step %d  weight %s", e.Namespace, e.Name, e.Phase, versions, e.Step, percentText(e.Weight))
	v.decision(e.Decision)
	if len(e.Evidence) > 0 {
		v.title("Now", "")
		v.numbers(e.Evidence)
	}
	v.outlook(e.Outlook)
	v.title("Next", nextText(e.NextTransitionAt, now))
	v.text("  ", e.WaitsFor)
	v.choices(e)
	return v.b.String()
}

// outlook says how long the guard needs to see a harm.
func (v *view) outlook(list []api.Reach) {
	if len(list) == 0 {
		return
	}
	note := fmt.Sprintf("at %s of %.3g requests a second", percentText(list[0].Weight), list[0].Rate)
	if list[0].Rate == 0 {
		note = "no traffic is reported"
	}
	v.title("To see harm", note)
	for _, r := range list {
		if r.ExpectedRequests == nil {
			v.line("  %-14s cannot be seen: it is too near to what is tolerated", r.Harm)
			continue
		}
		v.line("  %-14s about %s requests%s; any test needs %s", r.Harm, countText(*r.ExpectedRequests), inText(r.ExpectedSeconds), countText(*r.LeastRequests))
	}
}

// countText rounds a number of requests up to three digits.
func countText(n float64) string {
	unit := 1.0
	for n/unit >= 1000 {
		unit *= 10
	}
	return fmt.Sprintf("%.0f", math.Ceil(n/unit-1e-9)*unit)
}

// inText gives a time that something takes, if it is known.
func inText(seconds *float64) string {
	if seconds == nil {
		return ""
	}
	return " in " + round(secondsOf(*seconds))
}

// choices lists what can be done, as it is typed.
func (v *view) choices(e api.Explanation) {
	if len(e.Choices) == 0 {
		return
	}
	v.title("You can", "")
	typed, widest := make([]string, len(e.Choices)), 0
	for i, c := range e.Choices {
		typed[i] = fmt.Sprintf("serin %s %s", c.Action, e.Name)
		if e.Namespace != api.DefaultNamespace {
			typed[i] += " -n " + e.Namespace
		}
		if c.Full {
			typed[i] += " --full"
		}
		widest = max(widest, len(typed[i]))
	}
	for i, c := range e.Choices {
		v.line("  %-*s  %s", widest, typed[i], oneLine(c.Does))
	}
}

// decision shows a journal entry: what, when, who and why.
func (v *view) decision(d *api.JournalEntry) {
	if d == nil {
		v.title("Decided", "nothing yet")
		return
	}
	v.title("Decided", fmt.Sprintf("%s, %s ago, by %s", d.Event, spanText(v.now.Sub(d.At)), actorText(*d)))
	v.text("  ", d.Message)
	if d.Reason != "" {
		v.text("  ", "reason: "+d.Reason)
	}
	v.numbers(d.Evidence)
}

// numbers shows what judges computed their verdicts from.
func (v *view) numbers(list []api.Evidence) {
	for _, e := range list {
		if byConditions(e) {
			v.line("  %s, by %s: %s", e.Metric, e.Judge, e.Verdict)
			v.text("    ", e.Message)
			continue
		}
		v.line("  %s: %s, evidence %s of %s, at weight %s", e.Metric, e.Verdict,
			numberText(e.Evidence), numberText(e.Threshold), percentText(e.Weight))
		v.line("    canary  %d failures of %d requests", e.CanaryFailures, e.CanaryRequests)
		v.line("    stable  %d failures of %d requests", e.StableFailures, e.StableRequests)
		v.text("    ", e.Message)
	}
}
