package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/serin-mesh/serin/internal/lab"
)

// program is what is measured.
const program = "github.com/serin-mesh/serin/cmd/serin"

// machine is what the benches share: the built program and a place for files.
type machine struct {
	serin  string // path of the program
	envoy  string // path of Envoy
	dir    string // removed at the end
	commit string
	size   int // of the runs: 0 short, 1 usual, 2 full
	made   int // folders given out
}

// newMachine builds the program and finds Envoy.
func newMachine(ctx context.Context, short bool) (*machine, error) {
	envoy, err := lab.FindEnvoy()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "serin-bench")
	if err != nil {
		return nil, fmt.Errorf("making a folder: %w", err)
	}
	m := &machine{envoy: envoy, dir: dir, serin: filepath.Join(dir, "serin"), commit: commit(ctx), size: 1}
	switch {
	case short:
		m.size = 0
	case os.Getenv("FULL") == "1":
		m.size = 2
	}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", m.serin, program)
	if out, err := build.CombinedOutput(); err != nil {
		_ = m.close() // the build's error says more
		return nil, fmt.Errorf("building the program: %w\n%s", err, out)
	}
	return m, nil
}

// commit names what is checked out, with a mark when files differ from it.
func commit(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty", "--abbrev=12").Output()
	if err != nil {
		return "unknown" // a source without its history
	}
	return strings.TrimSpace(string(out))
}

func (m *machine) close() error {
	if err := os.RemoveAll(m.dir); err != nil {
		return fmt.Errorf("removing the bench's files: %w", err)
	}
	return nil
}

// pick chooses a number by how thorough the bench shall be.
func (m *machine) pick(short, usual, full int) int {
	return [...]int{short, usual, full}[m.size]
}

// folder makes a new folder.
func (m *machine) folder() (string, error) {
	m.made++
	dir := filepath.Join(m.dir, fmt.Sprint(m.made))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", fmt.Errorf("making a folder: %w", err)
	}
	return dir, nil
}

// hold waits, or ends with the context.
func hold(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
