package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/spf13/cobra"

	"github.com/serin-mesh/serin/api"
)

// schemaKinds are the kinds that have a schema here. Those of the Gateway API
// and of Kubernetes come with their projects.
var schemaKinds = map[string]func() map[string]any{"rollout": rolloutSchema}

// newSchemaCommand makes `serin schema`.
func newSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema [KIND]",
		Short: "Print the JSON Schema of an object, for editors",
		Long: "Schema prints the JSON Schema (draft 2020-12) of a kind: rollout, in both API groups, which\n" +
			"is also what it prints without one. An editor that knows the schema completes fields and\n" +
			"marks mistakes while one types; serin validate finds more.",
		Example: "  serin schema > rollout.schema.json\n" +
			"  serin schema rollout   # then, as the first line of a file:\n" +
			"                         # yaml-language-server: $schema=rollout.schema.json",
		Args:      cobra.MaximumNArgs(1),
		ValidArgs: slices.Sorted(maps.Keys(schemaKinds)),
		RunE: func(cmd *cobra.Command, args []string) error {
			kind := "rollout"
			if len(args) > 0 {
				kind = args[0]
			}
			schema, ok := schemaKinds[kind]
			if !ok {
				return fmt.Errorf("there is no schema of %q; there is one of %s", kind, oneOf(slices.Sorted(maps.Keys(schemaKinds))))
			}
			raw, err := json.Marshal(schema())
			if err != nil {
				return fmt.Errorf("encoding the schema: %w", err)
			}
			return printJSON(cmd.OutOrStdout(), raw)
		},
	}
}

// rolloutSchema describes a Rollout as a file has it.
func rolloutSchema() map[string]any {
	s := schemaOf(reflect.TypeFor[api.Rollout]())
	fields := s["properties"].(map[string]any)
	fields["apiVersion"] = map[string]any{"enum": []string{"serin.dev/v1alpha1", "argoproj.io/v1alpha1"}}
	fields["kind"] = map[string]any{"const": "Rollout"}
	// What a controller says is not the user's to write; a file taken from a
	// cluster has it, in any form.
	fields["status"] = map[string]any{"type": "object"}
	s["required"] = []string{"apiVersion", "kind", "metadata", "spec"}
	fields["metadata"].(map[string]any)["required"] = []string{"name"}
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "Rollout"
	s["description"] = "A canary of one Service, as Serin and Argo Rollouts write it."
	return s
}
