package lab

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sync"
)

// Folder is a configuration folder that is written while a control plane
// watches it. Each object set has a file of its own, which is replaced as a
// whole: no reader ever sees half of one.
type Folder struct {
	dir string

	mu   sync.Mutex // guards apps
	apps map[string]App
}

// NewFolder makes the folder, if it is not there.
func NewFolder(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the configuration folder: %w", err)
	}
	return &Folder{dir: dir, apps: map[string]App{}}, nil
}

// Dir gives the path of the folder.
func (f *Folder) Dir() string { return f.dir }

// Put writes a file of the folder, any text. The temporary file that it goes
// through has a name that begins with a dot, which no reader takes.
func (f *Folder) Put(name, text string) error {
	temporary, err := os.CreateTemp(f.dir, ".new-*")
	if err != nil {
		return fmt.Errorf("writing %q: %w", name, err)
	}
	defer func() { _ = os.Remove(temporary.Name()) }() // gone already when all went well
	if _, err := temporary.WriteString(text); err != nil {
		_ = temporary.Close()
		return fmt.Errorf("writing %q: %w", name, err)
	}
	if err := temporary.Close(); err != nil {
		return fmt.Errorf("writing %q: %w", name, err)
	}
	if err := os.Rename(temporary.Name(), filepath.Join(f.dir, name)); err != nil {
		return fmt.Errorf("writing %q: %w", name, err)
	}
	return nil
}

// Remove takes a file out of the folder.
func (f *Folder) Remove(name string) error {
	if err := os.Remove(filepath.Join(f.dir, name)); err != nil {
		return fmt.Errorf("removing %q: %w", name, err)
	}
	return nil
}

// PutGateway writes a Gateway with one HTTP listener, as gateway-NAME.yaml.
func (f *Folder) PutGateway(name string, port int) error {
	text, err := execute(gatewayTemplate, struct {
		Name string
		Port int
	}{name, port})
	if err != nil {
		return fmt.Errorf("writing Gateway %q: %w", name, err)
	}
	return f.Put("gateway-"+name+".yaml", text)
}

// PutApp writes the objects of an application, as NAME.yaml. They are in one
// file, so that a route is never seen without its Service.
func (f *Folder) PutApp(a App) error {
	text, err := a.YAML()
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.Put(a.Name+".yaml", text); err != nil {
		return err
	}
	f.apps[a.Name] = a
	return nil
}

// SetVersion writes an application that was put before again, with another
// version wanted: the change that starts a canary.
func (f *Folder) SetVersion(app, version string) error {
	return f.change(app, func(a *App) { a.Version = version })
}

// SetEndpoints writes an application that was put before again, with other
// endpoints of one version; none takes the version's slices away.
func (f *Folder) SetEndpoints(app, version string, addresses ...string) error {
	return f.change(app, func(a *App) {
		versions := map[string][]string{version: nil}
		maps.Copy(versions, a.Versions) // the caller's map stays as it is
		versions[version] = addresses
		a.Versions = versions
	})
}

func (f *Folder) change(name string, edit func(*App)) error {
	f.mu.Lock()
	a, ok := f.apps[name]
	f.mu.Unlock()
	if !ok {
		return fmt.Errorf("changing application %q: it was never put", name)
	}
	edit(&a)
	return f.PutApp(a)
}
