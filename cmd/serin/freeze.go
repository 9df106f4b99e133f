package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/serin-mesh/serin/server"
)

// newFreezeCommand makes `serin freeze`.
func newFreezeCommand() *cobra.Command {
	var body server.ActionBody
	var until string
	cmd := newHoldCommand("freeze", "Let nothing advance, in one Rollout or in all",
		"Freeze holds a Rollout where it is, or, without a name, all Rollouts of all namespaces, those that\n"+
			"are still to come too. An abort, a rollback and a verdict of harm still take a canary out.\n"+
			"It ends with unfreeze, or at --until.",
		"  serin freeze shop --reason 'sale'\n  serin freeze --until 2026-12-27T08:00:00Z --reason holidays\n  serin freeze --until 2h",
		&body, func() (err error) {
			body.Until, err = parseUntil(until, time.Now())
			return err
		})
	cmd.Flags().StringVar(&until, "until", "", "when it ends by itself: a time (RFC 3339) or how long from now, such as 2h")
	return cmd
}

// newUnfreezeCommand makes `serin unfreeze`.
func newUnfreezeCommand() *cobra.Command {
	return newHoldCommand("unfreeze", "End what freeze began",
		"Unfreeze ends the freeze of one Rollout or, without a name, that of all. The two are apart: a\n"+
			"Rollout that was frozen by its name stays so.",
		"  serin unfreeze shop\n  serin unfreeze", &server.ActionBody{}, func() error { return nil })
}

// newHoldCommand makes a command of a verb that is for one Rollout or for all.
// fill completes the body when the flags are read.
func newHoldCommand(verb, short, long, example string, body *server.ActionBody, fill func() error) *cobra.Command {
	var conn connection
	cmd := &cobra.Command{
		Use: verb + " [NAME]", Short: short, Long: long, Example: example,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := fill(); err != nil {
				return err
			}
			c, err := conn.client()
			if err != nil {
				return err
			}
			what := "all Rollouts"
			if len(args) == 1 {
				what = args[0]
				_, err = c.act(cmd.Context(), rolloutPath(what, verb), *body)
			} else {
				err = c.hold(cmd.Context(), verb, *body)
			}
			if err != nil {
				return err
			}
			return write(cmd.OutOrStdout(), []byte(fmt.Sprintf("%s: %s\n", verb, what)))
		},
	}
	conn.addFlags(cmd)
	cmd.Flags().StringVar(&body.Reason, "reason", "", "why, for the journal")
	return cmd
}

// hold asks for a freeze of all Rollouts, or for its end.
func (c *client) hold(ctx context.Context, verb string, body server.ActionBody) error {
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encoding the action: %w", err)
	}
	_, err = c.do(ctx, http.MethodPost, []string{verb}, data)
	return err
}

// parseUntil reads a time, or how long from now; nil where there is neither.
func parseUntil(text string, now time.Time) (*time.Time, error) {
	if text == "" {
		return nil, nil
	}
	if d, err := time.ParseDuration(text); err == nil {
		t := now.Add(d)
		return &t, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return nil, fmt.Errorf("reading --until %q: want a time such as 2026-12-27T08:00:00Z, or how long, such as 2h", text)
	}
	return &t, nil
}
