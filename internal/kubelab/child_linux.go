package kubelab

import "syscall"

// childAttributes makes a child end with us, whatever ends us, and gives it a
// process group of its own, which keeps the terminal's Ctrl-C from it.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// killGroup ends a child and what it started.
func killGroup(pid int) error { return syscall.Kill(-pid, syscall.SIGKILL) }
