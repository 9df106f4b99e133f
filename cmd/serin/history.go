package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/server"
)

// newHistoryCommand makes `serin history`.
func newHistoryCommand() *cobra.Command {
	var conn connection
	var out format
	cmd := &cobra.Command{
		Use:   "history NAME",
		Short: "Show the journal of a Rollout",
		Long: "History lists each transition and action of a Rollout, the oldest first. An actor with\n" +
			"a question mark has named itself; one without has shown a token.",
		Example: "  serin history shop\n  serin history shop -o json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := conn.client()
			if err != nil {
				return err
			}
			raw, err := c.get(cmd.Context(), rolloutPath(args[0], "history")...)
			if err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), raw, func(w io.Writer, wide bool) error {
				list, err := decode[server.Items[api.JournalEntry]](raw)
				if err != nil {
					return err
				}
				return historyTable(w, list.Items, wide)
			})
		},
	}
	conn.addFlags(cmd)
	out.addFlag(cmd)
	return cmd
}

// self is the actor of what Serin did by itself.
const self = "serin"

// historyTable writes one line for each entry.
func historyTable(w io.Writer, list []api.JournalEntry, wide bool) error {
	head := []string{onlyIf(wide, "SEQ"), "TIME", "EVENT", "VERSION", "STABLE", "STEP", "WEIGHT", "ACTOR",
		"REASON", onlyIf(wide, "EVIDENCE"), "MESSAGE"}
	var rows [][]string
	for _, e := range list {
		rows = append(rows, []string{
			fmt.Sprint(e.Seq), e.At.Local().Format(time.DateTime), e.Event, e.Version, e.Stable,
			fmt.Sprint(e.Step), percentText(e.Weight), actorText(e), e.Reason, evidenceText(e.Evidence), e.Message,
		})
	}
	return grid(w, head, rows)
}

// actorText names who did something; a question mark says that nothing proved
// it.
func actorText(e api.JournalEntry) string {
	if !e.Verified && e.Actor != self && e.Actor != "" {
		return e.Actor + "?"
	}
	return e.Actor
}
