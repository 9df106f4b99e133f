package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"serin": main, "kubectl-serin": main})
}

// TestScripts plays testdata/script: each line is typed as a user would.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"code":  scriptCode,
			"ports": scriptPorts,
			"await": scriptAwait,
			"until": scriptUntil,
		},
	})
}

// scriptCode runs `code N COMMAND...`: the command must exit with N. Its output
// is what stdout and stderr then look at.
func scriptCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N COMMAND...")
	}
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if fmt.Sprint(got) != args[0] {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}

// scriptUntil runs `until TEXT COMMAND...`: again and again, until the output
// has the text.
func scriptUntil(ts *testscript.TestScript, _ bool, args []string) {
	again(ts, args[0], func() bool {
		ts.Check(ts.Exec(args[1], args[2:]...))
		return strings.Contains(ts.ReadFile("stdout"), args[0])
	})
}

// again tries until it is done, or for too long.
func again(ts *testscript.TestScript, what string, done func() bool) {
	deadline := time.After(20 * time.Second)
	retry := time.NewTicker(20 * time.Millisecond)
	defer retry.Stop()
	for !done() {
		select {
		case <-retry.C:
		case <-deadline:
			ts.Fatalf("waited in vain for %q", what)
		}
	}
}

// scriptPorts runs `ports NAME...`: each variable becomes a free local address.
func scriptPorts(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		lis, err := net.Listen("tcp", "127.0.0.1:0")
		ts.Check(err)
		ts.Setenv(name, lis.Addr().String())
		ts.Check(lis.Close())
	}
}

// scriptAwait runs `await ADDRESS`: it waits until the server there is ready.
func scriptAwait(ts *testscript.TestScript, _ bool, args []string) {
	again(ts, args[0], func() bool {
		resp, err := http.Get("http://" + args[0] + "/readyz")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// TestCommandsExplainThemselves proves that every command says what it does and
// shows how it is used.
func TestCommandsExplainThemselves(t *testing.T) {
	seen := 0
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, c := range cmd.Commands() {
			walk(c)
		}
		if cmd.Name() == "help" {
			return
		}
		seen++
		if cmd.Short == "" || !strings.Contains(cmd.Example, "serin "+cmd.Name()) && cmd.Name() != "serin" && !strings.Contains(cmd.Example, " "+cmd.Name()) {
			t.Errorf("%s: short %q, example %q", cmd.CommandPath(), cmd.Short, cmd.Example)
		}
		if cmd.Runnable() && cmd.Args == nil && cmd.Name() != "serin" {
			t.Errorf("%s takes any arguments and heeds none", cmd.CommandPath())
		}
	}
	walk(newRootCommand())
	if seen < 15 {
		t.Errorf("only %d commands", seen)
	}
}

// program runs a command line in this process.
func program(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = execute(t.Context(), args, &out, &err)
	return code, out.String(), err.String()
}

// put puts a file in a folder.
func put(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
