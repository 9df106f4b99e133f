package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// defaultPatience is how long Stop lets an Envoy end by itself.
const defaultPatience = 5 * time.Second

// EnvoyOptions says how to run an Envoy.
type EnvoyOptions struct {
	// Name names the files of this Envoy in Dir, and it in errors.
	Name string
	// Dir is where the bootstrap and the log are written.
	Dir string
	// Bootstrap is Envoy's configuration, YAML or JSON.
	Bootstrap []byte
	// Admin is the host and port of the admin listener that Bootstrap asks
	// for; without one, only the process can be watched.
	Admin string
	// Path is the binary; empty: the one that FindEnvoy finds.
	Path string
	// Concurrency is the number of worker threads; 0 means 2.
	Concurrency int
	// LogLevel is Envoy's; empty means warning.
	LogLevel string
}

// Envoy is one Envoy process that can be stopped and started again.
type Envoy struct {
	options  EnvoyOptions
	client   admin
	patience time.Duration // of Stop

	mu   sync.Mutex // guards proc
	proc *process   // the last one started; nil before the first
}

// process is one life of an Envoy.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // how it ended; read after done
}

// StartEnvoy starts an Envoy. It returns when the process runs, which is before
// it listens: Ready waits for that.
func StartEnvoy(o EnvoyOptions) (*Envoy, error) {
	if o.Path == "" {
		path, err := FindEnvoy()
		if err != nil {
			return nil, err
		}
		o.Path = path
	}
	if o.Concurrency == 0 {
		o.Concurrency = 2
	}
	if o.LogLevel == "" {
		o.LogLevel = "warning"
	}
	e := &Envoy{options: o, client: newAdmin(o.Admin), patience: defaultPatience}
	if err := os.WriteFile(e.bootstrapPath(), o.Bootstrap, 0o600); err != nil {
		return nil, fmt.Errorf("writing the bootstrap of Envoy %q: %w", o.Name, err)
	}
	return e, e.Start()
}

// Name gives the Envoy's name.
func (e *Envoy) Name() string { return e.options.Name }

// LogPath gives the file that the Envoy logs to, through all its lives.
func (e *Envoy) LogPath() string { return filepath.Join(e.options.Dir, e.options.Name+".log") }

func (e *Envoy) bootstrapPath() string { return filepath.Join(e.options.Dir, e.options.Name+".yaml") }

// Start starts an Envoy that has ended. One that runs is an error.
func (e *Envoy) Start() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.proc != nil && e.proc.running() {
		return fmt.Errorf("starting Envoy %q: it runs", e.options.Name)
	}
	log, err := os.OpenFile(e.LogPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("opening the log of Envoy %q: %w", e.options.Name, err)
	}
	defer func() { _ = log.Close() }() // the process has a copy of its own
	cmd := exec.Command(e.options.Path, e.arguments()...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = childAttributes()
	p := &process{cmd: cmd, done: make(chan struct{})}
	if err := p.start(); err != nil {
		return fmt.Errorf("starting Envoy %q: %w", e.options.Name, err)
	}
	e.proc = p
	return nil
}

// arguments gives the command line. Hot restart is left out: it needs shared
// memory under an id of its own, which an Envoy that is killed leaves behind.
func (e *Envoy) arguments() []string {
	return []string{
		"--config-path", e.bootstrapPath(),
		"--concurrency", strconv.Itoa(e.options.Concurrency),
		"--log-level", e.options.LogLevel,
		"--disable-hot-restart",
	}
}

// start begins the life of a process and waits for its end beside. Both happen
// on one thread that is kept: Linux sends the signal of a parent's death when
// the thread that started the child ends, and Go may end an idle thread.
func (p *process) start() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return <-started
}

func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// current gives the last process started.
func (e *Envoy) current() *process {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.proc
}

// Running reports whether the process lives.
func (e *Envoy) Running() bool { return e.current().running() }

// PID gives the process id of the last life.
func (e *Envoy) PID() int { return e.current().cmd.Process.Pid }

// Done gives a channel that is closed when the present life has ended.
func (e *Envoy) Done() <-chan struct{} { return e.current().done }

// Stop asks the Envoy to end (SIGTERM), waits up to five seconds and kills it
// then. To stop one that has ended is no error.
func (e *Envoy) Stop() error {
	p := e.current()
	if err := p.signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stopping Envoy %q: %w", e.options.Name, err)
	}
	timer := time.NewTimer(e.patience)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
		return errors.Join(fmt.Errorf("stopping Envoy %q: it did not end in %s", e.options.Name, e.patience), e.Kill())
	}
}

// Kill ends the Envoy at once (SIGKILL) and waits until it is gone.
func (e *Envoy) Kill() error {
	p := e.current()
	if err := p.signal(syscall.SIGKILL); err != nil {
		return fmt.Errorf("killing Envoy %q: %w", e.options.Name, err)
	}
	<-p.done
	return nil
}

// Restart stops the Envoy and starts it again with the same bootstrap.
func (e *Envoy) Restart() error {
	if err := e.Stop(); err != nil {
		return err
	}
	return e.Start()
}

// Close ends the Envoy and closes the connections to its admin listener.
func (e *Envoy) Close() error {
	defer e.client.close()
	return e.Stop()
}

// signal sends a signal; a process that has ended is no error.
func (p *process) signal(s syscall.Signal) error {
	err := p.cmd.Process.Signal(s)
	if errors.Is(err, os.ErrProcessDone) {
		<-p.done
		return nil
	}
	return err
}

// Ready waits until the Envoy is live, its workers run and at least the given
// number of its listeners is active. It ends early when the process does; the
// error then holds the last lines of the log.
func (e *Envoy) Ready(ctx context.Context, listeners int) error {
	ended := e.Done()
	ticker := time.NewTicker(readyEvery)
	defer ticker.Stop()
	last := errors.New("it was not asked")
	for {
		err := e.client.ready(ctx, listeners)
		if err == nil {
			return nil
		}
		if ctx.Err() == nil { // else the error only says that time is up
			last = err
		}
		select {
		case <-ticker.C:
		case <-ended:
			return fmt.Errorf("waiting for Envoy %q: it ended; its log says: %s", e.options.Name, e.LogTail())
		case <-ctx.Done():
			return fmt.Errorf("waiting for Envoy %q: %w: %w; its log says: %s",
				e.options.Name, ctx.Err(), last, e.LogTail())
		}
	}
}
