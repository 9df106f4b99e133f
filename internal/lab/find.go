package lab

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// EnvoyVariable is the environment variable that names the Envoy to use.
const EnvoyVariable = "SERIN_ENVOY"

// ErrNoEnvoy says that no Envoy was found, and what to do about it.
var ErrNoEnvoy = errors.New("no Envoy found: run `make tools`, put an `envoy` on PATH, or name one in " + EnvoyVariable)

// toolsFolder is where `make tools` installs, in the root of the checkout.
const toolsFolder = ".tools"

// finder holds what FindEnvoy asks of the process, so that tests can answer.
type finder struct {
	getenv   func(string) string
	lookPath func(string) (string, error)
	starts   []string // folders to search upward from
}

// FindEnvoy gives the absolute path of an Envoy binary: the one that
// SERIN_ENVOY names, else the one on PATH, else one below a folder .tools next
// to or above the working directory, or next to or above the running program.
// The search upward ends at the root of a checkout. The error is ErrNoEnvoy, or
// says why what SERIN_ENVOY names cannot be used.
func FindEnvoy() (string, error) {
	f := finder{getenv: os.Getenv, lookPath: exec.LookPath}
	if dir, err := os.Getwd(); err == nil {
		f.starts = append(f.starts, dir)
	}
	if exe, err := os.Executable(); err == nil {
		f.starts = append(f.starts, filepath.Dir(exe))
	}
	return f.find()
}

func (f finder) find() (string, error) {
	if named := f.getenv(EnvoyVariable); named != "" {
		// A wrong name is an error: to use another Envoy silently would
		// measure something that was not asked for.
		path, err := f.lookPath(named)
		if err != nil {
			return "", fmt.Errorf("using the Envoy that %s names: %w", EnvoyVariable, err)
		}
		return filepath.Abs(path)
	}
	if path, err := f.lookPath("envoy"); err == nil {
		return filepath.Abs(path)
	}
	for _, start := range f.starts {
		if path, ok := searchUp(start); ok {
			return filepath.Abs(path)
		}
	}
	return "", ErrNoEnvoy
}

// searchUp looks for .tools in a folder and those above it, up to the root of
// the checkout.
func searchUp(dir string) (string, bool) {
	for {
		if path, ok := searchTools(filepath.Join(dir, toolsFolder)); ok {
			return path, true
		}
		up := filepath.Dir(dir)
		if up == dir || isRoot(dir) {
			return "", false
		}
		dir = up
	}
}

// isRoot reports whether dir is the root of a Go module or of a checkout.
func isRoot(dir string) bool {
	for _, name := range []string{"go.mod", ".git"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// searchTools gives the first Envoy binary below a folder, in lexical order.
func searchTools(tools string) (path string, ok bool) {
	// What cannot be read holds no Envoy for us; the caller says none was found.
	_ = filepath.WalkDir(tools, func(at string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() != "envoy" || !isBinary(at) {
			return nil
		}
		path, ok = at, true
		return fs.SkipAll
	})
	return path, ok
}

// isBinary reports whether a file is an executable and no script: Python's
// installer puts a script of the same name beside the binary, which does not
// run outside its own environment.
func isBinary(path string) bool {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0 {
		return false
	}
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }()
	start := make([]byte, 2)
	n, _ := file.Read(start)
	return !bytes.HasPrefix(start[:n], []byte("#!"))
}
