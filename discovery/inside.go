package discovery

import (
	"os"
	"path/filepath"
	"strings"
)

// Inside reports whether other is dir itself or below it, links followed. Parts
// of other that do not exist yet count by their names. A data folder inside the
// config folder would make each write of Serin's a change of its own input.
func Inside(dir, other string) bool {
	rel, err := filepath.Rel(resolve(dir), resolve(other))
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(os.PathSeparator))
}

// resolve gives an absolute path without links, as far as the path exists.
func resolve(name string) string {
	abs := absolute(name)
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		return real
	}
	parent := filepath.Dir(abs)
	if parent == abs {
		return abs
	}
	return filepath.Join(resolve(parent), filepath.Base(abs))
}

// absolute gives an absolute path, or the path as it is where there is no
// working folder to start from.
func absolute(name string) string {
	if abs, err := filepath.Abs(name); err == nil {
		return abs
	}
	return filepath.Clean(name)
}
