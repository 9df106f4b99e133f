package api

import (
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// Document is one object of a file, or one that Serin leaves alone.
type Document struct {
	File         string
	Line, Column int // where the object begins
	APIVersion   string
	Kind         string
	Key          Key
	// Object is a pointer to one of the kinds that Objects holds, with its
	// defaults filled in; nil for a kind that is not used, or when the document
	// has errors. It is immutable.
	Object any

	chunk *chunk // where its text is
	index int    // which object of the chunk it is
	base  int    // what to add to a line of the chunk
	steps []int  // of a Rollout whose steps were divided: where each is written
	// workload is the template of a workload that a Rollout can refer to.
	workload *Template
}

// File is a decoded file. It is immutable.
type File struct {
	Name     string
	Docs     []Document
	Findings []Finding // by line

	chunks map[string]*chunk // by text
}

// chunk is what lies between two document marks of a file: mostly one object,
// or a list of them. It is immutable, and shared by the versions of a file.
type chunk struct {
	text   string
	docs   []Document // lines from the chunk's start
	issues []docIssue
}

// docIssue is an issue and the object that it is in.
type docIssue struct {
	issue
	kind    string
	key     Key
	service Key
}

// Decode reads a file of YAML documents, or of JSON. It gives every object that
// could be read, with the defaults that the Kubernetes API would fill in, and
// everything that is wrong with each by itself, sorted by line. Decoding is
// strict: unknown fields, repeated fields and values of a wrong type are errors.
// name is used for findings only.
func Decode(name string, data []byte) ([]Document, []Finding) {
	f := DecodeFile(name, data, nil)
	return f.Docs, f.Findings
}

// DecodeFile is Decode for a file that is read again and again: of documents
// whose text is the same as in before, it gives the same objects. before may be
// nil.
func DecodeFile(name string, data []byte, before *File) *File {
	f := &File{Name: name, chunks: map[string]*chunk{}}
	if base := filepath.Base(name); base == "kustomization.yaml" || base == "kustomization.yml" {
		f.Findings = []Finding{{File: name, Line: 1, Column: 1, Code: CodeForeignKind,
			Message: "the file is kustomize's and is left alone; its output is what Serin reads"}}
		return f
	}
	if !utf8.Valid(data) {
		f.Findings = []Finding{{File: name, Code: CodeSyntax, Message: "the file is not UTF-8 text"}}
		return f
	}
	texts, lines := split(untab(data))
	for i, text := range texts {
		c := f.chunks[text]
		if c == nil && before != nil {
			c = before.chunks[text]
		}
		if c == nil {
			c = decodeChunk(text)
		}
		f.chunks[text] = c
		f.add(c, lines[i]-1)
	}
	SortFindings(f.Findings)
	return f
}

// add appends what a chunk holds, with lines moved down by base.
func (f *File) add(c *chunk, base int) {
	for _, d := range c.docs {
		d.File, d.base = f.Name, base
		d.Line += base
		f.Docs = append(f.Docs, d)
	}
	for _, i := range c.issues {
		f.Findings = append(f.Findings, i.finding(f.Name, base))
	}
}

// finding gives the issue its place in a file.
func (i docIssue) finding(file string, base int) Finding {
	message := i.message
	if i.first > 0 {
		message += fmt.Sprintf(" (first at line %d)", i.first+base)
	}
	return Finding{
		File: file, Line: i.line + base, Column: i.column, Code: i.code,
		Path: i.path.String(), Message: message,
		Kind: i.kind, Key: i.key, Service: i.service,
	}
}

// decodeChunk reads the objects of a chunk.
func decodeChunk(text string) *chunk {
	c := &chunk{text: text}
	roots, bad := parseObjects(text)
	if bad != nil {
		c.issues = []docIssue{{issue: issue{
			code: bad.code, line: bad.line, column: bad.column, message: bad.message}}}
		return c
	}
	for i, root := range roots {
		c.decode(i, root)
	}
	return c
}

// parseObjects gives the objects of a chunk, with lists taken apart.
func parseObjects(text string) ([]*node, *problem) {
	roots, bad := parse(text)
	if bad != nil {
		return nil, bad
	}
	var out []*node
	for _, root := range roots {
		items := root.get("items")
		if !strings.HasSuffix(root.str("kind"), "List") || items == nil || items.kind != nodeList {
			out = append(out, root)
			continue
		}
		out = append(out, items.items...)
	}
	return out, nil
}

// decode reads object i of the chunk.
func (c *chunk) decode(i int, root *node) {
	r := &notes{}
	d := Document{
		Line: root.line, Column: root.column, chunk: c, index: i,
		APIVersion: root.str("apiVersion"), Kind: root.str("kind"),
		Key: keyIn(root.get("metadata").str("namespace"), root.get("metadata").str("name")),
	}
	if d.Kind == kindClusterAnalysisTemplate {
		d.Key.Namespace = ""
	}
	if isObject(root, r) {
		if t, ok := lookup(root, r); ok {
			if o := t.read(root, r); o != nil {
				checkObject(root, o, r)
				if !r.hasErrors() && d.Key.Name != "" {
					setDefaults(o)
					d.Object, d.steps = o, divided(root, o)
				}
			}
		}
		d.workload = workloadOf(root, d)
		c.docs = append(c.docs, d)
	}
	for _, found := range r.issues {
		c.issues = append(c.issues, docIssue{issue: found, kind: d.Kind, key: d.Key, service: serviceOf(root, d)})
	}
}

// hasErrors reports whether one of the issues is an error.
func (r *notes) hasErrors() bool {
	for _, i := range r.issues {
		if strings.HasPrefix(string(i.code), "E") {
			return true
		}
	}
	return false
}

// isObject notes what an object without a kind lacks.
func isObject(root *node, r *notes) bool {
	if root.kind != nodeObject {
		r.add(CodeNoKind, root.line, root.column, nil,
			"the document is %s, not an object with apiVersion and kind", describe(root))
		return false
	}
	for _, name := range []string{"apiVersion", "kind"} {
		if root.str(name) == "" {
			at := root.find(path{name})
			r.add(CodeNoKind, at.line, at.column, path{name}, "the object has no %s; %s", name, kindsRead)
			return false
		}
	}
	return true
}

// serviceOf names the Service that an object that was not understood is about,
// so that its findings reach the Rollout concerned.
func serviceOf(root *node, d Document) Key {
	switch d.Kind {
	case kindService:
		return d.Key
	case kindEndpointSlice:
		if name := root.get("metadata").get("labels").str(LabelService); name != "" {
			return keyIn(d.Key.Namespace, name)
		}
	}
	return Key{}
}

// find gives the line and column of a field, or of the deepest object on the
// way to it, in the document's file; 0 for an object of a cluster.
func (d *Document) find(trees treeCache, p path) (line, column int) {
	if d.chunk == nil {
		return d.Line, d.Column // an object of a cluster has no text
	}
	roots, ok := trees[d.chunk]
	if !ok {
		roots, _ = parseObjects(d.chunk.text)
		trees[d.chunk] = roots
	}
	if d.index >= len(roots) {
		return d.Line, d.Column
	}
	n := roots[d.index].find(p)
	return n.line + d.base, n.column
}

// treeCache keeps the trees of chunks while findings are made. They are parsed
// again for that: most objects never have a finding, and trees are large.
type treeCache map[*chunk][]*node
