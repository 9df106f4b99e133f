package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/spf13/cobra"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/internal/schema"
)

// schemaKinds are the kinds that have a schema here. Those of the Gateway API
// and of Kubernetes come with their projects.
var schemaKinds = map[string]func() map[string]any{
	"rollout": objectSchema("Rollout", reflect.TypeFor[api.Rollout](),
		"A canary of one Service, as Serin and Argo Rollouts write it.", "serin.dev", "argoproj.io"),
	"analysistemplate": objectSchema("AnalysisTemplate", reflect.TypeFor[api.AnalysisTemplate](),
		"How versions are measured, for the Rollouts of a namespace.", "serin.dev", "argoproj.io"),
	"clusteranalysistemplate": objectSchema("ClusterAnalysisTemplate", reflect.TypeFor[api.ClusterAnalysisTemplate](),
		"How versions are measured, for the Rollouts of every namespace.", "serin.dev", "argoproj.io"),
	"release": objectSchema("Release", reflect.TypeFor[api.Release](),
		"Several Rollouts that make one change.", "serin.dev"),
}

// newSchemaCommand makes `serin schema`.
func newSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema [KIND]",
		Short: "Print the JSON Schema of an object, for editors",
		Long: "Schema prints the JSON Schema (draft 2020-12) of a kind: rollout, analysistemplate,\n" +
			"clusteranalysistemplate or release; without one, that of a Rollout. An editor that knows the\n" +
			"schema completes fields and marks mistakes while one types; serin validate finds more.",
		Example: "  serin schema > rollout.schema.json\n" +
			"  serin schema analysistemplate > template.schema.json\n" +
			"                         # then, as the first line of a file:\n" +
			"                         # yaml-language-server: $schema=rollout.schema.json",
		Args:      cobra.MaximumNArgs(1),
		ValidArgs: slices.Sorted(maps.Keys(schemaKinds)),
		RunE: func(cmd *cobra.Command, args []string) error {
			kind := "rollout"
			if len(args) > 0 {
				kind = args[0]
			}
			describe, ok := schemaKinds[kind]
			if !ok {
				return fmt.Errorf("there is no schema of %q; there is one of %s", kind, oneOf(slices.Sorted(maps.Keys(schemaKinds))))
			}
			raw, err := json.Marshal(describe())
			if err != nil {
				return fmt.Errorf("encoding the schema: %w", err)
			}
			return printJSON(cmd.OutOrStdout(), raw)
		},
	}
}

// objectSchema describes a kind as a file has it, in its API groups.
func objectSchema(kind string, of reflect.Type, description string, groups ...string) func() map[string]any {
	return func() map[string]any {
		s := schema.Of(of)
		fields := s["properties"].(map[string]any)
		var versions []string
		for _, group := range groups {
			versions = append(versions, group+"/v1alpha1")
		}
		fields["apiVersion"] = map[string]any{"enum": versions}
		fields["kind"] = map[string]any{"const": kind}
		if _, has := fields["status"]; has {
			// What a controller says is not the user's to write; a file taken
			// from a cluster has it, in any form.
			fields["status"] = map[string]any{"type": "object"}
		}
		s["required"] = []string{"apiVersion", "kind", "metadata", "spec"}
		fields["metadata"].(map[string]any)["required"] = []string{"name"}
		s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
		s["title"], s["description"] = kind, description
		return s
	}
}
