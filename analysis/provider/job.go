package provider

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/serin-mesh/serin/analysis/run"
	"github.com/serin-mesh/serin/api"
)

const (
	defaultJobTimeout = 10 * time.Minute
	// killWait is how long a command that was ended may hold on to its output.
	killWait = 2 * time.Second
	// keptOutput is how much of a command's output is kept, in bytes.
	keptOutput = 4000
)

// Jobs runs jobs in a cluster.
type Jobs interface {
	// RunJob runs a Job to its end and reports whether it succeeded, with what
	// there is to say about it. The error is that it could not be run.
	RunJob(ctx context.Context, m *api.JobMetric, about Subject) (ok bool, message string, err error)
}

// errNoCommands says that nobody allowed commands.
var errNoCommands = errors.New("it is a command, and commands are not allowed to run here")

// job runs something to its end: its success is the measurement's.
type job struct {
	cluster  Jobs
	commands bool
	timeout  time.Duration
}

// measure runs a job. One that is not over in time has failed, as a Job with a
// deadline has.
func (j *job) measure(ctx context.Context, m api.Metric, s Subject) (run.Value, error) {
	q := m.Provider.Job
	limited, cancel := context.WithTimeout(ctx, j.timeout)
	defer cancel()
	var ok bool
	var message string
	var err error
	switch {
	case j.cluster != nil && len(q.Spec) > 0:
		ok, message, err = j.cluster.RunJob(limited, q, s)
	case len(q.Command) == 0:
		err = errors.New("it has no command, and there is no cluster to run its Job in")
	case !j.commands:
		err = errNoCommands
	default:
		ok, message, err = command(limited, q.Command, s)
	}
	if ctx.Err() != nil {
		return run.Value{}, ctx.Err()
	}
	if limited.Err() != nil {
		ok, err = false, nil
		message = strings.TrimSpace(fmt.Sprintf("not over after %v %s", j.timeout, message))
	}
	if err != nil {
		return run.Value{}, err
	}
	v := run.Value{Result: ok, Phase: api.AnalysisFailed, Message: message}
	if ok {
		v.Phase = api.AnalysisSuccessful
	}
	return v, nil
}

// command runs a command. Its arguments may hold secrets, so no message has
// them; it gets few variables, for Serin's may be secret too.
func command(ctx context.Context, words []string, s Subject) (ok bool, message string, err error) {
	var out tail
	c := exec.CommandContext(ctx, words[0], words[1:]...)
	c.Stdout, c.Stderr = &out, &out
	c.WaitDelay = killWait
	c.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"),
		"SERIN_ROLLOUT=" + s.Rollout.Name, "SERIN_NAMESPACE=" + s.Rollout.Namespace, "SERIN_RUN=" + s.Run,
	}
	asGroup(c)
	err = c.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return true, out.String(), nil
	case errors.As(err, &exit):
		return false, strings.TrimSpace(exit.String() + ": " + out.String()), nil
	case errors.Is(err, exec.ErrWaitDelay):
		// It ended well, and left behind a child that holds its output.
		return true, out.String(), nil
	}
	return false, out.String(), fmt.Errorf("running %s: %w", filepath.Base(words[0]), err)
}

// tail keeps the last lines that are written to it. Safe for concurrent use.
type tail struct {
	mu   sync.Mutex // guards the rest
	text []byte
	cut  bool
}

// Write keeps the end. Source: io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if more := len(t.text) - keptOutput; more > 0 {
		t.text = append(t.text[:0], t.text[more:]...)
		t.cut = true
	}
	return len(p), nil
}

// String gives whole lines, as valid text: in a part of a line the part of a
// secret would not be known for one.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := string(t.text)
	if t.cut {
		_, text, _ = strings.Cut(text, "\n")
	}
	return strings.TrimSpace(strings.ToValidUTF8(text, "?"))
}
