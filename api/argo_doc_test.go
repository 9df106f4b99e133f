package api

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/reference/argo-compatibility.md anew")

// argoAreas names the parts of the table of features, by frame.
var argoAreas = []struct {
	title, note string
	frames      []string
}{
	{"Rollout", "Fields of `spec`.", []string{"strategy", "spec", "workload"}},
	{"Canary", "Fields of `spec.strategy.canary`.", []string{"canary"}},
	{"Steps", "Of `spec.strategy.canary.steps`.", []string{"step"}},
	{"Analysis", "Of AnalysisTemplate and ClusterAnalysisTemplate, and objects beside them.", []string{"kind", "template"}},
	{"Metrics", "Of `spec.metrics` of a template.", []string{"metric"}},
	{"Providers", "Of `provider` of a metric.", []string{"provider"}},
}

// argoPage makes the page about what runs of Argo's manifests.
func argoPage(t *testing.T) string {
	var b strings.Builder
	b.WriteString(argoIntro)
	for _, area := range argoAreas {
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\n| feature | Serin | |\n| --- | --- | --- |\n", area.title, area.note)
		for _, f := range argoFeatures {
			if !slices.Contains(area.frames, f.in) {
				continue
			}
			findings, why := f.judge(), ""
			if len(findings) > 0 {
				why = findings[0].Message
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", f.name, does(findings), cell(why))
		}
	}
	b.WriteString(argoManifestsIntro)
	all := argoManifests(t)
	for _, m := range all {
		fmt.Fprintf(&b, "| `%s` | %s |\n", m.name, summary(m.judge(all)))
	}
	return b.String()
}

// cell makes a text fit a cell of a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "\n", " ").Replace(text)
}

// summary says what becomes of a manifest. Warnings between objects are left
// out: those manifests have no HTTPRoutes and EndpointSlices.
func summary(findings []Finding) string {
	errors, warnings := []string{}, []string{}
	for _, f := range findings {
		code := "`" + string(f.Code) + "`"
		switch {
		case f.IsError():
			errors = append(errors, code)
		case !strings.HasPrefix(string(f.Code), "W4") && f.Code != CodeForeignKind:
			warnings = append(warnings, code)
		}
	}
	slices.Sort(errors)
	slices.Sort(warnings)
	errors, warnings = slices.Compact(errors), slices.Compact(warnings)
	switch {
	case len(errors) > 0:
		return "refused, " + strings.Join(errors, ", ")
	case len(warnings) > 0:
		return "runs, with " + strings.Join(warnings, ", ")
	}
	return "runs"
}

// TestArgoPage proves that the page says what the program does.
func TestArgoPage(t *testing.T) {
	const file = "../docs/reference/argo-compatibility.md"
	want := argoPage(t)
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("the page is stale; write it with go test ./api -run ArgoPage -update: %s", diff)
	}
}

// TestArgoFeatures proves that nothing Argo accepts is refused but for what is
// refused by name.
func TestArgoFeatures(t *testing.T) {
	refused := map[Code]bool{CodeBlueGreen: true, CodePluginStep: true, CodeRefusedProvider: true, CodeNoAnalysis: true,
		// These Argo refuses too, or ends in an error.
		CodeManagedRoute: true, CodeArgMissing: true, CodeMetricNumber: true, CodeCondition: true}
	for _, f := range argoFeatures {
		for _, found := range f.judge() {
			if found.IsError() && !refused[found.Code] {
				t.Errorf("%s: %s", f.name, found)
			}
		}
	}
}

const argoIntro = `# What runs of Argo Rollouts

An Argo manifest loads as it is. This page says of each field of a canary what becomes of it in files, and of each
manifest in the examples and tests of Argo Rollouts 1.10 how it fares. It is made by a test that reads those
manifests, and small ones for each feature. [Objects](objects.md) explains the codes.

"Accepted, without effect for files" is a warning: what concerns pods has no meaning where Serin runs none.

## Features
`

const argoManifestsIntro = `
## Manifests

Every file with a canary, a template or both; ` + "`#N`" + ` is the Nth in a test in Go. Templates that lie beside a
manifest count as given. What is said between objects is left out, for these manifests have no HTTPRoutes and
EndpointSlices: see ` + "`W421`" + ` to ` + "`W424`" + `.

| manifest | |
| --- | --- |
`
