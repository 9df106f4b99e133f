package api

import (
	"os"
	"strings"
	"testing"
)

// TestCodesDocumented proves that each code has its row in the reference, with
// the words that it has here, and that no row is left of another.
func TestCodesDocumented(t *testing.T) {
	data, err := os.ReadFile("../docs/reference/objects.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(data), "\n## Findings\n")
	for code, words := range Codes {
		if !strings.Contains(table, "\n| `"+string(code)+"` | "+words+" | ") {
			t.Errorf("objects.md has no row of %s, %s", code, words)
		}
	}
	if rows := strings.Count(table, "\n| `"); rows != len(Codes) {
		t.Errorf("objects.md has %d rows for %d codes", rows, len(Codes))
	}
}
