//go:build !linux

package lab

import "syscall"

// childAttributes has nothing to ask for where a parent's death is not told.
func childAttributes() *syscall.SysProcAttr { return nil }
