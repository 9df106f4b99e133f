package provider

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/serin-mesh/serin/analysis/run"
	"github.com/serin-mesh/serin/api"
)

// jobMetric makes a metric that runs a line of shell.
func jobMetric(line string) api.Metric {
	return api.Metric{Name: "m", Provider: api.MetricProvider{Job: &api.JobMetric{Command: []string{"/bin/sh", "-c", line}}}}
}

func TestCommands(t *testing.T) {
	tests := []struct {
		name, line string
		phase      api.AnalysisPhase
		message    string
		err        string
	}{
		{"success", "echo fine", api.AnalysisSuccessful, "fine", ""},
		{"failure", "echo bad >&2; exit 3", api.AnalysisFailed, "exit status 3: bad", ""},
		{"silent failure", "exit 1", api.AnalysisFailed, "exit status 1:", ""},
		{"a signal", "kill -9 $$", api.AnalysisFailed, "signal: killed:", ""},
		{"what it is told", `echo "$SERIN_NAMESPACE/$SERIN_ROLLOUT $SERIN_RUN $SERIN_TOKEN."`, api.AnalysisSuccessful, "ns/shop run-1 .", ""},
		{"binary output", `printf 'a\377b'`, api.AnalysisSuccessful, "a?b", ""},
	}
	t.Setenv("SERIN_TOKEN", "secret")
	about := Subject{Rollout: api.Key{Namespace: "ns", Name: "shop"}, Run: "run-1"}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, err := newTestSet(t, Options{Commands: true}).Measure(t.Context(), jobMetric(tt.line), about)
			if !says(err, tt.err) || v.Phase != tt.phase || v.Message != tt.message {
				t.Errorf("got %+v, %v; want %s, %q", v, err, tt.phase, tt.message)
			}
		})
	}
}

func TestCommandsAreOff(t *testing.T) {
	if _, err := newTestSet(t, Options{}).Measure(t.Context(), jobMetric("exit 0"), Subject{}); !errors.Is(err, errNoCommands) {
		t.Errorf("got %v, want a refusal", err)
	}
}

// No message tells the arguments, which may be secret.
func TestCommandsThatCannotStart(t *testing.T) {
	m := jobMetric("")
	m.Provider.Job.Command = []string{"/nowhere/at-all", "--password=secret"}
	_, err := newTestSet(t, Options{Commands: true}).Measure(t.Context(), m, Subject{})
	if !says(err, "running at-all: ") || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
	m.Provider.Job.Command = nil
	if _, err := newTestSet(t, Options{Commands: true}).Measure(t.Context(), m, Subject{}); !says(err, "it has no command, and there is no cluster") {
		t.Errorf("got %v", err)
	}
}

// A command that takes too long has failed, and its children end with it.
func TestCommandTimeout(t *testing.T) {
	file := t.TempDir() + "/pid"
	set := newTestSet(t, Options{Commands: true, JobTimeout: 300 * time.Millisecond})
	begin := time.Now()
	v, err := set.Measure(t.Context(), jobMetric("echo begun; sleep 60 & echo $! > "+file+"; wait"), Subject{})
	if err != nil || v.Phase != api.AnalysisFailed || !strings.HasPrefix(v.Message, "not over after 300ms") || !strings.HasSuffix(v.Message, "begun") {
		t.Errorf("got %+v, %v", v, err)
	}
	if took := time.Since(begin); took > killWait {
		t.Errorf("it took %v: its child held it", took)
	}
	pid, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for tick := time.NewTicker(5 * time.Millisecond); lives(strings.TrimSpace(string(pid))); {
		select {
		case <-ctx.Done():
			tick.Stop()
			t.Fatal("its child lives")
		case <-tick.C:
		}
	}
}

// lives says whether a process runs, on Linux.
func lives(pid string) bool {
	status, err := os.ReadFile("/proc/" + pid + "/status")
	return err == nil && !strings.Contains(string(status), "State:\tZ") && !strings.Contains(string(status), "State:\tX")
}

func TestCommandOfARunThatEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := newTestSet(t, Options{Commands: true}).Measure(ctx, jobMetric("sleep 60"), Subject{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the end of the context", err)
	}
}

// Of much output the end is kept, in whole lines.
func TestCommandOutput(t *testing.T) {
	r := newTestSet(t, Options{Commands: true}).Take(t.Context(), run.Task{Metric: jobMetric("for i in $(seq 5000); do echo line-$i; done")}, nil, noSecrets, Subject{})
	if r.Phase != api.AnalysisSuccessful || !strings.HasSuffix(r.Message, "line-4999\nline-5000") || !strings.HasPrefix(r.Message, "line-") || len(r.Message) > 1100 {
		t.Errorf("message %q", r.Message)
	}
	var end tail
	fmt.Fprint(&end, strings.Repeat("x", 2*keptOutput))
	if got := end.String(); got != "" {
		t.Errorf("of one long line %d bytes are kept, want none", len(got))
	}
}

// jobsDouble is a cluster.
type jobsDouble struct {
	ok  bool
	err error
}

func (j jobsDouble) RunJob(ctx context.Context, m *api.JobMetric, about Subject) (bool, string, error) {
	if string(m.Spec) == `"hang"` {
		<-ctx.Done()
		return false, "", ctx.Err()
	}
	return j.ok, fmt.Sprintf("%s number %d", m.Spec, about.Number), j.err
}

func TestJobsInACluster(t *testing.T) {
	tests := []struct {
		name, spec string
		jobs       jobsDouble
		phase      api.AnalysisPhase
		message    string
	}{
		{"success", `{}`, jobsDouble{ok: true}, api.AnalysisSuccessful, "{} number 3"},
		{"failure", `{}`, jobsDouble{}, api.AnalysisFailed, "{} number 3"},
		{"an error", `{}`, jobsDouble{err: errors.New("forbidden")}, api.AnalysisError, `measuring "m" by job: forbidden`},
		{"without end", `"hang"`, jobsDouble{}, api.AnalysisFailed, "not over after 100ms"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := jobMetric("exit 1") // not run: the spec comes first where there is a cluster
			m.Provider.Job.Spec = []byte(tt.spec)
			set := newTestSet(t, Options{Jobs: tt.jobs, Commands: true, JobTimeout: 100 * time.Millisecond})
			r := set.Take(t.Context(), run.Task{Metric: m, Number: 3}, nil, noSecrets, Subject{})
			if r.Phase != tt.phase || r.Message != tt.message {
				t.Errorf("got %s, %q; want %s, %q", r.Phase, r.Message, tt.phase, tt.message)
			}
		})
	}
}
