package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/serin-mesh/serin/api"
)

// watchRollout shows a Rollout and its changes until the context ends: in place
// on a terminal, else a line for each change.
func watchRollout(cmd *cobra.Command, c *client, name string, out format) error {
	ctx, w := cmd.Context(), cmd.OutOrStdout()
	note := func(text string) { fmt.Fprintln(cmd.ErrOrStderr(), "serin: "+text) }
	switch out {
	case formatJSON, formatYAML:
		return watchData(ctx, c, name, out, w, note)
	}
	if isTerminal(w) {
		return watchLive(ctx, c, name, w, cmd.InOrStdin())
	}
	last := ""
	return c.follow(ctx, name, func(r *api.Rollout) {
		if line := changeLine(r); line != last {
			last = line
			fmt.Fprintf(w, "%s %s\n", time.Now().Format(time.TimeOnly), line)
		}
	}, note)
}

// watchData writes each change as one JSON line, or one YAML document.
func watchData(ctx context.Context, c *client, name string, out format, w io.Writer, note func(string)) error {
	return c.follow(ctx, name, func(r *api.Rollout) {
		if out == formatJSON {
			if err := json.NewEncoder(w).Encode(r); err != nil {
				note(err.Error())
			}
			return
		}
		fmt.Fprintln(w, "---")
		if err := out.printValue(w, r, nil); err != nil {
			note(err.Error())
		}
	}, note)
}

// changeLine says in one line where a Rollout stands. Two states with the same
// line differ only in counts.
func changeLine(r *api.Rollout) string {
	st := r.Status
	canary := st.Canary.Weights.Canary
	weight := fmt.Sprintf("weight %s of %s", percentText(canary.Weight), canary.PodTemplateHash)
	if canary.PodTemplateHash == st.StableRS {
		weight = "no canary"
	}
	parts := []string{
		r.Name, string(st.Phase), "step " + stepText(r), weight,
		"acked " + ackedText(st.Fleet), "stable " + st.StableRS,
	}
	for _, e := range st.Evidence {
		parts = append(parts, fmt.Sprintf("%s %s", e.Metric, e.Verdict))
	}
	if st.Message != "" {
		parts = append(parts, "- "+oneLine(st.Message))
	}
	return strings.Join(parts, "  ")
}
