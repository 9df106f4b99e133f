package api

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
)

// issue is a finding of one chunk, its lines counted from the chunk's start, so
// that it stays true when the chunk moves within its file.
type issue struct {
	code         Code
	line, column int
	path         path
	message      string
	first        int // line of an earlier place that the message is about, or 0
}

// notes gathers the issues of a chunk.
type notes struct {
	issues []issue
}

// add notes an issue and gives it for what else there is to say.
func (r *notes) add(code Code, line, column int, p path, format string, args ...any) *issue {
	r.issues = append(r.issues, issue{
		code: code, line: line, column: column, path: p, message: fmt.Sprintf(format, args...)})
	return &r.issues[len(r.issues)-1]
}

// matchType compares a value with a Go type by the rules of encoding/json, but
// strictly: names match in their exact case, unknown and repeated fields are
// reported. Unlike a decoder it finds everything wrong at once, each at its
// place in the text.
func matchType(n *node, t reflect.Type, p path, r *notes) {
	if n.kind == nodeNull {
		return // as in JSON: leaves the field as it is
	}
	if t.Kind() == reflect.Pointer {
		matchType(n, t.Elem(), p, r)
		return
	}
	if reflect.PointerTo(t).Implements(unmarshalerType) {
		matchUnmarshaler(n, t, p, r)
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		matchStruct(n, t, p, r)
	case reflect.Map:
		matchMap(n, t, p, r)
	case reflect.Slice:
		matchSlice(n, t, p, r)
	case reflect.Interface:
	default:
		matchScalar(n, t, p, r)
	}
}

// unmarshalerType is implemented by types that read their own JSON.
var unmarshalerType = reflect.TypeFor[json.Unmarshaler]()

// matchUnmarshaler lets a type that reads its own JSON try.
func matchUnmarshaler(n *node, t reflect.Type, p path, r *notes) {
	if err := json.Unmarshal(n.appendJSON(nil), reflect.New(t).Interface()); err != nil {
		text := strings.TrimPrefix(err.Error(), "json: ")
		r.add(CodeWrongType, n.line, n.column, p, "%s", text)
	}
}

// matchStruct compares the fields of an object with those of a struct.
func matchStruct(n *node, t reflect.Type, p path, r *notes) {
	if !wants(n, nodeObject, "an object", p, r) {
		return
	}
	known := fieldsOf(t)
	first := map[string]field{}
	for _, f := range n.fields {
		at := p.with(f.name)
		ft, ok := known[f.name]
		if !ok {
			r.add(CodeUnknownField, f.line, f.column, at, "unknown field%s", suggest(f.name, known))
			continue
		}
		if before, twice := first[f.name]; twice {
			reportTwice(f, before, at, r)
			continue
		}
		first[f.name] = f
		matchType(f.value, ft, at, r)
	}
}

// reportTwice reports a field that is written again.
func reportTwice(again, before field, p path, r *notes) {
	r.add(CodeDuplicateKey, again.line, again.column, p, "written twice; keep one of them").first = before.line
}

// fieldsOf gives the JSON names and types of a struct's fields. Reflection is
// slow, and there are only so many types.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	if known, ok := fieldCache.Load(t); ok {
		return known.(map[string]reflect.Type)
	}
	known := map[string]reflect.Type{}
	structFields(t, known)
	fieldCache.Store(t, known)
	return known
}

// fieldCache holds what fieldsOf found: map[string]reflect.Type by reflect.Type.
var fieldCache sync.Map

// structFields gathers the JSON names and types of a struct's fields, those of
// embedded structs without a name included.
func structFields(t reflect.Type, into map[string]reflect.Type) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-":
		case name == "" && f.Anonymous:
			structFields(f.Type, into)
		case name == "":
			into[f.Name] = f.Type
		default:
			into[name] = f.Type
		}
	}
}

// matchMap compares the entries of an object with a map's type.
func matchMap(n *node, t reflect.Type, p path, r *notes) {
	if !wants(n, nodeObject, "an object", p, r) {
		return
	}
	first := map[string]field{}
	for _, f := range n.fields {
		at := p.with(f.name)
		if before, twice := first[f.name]; twice {
			reportTwice(f, before, at, r)
			continue
		}
		first[f.name] = f
		matchType(f.value, t.Elem(), at, r)
	}
}

// matchSlice compares the items of a list with a slice's type.
func matchSlice(n *node, t reflect.Type, p path, r *notes) {
	if t.Elem().Kind() == reflect.Uint8 {
		wants(n, nodeString, "a string in base64", p, r)
		return
	}
	if !wants(n, nodeList, "a list", p, r) {
		return
	}
	for i, item := range n.items {
		matchType(item, t.Elem(), p.with(i), r)
	}
}

// matchScalar compares a value without parts with a Go type.
func matchScalar(n *node, t reflect.Type, p path, r *notes) {
	switch t.Kind() {
	case reflect.String:
		if n.kind == nodeNumber || n.kind == nodeBool {
			r.add(CodeWrongType, n.line, n.column, p, "wants a string: put it in quotes, %q", n.text)
			return
		}
		wants(n, nodeString, "a string", p, r)
	case reflect.Bool:
		wants(n, nodeBool, "true or false", p, r)
	case reflect.Float32, reflect.Float64:
		wants(n, nodeNumber, "a number", p, r)
	default:
		if !wants(n, nodeNumber, "a whole number", p, r) {
			return
		}
		if err := json.Unmarshal([]byte(n.text), reflect.New(t).Interface()); err != nil {
			r.add(CodeWrongType, n.line, n.column, p, "wants a whole number that fits %d bits, not %s", t.Bits(), n.text)
		}
	}
}

// wants reports a node that is of another kind than wanted.
func wants(n *node, kind nodeKind, what string, p path, r *notes) bool {
	if n.kind == kind {
		return true
	}
	r.add(CodeWrongType, n.line, n.column, p, "wants %s, not %s", what, describe(n))
	return false
}

// describe says what a node is, in a message.
func describe(n *node) string {
	switch n.kind {
	case nodeNull:
		return "nothing"
	case nodeString:
		return fmt.Sprintf("the string %q", shorten(n.text))
	case nodeList:
		return "a list"
	case nodeObject:
		return "an object"
	}
	return shorten(n.text)
}

// shorten keeps a message readable whatever the file holds.
func shorten(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "..."
	}
	return s
}

// suggest gives the known name that is closest to a mistyped one, as the end of
// a message; "" if none is close.
func suggest[V any](name string, known map[string]V) string {
	best, least := "", 2+len(name)/3
	for k := range known {
		d := distance(strings.ToLower(name), strings.ToLower(k))
		if d < least || d == least && best != "" && k < best {
			best, least = k, d
		}
	}
	if best == "" {
		return "; remove it"
	}
	return "; did you mean " + best + "?"
}

// distance counts the single-letter edits between two words (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			before, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, before+cost)
		}
	}
	return row[len(b)]
}
