package crd

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
)

// Comments are the comments of Go types, by TYPE, and of their fields, by
// TYPE.FIELD.
type Comments map[string]string

// ReadComments reads the comments of the structs of a folder of Go files, tests
// left out.
func ReadComments(dir string) (Comments, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("reading comments: no Go files in %q: %w", dir, err)
	}
	out := Comments{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, fmt.Errorf("reading comments: %w", err)
		}
		for _, d := range f.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.TYPE {
				out.read(g)
			}
		}
	}
	return out, nil
}

// read takes the comments of a declaration of types.
func (c Comments) read(g *ast.GenDecl) {
	for _, spec := range g.Specs {
		t, ok := spec.(*ast.TypeSpec)
		if !ok {
			continue
		}
		doc := t.Doc
		if doc == nil {
			doc = g.Doc
		}
		c[t.Name.Name] = plain(doc)
		s, ok := t.Type.(*ast.StructType)
		if !ok {
			continue
		}
		for _, field := range s.Fields.List {
			text := plain(field.Doc)
			if text == "" {
				text = plain(field.Comment)
			}
			for _, name := range field.Names {
				c[t.Name.Name+"."+name.Name] = text
			}
		}
	}
}

// plain gives the text of a comment as one line.
func plain(g *ast.CommentGroup) string { return strings.Join(strings.Fields(g.Text()), " ") }
