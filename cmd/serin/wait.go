package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/serin-mesh/serin/api"
)

// newWaitCommand makes `serin wait`.
func newWaitCommand() *cobra.Command {
	var conn connection
	var g goal
	var timeout time.Duration
	end := choice{words: []string{endPromoted, endPaused, endAborted}}
	cmd := &cobra.Command{
		Use:   "wait NAME",
		Short: "Wait until a Rollout is promoted, paused or aborted",
		Long: "Wait follows a Rollout until it is where --for says, or cannot get there by itself, and\n" +
			"says on stderr which. It waits for the version that the Rollout wants when it is first seen;\n" +
			"with --version it waits for that one, also where the server has yet to read it from a file.\n\n" +
			"It exits with 0 when the end was reached, 1 on bad usage and failed I/O, 2 when it ended\n" +
			"otherwise, 3 when the time was over, and 4 when it waits for a person: an open pause,\n" +
			"serin pause, or harm that pauses.",
		Example: "  serin wait shop --for promoted --timeout 30m\n" +
			"  serin wait shop --for promoted --version v2 || serin explain shop",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := conn.client()
			if err != nil {
				return err
			}
			g.end = end.word
			return waitFor(cmd, c, args[0], &g, timeout)
		},
	}
	conn.addFlags(cmd)
	end.addFlag(cmd, "for", "", "promoted, paused or aborted")
	cmd.Flags().StringVar(&g.version, "version", "", "the version to wait for; default: the one wanted now")
	cmd.Flags().DurationVar(&timeout, "timeout", 0, "how long to wait, such as 30m; default: for ever")
	// The flag exists, so marking it cannot fail.
	_ = cmd.MarkFlagRequired("for")
	return cmd
}

// waitFor follows a Rollout until the goal knows how it ended.
func waitFor(cmd *cobra.Command, c *client, name string, g *goal, timeout time.Duration) error {
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	if timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	var last *api.Rollout
	var end *ending
	err := c.follow(ctx, name, func(r *api.Rollout) {
		if last = r; end == nil {
			end = g.look(r)
		}
		if end != nil {
			cancel()
		}
	}, func(text string) { fmt.Fprintln(cmd.ErrOrStderr(), "serin: "+text) })
	switch {
	case end != nil && end.code == exitOK:
		fmt.Fprintf(cmd.ErrOrStderr(), "serin: %s: %s\n", name, oneLine(end.text))
		return nil
	case end != nil:
		return &exitError{code: end.code, err: fmt.Errorf("%s: %s", name, oneLine(end.text))}
	case errors.Is(err, errRemoved) && last != nil:
		return &exitError{code: exitRefused, err: fmt.Errorf("%s: %w", name, err)}
	case err != nil:
		return err
	case cmd.Context().Err() != nil:
		return errors.New("told to stop waiting")
	}
	return &exitError{code: exitTimeout, err: fmt.Errorf("%s was not %s within %s%s", name, g.end, timeout, lastSeen(last))}
}

// lastSeen tells where a Rollout was when the waiting ended.
func lastSeen(r *api.Rollout) string {
	if r == nil {
		return ""
	}
	return ": " + changeLine(r)
}
