package deploy_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/internal/crd"
)

var update = flag.Bool("update", false, "write what is generated")

// fresh compares a file with what it is to be, or writes it with -update.
func fresh(t *testing.T, name, want string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatalf("%v; run `make generate`", err)
	}
	if diff := cmp.Diff(string(got), want); diff != "" {
		t.Errorf("%s is not fresh; run `make generate` (- is, + is to be):\n%s", name, diff)
	}
}

// onlyThese checks that a folder holds these files and no other.
func onlyThese(t *testing.T, dir string, want []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s holds (- is to, + does):\n%s", dir, diff)
	}
}

// TestCRDs proves that the definitions are those of the Go types, as files and in
// the chart, where they are templates that a switch leaves out.
func TestCRDs(t *testing.T) {
	comments, err := crd.ReadComments("../api")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, kind := range crd.Kinds {
		text, err := kind.YAML(comments)
		if err != nil {
			t.Fatal(err)
		}
		fresh(t, filepath.Join("crds", kind.FileName()), text)
		fresh(t, filepath.Join("chart/serin/templates/crds", kind.FileName()), crdTemplate(t, text))
		names = append(names, kind.FileName())
	}
	onlyThese(t, "crds", names)
	onlyThese(t, "chart/serin/templates/crds", names)
}

// crdTemplate makes a template of the chart of a definition: one that Helm
// upgrades, and leaves in the cluster when the chart is removed, for with a
// definition go all objects of its kind.
func crdTemplate(t *testing.T, text string) string {
	const meta = "metadata:\n  name: "
	if strings.Count(text, meta) != 1 {
		t.Fatal("the definition cannot be made a template")
	}
	text = strings.ReplaceAll(text, "{{", `{{ "{{" }}`) // args of templates, in descriptions
	text = strings.Replace(text, meta, "metadata:\n"+
		"  annotations: {{- include \"serin.crdAnnotations\" . | nindent 4 }}\n"+
		"  labels: {{- include \"serin.labels\" . | nindent 4 }}\n"+
		"  name: ", 1)
	return "{{- if .Values.crds.install }}\n" + text + "{{- end }}\n"
}
