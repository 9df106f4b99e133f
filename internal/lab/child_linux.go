package lab

import "syscall"

// childAttributes makes a child end with us, whatever ends us, and keeps the
// terminal's Ctrl-C from it: we end it ourselves, in order.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
