package api

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

const (
	// maxNodes bounds the values of a document once its aliases are expanded:
	// a few lines of nested aliases can stand for billions.
	maxNodes = 1_000_000
	// maxDepth bounds the nesting of a document.
	maxDepth = 100
)

// problem is something wrong at a place of a chunk.
type problem struct {
	code         Code
	line, column int
	message      string
}

// Error gives the message.
func (p *problem) Error() string { return p.message }

// parse reads the documents of a chunk. A document that holds nothing but
// comments is left out.
func parse(text string) (roots []*node, bad *problem) {
	// The parser is run on text from anywhere; a panic in it is an error of
	// the text as far as the user can tell.
	defer func() {
		if r := recover(); r != nil {
			roots, bad = nil, &problem{CodeSyntax, 1, 1, fmt.Sprintf("the text cannot be parsed: %v", r)}
		}
	}()
	if depth(text) > maxDepth {
		return nil, &problem{CodeTooLarge, 1, 1, fmt.Sprintf("the document is nested more than %d deep", maxDepth)}
	}
	file, err := parser.ParseBytes([]byte(text), 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, syntaxProblem(err)
	}
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if doc.Body.Type() == ast.DirectiveType {
			continue
		}
		b := builder{anchors: map[string]*node{}}
		root, err := b.build(doc.Body, 0)
		if err != nil {
			return nil, asProblem(err)
		}
		roots = append(roots, root)
	}
	return roots, nil
}

// depth counts how deeply brackets are open at most, quoted or not, and how
// many list entries begin right after one another. The parser recurses over
// both, so they are bounded before it runs.
func depth(text string) int {
	open, entries, most := 0, 0, 0
	for i := range len(text) {
		switch text[i] {
		case '{', '[':
			open++
		case '}', ']':
			open = max(open-1, 0)
		case '-', '?', ':':
			entries++
		case ' ':
			continue
		default:
			entries = 0
		}
		most = max(most, open, entries)
	}
	return most
}

// syntaxProblem takes the place out of the parser's error.
func syntaxProblem(err error) *problem {
	var syntax *yaml.SyntaxError
	if errors.As(err, &syntax) && syntax.Token != nil && syntax.Token.Position != nil {
		at := syntax.Token.Position
		return &problem{CodeSyntax, max(at.Line, 1), max(at.Column, 1), "not valid YAML: " + syntax.Message}
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	return &problem{CodeSyntax, 1, 1, "not valid YAML: " + first}
}

// asProblem gives the problem that err is.
func asProblem(err error) *problem {
	var p *problem
	if errors.As(err, &p) {
		return p
	}
	return &problem{CodeSyntax, 1, 1, err.Error()}
}
