package e2e_test

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"unsafe"
)

// limitSize bounds how large a file a running process may make. It is the one
// way to fill a disk that needs neither a disk nor the right to mount one: the
// system refuses the write as it would on a full disk, with another number.
func limitSize(t *testing.T, pid int, bytes uint64) {
	t.Helper()
	const infinite = ^uint64(0)
	limit := syscall.Rlimit{Cur: bytes, Max: infinite}
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(pid), syscall.RLIMIT_FSIZE,
		uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	if errno != 0 {
		t.Fatalf("bounding the files of process %d: %v", pid, errno)
	}
}

// full fills the disk of a process, or makes room again.
func full(t *testing.T, pid int, yes bool) {
	t.Helper()
	if yes {
		limitSize(t, pid, 0)
	} else {
		limitSize(t, pid, ^uint64(0))
	}
}

// noGrowth leaves a process the room that a file has now, and a little more.
func noGrowth(t *testing.T, pid int, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	limitSize(t, pid, 2*uint64(info.Size()))
}

// nobody is a user that may write nothing of ours.
const nobody = 65534

// unprivileged has a process run as a user who is bound by permissions.
func unprivileged(cmd *exec.Cmd) {
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
}
