package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/server"
)

// newGetCommand makes `serin get`.
func newGetCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "get",
		Short:   "Show Rollouts and Releases",
		Example: "  serin get rollouts\n  serin get rollout shop -w",
		Args:    cobra.ArbitraryArgs,
		RunE:    group,
	}
	cmd.AddCommand(newGetRolloutsCommand(), newGetRolloutCommand(), newGetReleasesCommand(), newGetReleaseCommand())
	return cmd
}

// newGetRolloutsCommand makes `serin get rollouts`.
func newGetRolloutsCommand() *cobra.Command {
	var conn connection
	var out format
	var all bool
	cmd := &cobra.Command{
		Use:   "rollouts",
		Short: "List the Rollouts of a namespace",
		Example: "  serin get rollouts\n" +
			"  serin get rollouts -A -o wide\n" +
			"  serin get rollouts -o json",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := conn.client()
			if err != nil {
				return err
			}
			if all {
				c.namespace = "*"
			}
			raw, err := c.get(cmd.Context(), "rollouts")
			if err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), raw, func(w io.Writer, wide bool) error {
				list, err := decode[server.Items[*api.Rollout]](raw)
				if err != nil {
					return err
				}
				if len(list.Items) == 0 {
					fmt.Fprintln(cmd.ErrOrStderr(), "no Rollouts found; -A looks in all namespaces")
					return nil
				}
				return rolloutTable(w, list.Items, all, wide)
			})
		},
	}
	conn.addFlags(cmd)
	out.addFlag(cmd)
	cmd.Flags().BoolVarP(&all, "all-namespaces", "A", false, "the Rollouts of all namespaces")
	return cmd
}

// newGetRolloutCommand makes `serin get rollout`.
func newGetRolloutCommand() *cobra.Command {
	var conn connection
	var out format
	var watch bool
	cmd := &cobra.Command{
		Use:   "rollout NAME",
		Short: "Show one Rollout in full",
		Example: "  serin get rollout shop\n" +
			"  serin get rollout shop -w\n" +
			"  serin get rollout shop -o json",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := conn.client()
			if err != nil {
				return err
			}
			if watch {
				return watchRollout(cmd, c, args[0], out)
			}
			raw, err := c.get(cmd.Context(), rolloutPath(args[0])...)
			if err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), raw, func(w io.Writer, _ bool) error {
				r, err := decode[*api.Rollout](raw)
				if err != nil {
					return err
				}
				return write(w, []byte(renderRollout(r, widthOf(w))))
			})
		},
	}
	conn.addFlags(cmd)
	out.addFlag(cmd)
	cmd.Flags().BoolVarP(&watch, "watch", "w", false,
		"go on and show changes: in place on a terminal, else a line for each; ctrl-C ends")
	return cmd
}
