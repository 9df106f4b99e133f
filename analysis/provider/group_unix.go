//go:build unix

package provider

import (
	"os/exec"
	"syscall"
)

// asGroup makes a command and its children end together.
func asGroup(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
}
