package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/server"
)

// newActionCommand makes the command of a verb. The body is what its flags fill
// in.
func newActionCommand(verb, short, long, example string, body *server.ActionBody) *cobra.Command {
	var conn connection
	var out format
	var release bool
	cmd := &cobra.Command{
		Use:     verb + " NAME",
		Short:   short,
		Long:    long,
		Example: example,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := conn.client()
			if err != nil {
				return err
			}
			if release {
				return actOnRelease(cmd, c, args[0], verb, *body, out)
			}
			raw, err := c.act(cmd.Context(), rolloutPath(args[0], verb), *body)
			if err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), raw, func(w io.Writer, _ bool) error {
				r, err := decode[*api.Rollout](raw)
				if err != nil {
					return err
				}
				return write(w, []byte(fmt.Sprintf("%s: %s\n", verb, changeLine(r))))
			})
		},
	}
	conn.addFlags(cmd)
	out.addFlag(cmd)
	cmd.Flags().StringVar(&body.Reason, "reason", "", "why, for the journal")
	cmd.Flags().BoolVar(&release, "release", false, "NAME is a Release: act on each of its Rollouts to which it applies")
	return cmd
}

// actOnRelease acts on all Rollouts of a Release.
func actOnRelease(cmd *cobra.Command, c *client, name, verb string, body server.ActionBody, out format) error {
	raw, err := c.act(cmd.Context(), []string{"releases", name, verb}, body)
	if err != nil {
		return err
	}
	return out.print(cmd.OutOrStdout(), raw, func(w io.Writer, _ bool) error {
		r, err := decode[*api.Release](raw)
		if err != nil {
			return err
		}
		return write(w, []byte(fmt.Sprintf("%s: %s", verb, releaseText(r))))
	})
}

// newPromoteCommand makes `serin promote`.
func newPromoteCommand() *cobra.Command {
	var body server.ActionBody
	cmd := newActionCommand("promote", "End the current step's pause, or skip all steps",
		"Promote ends the pause of the current step, goes past the analysis, experiment, proof or\n"+
			"gate that it runs, or goes on in spite of a judge that paused. With --full it skips the\n"+
			"steps that are left, and all traffic moves to the new version.",
		"  serin promote shop\n  serin promote shop --full --reason 'hotfix'", &body)
	cmd.Flags().BoolVar(&body.Full, "full", false, "skip all steps that are left")
	return cmd
}

// newPauseCommand makes `serin pause`.
func newPauseCommand() *cobra.Command {
	return newActionCommand("pause", "Hold a canary at its weight",
		"Pause holds the canary at its weight until resume. The guard goes on judging.",
		"  serin pause shop --reason 'looking at the logs'", &server.ActionBody{})
}

// newResumeCommand makes `serin resume`.
func newResumeCommand() *cobra.Command {
	return newActionCommand("resume", "End what pause began, or a rollback's pin",
		"Resume ends what pause began. After a rollback it unpins, so that the version of the\n"+
			"file counts again. It does not end a step's pause: promote does.",
		"  serin resume shop", &server.ActionBody{})
}

// newAbortCommand makes `serin abort`.
func newAbortCommand() *cobra.Command {
	return newActionCommand("abort", "Take the canary out of traffic, at once",
		"Abort puts all traffic back on the stable version. It waits for nothing.",
		"  serin abort shop --reason 'errors in checkout'", &server.ActionBody{})
}

// newRetryCommand makes `serin retry`.
func newRetryCommand() *cobra.Command {
	return newActionCommand("retry", "Begin an aborted canary again",
		"Retry begins the aborted version's steps again, with new evidence.",
		"  serin retry shop --reason 'the database is back'", &server.ActionBody{})
}

// newRollbackCommand makes `serin rollback`.
func newRollbackCommand() *cobra.Command {
	var body server.ActionBody
	cmd := newActionCommand("rollback", "Go back to the last good version, and stay there",
		"Rollback puts all traffic on the stable version during a canary, and afterwards on the\n"+
			"version before, or on --to, without steps. The Rollout is pinned there until its file\n"+
			"asks for another version, or until resume.",
		"  serin rollback shop\n  serin rollback shop --to v41 --reason 'slow since the release'", &body)
	cmd.Flags().StringVar(&body.To, "to", "", "the version to go to; default: the last one that was Healthy")
	return cmd
}
