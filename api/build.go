package api

import (
	"fmt"
	"math"
	"regexp"
	"strconv"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

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
