package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// The exit codes.
const (
	exitOK      = 0
	exitFailed  = 1 // usage or I/O
	exitRefused = 2 // does not apply, has errors, or ended otherwise
	exitTimeout = 3 // the time was over
	exitPerson  = 4 // waits for a person
)

// exitError is an error that asks for an exit code of its own.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// commands make the commands, in the order of the help.
var commands = []func() *cobra.Command{
	newDemoCommand,
	newServeCommand,
	newBootstrapCommand,
	newGetCommand,
	newPromoteCommand,
	newPauseCommand,
	newResumeCommand,
	newAbortCommand,
	newRetryCommand,
	newRollbackCommand,
	newFreezeCommand,
	newUnfreezeCommand,
	newWaitCommand,
	newExplainCommand,
	newHistoryCommand,
	newFleetCommand,
	newValidateCommand,
	newTranslateCommand,
	newSimulateCommand,
	newJudgeCommand,
	newSchemaCommand,
	newVersionCommand,
}

// What the program is called: by itself, and by kubectl, which runs a file named
// kubectl-serin for `kubectl serin`.
const (
	programName = "serin"
	pluginName  = "kubectl serin"
	pluginFile  = "kubectl-serin"
)

// calledAs gives the name that a user typed, from the path of the program.
func calledAs(path string) string {
	if strings.TrimSuffix(filepath.Base(path), ".exe") == pluginFile {
		return pluginName
	}
	return programName
}

// rename has the help of all commands show another name of the program.
func rename(root *cobra.Command, name string) {
	if name == programName {
		return
	}
	root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: name}
	var all func(*cobra.Command)
	all = func(cmd *cobra.Command) {
		lines := strings.Split(cmd.Example, "\n")
		for i, line := range lines {
			if rest, found := strings.CutPrefix(line, "  "+programName+" "); found {
				lines[i] = "  " + name + " " + rest
			}
		}
		cmd.Example = strings.Join(lines, "\n")
		for _, sub := range cmd.Commands() {
			all(sub)
		}
	}
	all(root)
}

// newRootCommand makes the tree of commands.
func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "serin",
		Short: "A canary-rollout control plane for Envoy",
		Long: "Serin rolls a new version out behind Envoy: it sends Envoy the weights, sees every\n" +
			"response, and takes a bad version out in milliseconds.",
		Example: "  serin serve --config ./objects\n" +
			"  serin bootstrap --gateway edge --node-id edge-1 > envoy.yaml\n" +
			"  serin get rollouts",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	cobra.EnableCommandSorting = false
	for _, command := range commands {
		root.AddCommand(command())
	}
	return root
}

// execute runs a command line and gives the exit code.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return executeAs(ctx, programName, args, stdout, stderr)
}

// executeAs runs a command line of the program under a name that the help shows.
func executeAs(ctx context.Context, name string, args []string, stdout, stderr io.Writer) int {
	root := newRootCommand()
	rename(root, name)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(stderr, "serin: %s\n", err)
	var exit *exitError
	if errors.As(err, &exit) {
		return exit.code
	}
	return exitFailed
}

// group refuses a command that only holds others when none of them was named.
func group(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unknown command %q; %s --help lists what there is", args[0], cmd.CommandPath())
	}
	return cmd.Help()
}
