// Serin is the program: the server, and the commands that talk to it.
//
// Each command is one file and only wires parts together. What they share:
//
//   - root.go: the tree of commands, exit codes, messages
//   - client.go, events.go: the HTTP API from the other side
//   - output.go, table.go: the forms of -o
//   - view.go, step.go, evidence.go: one Rollout as text
//   - serve.go: the server, also for use within another command
//
// Data goes to stdout and messages to stderr. The program exits with 0 when it
// did what was asked, 1 on bad usage and failed I/O, and 2 when an action does
// not apply or a validation found errors.
package main
