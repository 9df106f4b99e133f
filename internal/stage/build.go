package stage

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Main builds Serin with the race detector, says where it is, and runs the tests of a
// package. It gives the exit code for TestMain.
func Main(m *testing.M, program *string) int {
	dir, err := os.MkdirTemp("", "serin-test")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	*program = filepath.Join(dir, "serin")
	// With the race detector a program sleeps for a second at its end, unless told
	// otherwise; some tests run dozens of commands.
	if err := os.Setenv("GORACE", strings.TrimSpace(os.Getenv("GORACE")+" atexit_sleep_ms=0")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	build := exec.Command("go", "build", "-race", "-o", *program, "github.com/serin-mesh/serin/cmd/serin")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "building serin:", err)
		return 1
	}
	return m.Run()
}
