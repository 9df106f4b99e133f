package deploy_test

import (
	"bufio"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// TestImageHasTheSources: what the build of the image leaves out, the program does
// not need.
func TestImageHasTheSources(t *testing.T) {
	var kept []string
	for s := bufio.NewScanner(strings.NewReader(read(t, "../.dockerignore"))); s.Scan(); {
		if name, found := strings.CutPrefix(s.Text(), "!"); found {
			kept = append(kept, name)
		}
	}
	const module = "github.com/serin-mesh/serin/"
	out, err := exec.Command("go", "list", "-deps", module+"cmd/serin").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for path := range strings.FieldsSeq(string(out)) {
		rest, ours := strings.CutPrefix(path, module)
		if !ours {
			continue
		}
		seen++
		if room, _, _ := strings.Cut(rest, "/"); !slices.Contains(kept, room) {
			t.Errorf(".dockerignore leaves %s out", room)
		}
	}
	if seen < 10 {
		t.Errorf("only %d packages were found", seen)
	}
}

// TestRelease: what the release, the image and the chart say of each other agrees.
func TestRelease(t *testing.T) {
	var release struct {
		Builds []struct {
			ID, Main, Binary string
			Env              []string
		}
		Dockers []struct{ Dockerfile string } `json:"dockers_v2"`
	}
	if err := yaml.Unmarshal([]byte(read(t, "../.goreleaser.yaml")), &release); err != nil {
		t.Fatal(err)
	}
	var binaries []string
	for _, b := range release.Builds {
		binaries = append(binaries, b.Binary)
		if b.Main != "./cmd/serin" || !slices.Contains(b.Env, "CGO_ENABLED=0") {
			t.Errorf("build %+v", b)
		}
	}
	if !slices.Equal(binaries, []string{"serin", "kubectl-serin"}) {
		t.Errorf("the release has %q", binaries)
	}
	for _, name := range []string{"../Dockerfile", "../" + release.Dockers[0].Dockerfile} {
		text := read(t, name)
		for _, want := range []string{"\nFROM scratch\n", "/etc/ssl/certs/ca-certificates.crt\n", "\nUSER 65532:65532\n", "\nENTRYPOINT [\"/serin\"]\n"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not say %q", name, want)
			}
		}
	}
	if !strings.Contains(read(t, "chart/serin/templates/deployment.yaml"), "runAsUser: 65532\n") {
		t.Error("the chart runs the image as another user")
	}
	var chart struct{ Version, AppVersion string }
	if err := yaml.Unmarshal([]byte(read(t, "chart/serin/Chart.yaml")), &chart); err != nil || chart.Version != chart.AppVersion {
		t.Errorf("the chart is %+v, %v", chart, err)
	}
}
