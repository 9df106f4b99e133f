package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/server"
)

// completeTimeout bounds how long a shell waits for names.
const completeTimeout = time.Second

// complete has the shell complete NAME with what the server runs. Without a
// server there is nothing to offer, and a shell is no place for its error.
func (c *connection) complete(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx := cmd.Context()
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, completeTimeout)
	defer cancel()
	list, err := c.rollouts(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, r := range list {
		if strings.HasPrefix(r.Name, typed) {
			names = append(names, cobra.CompletionWithDesc(r.Name, string(r.Status.Phase)+" "+r.Status.CurrentPodHash))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// rollouts lists the Rollouts of the namespace.
func (c *connection) rollouts(ctx context.Context) ([]*api.Rollout, error) {
	asked, err := c.client()
	if err != nil {
		return nil, err
	}
	raw, err := asked.get(ctx, "rollouts")
	if err != nil {
		return nil, err
	}
	list, err := decode[server.Items[*api.Rollout]](raw)
	return list.Items, err
}

// takesName says whether a command's first argument is the name of a Rollout.
func takesName(cmd *cobra.Command) bool { return strings.HasSuffix(cmd.Use, " NAME") }
