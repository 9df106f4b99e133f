package api

import (
	"bytes"
	"strings"
)

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
