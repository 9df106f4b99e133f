package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/discovery"
)

// newValidateCommand makes `serin validate`.
func newValidateCommand() *cobra.Command {
	var name string
	var load traffic
	cmd := &cobra.Command{
		Use:   "validate -f FILE|DIR",
		Short: "Check objects, without a server",
		Long: "Validate prints everything that is wrong with the objects of a file or a folder, one\n" +
			"finding a line, as FILE:LINE:COL: CODE message. Codes begin with E (error: serve would\n" +
			"refuse the change) or W (warning: it runs, but look).\n\n" +
			"With --rps it also warns of steps that are over before the guard can have seen the canary\n" +
			"fail by --increase more than --errors, and of proofs that cannot be had in their time. After\n" +
			"the findings it prints, for each weight, how many requests it takes to see that and a total\n" +
			"failure: the least that any test needs, what the guard is expected to need, and the time.\n\n" +
			"It exits with 0 where there is no error, 1 where it cannot read, and 2 where there is one.",
		Example: "  serin validate -f ./objects\n  serin validate -f shop.yaml && git push\n" +
			"  serin validate -f shop.yaml --rps 20 --errors 0.005 --increase 0.05",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			result, err := discovery.Read(name)
			if err != nil {
				return err
			}
			if cmd.Flags().Changed("rps") {
				if err := load.check(); err != nil {
					return err
				}
				result.Findings = append(result.Findings, load.undecidedIn(result)...)
				api.SortFindings(result.Findings)
			}
			var b strings.Builder
			for _, f := range result.Findings {
				fmt.Fprintln(&b, oneLine(f.String()))
			}
			if err := write(cmd.OutOrStdout(), []byte(b.String())); err != nil {
				return err
			}
			if load.rps > 0 {
				if err := load.plansOf(cmd.OutOrStdout(), result); err != nil {
					return err
				}
			}
			if n := countErrors(result.Findings); n > 0 {
				return &exitError{code: exitRefused, err: fmt.Errorf("%s: %s", name, plural(n, "error"))}
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&name, "filename", "f", "", "file or folder to check")
	cmd.Flags().Float64Var(&load.rps, "rps", 0, "requests a second to the Service, to find steps that cannot decide")
	cmd.Flags().Float64Var(&load.errors, "errors", 0.005, "with --rps: part of the requests that fails anyway")
	cmd.Flags().Float64Var(&load.increase, "increase", 0.05, "with --rps: how much more of the canary's is to be seen")
	// The flag exists, so marking it cannot fail.
	_ = cmd.MarkFlagRequired("filename")
	return cmd
}

// countErrors counts the findings that refuse a change.
func countErrors(findings []api.Finding) int {
	n := 0
	for _, f := range findings {
		if f.IsError() {
			n++
		}
	}
	return n
}

// plural gives a number of things.
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
