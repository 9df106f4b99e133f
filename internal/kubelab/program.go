package kubelab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
)

// logTailBytes is how much of a log an error tells.
const logTailBytes = 2000

// program is a process of the cluster that can be ended and started again with
// the same arguments.
type program struct {
	name string
	path string
	args []string
	log  string // the file of all its lives

	mu   sync.Mutex // guards life
	life *life      // the last one; nil before the first
}

// life is a process from its start to its end.
type life struct {
	pid  int
	done chan struct{} // closed when it has ended
	err  error         // how it ended; read after done
}

func newProgram(name, dir, path string, args ...string) *program {
	return &program{name: name, path: path, args: args, log: filepath.Join(dir, name+".log")}
}

// start begins a life; one that runs already is an error.
func (p *program) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.life != nil && !p.life.ended() {
		return fmt.Errorf("starting %s: it runs", p.name)
	}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("opening the log of %s: %w", p.name, err)
	}
	defer func() { _ = log.Close() }() // the process has a copy of its own
	cmd := exec.Command(p.path, p.args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = childAttributes()
	if p.life, err = begin(cmd); err != nil {
		return fmt.Errorf("starting %s: %w", p.name, err)
	}
	return nil
}

// begin starts a process and waits for its end beside. Both happen on one thread
// that is kept: Linux sends the signal of a parent's death when the thread that
// started the child ends, and Go may end an idle thread.
func begin(cmd *exec.Cmd) (*life, error) {
	l := &life{done: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			l.pid = cmd.Process.Pid
		}
		started <- err
		if err != nil {
			return
		}
		l.err = cmd.Wait()
		close(l.done)
	}()
	return l, <-started
}

func (l *life) ended() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// current gives the last life, nil before the first.
func (p *program) current() *life {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.life
}

// kill ends the process at once, with what it started, and waits until it is
// gone. What does not run is no error.
func (p *program) kill() error {
	l := p.current()
	if l == nil || l.ended() {
		return nil
	}
	err := killGroup(l.pid)
	if err != nil && !l.ended() {
		return fmt.Errorf("ending %s: %w", p.name, err)
	}
	<-l.done
	return nil
}

// failed says how the present life ended; nil while it goes on.
func (p *program) failed() error {
	l := p.current()
	if l == nil {
		return fmt.Errorf("%s was not started", p.name)
	}
	if !l.ended() {
		return nil
	}
	return fmt.Errorf("%s ended: %w", p.name, errors.Join(l.err, errEnded))
}

// errEnded says that a process has ended that was to run.
var errEnded = errors.New("it was to go on")

// tail gives the end of the log.
func (p *program) tail() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-logTailBytes):])
}
