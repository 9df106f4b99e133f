package sim_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/serin-mesh/serin/rollout/sim"
)

// TestScripts replays histories that are kept because they once broke
// something, or come close to it.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			script, err := sim.Parse(data)
			if err != nil {
				t.Fatal(err)
			}
			if err := sim.Replay(script); err != nil {
				t.Error(err)
			}
		})
	}
}
