package discovery

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/serin-mesh/serin/api"
)

const (
	// maxFileSize bounds what is read of one file, in bytes.
	maxFileSize = 64 << 20
	// racy is how much older than its reading a file must be for its time stamp
	// to vouch for it: a file system's clock is coarse, and a write right after
	// a read can leave size and time as they were.
	racy = 2 * time.Second
)

// source is one file as it was last read.
type source struct {
	info   fs.FileInfo
	readAt time.Time
	data   []byte
	kept   []byte // data without secrets
	file   *api.File
	// emptied: it held objects before, and now nothing. That is how a file looks
	// while it is written over.
	emptied bool
}

// held says whether a file held objects, or what may have been some but for an error:
// what was mended in it is written over it too.
func (s *source) held() bool { return len(s.file.Docs) > 0 || api.HasErrors(s.file.Findings) }

// scan is one walk through a folder.
type scan struct {
	folder   *Folder
	sources  map[string]*source // by path with slashes, relative
	findings []api.Finding
	visited  []fs.FileInfo // folders, so that links in a circle end
	watch    func(dir string, info fs.FileInfo)
}

// dir walks through a folder. Its watch begins before it is read, so that
// nothing that happens in between is missed.
func (s *scan) dir(rel string) error {
	full := s.folder.path(rel)
	info, err := os.Stat(full)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%q is no folder", s.folder.name(rel))
	}
	if slices.ContainsFunc(s.visited, func(seen fs.FileInfo) bool { return os.SameFile(seen, info) }) {
		return nil
	}
	s.visited = append(s.visited, info)
	s.watch(full, info)
	entries, err := os.ReadDir(full)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), ".") {
			s.entry(path.Join(rel, entry.Name()), entry)
		}
	}
	return nil
}

// entry reads a file, or walks through a subfolder. What cannot be read is a
// finding; what has just gone is left out.
func (s *scan) entry(rel string, entry fs.DirEntry) {
	link := entry.Type()&fs.ModeSymlink != 0
	isDir := entry.IsDir()
	if link {
		info, err := os.Stat(s.folder.path(rel))
		isDir = err == nil && info.IsDir()
	}
	var err error
	switch {
	case isDir:
		err = s.dir(rel)
	case isObjects(rel):
		err = s.file(rel, link)
	}
	if err == nil || errors.Is(err, fs.ErrNotExist) && !link {
		return
	}
	s.findings = append(s.findings, api.Finding{
		File: s.folder.name(rel), Code: api.CodeUnreadable,
		Message: fmt.Sprintf("cannot be read: %v", err),
	})
}

// isObjects reports whether a file is one that Serin reads.
func isObjects(name string) bool {
	switch filepath.Ext(name) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

// file reads a file unless it is as it was.
func (s *scan) file(rel string, link bool) error {
	full := s.folder.path(rel)
	if link {
		s.watchTarget(full)
	}
	info, err := os.Stat(full)
	if err != nil {
		return err
	}
	switch {
	case !info.Mode().IsRegular():
		return fmt.Errorf("it is no regular file")
	case info.Size() > maxFileSize:
		return fmt.Errorf("it is larger than %d MiB", maxFileSize>>20)
	}
	old := s.folder.sources[rel]
	if old != nil && old.fresh(info) {
		s.add(rel, old)
		return nil
	}
	readAt := time.Now()
	data, err := os.ReadFile(full)
	if err != nil {
		return err
	}
	now := &source{info: info, readAt: readAt, data: data}
	switch {
	case old == nil:
		now.file = api.DecodeFile(s.folder.name(rel), data, nil)
	case bytes.Equal(old.data, data):
		now.data, now.file = old.data, old.file
	default:
		now.file = api.DecodeFile(s.folder.name(rel), data, old.file)
	}
	now.kept = now.file.WithoutSecrets(data)
	now.emptied = old != nil && len(bytes.TrimSpace(data)) == 0 && (old.emptied || old.held())
	s.add(rel, now)
	return nil
}

// add takes a file into the scan. One that lost all its objects is a finding:
// to take them for deleted would take traffic down while an editor saves.
func (s *scan) add(rel string, f *source) {
	s.sources[rel] = f
	if f.emptied {
		s.findings = append(s.findings, api.Finding{
			File: s.folder.name(rel), Code: api.CodeUnreadable,
			Message: "it is empty, and held objects before; what ran goes on (remove the file to remove them)",
		})
	}
}

// watchTarget watches the folder of the file that a link leads to.
func (s *scan) watchTarget(link string) {
	target, err := filepath.EvalSymlinks(link)
	if err != nil {
		return // reading it gives the same error
	}
	dir := filepath.Dir(target)
	if info, err := os.Stat(dir); err == nil {
		s.watch(dir, info)
	}
}

// fresh reports whether a file with that info needs no reading.
func (s *source) fresh(info fs.FileInfo) bool {
	return os.SameFile(s.info, info) && s.info.Size() == info.Size() &&
		s.info.ModTime().Equal(info.ModTime()) && s.readAt.Sub(info.ModTime()) > racy
}
