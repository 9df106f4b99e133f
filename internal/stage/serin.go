package stage

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience bounds how long a server may take to end when it is told to.
const patience = 20 * time.Second

// Serin is one process of the program.
type Serin struct {
	cmd  *exec.Cmd
	out  *Output
	done chan struct{} // closed when it has ended
	err  error         // how it ended; read after done

	known bool // the test knows that it ended
}

// Start starts the program; what it prints is added to an output. At the end of the
// test it is told to end, if it runs then, and checked.
func Start(t *testing.T, program string, out *Output, args ...string) *Serin {
	t.Helper()
	s := &Serin{cmd: exec.Command(program, args...), out: out, done: make(chan struct{})}
	s.cmd.Stdout, s.cmd.Stderr = out, out
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { defer close(s.done); s.err = s.cmd.Wait() }()
	t.Cleanup(func() {
		known := s.known
		if err := s.End(syscall.SIGTERM); err != nil && !known {
			t.Errorf("serin ended: %v", err)
		}
		if strings.Contains(out.String(), "DATA RACE") {
			t.Error("serin has a data race")
		}
		if t.Failed() && out.first() {
			t.Logf("serin said:\n%s", out)
		}
	})
	return s
}

// errSlow says that a server had to be killed.
var errSlow = errors.New("it did not end in time, and was killed")

// End ends the process by a signal, waits until it is gone, and says how it ended.
// One that has ended is no error.
func (s *Serin) End(by os.Signal) error {
	s.known = true
	_ = s.cmd.Process.Signal(by) // it may be gone
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-s.done:
		return s.err
	case <-timer.C:
		_ = s.cmd.Process.Kill()
		<-s.done
		return errSlow
	}
}

// Ended gives a channel that is closed when the process has ended. Whoever asks knows
// that it may end by itself.
func (s *Serin) Ended() <-chan struct{} {
	s.known = true
	return s.done
}

// Err says how the process ended; it has.
func (s *Serin) Err() error {
	<-s.done
	return s.err
}

// PID gives the process id.
func (s *Serin) PID() int { return s.cmd.Process.Pid }

// Ready tells whether a server is ready, by the address of its HTTP API.
func Ready(address string) bool {
	resp, err := http.Get("http://" + address + "/readyz")
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}
