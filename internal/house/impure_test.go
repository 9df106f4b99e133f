package house_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"testing"
)

// impure lists what a file does that a pure package must not: start a
// goroutine, or ask a clock.
func impure(t *testing.T, file string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found = append(found, "starts a goroutine")
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if ok && x.Name == "time" && slices.Contains([]string{"Now", "Since", "Until", "Sleep", "After", "NewTimer", "NewTicker", "Tick", "AfterFunc"}, n.Sel.Name) {
				found = append(found, "asks a clock: time."+n.Sel.Name)
			}
		}
		return true
	})
	return found
}
