package sim

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"
)

// Script is a history in writing.
type Script struct {
	Comment string   // in front, for the reader
	Events  []string // one a line; see the table of events for the words
}

// fileName is where the events are in the archive.
const fileName = "history"

// String gives the script as a txtar archive, which [Parse] reads.
func (s Script) String() string {
	var comment bytes.Buffer
	for line := range strings.Lines(s.Comment) {
		fmt.Fprintf(&comment, "# %s\n", strings.TrimRight(line, "\n"))
	}
	return string(txtar.Format(&txtar.Archive{
		Comment: comment.Bytes(),
		Files:   []txtar.File{{Name: fileName, Data: []byte(strings.Join(s.Events, "\n") + "\n")}},
	}))
}

// Parse reads a txtar archive with a file named history. Empty lines, and what
// follows a #, are comments. Words are read when the script is replayed.
func Parse(data []byte) (s Script, err error) {
	defer func() { // the library panics on a marker without a name
		if p := recover(); p != nil {
			s, err = Script{}, fmt.Errorf("reading the archive: %v", p)
		}
	}()
	// A journal is JSON, which has no other text than UTF-8; so have all names.
	if !utf8.Valid(data) {
		return Script{}, errors.New("reading the archive: it is not UTF-8")
	}
	archive := txtar.Parse(data)
	for line := range strings.Lines(string(archive.Comment)) {
		s.Comment += strings.TrimPrefix(strings.TrimPrefix(line, "#"), " ")
	}
	for _, f := range archive.Files {
		if f.Name != fileName {
			continue
		}
		for lines := bufio.NewScanner(bytes.NewReader(f.Data)); lines.Scan(); {
			line, _, _ := strings.Cut(lines.Text(), "#")
			if line = strings.TrimSpace(line); line != "" {
				s.Events = append(s.Events, line)
			}
		}
	}
	if len(s.Events) == 0 {
		return s, errors.New("the archive has no events under the name history")
	}
	return s, nil
}

// Replay plays a script, and then gives everybody what they wait for. The error
// is a [Violation], or says which line cannot be read.
func Replay(s Script) error {
	w := newWorld()
	for i, line := range s.Events {
		if err := w.guarded(line); err != nil {
			return fmt.Errorf("line %d: %w", i+1, err)
		}
		if w.violation != nil {
			return w.violation
		}
	}
	return w.finish()
}

// guarded plays an event and takes a panic for a violation.
func (w *world) guarded(line string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			w.fail("noPanic", fmt.Errorf("event %q: %v", line, p))
		}
	}()
	return w.do(line)
}
