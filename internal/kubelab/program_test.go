package kubelab

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestProgramLives: a program can be ended and started again; all lives write one
// log; what it started ends with it.
func TestProgramLives(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "script")
	text := "#!/bin/sh\necho life\nsleep 1000 &\necho $! > " + dir + "/child\nwait\n"
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	p := newProgram("sleeper", dir, script)
	if err := p.failed(); err == nil {
		t.Error("it runs before its start")
	}
	for range 2 {
		if err := p.start(); err != nil {
			t.Fatal(err)
		}
		if p.start() == nil {
			t.Error("it started twice")
		}
		child := awaitChild(t, filepath.Join(dir, "child"))
		if err := p.kill(); err != nil {
			t.Fatal(err)
		}
		if err := p.failed(); err == nil || !strings.Contains(err.Error(), "sleeper ended: signal: killed") {
			t.Errorf("its end is %v", err)
		}
		awaitEnd(t, child)
	}
	if err := p.kill(); err != nil {
		t.Errorf("to end it twice: %v", err)
	}
	if got := p.tail(); got != "life\nlife\n" {
		t.Errorf("the log is %q", got)
	}
}

// awaitChild gives the process id in a file, and removes that.
func awaitChild(t *testing.T, file string) (pid int) {
	t.Helper()
	for t.Context().Err() == nil {
		text, err := os.ReadFile(file)
		if err == nil && strings.HasSuffix(string(text), "\n") {
			_ = os.Remove(file)
			if pid, err = strconv.Atoi(strings.TrimSpace(string(text))); err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
	return 0
}

// awaitEnd waits until a process is gone, or is only waited for.
func awaitEnd(t *testing.T, pid int) {
	t.Helper()
	for syscall.Kill(pid, 0) == nil {
		if stat, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat")); strings.Contains(string(stat), ") Z ") {
			return
		}
	}
}
