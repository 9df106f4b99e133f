package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/server"
)

// newFleetCommand makes `serin fleet`.
func newFleetCommand() *cobra.Command {
	var conn connection
	var out format
	cmd := &cobra.Command{
		Use:   "fleet",
		Short: "Show each Envoy, and what it has accepted",
		Long: "Fleet lists each Envoy with its Gateway, since when it is connected, and for each type\n" +
			"of resource the version that it has: acked, sent and not answered yet, or rejected.",
		Example: "  serin fleet\n  serin fleet -o wide\n  serin fleet -o json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := conn.client()
			if err != nil {
				return err
			}
			raw, err := c.get(cmd.Context(), "fleet")
			if err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), raw, func(w io.Writer, wide bool) error {
				fleet, err := decode[server.Fleet](raw)
				if err != nil {
					return err
				}
				if len(fleet.Envoys) == 0 {
					fmt.Fprintln(cmd.ErrOrStderr(), "no Envoy has connected; serin bootstrap makes an Envoy's configuration")
					return nil
				}
				return fleetTable(w, fleet.Envoys, wide)
			})
		},
	}
	conn.addFlags(cmd)
	out.addFlag(cmd)
	return cmd
}

// resourceTypes are the types of resources, in the order in which Envoy needs
// them.
var resourceTypes = []string{"clusters", "endpoints", "listeners", "routes", "runtime"}

// fleetTable writes one line for each Envoy.
func fleetTable(w io.Writer, envoys []api.Envoy, wide bool) error {
	head := []string{"ENVOY", "GATEWAY", "STATE", "SINCE", onlyIf(wide, "PROTOCOL")}
	for _, t := range resourceTypes {
		head = append(head, strings.ToUpper(t))
	}
	head = append(head, "REJECTED")
	var rows [][]string
	for _, e := range envoys {
		row := []string{e.ID, e.Gateway, string(e.State), sinceText(e), e.Protocol}
		for _, t := range resourceTypes {
			row = append(row, typeText(e.Types, t, wide))
		}
		rows = append(rows, append(row, rejectedText(e.Types)))
	}
	return grid(w, head, rows)
}

// sinceText gives since when an Envoy is connected, or gone.
func sinceText(e api.Envoy) string {
	at := e.ConnectedSince
	if e.State != api.EnvoyConnected && e.LeftAt != nil {
		at = e.LeftAt
	}
	if at == nil {
		return ""
	}
	return at.Local().Format(time.DateTime)
}

// typeText says what an Envoy has of a type: the version, and whether it is
// accepted. The versions in full, and how many resources they cover, are wide.
func typeText(types map[string]api.TypeStatus, name string, wide bool) string {
	t, ok := types[name]
	if !ok || t.Sent == "" && t.Acked == "" {
		return ""
	}
	short := func(version string) string {
		if !wide && len(version) > 8 {
			return version[:8]
		}
		return version
	}
	text := "sent " + short(t.Sent)
	switch {
	case len(t.Rejected) > 0 || t.Message != "":
		text = "rejected " + short(t.Sent)
	case t.Sent == t.Acked:
		text = "acked " + short(t.Acked)
	}
	if wide {
		text += fmt.Sprintf(" (%d)", t.Resources)
	}
	return text
}

// rejectedText names what an Envoy did not take, and why.
func rejectedText(types map[string]api.TypeStatus) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(types)) {
		if t := types[name]; len(t.Rejected) > 0 || t.Message != "" {
			out = append(out, fmt.Sprintf("%s %s: %s", name, strings.Join(t.Rejected, ", "), t.Message))
		}
	}
	return strings.Join(out, "; ")
}
