package discovery

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/serin-mesh/serin/api"
)

// Options shape a Folder; the zero value works.
type Options struct {
	// Debounce is how long the folder must be quiet before it is read, so that
	// a change of several files is one; 50 ms by default.
	Debounce time.Duration
	// Retry is how soon a folder that disappeared is looked for again, at
	// first; the wait doubles up to MaxRetry. 100 ms and 2 s by default.
	Retry, MaxRetry time.Duration
}

// withDefaults fills in what is not set.
func (o Options) withDefaults() Options {
	def := func(d *time.Duration, value time.Duration) {
		if *d <= 0 {
			*d = value
		}
	}
	def(&o.Debounce, 50*time.Millisecond)
	def(&o.Retry, 100*time.Millisecond)
	def(&o.MaxRetry, 2*time.Second)
	return o
}

// Folder reads objects from the files of a folder.
type Folder struct {
	dir  string // as findings name it
	abs  string // where it is, whatever becomes of the working folder
	opts Options

	// What follows belongs to whoever is in Load or Run.

	sources  map[string]*source // by path with slashes, relative
	objects  *api.Objects       // the last set without errors
	base     *api.Objects       // each Rollout as it was when its version was new
	findings []api.Finding      // of the last Result
	gave     *api.Objects       // Objects of the last Result
	loaded   bool               // whether there has been a Result
}

// NewFolder gives a Folder of the files in dir, which it does not touch yet.
// Findings name files by dir as it is written here.
func NewFolder(dir string, opts Options) *Folder {
	return &Folder{dir: filepath.Clean(dir), abs: absolute(dir), opts: opts.withDefaults()}
}

// Load reads the folder. The error says that the folder itself cannot be read;
// what is wrong with the files is in the findings.
func (f *Folder) Load() (Result, error) {
	s, err := f.scan(func(string, fs.FileInfo) {})
	if err != nil {
		return Result{}, fmt.Errorf("reading the folder %q: %w", f.dir, err)
	}
	r := f.take(s)
	f.remember(r)
	return r, nil
}

// Read reads a folder or a single file once, for a command that only checks.
func Read(name string) (Result, error) {
	info, err := os.Stat(name)
	if err != nil {
		return Result{}, fmt.Errorf("reading %q: %w", name, err)
	}
	if info.IsDir() {
		return NewFolder(name, Options{}).Load()
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return Result{}, fmt.Errorf("reading %q: %w", name, err)
	}
	return FromFiles(map[string][]byte{name: data}), nil
}

// path gives the place of a path relative to the folder.
func (f *Folder) path(rel string) string { return filepath.Join(f.abs, filepath.FromSlash(rel)) }

// name gives the file name that findings use for a path.
func (f *Folder) name(rel string) string { return filepath.Join(f.dir, filepath.FromSlash(rel)) }

// scan walks through the folder; watch is called for each folder on the way.
func (f *Folder) scan(watch func(string, fs.FileInfo)) (*scan, error) {
	s := &scan{folder: f, sources: map[string]*source{}, watch: watch}
	return s, s.dir(".")
}

// take makes a Result of a walk.
func (f *Folder) take(s *scan) Result {
	if len(s.sources) == 0 && len(f.sources) > 0 && len(s.findings) == 0 {
		return f.gone("the folder holds no files any more; what ran goes on (stop Serin to stop serving)")
	}
	f.sources = s.sources
	all := decoded{findings: s.findings}
	files := make(map[string][]byte, len(s.sources))
	for _, rel := range slices.Sorted(maps.Keys(s.sources)) {
		all.add(s.sources[rel].file)
		files[rel] = s.sources[rel].kept
	}
	r := all.result(f.objects, f.base)
	r.Files = files
	return r
}

// gone gives the Result of a folder without anything to read.
func (f *Folder) gone(message string) Result {
	return Result{Findings: []api.Finding{{File: f.dir, Code: api.CodeUnreadable, Message: message}}}
}

// remember keeps what the next Result is compared with.
func (f *Folder) remember(r Result) {
	if r.Objects != nil {
		f.objects, f.base = r.Objects, rebase(f.base, r.Objects)
	}
	f.findings, f.gave, f.loaded = r.Findings, r.Objects, true
}

// rebase keeps each Rollout as it was when its version was new. A template that
// changes under an equal version is compared with that, so the warning stays
// for as long as it is true.
func rebase(base, now *api.Objects) *api.Objects {
	next := &api.Objects{Rollouts: make(map[api.Key]*api.Rollout, len(now.Rollouts))}
	for key, r := range now.Rollouts {
		next.Rollouts[key] = r
		if base == nil {
			continue
		}
		if old := base.Rollouts[key]; old != nil && old.Version() == r.Version() {
			next.Rollouts[key] = old
		}
	}
	return next
}

// isNews reports whether a Result says anything that the last one did not.
func (f *Folder) isNews(r Result) bool {
	return !f.loaded || r.Objects != f.gave || !slices.Equal(r.Findings, f.findings)
}
