package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/server"
)

// newGetReleasesCommand makes `serin get releases`.
func newGetReleasesCommand() *cobra.Command {
	var conn connection
	var out format
	var all bool
	cmd := &cobra.Command{
		Use:     "releases",
		Short:   "List the Releases of a namespace",
		Example: "  serin get releases\n  serin get releases -A -o json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := conn.client()
			if err != nil {
				return err
			}
			if all {
				c.namespace = "*"
			}
			raw, err := c.get(cmd.Context(), "releases")
			if err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), raw, func(w io.Writer, _ bool) error {
				list, err := decode[server.Items[*api.Release]](raw)
				if err != nil {
					return err
				}
				if len(list.Items) == 0 {
					fmt.Fprintln(cmd.ErrOrStderr(), "no Releases found; -A looks in all namespaces")
					return nil
				}
				return releaseTable(w, list.Items, all)
			})
		},
	}
	conn.addFlags(cmd)
	out.addFlag(cmd)
	cmd.Flags().BoolVarP(&all, "all-namespaces", "A", false, "the Releases of all namespaces")
	return cmd
}

// newGetReleaseCommand makes `serin get release`. Its argument is not called
// NAME: that would be completed with the names of Rollouts.
func newGetReleaseCommand() *cobra.Command {
	var conn connection
	var out format
	cmd := &cobra.Command{
		Use:     "release RELEASE",
		Short:   "Show one Release and its Rollouts",
		Example: "  serin get release spring\n  serin get release spring -o json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := conn.client()
			if err != nil {
				return err
			}
			raw, err := c.get(cmd.Context(), "releases", args[0])
			if err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), raw, func(w io.Writer, _ bool) error {
				r, err := decode[*api.Release](raw)
				if err != nil {
					return err
				}
				return write(w, []byte(releaseText(r)))
			})
		},
	}
	conn.addFlags(cmd)
	out.addFlag(cmd)
	return cmd
}

// releaseTable writes one line for each Release.
func releaseTable(w io.Writer, list []*api.Release, namespaces bool) error {
	var rows [][]string
	for _, r := range list {
		rows = append(rows, []string{r.Key().Namespace, r.Name, string(r.Status.Phase), string(r.Order()), membersText(r), r.Status.Message})
	}
	return grid(w, []string{onlyIf(namespaces, "NAMESPACE"), "NAME", "PHASE", "ORDER", "HEALTHY", "MESSAGE"}, rows)
}

// membersText gives how many members are healthy, of how many.
func membersText(r *api.Release) string {
	healthy := 0
	for _, m := range r.Status.Members {
		if m.Phase == api.PhaseHealthy {
			healthy++
		}
	}
	return fmt.Sprintf("%d/%d", healthy, len(r.Status.Members))
}

// releaseText gives a Release in full.
func releaseText(r *api.Release) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s/%s  %s  %s, %s healthy\n", r.Key().Namespace, r.Name, r.Status.Phase, r.Order(), membersText(r))
	if r.Status.Message != "" {
		fmt.Fprintf(&b, "%s\n", r.Status.Message)
	}
	for _, m := range r.Status.Members {
		fmt.Fprintf(&b, "  %-20s %-12s %s\n", m.Name, m.Phase, m.Version)
	}
	return b.String()
}
