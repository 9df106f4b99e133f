package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
)

// renewable is what some files hold, such as a certificate that somebody renews in
// place. Files are seldom replaced all at once, and a renewal may go wrong: what was
// good last holds until they are good again. Its methods may be called from any
// goroutine.
type renewable[T any] struct {
	of    string // what the files are for
	names []string
	parse func(texts [][]byte) (T, error)
	log   *slog.Logger

	mu    sync.Mutex // guards what follows
	texts [][]byte   // what value was made of
	value T
	bad   string // why the files are not good now; empty: they are
}

// renew reads files for the first time; that has to succeed.
func renew[T any](of string, log *slog.Logger, parse func([][]byte) (T, error), names ...string) (*renewable[T], error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	r := &renewable[T]{of: of, names: names, parse: parse, log: log}
	var err error
	if r.texts, err = r.read(); err != nil {
		return nil, err
	}
	if r.value, err = parse(r.texts); err != nil {
		return nil, err
	}
	return r, nil
}

// now reads the files, and gives what they hold, or held when they were good last.
// It is parsed anew only where a file has changed.
func (r *renewable[T]) now() T {
	r.mu.Lock()
	defer r.mu.Unlock()
	texts, err := r.read()
	if err == nil && slices.EqualFunc(texts, r.texts, bytes.Equal) {
		r.bad = ""
		return r.value
	}
	var value T
	if err == nil {
		value, err = r.parse(texts)
	}
	if err != nil {
		if r.bad != err.Error() {
			r.bad = err.Error()
			r.log.Warn("files were changed and are not good: what they held before is used on", "of", r.of, "error", err)
		}
		return r.value
	}
	r.texts, r.value, r.bad = texts, value, ""
	r.log.Info("renewed from files", "of", r.of, "files", r.names)
	return r.value
}

// read gives the texts of the files.
func (r *renewable[T]) read() ([][]byte, error) {
	var texts [][]byte
	for _, name := range r.names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("reading the files of %s: %w", r.of, err)
		}
		texts = append(texts, text)
	}
	return texts, nil
}
