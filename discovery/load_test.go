package discovery_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/discovery"
)

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.yaml", gateway+"---\n"+shop)
	write(t, dir, "sub/deep/b.yml", cart)
	write(t, dir, "c.json", `{"apiVersion":"v1","kind":"Service","metadata":{"name":"json"},"spec":{"ports":[{"port":1}]}}`)
	write(t, dir, ".hidden.yaml", broken)
	write(t, dir, ".git/x.yaml", broken)
	write(t, dir, "notes.txt", "not: [yaml")
	write(t, dir, "a.yaml~", "not: [yaml")
	r := load(t, discovery.NewFolder(dir, discovery.Options{}))
	if len(r.Findings) > 0 || !hasServices("shop", "cart", "json")(r) || r.Objects.Gateways[key("edge")] == nil {
		t.Fatalf("objects %+v, findings %q", r.Objects, text(r.Findings))
	}
	want := []discovery.Ref{{Kind: "Gateway", Key: key("edge")}, {Kind: "Service", Key: key("cart")}, {Kind: "Service", Key: key("json")}, {Kind: "Service", Key: key("shop")}}
	if diff := cmp.Diff(want, r.Changed); diff != "" || r.Removed != nil {
		t.Errorf("removed %v, changed %s", r.Removed, diff)
	}
	var names []string
	for name := range r.Files {
		names = append(names, name)
	}
	slices.Sort(names)
	if diff := cmp.Diff([]string{"a.yaml", "c.json", "sub/deep/b.yml"}, names); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(r.Objects, discovery.FromFiles(r.Files).Objects); diff != "" {
		t.Errorf("the files give other objects: %s", diff)
	}
}

// TestLoadFindings proves that all findings of all files come at once, sorted,
// under the name of the folder as it was given.
func TestLoadFindings(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "b.yaml", broken)
	write(t, dir, "a.yaml", shop+"---\nkind: [\n---\n"+shop)
	must(t, os.Symlink("nowhere", filepath.Join(dir, "c.yaml")))
	t.Chdir(dir)
	r := load(t, discovery.NewFolder("./", discovery.Options{}))
	want := []string{
		"a.yaml:6:7: E101 not valid YAML: sequence end token ']' not found",
		"a.yaml:10:18: E401 metadata.name: Service default/shop is already at a.yaml:1:1; remove one of them",
		"b.yaml:4:8: E102 spec.portz: unknown field; did you mean ports?",
		"c.yaml: E100 cannot be read: stat " + filepath.Join(dir, "c.yaml") + ": no such file or directory",
	}
	if diff := cmp.Diff(want, text(r.Findings)); diff != "" || r.Objects != nil {
		t.Errorf("objects %v, findings %s", r.Objects, diff)
	}
}

