//go:build !linux

package kubelab

import (
	"os"
	"syscall"
)

// childAttributes has nothing to ask for where a parent's death is not told.
func childAttributes() *syscall.SysProcAttr { return nil }

// killGroup ends a child.
func killGroup(pid int) error {
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	return p.Kill()
}
