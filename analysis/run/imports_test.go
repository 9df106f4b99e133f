package run

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The state machine is pure: what it imports can neither wait, log nor reach
// out. Of the package time it uses the types.
func TestImports(t *testing.T) {
	forbidden := []string{"context", "log", "log/slog", "math/rand", "math/rand/v2", "net", "net/http", "os", "os/exec", "sync"}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		checked++
		for _, i := range file.Imports {
			path, _ := strconv.Unquote(i.Path.Value)
			if slices.Contains(forbidden, path) || strings.HasPrefix(path, "k8s.io/client-go") {
				t.Errorf("%s imports %s", name, path)
			}
		}
	}
	if checked == 0 {
		t.Error("no file checked")
	}
}
