package sim_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestFaultsApply: each fault can still be made; a list that no longer fits the
// sources proves nothing.
func TestFaultsApply(t *testing.T) {
	seen := map[fault]bool{}
	for _, f := range faults {
		if seen[f] {
			t.Errorf("%s: %q is in the list twice", f.file, f.old)
		}
		seen[f] = true
		if n := strings.Count(source(t, f.file), f.old); n != 1 {
			t.Errorf("%s has %q %d times, want once", f.file, f.old, n)
		}
	}
	if len(faults) < 20 {
		t.Errorf("%d faults, want 20 at least", len(faults))
	}
}

// TestFaultsAreFound makes each fault in turn and runs the tests of the machine
// on it, which must fail. That takes minutes, so it is done only with
// SERIN_MUTATE=1; without, the first fault alone is tried on rollout's own tests.
func TestFaultsAreFound(t *testing.T) {
	if os.Getenv(nested) != "" {
		return // these are the tests that the fault is to be found by
	}
	list, packages := faults[:1], []string{".."}
	if os.Getenv("SERIN_MUTATE") == "1" {
		list, packages = faults, []string{"..", "."}
		if out, err := runTests(t, "", packages); err != nil {
			t.Fatalf("without a fault the tests fail already:\n%s", out)
		}
	}
	for _, f := range list {
		out, err := runTests(t, overlay(t, f), packages)
		found := failures.FindAllStringSubmatch(out, -1)
		switch {
		case err == nil:
			t.Errorf("no test finds that %s: %s, %q -> %q", f.why, f.file, f.old, f.new)
		case strings.Contains(out, "test timed out"):
			t.Logf("%s: found, as it never ends", f.why)
		case len(found) == 0:
			t.Errorf("the fault in %s, %q -> %q, does not run:\n%s", f.file, f.old, f.new, out)
		default:
			var by []string
			for _, m := range found {
				by = append(by, m[1])
			}
			t.Logf("%s: found by %s", f.why, strings.Join(by, " "))
		}
	}
}

// nested tells a test that it is run for a fault.
const nested = "SERIN_FAULT"

// failures matches what `go test` says of a top-level test that failed.
var failures = regexp.MustCompile(`(?m)^--- FAIL: (\w+)`)

func source(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", file))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// overlay writes the faulty file beside the sources, and the description by
// which the compiler takes it in their place.
func overlay(t *testing.T, f fault) string {
	t.Helper()
	dir := t.TempDir()
	original, err := filepath.Abs(filepath.Join("..", f.file))
	if err != nil {
		t.Fatal(err)
	}
	faulty := filepath.Join(dir, f.file)
	text := strings.Replace(source(t, f.file), f.old, f.new, 1)
	description, err := json.Marshal(map[string]map[string]string{"Replace": {original: faulty}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "overlay.json")
	for name, data := range map[string]string{faulty: text, path: string(description)} {
		if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// runTests runs the tests of packages with an overlay.
func runTests(t *testing.T, overlay string, packages []string) (string, error) {
	t.Helper()
	args := []string{"test", "-count=1", "-vet=off", "-timeout=60s", "-overlay=" + overlay}
	cmd := exec.Command("go", append(args, packages...)...)
	cmd.Env = append(os.Environ(), nested+"=1", "SERIN_MUTATE=", "SERIN_SIM_HISTORIES=1000")
	out, err := cmd.CombinedOutput()
	return string(out), err
}
