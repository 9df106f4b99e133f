package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/serin-mesh/serin/analysis/kayenta"
)

// newJudgeCommand makes `serin judge`.
func newJudgeCommand() *cobra.Command {
	var config, data string
	var strict bool
	var out format
	cmd := &cobra.Command{
		Use:   "judge --config FILE --data FILE",
		Short: "Judge metrics as Kayenta does, without a server",
		Long: "Judge compares an experiment with its control, metric by metric, and prints the score and\n" +
			"what it means, as Kayenta's " + kayenta.Name + " does.\n\n" +
			"The config is a canary config of Kayenta's API, in JSON. The data are the metrics' values:\n\n" +
			`  {"METRIC": {"control": [1, 2.5, "NaN"], "experiment": [1, 2, 3]}}` + "\n\n" +
			"Warnings say where the result rests on a known fault of that judge. With --strict, or\n" +
			"`strict: true` in the config, such a result is cannotJudge: the score is shown and should\n" +
			"not be used.\n\n" +
			"It exits with 0 when it has judged, whatever the verdict, and with 1 where it cannot read.",
		Example: "  serin judge --config canary.json --data series.json -o json\n" +
			"  serin judge --config canary.json --data series.json -o json | jq -e '.classification == \"Pass\"'",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			result, err := judge(config, data, strict)
			if err != nil {
				return err
			}
			return out.printValue(cmd.OutOrStdout(), result, func(w io.Writer, wide bool) error {
				for _, warning := range result.Warnings {
					fmt.Fprintf(cmd.ErrOrStderr(), "serin: warning: %s\n", warning)
				}
				return judgementTable(w, result, wide)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&config, "config", "", "canary config, JSON")
	f.StringVar(&data, "data", "", "values of the metrics, JSON")
	f.BoolVar(&strict, "strict", false, "refuse a result that rests on a known fault")
	out.addFlag(cmd)
	// The flags exist, so marking them cannot fail.
	_ = cmd.MarkFlagRequired("config")
	_ = cmd.MarkFlagRequired("data")
	return cmd
}

// judge reads the two files and compares.
func judge(config, data string, strict bool) (*kayenta.Result, error) {
	text, err := os.ReadFile(config)
	if err != nil {
		return nil, fmt.Errorf("reading the canary config: %w", err)
	}
	c, err := kayenta.ParseConfig(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", config, err)
	}
	if text, err = os.ReadFile(data); err != nil {
		return nil, fmt.Errorf("reading the metrics' values: %w", err)
	}
	values, err := kayenta.ParseData(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", data, err)
	}
	c.Strict = c.Strict || strict
	return kayenta.Judge(c, values), nil
}

// judgementTable prints a judgement for people: the metrics, the groups and the
// whole, each a row of its own.
func judgementTable(w io.Writer, r *kayenta.Result, wide bool) error {
	var rows [][]string
	add := func(kind, name, score string, class, reason string) {
		rows = append(rows, []string{kind, name, class, score, reason})
	}
	for _, name := range slices.Sorted(maps.Keys(r.Metrics)) {
		m := r.Metrics[name]
		class := string(m.Classification)
		if m.Critical {
			class += " (critical)"
		}
		add("metric", name, decimals(m.Ratio), class, m.Reason)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Groups)) {
		add("group", name, decimals(r.Groups[name].Score), "", "")
	}
	verdict, reason := string(r.Classification), r.Reason
	if r.CannotJudge != "" {
		verdict, reason = "cannot judge", r.CannotJudge
	}
	add("canary", "", decimals(r.Score), verdict, reason)
	return grid(w, []string{"KIND", "NAME", "CLASS", "RATIO/SCORE", onlyIf(wide || r.Reason+r.CannotJudge != "", "REASON")}, rows)
}

// decimals writes a number with two decimals.
func decimals(v float64) string {
	return strconv.FormatFloat(v, 'f', 2, 64)
}
