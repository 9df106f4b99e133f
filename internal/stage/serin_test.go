package stage_test

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/serin-mesh/serin/internal/stage"
)

// script starts a shell in place of the program, and waits until it has begun.
func script(t *testing.T, text string) (*stage.Serin, *stage.Output) {
	t.Helper()
	out := &stage.Output{}
	s := stage.Start(t, "/bin/sh", out, "-c", text)
	for !strings.Contains(out.String(), "begun") {
		select {
		case <-s.Ended():
			return s, out // what it said is there by now
		case <-time.After(time.Millisecond):
		}
	}
	return s, out
}

// TestEnd: a process ends as it is told to, and says how.
func TestEnd(t *testing.T) {
	const waits = "trap 'echo over; exit 0' TERM; echo begun; while :; do sleep 0.01; done"
	s, out := script(t, waits)
	if err := syscall.Kill(s.PID(), 0); err != nil {
		t.Errorf("it does not run: %v", err)
	}
	for range 2 {
		if err := s.End(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
	}
	if !strings.Contains(out.String(), "over") {
		t.Errorf("it said %s", out)
	}
	s, _ = script(t, waits)
	if err := s.End(os.Kill); err == nil {
		t.Error("a kill was no error")
	}
	s, _ = script(t, "echo begun; exit 3")
	if <-s.Ended(); s.Err() == nil {
		t.Error("an exit with 3 was no error")
	}
}