func TestLoadMissing(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none")
	if _, err := discovery.NewFolder(missing, discovery.Options{}).Load(); err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("a missing folder gives %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o644))
	if _, err := discovery.NewFolder(file, discovery.Options{}).Load(); err == nil || !strings.Contains(err.Error(), "no folder") {
		t.Errorf("a file for a folder gives %v", err)
	}
}

func TestLoadEmpty(t *testing.T) {
	r := load(t, discovery.NewFolder(t.TempDir(), discovery.Options{}))
	if r.Objects == nil || len(r.Findings) > 0 {
		t.Errorf("objects %v, findings %q", r.Objects, text(r.Findings))
	}
}

// TestLoadLinks follows links to files and folders, and a circle once.
func TestLoadLinks(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	write(t, other, "cart.yaml", cart)
	write(t, other, "single/shop", shop)
	must(t, os.Symlink(other, filepath.Join(dir, "linked")))
	must(t, os.Symlink(filepath.Join(other, "single/shop"), filepath.Join(dir, "shop.yaml")))
	must(t, os.Symlink(dir, filepath.Join(other, "circle")))
	r := load(t, discovery.NewFolder(dir, discovery.Options{}))
	if !hasServices("shop", "cart")(r) || len(r.Findings) > 0 {
		t.Errorf("objects %+v, findings %q", r.Objects, text(r.Findings))
	}
}

// TestLoadAgain proves that what did not change is shared, and that a template
// changed under an equal version is told for as long as it is so.
func TestLoadAgain(t *testing.T) {
	const rollout = "apiVersion: serin.dev/v1alpha1\nkind: Rollout\nmetadata: {name: shop}\n" +
		"spec: {template: {metadata: {labels: {app.kubernetes.io/version: v1}}}, strategy: {canary: {}}}\n"
	dir := t.TempDir()
	write(t, dir, "a.yaml", shop+"---\n"+rollout)
	write(t, dir, "b.yaml", cart)
	f := discovery.NewFolder(dir, discovery.Options{})
	one := load(t, f)
	if same := load(t, f); same.Objects != one.Objects || same.Changed != nil {
		t.Errorf("the same files give another set, changed %v", same.Changed)
	}
	write(t, dir, "a.yaml", shop81+"---\n"+strings.Replace(rollout, "v1}", "v1, a: b}", 1))
	for range 2 {
		two := load(t, f)
		if two.Objects == nil || two.Objects.Services[key("cart")] != one.Objects.Services[key("cart")] {
			t.Fatalf("an unchanged Service is not shared; findings %q", text(two.Findings))
		}
		if !strings.Contains(strings.Join(text(two.Findings), "\n"), "a.yaml:9:66: W427") {
			t.Errorf("no warning of the equal version in %q", text(two.Findings))
		}
	}
	write(t, dir, "a.yaml", shop81+"---\n"+strings.Replace(rollout, "v1}", "v2, a: b}", 1))
	if three := load(t, f); strings.Contains(strings.Join(text(three.Findings), "\n"), "W427") || three.Objects == nil {
		t.Errorf("a new version is warned of: %q", text(three.Findings))
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "good.yaml", shop)
	write(t, dir, "bad.txt", broken)
	if r, err := discovery.Read(dir); err != nil || !hasServices("shop")(r) {
		t.Errorf("a folder gives %+v, %v", r, err)
	}
	name := filepath.Join(dir, "bad.txt")
	r, err := discovery.Read(name)
	must(t, err)
	if diff := cmp.Diff([]string{name + ":4:8: E102 spec.portz: unknown field; did you mean ports?"}, text(r.Findings)); diff != "" {
		t.Error(diff)
	}
	if _, err := discovery.Read(filepath.Join(dir, "none")); err == nil {
		t.Error("a missing file is no error")
	}
}

func TestInside(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "config")
	must(t, os.MkdirAll(filepath.Join(config, "sub"), 0o755))
	must(t, os.Symlink(config, filepath.Join(dir, "link")))
	t.Chdir(dir)
	tests := []struct {
		dir, other string
		want       bool
	}{
		{"config", "config", true}, {"config", "config/data/not/there", true}, {"config", config + "/sub", true},
		{"config", "link/data", true}, {"link", "config/data", true}, {".", "config", true},
		{"config", ".", false}, {"config", "config-data", false}, {"config", "data", false}, {"config", "..", false},
		{"config", "config/../data", false}, {"config", "config/..data", true},
	}
	for _, test := range tests {
		if got := discovery.Inside(test.dir, test.other); got != test.want {
			t.Errorf("%s inside %s: %v, want %v", test.other, test.dir, got, test.want)
		}
	}
}

// TestLoadKinds proves that every kind is in the set, that changes of each are
// told, and that what is kept of the files holds no secret.
func TestLoadKinds(t *testing.T) {
	const head = "apiVersion: serin.dev/v1alpha1\nkind: "
	texts := map[string]string{
		"AnalysisTemplate":        head + "AnalysisTemplate\nmetadata: {name: a}\nspec: {metrics: [{name: m, provider: {envoy: {metric: errorRatio}}}]}\n",
		"ClusterAnalysisTemplate": head + "ClusterAnalysisTemplate\nmetadata: {name: a}\nspec: {metrics: [{name: m, provider: {envoy: {metric: errorRatio}}}]}\n",
		"AnalysisRun":             head + "AnalysisRun\nmetadata: {name: a}\nspec: {metrics: []}\n",
		"Experiment":              head + "Experiment\nmetadata: {name: a}\nspec: {templates: []}\n",
		"Release":                 head + "Release\nmetadata: {name: a}\nspec: {rollouts: [{name: r}]}\n",
		"Rollout":                 head + "Rollout\nmetadata: {name: r}\nspec: {template: {}, strategy: {canary: {}}}\n",
		"Secret":                  "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {k: hush}\n",
	}
	dir := t.TempDir()
	f := discovery.NewFolder(dir, discovery.Options{})
	for kind, text := range texts {
		write(t, dir, kind+".yaml", text)
	}
	r := load(t, f)
	if r.Objects == nil || len(r.Changed) != len(texts) {
		t.Fatalf("changed %v, findings %q", r.Changed, text(r.Findings))
	}
	for name, data := range r.Files {
		if strings.Contains(string(data), "hush") {
			t.Errorf("%s is kept as %s", name, data)
		}
	}
	kept := discovery.FromFiles(r.Files).Objects
	if kept == nil || len(kept.Secrets) != 1 || len(kept.Releases) != 1 {
		t.Errorf("what is kept gives %+v", kept)
	}
	for kind := range texts {
		if kind == "Rollout" {
			continue // the Release names it
		}
		must(t, os.Remove(filepath.Join(dir, kind+".yaml")))
		next := load(t, f)
		if len(next.Removed) != 1 || next.Removed[0].Kind != kind || len(next.Changed) > 0 {
			t.Errorf("%s: removed %v, changed %v, findings %q", kind, next.Removed, next.Changed, text(next.Findings))
		}
	}
}
