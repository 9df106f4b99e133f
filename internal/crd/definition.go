package crd

import (
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/serin-mesh/serin/internal/schema"
)

// version is the version of all kinds.
const version = "v1alpha1"

// header is what a generated file begins with.
const header = "# Made by `make generate` from the Go types of package api; do not edit.\n"

// FileName gives the name of the file that the kind's definition is in.
func (k Kind) FileName() string { return Group + "_" + k.Plural + ".yaml" }

// Definition makes the CustomResourceDefinition of a kind. The comments describe
// its fields.
func (k Kind) Definition(comments Comments) map[string]any {
	served := map[string]any{
		"name": version, "served": true, "storage": true,
		"schema":                   map[string]any{"openAPIV3Schema": k.schema(comments)},
		"additionalPrinterColumns": k.columns(),
	}
	if sub := k.subresources(); len(sub) > 0 {
		served["subresources"] = sub
	}
	scope := "Namespaced"
	if k.Cluster {
		scope = "Cluster"
	}
	return map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1",
		"kind":       "CustomResourceDefinition",
		"metadata":   map[string]any{"name": k.Plural + "." + Group},
		"spec": map[string]any{
			"group": Group,
			"scope": scope,
			"names": map[string]any{
				"kind": k.Name, "listKind": k.Name + "List", "plural": k.Plural, "singular": strings.ToLower(k.Name),
				"shortNames": k.ShortNames, "categories": k.Categories,
			},
			"versions": []any{served},
		},
	}
}

// YAML gives the text of the file of a kind.
func (k Kind) YAML(comments Comments) (string, error) {
	text, err := yaml.Marshal(k.Definition(comments))
	if err != nil {
		return "", fmt.Errorf("writing the definition of %q: %w", k.Name, err)
	}
	return header + string(text), nil
}

// hasStatus reports whether the kind says how it stands.
func (k Kind) hasStatus() bool {
	_, has := k.of.FieldByName("Status")
	return has
}

// subresources gives the subresources of the kind.
func (k Kind) subresources() map[string]any {
	sub := map[string]any{}
	if k.hasStatus() {
		sub["status"] = map[string]any{}
	}
	if k.Scale {
		sub["scale"] = map[string]any{
			"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.HPAReplicas",
			"labelSelectorPath": ".status.selector",
		}
	}
	return sub
}

// columns gives the columns of `kubectl get`.
func (k Kind) columns() []any {
	var out []any
	for _, c := range k.Columns {
		column := map[string]any{"name": c.Name, "type": c.Type, "jsonPath": c.Path, "description": c.Description}
		if c.Wide {
			column["priority"] = 1
		}
		out = append(out, column)
	}
	return out
}

// schema describes an object of the kind.
func (k Kind) schema(comments Comments) schema.Schema {
	s := form(comments).Of(k.of)
	s["description"] = comments[k.of.Name()]
	s["required"] = []string{"spec"}
	fields := properties(s)
	fields["apiVersion"] = schema.Schema{"type": "string"}
	fields["kind"] = schema.Schema{"type": "string"}
	fields["metadata"] = schema.Schema{"type": "object"}
	if k.hasStatus() {
		k.status(fields["status"].(schema.Schema))
	}
	return s
}

// status completes the description of a status.
func (k Kind) status(s schema.Schema) {
	s["x-kubernetes-preserve-unknown-fields"] = true
	// A number, or text as in Argo's: whoever reads it knows both.
	properties(s)["observedGeneration"] = schema.Schema{"x-kubernetes-int-or-string": true,
		"description": "the generation of the object that the status is of"}
	conditions, ok := properties(s)["conditions"].(schema.Schema)
	if !ok {
		return
	}
	conditions["x-kubernetes-list-type"] = "map"
	conditions["x-kubernetes-list-map-keys"] = []string{"type"}
	item := conditions["items"].(schema.Schema)
	item["required"] = []string{"type", "status"}
	properties(item)["observedGeneration"] = schema.Schema{"type": "integer", "format": "int64",
		"description": "the generation of the object that the condition is of"}
}

// properties gives the fields of an object's description.
func properties(s schema.Schema) schema.Schema { return s["properties"].(schema.Schema) }
