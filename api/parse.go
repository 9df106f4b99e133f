package api

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
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

// builder turns a syntax tree into nodes, with aliases replaced by what they
// name.
type builder struct {
	anchors map[string]*node
}

// build gives the node of a syntax node.
func (b *builder) build(n ast.Node, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, problemAt(n, CodeTooLarge, "the document is nested more than %d deep", maxDepth)
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		return b.object(n, n.Values, depth)
	case *ast.MappingValueNode:
		return b.object(n, []*ast.MappingValueNode{n}, depth)
	case *ast.SequenceNode:
		return b.list(n, depth)
	case *ast.AnchorNode:
		v, err := b.build(n.Value, depth+1)
		if err == nil {
			b.anchors[n.Name.GetToken().Value] = v
		}
		return v, err
	case *ast.AliasNode:
		name := n.Value.GetToken().Value
		v, ok := b.anchors[name]
		if !ok {
			return nil, problemAt(n, CodeSyntax, "no anchor &%s stands before this alias", name)
		}
		return v, nil
	case *ast.TagNode:
		return b.tagged(n, depth)
	}
	return scalar(n), nil
}

// tagged reads a value with a tag; !!str makes a string of any scalar.
func (b *builder) tagged(n *ast.TagNode, depth int) (*node, error) {
	v, err := b.build(n.Value, depth+1)
	if err == nil && n.Start.Value == "!!str" && len(v.fields)+len(v.items) == 0 {
		c := *v
		c.kind = nodeString
		return &c, nil
	}
	return v, err
}

// list reads a sequence.
func (b *builder) list(n *ast.SequenceNode, depth int) (*node, error) {
	out := place(n.GetToken(), nodeList)
	for _, value := range n.Values {
		item, err := b.build(value, depth+1)
		if err != nil {
			return nil, err
		}
		out.items = append(out.items, item)
		if out.size += item.size; out.size > maxNodes {
			return nil, problemAt(n, CodeTooLarge, "the document holds more than %d values", maxNodes)
		}
	}
	return out, nil
}

// object reads a mapping. Merge keys (<<) give what the mapping does not set.
func (b *builder) object(n ast.Node, values []*ast.MappingValueNode, depth int) (*node, error) {
	out := place(n.GetToken(), nodeObject)
	var merged []*node
	for i, entry := range values {
		key := entry.Key.GetToken()
		if k, ok := entry.Key.(*ast.MappingKeyNode); ok {
			key = k.Value.GetToken()
		}
		if i == 0 && n.GetToken().Type != token.MappingStartType {
			out.line, out.column = key.Position.Line, key.Position.Column
		}
		v, err := b.build(entry.Value, depth+1)
		if err != nil {
			return nil, err
		}
		if out.size += v.size; out.size > maxNodes {
			return nil, problemAt(n, CodeTooLarge, "the document holds more than %d values", maxNodes)
		}
		if entry.Key.IsMergeKey() {
			merged = append(merged, v)
			continue
		}
		out.fields = append(out.fields, field{key.Value, key.Position.Line, key.Position.Column, v})
	}
	for _, from := range merged {
		out.merge(from)
	}
	return out, nil
}

// merge adds the fields of an object, or of a list of them, that n lacks.
func (n *node) merge(from *node) {
	for _, item := range from.items {
		n.merge(item)
	}
	for _, f := range from.fields {
		if n.get(f.name) == nil {
			n.fields = append(n.fields, f)
		}
	}
}

// place makes a node where the token stands.
func place(t *token.Token, kind nodeKind) *node {
	return &node{kind: kind, line: max(t.Position.Line, 1), column: max(t.Position.Column, 1), size: 1}
}

// problemAt makes a problem where a syntax node stands.
func problemAt(n ast.Node, code Code, format string, args ...any) *problem {
	at := place(n.GetToken(), nodeNull)
	return &problem{code, at.line, at.column, fmt.Sprintf(format, args...)}
}

// jsonNumber is a number that JSON takes as it stands.
var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// scalar reads a value without parts.
func scalar(n ast.Node) *node {
	t := n.GetToken()
	switch n := n.(type) {
	case *ast.NullNode:
		return place(t, nodeNull)
	case *ast.BoolNode:
		out := place(t, nodeBool)
		out.text = strconv.FormatBool(n.Value)
		return out
	case *ast.IntegerNode:
		out := place(t, nodeNumber)
		out.text = fmt.Sprint(n.Value)
		return out
	case *ast.FloatNode:
		return number(t, n.Value)
	case *ast.LiteralNode:
		out := place(t, nodeString)
		out.text = n.Value.Value
		return out
	case *ast.StringNode:
		return plain(t, n.Value)
	}
	out := place(t, nodeString)
	out.text = t.Value
	return out
}

// plain reads a string, or a number in a form of JSON's that the parser takes
// for a string.
func plain(t *token.Token, value string) *node {
	quoted := t.Type == token.DoubleQuoteType || t.Type == token.SingleQuoteType
	if !quoted && jsonNumber.MatchString(value) {
		out := place(t, nodeNumber)
		out.text = value
		return out
	}
	out := place(t, nodeString)
	out.text = value
	return out
}

// number reads a float as it is written where JSON allows the form.
func number(t *token.Token, value float64) *node {
	out := place(t, nodeNumber)
	switch {
	case jsonNumber.MatchString(t.Value):
		out.text = t.Value
	case math.IsInf(value, 0) || math.IsNaN(value):
		out.kind, out.text = nodeString, t.Value
	default:
		out.text = strconv.FormatFloat(value, 'g', -1, 64)
	}
	return out
}

// split cuts a file at its document marks. A mark stands at the start of a line
// and can be nothing else in YAML, so one broken document does not hide the
// others. Each chunk keeps its mark; lines[i] is the line of chunk i, from 1.
func split(data []byte) (chunks []string, lines []int) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	start, startLine, line := 0, 1, 1
	inDirectives := false
	flush := func(end, nextLine int) {
		if text := data[start:end]; len(bytes.TrimSpace(text)) > 0 {
			chunks, lines = append(chunks, string(text)), append(lines, startLine)
		}
		start, startLine = end, nextLine
	}
	for at := 0; at < len(data); line++ {
		end := len(data)
		if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		switch row := data[at:end]; {
		case isMark(row) && !inDirectives:
			flush(at, line)
		case isMark(row):
			inDirectives = false // the mark ends the directives of its document
		case row[0] == '%':
			inDirectives = true
		}
		at = end
	}
	flush(len(data), line)
	return chunks, lines
}

// isMark reports whether the line begins a document.
func isMark(row []byte) bool {
	rest, ok := bytes.CutPrefix(row, []byte("---"))
	return ok && (len(rest) == 0 || strings.ContainsRune(" \t\r\n", rune(rest[0])))
}

// untab makes JSON that is indented with tabs readable as YAML, which forbids
// them: outside strings a tab is as good as a space, inside JSON forbids it.
func untab(data []byte) []byte {
	if first := bytes.TrimLeft(data, " \t\r\n"); len(first) > 0 && (first[0] == '{' || first[0] == '[') {
		return bytes.ReplaceAll(data, []byte("\t"), []byte(" "))
	}
	return data
}
