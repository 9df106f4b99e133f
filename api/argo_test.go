package api

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"

	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The module whose manifests are read, and the hash of its content: the test
// reads the same files wherever it runs.
const (
	argoModule = "github.com/argoproj/argo-rollouts@v1.10.0"
	argoSum    = "h1:1/DTeu/eGzJzcz8FxMBFzr0jlNQia/lnctkw83AUph0="
)

// argoDir gives the folder of Argo Rollouts' source. It is no dependency: Go's
// module cache is only where it is kept, and after a first download the test
// needs no network.
func argoDir(t *testing.T) string {
	t.Helper()
	cmd := exec.Command("go", "mod", "download", "-json", argoModule)
	cmd.Dir = t.TempDir() // outside of this module
	// The sum is compared below, so nobody else need be asked for it.
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off", "GOSUMDB=off")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("downloading %s: %v %s", argoModule, err, out)
	}
	var module struct{ Dir, Sum string }
	if err := json.Unmarshal(out, &module); err != nil {
		t.Fatal(err)
	}
	if module.Sum != argoSum {
		t.Fatalf("%s has the sum %s, want %s", argoModule, module.Sum, argoSum)
	}
	return module.Dir
}

// argoManifest is a text with objects of Argo's.
type argoManifest struct {
	name string // path within the source; #N is the Nth in a Go file
	text string

	docs     []Document
	findings []Finding
}

// argoKinds finds the texts with objects that are read here.
var argoKinds = regexp.MustCompile(`(?m)^kind: (Rollout|AnalysisTemplate|ClusterAnalysisTemplate)\s*$`)

// argoManifests gives every manifest of the examples and of the e2e tests, those
// within Go files included, by name, each decoded once.
func argoManifests(t *testing.T) []argoManifest {
	t.Helper()
	root := argoDir(t)
	var all []argoManifest
	add := func(name, text string) {
		if argoKinds.MatchString(text) {
			docs, findings := Decode(name, []byte(text))
			all = append(all, argoManifest{name, text, docs, findings})
		}
	}
	for _, folder := range []string{"examples", "test/e2e"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(file string, _ fs.DirEntry, err error) error {
			name, _ := filepath.Rel(root, file)
			name = filepath.ToSlash(name)
			switch filepath.Ext(file) {
			case ".yaml", ".yml":
				data, err := os.ReadFile(file)
				add(name, string(data))
				return err
			case ".go":
				data, err := os.ReadFile(file)
				n := 0
				for i, part := range strings.Split(string(data), "`") {
					if i%2 == 1 && argoKinds.MatchString(part) {
						n++
						add(fmt.Sprintf("%s#%d", name, n), part)
					}
				}
				return err
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.SortFunc(all, func(a, b argoManifest) int { return strings.Compare(a.name, b.name) })
	return all
}

// argoRefused has what is refused of Argo's manifests, each as CODE path in the
// order of the text, but for Rollouts that are blue-green.
var argoRefused = map[string][]string{
	// A template of Helm's, and an argument without quotes: neither is YAML.
	"examples/helm-blue-green/templates/rollout.yaml":  {"E101 "},
	"examples/traffic-management/rollout-linkerd.yaml": {"E101 "},
	// Templates of the tests, whose names are filled in.
	"test/e2e/functional/nginx-template.yaml": {
		"E107 metadata.name", "E107 metadata.name", "E107 metadata.name"},
	"test/e2e/step-plugin/template-rollout.yaml": {"E107 metadata.name",
		"E208 spec.strategy.canary.steps[0].plugin", "E208 spec.strategy.canary.steps[1].plugin"},
	"test/e2e/step-plugin/disabled-rollout.yaml": {
		"E208 spec.strategy.canary.steps[0].plugin", "E208 spec.strategy.canary.steps[1].plugin"},
	"test/e2e/step-plugin/invalid-rollout.yaml": {"E208 spec.strategy.canary.steps[0].plugin"},
}

// judge gives what is found in a manifest, with the templates that lie beside it
// in Argo's folders.
func (m argoManifest) judge(all []argoManifest) []Finding {
	docs, findings := slices.Clone(m.docs), slices.Clone(m.findings)
	file, _, inGo := strings.Cut(m.name, "#")
	for _, o := range all {
		beside := !inGo && filepath.Dir(o.name) == filepath.Dir(m.name) ||
			inGo && (strings.HasPrefix(o.name, file+"#") || filepath.Dir(o.name) == "test/e2e/functional")
		if o.name == m.name || !beside {
			continue
		}
		for _, d := range o.docs {
			there := slices.ContainsFunc(docs, func(x Document) bool { return x.Kind == d.Kind && x.Key == d.Key })
			if strings.HasSuffix(d.Kind, kindAnalysisTemplate) && !there {
				docs = append(docs, d)
			}
		}
	}
	findings = append(findings, Validate(docs)...)
	SortFindings(findings)
	return slices.DeleteFunc(findings, func(f Finding) bool { return f.File != m.name })
}

// TestArgoManifests proves that each Rollout and template in Argo's examples and
// tests either has warnings only, or is refused for exactly the reason expected.
func TestArgoManifests(t *testing.T) {
	all := argoManifests(t)
	if len(all) < 140 {
		t.Errorf("only %d manifests were found", len(all))
	}
	seen := 0
	for _, m := range all {
		var got []string
		for _, f := range m.judge(all) {
			if f.Code == CodeBlueGreen && strings.Contains(m.text, "blueGreen:") || !f.IsError() {
				continue
			}
			got = append(got, string(f.Code)+" "+f.Path)
		}
		want := argoRefused[m.name]
		if want != nil {
			seen++
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", m.name, diff)
		}
	}
	if seen != len(argoRefused) {
		t.Errorf("%d of %d manifests that are refused were found", seen, len(argoRefused))
	}
}
