package api

import (
	"encoding/json"
	"slices"
	"strconv"
)

// nodeKind is the JSON type of a node.
type nodeKind uint8

const (
	nodeNull nodeKind = iota
	nodeBool
	nodeNumber
	nodeString
	nodeList
	nodeObject
)

// node is a value of a document with its place. Nodes that an alias names are
// shared, so a tree is never changed after it is built.
type node struct {
	kind         nodeKind
	line, column int    // from 1; lines count from the start of the chunk
	text         string // of a string, or the JSON form of a number or bool
	fields       []field
	items        []*node
	size         int // how many values there are in it, aliases expanded
}

// field is one entry of an object, in the order of the text.
type field struct {
	name         string
	line, column int // of the name
	value        *node
}

// get gives the value of the first field with that name, nil if there is none.
func (n *node) get(name string) *node {
	if n == nil {
		return nil
	}
	for i := range n.fields {
		if n.fields[i].name == name {
			return n.fields[i].value
		}
	}
	return nil
}

// str gives the text of a string field, "" if there is none.
func (n *node) str(name string) string {
	if v := n.get(name); v != nil && v.kind == nodeString {
		return v.text
	}
	return ""
}

// without gives a copy of an object that lacks one field.
func (n *node) without(name string) *node {
	c := *n
	c.fields = nil
	for _, f := range n.fields {
		if f.name != name {
			c.fields = append(c.fields, f)
		}
	}
	return &c
}

// appendJSON writes the value as JSON. Of fields written twice it keeps the
// first.
func (n *node) appendJSON(b []byte) []byte {
	switch n.kind {
	case nodeNull:
		return append(b, "null"...)
	case nodeString:
		return appendString(b, n.text)
	case nodeList:
		b = append(b, '[')
		for i, item := range n.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = item.appendJSON(b)
		}
		return append(b, ']')
	case nodeObject:
		return n.appendObject(b)
	}
	return append(b, n.text...)
}

// appendObject writes the fields as a JSON object.
func (n *node) appendObject(b []byte) []byte {
	b = append(b, '{')
	seen := make(map[string]bool, len(n.fields))
	for _, f := range n.fields {
		if seen[f.name] {
			continue
		}
		if len(seen) > 0 {
			b = append(b, ',')
		}
		seen[f.name] = true
		b = append(appendString(b, f.name), ':')
		b = f.value.appendJSON(b)
	}
	return append(b, '}')
}

// appendString writes a JSON string.
func appendString(b []byte, s string) []byte {
	data, _ := json.Marshal(s) // a string always marshals
	return append(b, data...)
}

// path leads from an object to a field: names and indexes of lists.
type path []any

// String gives the path as users write it, such as spec.rules[0].name.
func (p path) String() string {
	var b []byte
	for _, elem := range p {
		switch e := elem.(type) {
		case int:
			b = append(strconv.AppendInt(append(b, '['), int64(e), 10), ']')
		case string:
			if len(b) > 0 {
				b = append(b, '.')
			}
			b = append(b, e...)
		}
	}
	return string(b)
}

// with gives a longer path, and leaves p as it is.
func (p path) with(rest ...any) path {
	return append(slices.Clip(p), rest...)
}

// find gives the node that the path leads to, or the deepest on the way to it.
func (n *node) find(p path) *node {
	for _, elem := range p {
		var next *node
		switch e := elem.(type) {
		case int:
			if e < len(n.items) {
				next = n.items[e]
			}
		case string:
			next = n.get(e)
		}
		if next == nil {
			return n
		}
		n = next
	}
	return n
}
