package crd_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/serin-mesh/serin/internal/crd"
)

// argoShortNames are Argo Rollouts': both projects' kinds may be in one cluster.
var argoShortNames = []string{"ro", "at", "cat", "ar", "exp"}

// at gives the schema of a field by its path, nil where there is none.
func at(schema map[string]any, path string) map[string]any {
	for name := range strings.SplitSeq(strings.TrimPrefix(path, "."), ".") {
		fields, _ := schema["properties"].(map[string]any)
		schema, _ = fields[name].(map[string]any)
	}
	return schema
}

// version gives the only version of a definition.
func version(definition map[string]any) map[string]any {
	return definition["spec"].(map[string]any)["versions"].([]any)[0].(map[string]any)
}

// TestPaths: every column, and the scale, is read from a field that there is; a
// short name is nobody else's.
func TestPaths(t *testing.T) {
	comments, err := crd.ReadComments("../../api")
	if err != nil {
		t.Fatal(err)
	}
	taken := slices.Clone(argoShortNames)
	for _, k := range crd.Kinds {
		v := version(k.Definition(comments))
		schema := v["schema"].(map[string]any)["openAPIV3Schema"].(map[string]any)
		var paths []string
		for _, c := range k.Columns {
			if !strings.HasPrefix(c.Path, ".metadata.") {
				paths = append(paths, c.Path)
			}
		}
		if k.Scale {
			for _, path := range v["subresources"].(map[string]any)["scale"].(map[string]any) {
				paths = append(paths, path.(string))
			}
		}
		for _, path := range paths {
			if at(schema, path) == nil {
				t.Errorf("%s has no %s", k.Name, path)
			}
		}
		for _, short := range k.ShortNames {
			if slices.Contains(taken, short) {
				t.Errorf("the short name %s of %s is taken", short, k.Name)
			}
			taken = append(taken, short)
		}
	}
}

// TestDescriptions: fields are described by the comments of the Go types, a field
// without one by that of its type.
func TestDescriptions(t *testing.T) {
	comments, err := crd.ReadComments("../../api")
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(crd.Kinds, func(k crd.Kind) bool { return k.Name == "Rollout" })
	schema := version(crd.Kinds[i].Definition(comments))["schema"].(map[string]any)["openAPIV3Schema"].(map[string]any)
	for path, want := range map[string]string{
		".spec.paused":             "Paused holds the steps where they are while it is true.",
		".spec.rollbackWindow":     "RollbackWindow says to how recent a revision the steps are skipped.",
		".status.fleet.rejections": "Rejections names each rejecting Envoy and its reason.",
	} {
		if got := at(schema, path)["description"]; got != want {
			t.Errorf("%s is described as %q, want %q", path, got, want)
		}
	}
	if _, err := crd.ReadComments(t.TempDir()); err == nil {
		t.Error("a folder without Go files is read")
	}
}
